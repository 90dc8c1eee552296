//! The first process of a jail.
//!
//! A fork of the launcher that shuts itself in, gives all rights up for good, and then only starts what it is told
//! to and reaps what ends. When it dies, the kernel ends everything else in the jail.

use std::collections::VecDeque;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, poll};

use super::confine;
use super::protocol::{Command, Order, Runtime, Variables, Word};
use crate::channel::Channel;
use crate::seccomp::Filters;
use crate::spec::Network;
use crate::syscalls::{self, Ended, ProcessId};

/// Where every helper process finds its control socket.
pub(crate) const CONTROL: i32 = 3;

/// Where a custom runtime's program is looked for (AWS Lambda developer guide, "Building a custom runtime").
const BOOTSTRAPS: [&str; 3] = ["/var/runtime/bootstrap", "/var/task/bootstrap", "/opt/bootstrap"];
const EXTENSIONS: &str = "/opt/extensions";

/// Everything a jail is made from.
#[derive(Debug)]
pub(crate) struct Birth<'a> {
    pub(crate) network: Network,
    pub(crate) tmp_mb: u32,
    /// The user and group, as the launcher's user namespace numbers them.
    pub(crate) host_user: u32,
    pub(crate) host_group: u32,
    pub(crate) control: Channel,
    pub(crate) output: &'a OwnedFd,
    /// See [`crate::cgroup::ResourceGroup::entrances`].
    pub(crate) entrances: &'a [OwnedFd],
    pub(crate) filters: &'a Filters,
    pub(crate) coarse_memory_limit: bool,
}

/// Becomes the first process of a jail.
pub(crate) fn run(birth: Birth<'_>) -> ! {
    let ended = confine::enter(&birth).and_then(|control| {
        confine::give_up_rights(birth.filters, birth.coarse_memory_limit)?;
        Ok(control)
    });
    let control = match ended {
        Ok(control) => control,
        Err(fault) => {
            let word = Word::Failed { text: fault.to_string() };
            // The socket may have been moved to its place already. If neither works, nobody is left to tell.
            if birth.control.send(&word, &[]).is_err() {
                let _gone = Channel::from(syscalls::adopt(CONTROL)).send(&word, &[]);
            }
            syscalls::exit(1)
        }
    };
    let served = Init::new(control).and_then(|mut init| init.serve());
    syscalls::exit(i32::from(served.is_err()))
}

/// What is running in the jail, as far as its init must know.
struct Init {
    control: Channel,
    children: OwnedFd,
    runtime: Option<ProcessId>,
    /// The last processes that ended and were not known to be the runtime.
    strays: VecDeque<(ProcessId, Ended)>,
}

impl Init {
    fn new(control: Channel) -> io::Result<Self> {
        control.send(&Word::Confined, &[])?;
        Ok(Self { control, children: syscalls::watch_children()?, runtime: None, strays: VecDeque::new() })
    }

