//! The launcher's loop: hears the server, the inits of the jails and what is in them, and keeps the pools full.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::events::{Events, Number, Source};
use super::jail::{Duty, Jail};
use super::pool::Pools;
use super::prepare::QUIET;
use super::protocol::{Order, Refusal, Report, Request, Setup, Word};
use super::users::Users;
use super::workshop::{DEFAULT_TMP_MB, Workshop};
use super::zygote::Zygote;
use crate::cgroup::{Group, Session};
use crate::channel::Channel;
use crate::fault::{Fault, Step};
use crate::root::RootKey;
use crate::spec::{Network, Program};
use crate::syscalls::{self, Ended, ProcessId};

/// The launcher's state.
#[derive(Debug)]
pub(crate) struct Supervisor {
    server: Channel,
    children: OwnedFd,
    pub(super) events: Events,
    pub(super) workshop: Workshop,
    pub(super) pools: Pools,
    pub(super) jails: HashMap<Number, Jail>,
    pub(super) zygotes: HashMap<Number, Zygote>,
    by_process: HashMap<ProcessId, Number>,
    /// The jails of environments, by the server's ids.
    environments: HashMap<u64, Number>,
    /// The server's questions whether the pools are full.
    full_awaited: Vec<u64>,
    /// Control groups that could not be removed yet, with the environment that still has to be reported gone.
    leftovers: Vec<(Group, Option<Report>)>,
}

impl Supervisor {
    pub(crate) fn new(
        server: &Channel,
        setup: &Setup,
        users: Users,
        session: Result<Session, String>,
    ) -> Result<Self, Fault> {
        let server = Channel::from(server.as_fd().try_clone_to_owned().step("keep the server's socket")?);
        let events = Events::new().step("make an epoll")?;
        let children = syscalls::watch_children().step("watch for children")?;
        events.add(&server, Source::Server).step("listen to the server")?;
        events.add(&children, Source::Children).step("listen to children")?;
        Ok(Self {
            server,
            children,
            events,
            workshop: Workshop::open(setup, users, session)?,
            pools: Pools::new(setup.pools),
            jails: HashMap::new(),
            zygotes: HashMap::new(),
            by_process: HashMap::new(),
            environments: HashMap::new(),
            full_awaited: Vec::new(),
            leftovers: Vec::new(),
        })
    }

