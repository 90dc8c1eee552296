//! From a request to a running environment.

use std::os::fd::AsFd;
use std::path::Path;

use runtimes::{BOOTSTRAP_MJS_FILE, BOOTSTRAP_PY_FILE, NODE_OPTIONS, PYTHON_OPTIONS};

use super::events::Number;
use super::jail::{Duty, Start, complete_variables, extension_variables};
use super::pool::{PoolKey, root_key};
use super::protocol::{Command, Order, Refusal, Report, Runtime, Variables};
use super::supervisor::Supervisor;
use crate::cgroup::Limits;
use crate::fault::{Fault, Step};
use crate::spec::{EnvironmentSpec, Program};

const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";

impl Supervisor {
    /// Starts an environment, out of a pool if there is something for it.
    pub(super) fn start(&mut self, id: u64, spec: EnvironmentSpec) {
        let key = PoolKey::of(&spec);
        self.note_use(&root_key(&spec), key.as_ref());
        let mut start = Box::new(Start { id, spec, pooled: false, zygote: None });
        if let Some(number) = key.as_ref().and_then(|key| self.pools.take_prepared(key)) {
            start.pooled = true;
            self.assign(number, start);
            return self.try_or_fail(number, Self::bind);
        }
        start.zygote = key.and_then(|key| self.ready_zygote(&key));
        start.pooled = start.zygote.is_some();
        self.start_in_empty(start);
    }

    /// Starts it in an empty jail: one that waits, or a new one.
    fn start_in_empty(&mut self, mut start: Box<Start>) {
        let root = root_key(&start.spec);
        if let Some(number) = self.pools.take_empty(&root) {
            start.pooled = true;
            let zygote = start.zygote;
            self.assign(number, start);
            return self.try_or_fail(number, |launcher, number| match zygote {
                Some(zygote) => launcher.fork_into(zygote, number),
                None => launcher.begin(number),
            });
        }
        let (id, tmp_mb) = (start.id, start.spec.tmp_mb);
        match self.start_jail(&root, tmp_mb, Duty::Become(start)) {
            Ok(number) => self.register(id, number),
            Err(fault) => {
                self.report(&Report::Refused { id, refusal: fault.into() }, &[]);
            }
        }
    }

    fn assign(&mut self, number: Number, start: Box<Start>) {
        self.register(start.id, number);
        if let Some(jail) = self.jails.get_mut(&number) {
            jail.shelved = false;
            jail.duty = Duty::Become(start);
        }
    }

    pub(super) fn try_or_fail(
        &mut self,
        number: Number,
        attempt: impl FnOnce(&mut Self, Number) -> Result<(), Fault>,
    ) {
        if let Err(fault) = attempt(self, number) {
            self.fail_jail(number, fault.into());
        }
    }

    /// Makes an empty jail the environment that it is to become.
    pub(super) fn begin(&mut self, number: Number) -> Result<(), Fault> {
        let Some(start) = self.mount(number)? else { return Ok(()) };
        let Some(jail) = self.jails.get_mut(&number) else { return Ok(()) };
        let Some(listeners) = &jail.listeners else { return Ok(()) };
        let variables = complete_variables(&start.spec.variables, listeners);
        let extensions = has_layers(&start.spec).then(|| extension_variables(&variables));
        let interpreter = self.workshop.root(&jail.root)?.interpreter;
        let interpreter = interpreter.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        let runtime = match &start.spec.program {
            Program::Bootstrap => Runtime::Bootstrap(variables),
            Program::Python { .. } => exec(interpreter, PYTHON_OPTIONS, BOOTSTRAP_PY_FILE, variables),
            Program::Node { .. } => exec(interpreter, NODE_OPTIONS, BOOTSTRAP_MJS_FILE, variables),
        };
        jail.output_entrance = None;
        jail.control.send(&Order::Begin { extensions, runtime }, &[]).step("begin")
    }

    /// Makes a jail with a waiting occupant the environment that it is to become.
    pub(super) fn bind(&mut self, number: Number) -> Result<(), Fault> {
        let Some(start) = self.mount(number)? else { return Ok(()) };
        let Some(jail) = self.jails.get_mut(&number) else { return Ok(()) };
        let (Some(listeners), Some(occupant)) = (&jail.listeners, &mut jail.occupant) else { return Ok(()) };
        let variables = complete_variables(&start.spec.variables, listeners);
        let extensions = has_layers(&start.spec).then(|| extension_variables(&variables));
        let function = function_line(variables);
        let runtime = match occupant.process {
            0 => Runtime::Prepared,
            process => Runtime::Adopted(process),
        };
        let waits_for_extensions = extensions.is_some();
        if waits_for_extensions {
            occupant.function = Some(function);
        } else {
            occupant.control.send_bytes(&function).step("bind the runtime process")?;
        }
        jail.control.send(&Order::Begin { extensions, runtime }, &[]).step("begin")?;
        if !waits_for_extensions {
            self.report_started(number, Vec::new());
        }
        Ok(())
    }