    /// Until the launcher is gone.
    fn serve(&mut self) -> io::Result<()> {
        // A child may have ended before its signal was held back.
        self.reap()?;
        loop {
            let mut ready = [
                PollFd::from_borrowed_fd(self.control.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.children.as_fd(), PollFlags::IN),
            ];
            match poll(&mut ready, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let [control, children] = ready.map(|source| !source.revents().is_empty());
            if children {
                let mut taken = [0; 1024];
                rustix::io::read(&self.children, &mut taken)?;
                self.reap()?;
            }
            if control {
                let Some((order, descriptors)) = self.control.receive()? else { return Ok(()) };
                self.obey(order, descriptors)?;
            }
        }
    }

    fn reap(&mut self) -> io::Result<()> {
        const REMEMBERED: usize = 16;
        while let Some((process, ended)) = syscalls::reap(-1, false) {
            if self.runtime == Some(process) {
                self.runtime = None;
                self.control.send(&Word::Ended(ended), &[])?;
            } else {
                self.strays.truncate(REMEMBERED - 1);
                self.strays.push_front((process, ended));
            }
        }
        Ok(())
    }

    fn obey(&mut self, order: Order, descriptors: Vec<OwnedFd>) -> io::Result<()> {
        match order {
            Order::Mapped => Ok(()),
            Order::Signal(signal) => {
                syscalls::signal_all_others(signal);
                Ok(())
            }
            Order::Prepare(command) => {
                let control = descriptors.into_iter().next();
                match spawn(&command, control.as_ref()) {
                    Ok(process) => {
                        self.runtime = Some(process);
                        Ok(())
                    }
                    Err(error) => self.control.send(&Word::Failed { text: error.to_string() }, &[]),
                }
            }
            Order::Begin { extensions, runtime } => {
                let extensions = extensions.map(|variables| start_extensions(&variables)).unwrap_or_default();
                match self.begin(runtime) {
                    Ok(()) => self.control.send(&Word::Begun { extensions }, &[]),
                    Err(text) => self.control.send(&Word::NotExecutable { text }, &[]),
                }?;
                self.report_early_end()
            }
        }
    }

    fn begin(&mut self, runtime: Runtime) -> Result<(), String> {
        let command = match runtime {
            Runtime::Prepared => return Ok(()),
            Runtime::Adopted(process) => {
                self.runtime = Some(process);
                return Ok(());
            }
            Runtime::Exec(command) => command,
            Runtime::Bootstrap(variables) => {
                let found = BOOTSTRAPS.iter().find(|path| Path::new(path).exists());
                let found = found
                    .ok_or_else(|| format!("Couldn't find valid bootstrap(s): {}", BOOTSTRAPS.join(" ")))?;
                Command { arguments: vec![(*found).to_owned()], variables, status_when_missing: false }
            }
        };
        let program = command.arguments.first().cloned().unwrap_or_default();
        let process =
            spawn(&command, None).map_err(|error| format!("fork/exec {program}: {}", describe(&error)))?;
        self.runtime = Some(process);
        Ok(())
    }

    /// An adopted runtime may have ended before it was known to be one.
    fn report_early_end(&mut self) -> io::Result<()> {
        let early = self.strays.iter().find(|(process, _)| self.runtime == Some(*process)).copied();
        if let Some((_, ended)) = early {
            self.runtime = None;
            self.control.send(&Word::Ended(ended), &[])?;
        }
        Ok(())
    }
}

/// As C programs say it, without Rust's "(os error 8)".
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// Every executable file in the directory is an extension (AWS Lambda developer guide, "Extensions API").
fn start_extensions(variables: &Variables) -> Vec<String> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(EXTENSIONS).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let is_program = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    let start = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.to_owned();
        // One that cannot be executed ends with status 127 and never registers, which is how AWS notices it.
        let arguments = vec![path.to_str()?.to_owned()];
        let command = Command { arguments, variables: variables.clone(), status_when_missing: true };
        spawn(&command, None).ok().map(|_| name)
    };
    paths.into_iter().filter(is_program).filter_map(start).collect()
}

/// Starts a program in `/var/task`, with our output as its own.
fn spawn(command: &Command, control: Option<&OwnedFd>) -> io::Result<ProcessId> {
    let text = |text: &String| CString::new(text.as_str()).map_err(io::Error::other);
    let arguments = command.arguments.iter().map(text).collect::<io::Result<Vec<_>>>()?;
    let variables = command.variables.iter().map(|(name, value)| text(&format!("{name}={value}")));
    let variables = variables.collect::<io::Result<Vec<_>>>()?;
    let program = arguments.first().ok_or_else(|| io::Error::other("no program"))?;
    let (failure, mut report) = std::io::pipe()?;
    let Some(process) = syscalls::fork()? else {
        let error = become_program(program, &arguments, &variables, control);
        let number = error.raw_os_error().unwrap_or(libc::EIO);
        if command.status_when_missing {
            // The shell's words and status for a program that is not there.
            let line = format!("{}: {}\n", program.to_string_lossy(), describe(&error));
            let _unread = io::stderr().write_all(line.as_bytes());
            syscalls::exit(127);
        }
        let _unread = report.write_all(&number.to_ne_bytes());
        syscalls::exit(127);
    };
    drop(report);
    match failed_with(failure) {
        None => Ok(process),
        Some(error) => {
            syscalls::reap(process, true);
            Err(error)
        }
    }
}

fn become_program(
    program: &CString,
    arguments: &[CString],
    variables: &[CString],
    control: Option<&OwnedFd>,
) -> io::Error {
    syscalls::reset_signals();
    let ready = match control {
        Some(control) => syscalls::duplicate_onto(control.as_fd(), CONTROL),
        None => Ok(()),
    };
    if let Err(error) = ready.and_then(|()| Ok(rustix::process::chdir("/var/task")?)) {
        return error;
    }
    syscalls::exec(program, arguments, variables)
}

/// The pipe closes without a word when the program is executed.
fn failed_with(failure: std::io::PipeReader) -> Option<io::Error> {
    let mut number = [0; 4];
    let mut failure = File::from(OwnedFd::from(failure));
    failure.read_exact(&mut number).ok()?;
    Some(io::Error::from_raw_os_error(i32::from_ne_bytes(number)))
}
