//! From a request to a running environment.

use std::os::fd::AsFd;

use super::events::Number;
use super::jail::{Duty, Start, complete_variables, extension_variables};
use super::network::Listeners;
use super::pool::root_key;
use super::protocol::{Command, Order, Refusal, Report, Runtime, Variables};
use super::supervisor::Supervisor;
use runtimes::{BOOTSTRAP_MJS_FILE, BOOTSTRAP_PY_FILE, NODE_OPTIONS, PYTHON_OPTIONS};

use crate::cgroup::Limits;
use crate::fault::{Fault, Step};
use crate::spec::{EnvironmentSpec, Program};

const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";

impl Supervisor {
    /// Starts an environment, out of a pool if there is something for it.
    pub(super) fn start(&mut self, id: u64, spec: EnvironmentSpec) {
        let start = Box::new(Start { id, spec, pooled: false });
        let (root, tmp_mb) = (root_key(&start.spec), start.spec.tmp_mb);
        match self.start_jail(&root, tmp_mb, Duty::Become(start)) {
            Ok(number) => self.register(id, number),
            Err(fault) => {
                let refusal = Refusal::Failed(fault.to_string());
                self.report(&Report::Refused { id, refusal }, &[]);
            }
        }
    }

    /// Fills the pools for environments like this.
    pub(super) fn expect(&mut self, _spec: &EnvironmentSpec) {}

    /// A jail's init has its root and its user namespace: gives it its user, opens its listeners, and lets it begin
    /// if it is wanted already.
    pub(super) fn admit(&mut self, number: Number) -> Result<(), Fault> {
        let Some(jail) = self.jails.get_mut(&number) else { return Ok(()) };
        jail.map_user()?;
        jail.control.send(&Order::Mapped, &[]).step("let a jail go on")?;
        let listeners = Listeners::open(jail.root.network, &jail.pidfd, &self.workshop.home_network);
        jail.listeners = Some(listeners.step("listen in a jail")?);
        if matches!(jail.duty, Duty::Become(_)) { self.begin(number) } else { Ok(()) }
    }

    /// A jail's init has no rights any more and takes orders.
    pub(super) fn confirm(&mut self, number: Number) {
        let Some(jail) = self.jails.get_mut(&number) else { return };
        jail.confined = true;
        if matches!(jail.duty, Duty::Trial) {
            self.end_jail(number);
            let facts = self.workshop.facts();
            self.report(&Report::Ready(facts), &[]);
        }
    }

    /// Makes an empty jail the environment that it is to become.
    fn begin(&mut self, number: Number) -> Result<(), Fault> {
        let Some(jail) = self.jails.get_mut(&number) else { return Ok(()) };
        let Duty::Become(start) = std::mem::replace(&mut jail.duty, Duty::Wait) else { return Ok(()) };
        jail.duty = Duty::Serve { id: start.id, reported: false };
        let root = self.workshop.root(&jail.root)?;
        if let Some(group) = &jail.group {
            let limits = Limits::of_memory(start.spec.memory_mb);
            group.limit_memory(&limits).step("limit memory")?;
            group.limit_cpu(&limits).step("limit CPU time")?;
        }
        jail.mount_code(&start.spec, &root.path.join("var/empty"), &self.workshop.home_mounts)?;
        let Some(listeners) = &jail.listeners else { return Ok(()) };
        let variables = complete_variables(&start.spec.variables, listeners);
        let has_layers = !start.spec.layer_dirs.is_empty();
        let extensions = has_layers.then(|| extension_variables(&variables));
        let interpreter =
            root.interpreter.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        let runtime = match &start.spec.program {
            Program::Bootstrap => Runtime::Bootstrap(variables),
            Program::Python { .. } => exec(interpreter, PYTHON_OPTIONS, BOOTSTRAP_PY_FILE, variables),
            Program::Node { .. } => exec(interpreter, NODE_OPTIONS, BOOTSTRAP_MJS_FILE, variables),
        };
        jail.output_entrance = None;
        jail.control.send(&Order::Begin { extensions, runtime }, &[]).step("begin")
    }

    pub(super) fn report_started(&mut self, number: Number, extensions: Vec<String>) {
        let Some(jail) = self.jails.get_mut(&number) else { return };
        let Duty::Serve { id, reported } = &mut jail.duty else { return };
        if std::mem::replace(reported, true) {
            return;
        }
        let id = *id;
        let (Some(listeners), Some(output)) = (jail.listeners.take(), jail.output.take()) else { return };
        let mut descriptors = vec![listeners.runtime_api.as_fd(), output.as_fd()];
        descriptors.extend(listeners.endpoint.iter().map(|(endpoint, _)| endpoint.as_fd()));
        let group = jail.group.clone();
        self.report(&Report::Started { id, extensions, pooled: false, group }, &descriptors);
    }

    /// The environment did not start.
    pub(super) fn refuse(&mut self, number: Number, refusal: Refusal) {
        let Some(jail) = self.jails.get_mut(&number) else { return };
        let id = match &mut jail.duty {
            Duty::Become(start) => start.id,
            Duty::Serve { id, reported } => {
                if std::mem::replace(reported, true) {
                    return;
                }
                *id
            }
            _ => return,
        };
        self.report(&Report::Refused { id, refusal }, &[]);
        self.end_jail(number);
    }

    /// Something went wrong in or around a jail.
    pub(super) fn fail_jail(&mut self, number: Number, text: &str) {
        let Some(jail) = self.jails.get(&number) else { return };
        match &jail.duty {
            Duty::Trial => self.report(&Report::Unusable { reason: text.to_owned() }, &[]),
            Duty::Become(_) | Duty::Serve { reported: false, .. } => {
                return self.refuse(number, Refusal::Failed(text.to_owned()));
            }
            Duty::Serve { .. } | Duty::Wait | Duty::WaitPrepared(_) => self.warn(text.to_owned()),
        }
        self.end_jail(number);
    }

    /// A jail is gone before it was what it was to be.
    pub(super) fn forget_duty(&mut self, _jail: &super::jail::Jail) {}
}

/// The interpreter with its bootstrap, through the customer's wrapper if there is one (AWS Lambda developer guide,
/// "Modifying the runtime environment").
fn exec(interpreter: String, options: &[&str], bootstrap: &str, variables: Variables) -> Runtime {
    let mut arguments = vec![interpreter];
    arguments.extend(options.iter().map(|&option| option.to_owned()));
    arguments.push(format!("/var/runtime/{bootstrap}"));
    let wrapper = variables.iter().find(|(name, _)| name == WRAPPER).map(|(_, path)| path.clone());
    let status_when_missing = wrapper.is_some();
    if let Some(wrapper) = wrapper {
        arguments.insert(0, wrapper);
    }
    Runtime::Exec(Command { arguments, variables, status_when_missing })
}