    /// Serves until the server is gone. Then ends, and with it, by the kernel's hand, everything started here.
    ///
    /// # Errors
    /// What makes it impossible to go on.
    pub(crate) fn serve(mut self) -> io::Result<()> {
        // Under constant load there is no quiet moment, and pools must be filled all the same.
        const BUSY_ROUNDS: u32 = 32;
        let mut busy_rounds = 0;
        self.make_trial().map_err(io::Error::other)?;
        loop {
            let heard = self.events.wait(self.patience())?;
            let quiet = heard.is_empty();
            busy_rounds += 1;
            for source in heard {
                match source {
                    Source::Server => match self.server.receive::<Request>() {
                        Ok(Some((request, _))) => self.obey(request),
                        Ok(None) => return Ok(()),
                        Err(error) => return Err(error),
                    },
                    Source::Children => self.reap()?,
                    Source::Init(number) => self.hear_init(number),
                    Source::Occupant(number) => self.hear_occupant(number),
                    Source::Zygote(number) => self.hear_zygote(number),
                }
            }
            self.clear_leftovers();
            if quiet || busy_rounds > BUSY_ROUNDS {
                busy_rounds = 0;
                self.fill();
            }
            if self.pools.is_full() && self.pools.coming() == 0 {
                let awaited = std::mem::take(&mut self.full_awaited);
                awaited.into_iter().for_each(|id| self.report(&Report::Full { id }, &[]));
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        const RETRY: Duration = Duration::from_millis(2);
        if !self.leftovers.is_empty() {
            return Some(RETRY);
        }
        self.wants_filling().then_some(QUIET)
    }

    /// Makes a jail and ends it again, so that a host that cannot is found out now.
    fn make_trial(&mut self) -> Result<(), Fault> {
        let key = RootKey { program: Program::Bootstrap, network: Network::Endpoint };
        self.start_jail(&key, DEFAULT_TMP_MB, Duty::Trial).map(drop)
    }

    /// Makes a jail and listens to its init.
    pub(super) fn start_jail(&mut self, root: &RootKey, tmp_mb: u32, duty: Duty) -> Result<Number, Fault> {
        let jail = self.workshop.make_jail(root, tmp_mb, duty)?;
        let number = jail.number;
        self.by_process.insert(jail.process, number);
        let listening = self.events.add(&jail.control, Source::Init(number));
        self.jails.insert(number, jail);
        if let Err(error) = listening {
            self.end_jail(number);
            return Err(error).step("listen to a jail");
        }
        Ok(number)
    }

    pub(super) fn end_jail(&mut self, number: Number) {
        if let Some(jail) = self.jails.get_mut(&number) {
            self.events.remove(&jail.control);
            jail.end();
        }
    }

    pub(super) fn report(&self, report: &Report, descriptors: &[std::os::fd::BorrowedFd<'_>]) {
        // When the server is gone, its socket says so next.
        let _gone = self.server.send(report, descriptors);
    }

    pub(super) fn warn(&self, text: String) {
        self.report(&Report::Warning { text }, &[]);
    }

    fn obey(&mut self, request: Request) {
        match request {
            Request::Start { id, spec } => self.start(id, *spec),
            Request::Expect { spec } => self.expect(&spec),
            Request::Kill { id } => match self.environments.get(&id).copied() {
                Some(number) => self.end_jail(number),
                None => self.report(&Report::Gone { id, memory_peak_bytes: 0 }, &[]),
            },
            Request::AwaitFull { id } => self.full_awaited.push(id),
            Request::Signal { id, signal } => {
                let number = self.environments.get(&id);
                if let Some(jail) = number.and_then(|number| self.jails.get(number)) {
                    // An init that is gone has no process to signal.
                    let _gone = jail.control.send(&Order::Signal(signal), &[]);
                }
            }
        }
    }

    /// Counts a jail as an environment of the server's from now on.
    pub(super) fn register(&mut self, id: u64, number: Number) {
        self.environments.insert(id, number);
    }

    fn hear_init(&mut self, number: Number) {
        let Some(jail) = self.jails.get(&number).filter(|jail| !jail.ending) else { return };
        match jail.control.receive::<Word>() {
            Ok(Some((word, descriptors))) => self.take_word(number, word, descriptors),
            // Reaped in a moment.
            Ok(None) => self.end_jail(number),
            Err(error) => {
                self.fail_jail(number, Fault::new("understand the init of a jail", error).into());
            }
        }
    }

    fn take_word(&mut self, number: Number, word: Word, descriptors: Vec<OwnedFd>) {
        match word {
            Word::Unshared => {
                if let Err(fault) = self.admit(number, descriptors) {
                    self.fail_jail(number, fault.into());
                }
            }
            Word::Confined => self.confirm(number),
            Word::Begun { extensions } => self.finish_start(number, extensions),
            Word::NotExecutable { text } => self.refuse(number, Refusal::InvalidEntrypoint(text)),
            Word::Ended(ended) => self.report_exited(number, ended),
            Word::Failed { text } => self.fail_jail(number, Refusal::Failed(text)),
        }
    }

    fn report_exited(&mut self, number: Number, ended: Ended) {
        let Some(jail) = self.jails.get(&number) else { return };
        let Duty::Serve { id, .. } = jail.duty else {
            return self.fail_jail(
                number,
                Refusal::Failed("a process that was started ahead of need has ended".to_owned()),
            );
        };
        let killed = ended == Ended::Signal(libc::SIGKILL);
        let out_of_memory = killed && jail.group.as_ref().is_some_and(|group| group.was_out_of_memory());
        self.report(&Report::Exited { id, ended, out_of_memory }, &[]);
    }

    fn reap(&mut self) -> io::Result<()> {
        let mut taken = [0; 1024];
        match rustix::io::read(&self.children, &mut taken) {
            Ok(_) | Err(rustix::io::Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
        while let Some((process, _)) = syscalls::reap(-1, false) {
            let number = self.by_process.remove(&process);
            if let Some(jail) = number.and_then(|number| self.jails.remove(&number)) {
                self.bury(jail);
            }
        }
        Ok(())
    }

    /// Nothing runs in the jail any more: takes back what it had, and reports it gone when that is done.
    fn bury(&mut self, mut jail: Jail) {
        let group = jail.group.take();
        let memory_peak_bytes = group.as_ref().map_or(0, |group| group.memory_peak_bytes());
        let out_of_memory = group.as_ref().is_some_and(|group| group.was_out_of_memory());
        let gone = match &jail.duty {
            Duty::Serve { id, .. } => {
                if !jail.ending {
                    let ended = Ended::Signal(libc::SIGKILL);
                    self.report(&Report::Exited { id: *id, ended, out_of_memory }, &[]);
                }
                Some(Report::Gone { id: *id, memory_peak_bytes })
            }
            Duty::Become(start) => Some(Report::Gone { id: start.id, memory_peak_bytes }),
            Duty::Trial if !jail.ending => {
                Some(Report::Unusable { reason: "a trial jail ended by itself".into() })
            }
            _ => None,
        };
        if let Some(Report::Gone { id, .. }) = &gone {
            self.environments.remove(id);
        }
        self.forget_duty(&jail);
        self.workshop.take_back(jail.user);
        drop(jail);
        match group {
            Some(group) => self.leftovers.push((group, gone)),
            None => gone.iter().for_each(|report| self.report(report, &[])),
        }
    }

    fn clear_leftovers(&mut self) {
        for (group, report) in std::mem::take(&mut self.leftovers) {
            match group.remove() {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    self.leftovers.push((group, report))
                }
                removed => {
                    if let Err(error) = removed {
                        self.warn(format!("a control group cannot be removed: {error}"));
                    }
                    report.iter().for_each(|report| self.report(report, &[]));
                }
            }
        }
    }
}