    /// Limits memory and mounts the code. What is to be started, which the jail now counts as.
    fn mount(&mut self, number: Number) -> Result<Option<Box<Start>>, Fault> {
        let Some(jail) = self.jails.get_mut(&number) else { return Ok(None) };
        let root = self.workshop.root(&jail.root)?;
        let Duty::Become(start) = &jail.duty else { return Ok(None) };
        let (id, pooled) = (start.id, start.pooled);
        let duty = std::mem::replace(&mut jail.duty, Duty::Serve { id, pooled, reported: false });
        let Duty::Become(start) = duty else { return Ok(None) };
        if let Some(group) = &jail.group {
            group.limit_memory(&Limits::of_memory(start.spec.memory_mb)).step("limit memory")?;
        }
        jail.mount_code(&start.spec, &root.path.join("var/empty"), &self.workshop.home_mounts)?;
        Ok(Some(start))
    }

    /// The extensions are running, and the runtime too if it was to be executed: binds it if it was not, and tells
    /// the server.
    pub(super) fn finish_start(&mut self, number: Number, extensions: Vec<String>) {
        let occupant = self.jails.get_mut(&number).and_then(|jail| jail.occupant.as_mut());
        let function = occupant.and_then(|occupant| Some((occupant.function.take()?, &occupant.control)));
        let bound = function.map_or(Ok(()), |(function, control)| control.send_bytes(&function));
        match bound {
            Ok(()) => self.report_started(number, extensions),
            Err(error) => self.fail_jail(number, Fault::new("bind the runtime process", error).into()),
        }
    }

    fn report_started(&mut self, number: Number, extensions: Vec<String>) {
        let Some(jail) = self.jails.get_mut(&number) else { return };
        let Duty::Serve { id, pooled, reported } = &mut jail.duty else { return };
        if std::mem::replace(reported, true) {
            return;
        }
        let (id, pooled) = (*id, *pooled);
        if let Some(occupant) = jail.occupant.take() {
            self.events.remove(&occupant.control);
        }
        let (Some(listeners), Some(output)) = (jail.listeners.take(), jail.output.take()) else { return };
        let Some(jail) = self.jails.get(&number) else { return };
        let mut descriptors = vec![listeners.runtime_api.as_fd(), output.as_fd(), jail.pidfd.as_fd()];
        descriptors.extend(listeners.endpoint.iter().map(|(endpoint, _)| endpoint.as_fd()));
        let group = jail.group.clone();
        self.report(&Report::Started { id, extensions, pooled, group }, &descriptors);
    }

    /// The environment did not start.
    pub(super) fn refuse(&mut self, number: Number, refusal: Refusal) {
        let Some(jail) = self.jails.get_mut(&number) else { return };
        let id = match &mut jail.duty {
            Duty::Become(start) => start.id,
            Duty::Serve { id, reported, .. } => {
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
    pub(super) fn fail_jail(&mut self, number: Number, refusal: Refusal) {
        let Some(jail) = self.jails.get_mut(&number) else { return };
        match &jail.duty {
            Duty::Trial => self.report(&Report::Unusable { reason: refusal.to_string() }, &[]),
            // A zygote is a shortcut; there is a way without it.
            Duty::Become(start) if start.zygote.is_some() => {
                let Duty::Become(mut start) = std::mem::replace(&mut jail.duty, Duty::Discarded) else {
                    return;
                };
                self.end_jail(number);
                self.warn(refusal.to_string());
                start.zygote = None;
                start.pooled = false;
                return self.start_in_empty(start);
            }
            Duty::Become(_) | Duty::Serve { reported: false, .. } => {
                return self.refuse(number, refusal);
            }
            Duty::Serve { .. } | Duty::Wait | Duty::WaitPrepared(_) | Duty::Discarded => {
                self.warn(refusal.to_string())
            }
        }
        self.end_jail(number);
    }
}

fn has_layers(spec: &EnvironmentSpec) -> bool {
    !spec.layer_dirs.is_empty()
}

/// What a waiting occupant is told: one line of JSON.
fn function_line(variables: Variables) -> Vec<u8> {
    let env: serde_json::Map<_, _> =
        variables.into_iter().map(|(name, value)| (name, value.into())).collect();
    let mut line = serde_json::json!({"env": env, "cwd": "/var/task"}).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// The interpreter with its bootstrap, through the customer's wrapper if there is one (AWS Lambda developer guide,
/// "Modifying the runtime environment").
fn exec(interpreter: String, options: &[&str], bootstrap: &str, variables: Variables) -> Runtime {
    let mut arguments = vec![interpreter];
    arguments.extend(options.iter().map(|&option| option.to_owned()));
    arguments.push(Path::new("/var/runtime").join(bootstrap).to_string_lossy().into_owned());
    let wrapper = variables.iter().find(|(name, _)| name == WRAPPER).map(|(_, path)| path.clone());
    let status_when_missing = wrapper.is_some();
    if let Some(wrapper) = wrapper {
        arguments.insert(0, wrapper);
    }
    Runtime::Exec(Command { arguments, variables, status_when_missing })
}
