//! Interpreters that fork occupants into jails.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::{Deserialize, Serialize};

use super::confine;
use super::events::Number;
use super::init::CONTROL;
use super::jail::{Jail, Occupant};
use super::pool::PoolKey;
use crate::channel::Channel;
use crate::fault::{Fault, Step};
use crate::root::{GROUP, Root, USER};
use crate::seccomp::Filters;
use crate::syscalls::{self, Forked, ProcessId};

/// What a zygote runs; functions see it in `/var/runtime`.
pub(crate) const FILE: (&str, &str) = ("zygote.py", include_str!("zygote.py"));

/// Functions that do nothing, for prepared processes to load before they have one.
pub(crate) const REHEARSAL_FILES: [(&str, &str); 2] = [
    (
        "rehearsal.py",
        "import json\n\n\ndef handler(event, context):\n    return json.loads(json.dumps(event))\n",
    ),
    ("rehearsal.cjs", "exports.handler = async (event) => JSON.parse(JSON.stringify(event));\n"),
];

/// What a blank Node.js process runs.
pub(crate) const BLANK_FILE: (&str, &str) = ("blank.mjs", include_str!("blank.mjs"));

/// A resident interpreter of one account.
#[derive(Debug)]
pub(crate) struct Zygote {
    pub(crate) key: PoolKey,
    pub(crate) control: Channel,
    pidfd: OwnedFd,
    /// It has imported everything and forks at once.
    pub(crate) ready: bool,
    /// The jails that wait until it is.
    pub(crate) queue: Vec<Number>,
}

/// The first message to a zygote.
#[derive(Debug, Serialize)]
struct Settings {
    filters: Vec<Vec<u8>>,
    user: u32,
    group: u32,
    limits: Vec<(&'static str, u64)>,
}

/// From a zygote, and from an occupant of a jail.
#[derive(Debug, Deserialize)]
pub(crate) enum Answer {
    /// It is ready. An occupant that a zygote has made says its process id inside.
    Ready {
        #[serde(default)]
        process: ProcessId,
    },
}

impl Zygote {
    /// Starts one in `root`.
    ///
    /// # Errors
    /// The step that failed.
    pub(crate) fn start(
        key: PoolKey,
        root: &Root,
        home: &File,
        filters: &Filters,
        coarse_memory_limit: bool,
    ) -> Result<Self, Fault> {
        let (control, theirs) = Channel::pair().step("make a control socket")?;
        let pidfd = match root.fork(0, None, home)? {
            Forked::Parent(_, pidfd) => pidfd,
            Forked::Child => {
                let fault = become_zygote(&key, root, &theirs);
                complain(&fault);
                syscalls::exit(1)
            }
        };
        let limits = confine::limits(coarse_memory_limit).map(|(_, name, value)| (name, value)).collect();
        let settings = Settings { filters: filters.bytes(), user: USER, group: GROUP, limits };
        control.send(&settings, &[]).step("set up a zygote")?;
        Ok(Self { key, control, pidfd, ready: false, queue: Vec::new() })
    }

    /// Asks for a child in `jail`, which says itself when it is ready.
    ///
    /// # Errors
    /// The step that failed.
    pub(crate) fn fork_into(&self, jail: &mut Jail) -> Result<(), Fault> {
        let (control, theirs) = Channel::pair().step("make a control socket")?;
        let entrances = match &jail.group {
            Some(group) => group.entrances().step("open the control group")?,
            None => Vec::new(),
        };
        let output = jail.output_entrance.take();
        let output =
            output.ok_or_else(|| io::Error::other("it is occupied")).step("open the output of a jail")?;
        let mut descriptors: Vec<BorrowedFd<'_>> = vec![jail.pidfd.as_fd(), theirs.as_fd(), output.as_fd()];
        descriptors.extend(entrances.iter().map(AsFd::as_fd));
        self.control.send(&"Fork", &descriptors).step("ask a zygote to fork")?;
        jail.occupant = Some(Occupant { control, process: 0, ready: false, function: None });
        Ok(())
    }

    /// Ends it. The children it has made live on.
    pub(crate) fn end(&self) {
        syscalls::signal_pidfd(self.pidfd.as_fd(), libc::SIGKILL);
    }
}

/// In the child. Returns only when it failed.
fn become_zygote(key: &PoolKey, root: &Root, control: &Channel) -> Fault {
    let prepared = (|| {
        // What it writes is for the operator.
        syscalls::duplicate_onto(syscalls::borrow(2), 1).step("place the output")?;
        syscalls::duplicate_onto(control.as_fd(), CONTROL).step("place the control socket")?;
        syscalls::close_from(CONTROL + 1).step("close the launcher's files")?;
        rustix::process::setsid().step("start a session").map(drop)
    })();
    if let Err(fault) = prepared {
        return fault;
    }
    let text = |text: String| CString::new(text).unwrap_or_default();
    let interpreter =
        root.interpreter.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let mut arguments = vec![text(interpreter.clone())];
    arguments.extend(runtimes::PYTHON_OPTIONS.iter().map(|&option| text(option.to_owned())));
    arguments.push(text(format!("/var/runtime/{}", FILE.0)));
    let variables: Vec<CString> =
        key.variables.iter().map(|(name, value)| text(format!("{name}={value}"))).collect();
    syscalls::reset_signals();
    Fault::new("execute the interpreter", syscalls::exec(&text(interpreter), &arguments, &variables))
}

#[expect(clippy::print_stderr, reason = "a child of the launcher has no other way to tell the operator")]
fn complain(fault: &Fault) {
    eprintln!("sandbox zygote: {fault}");
}
