//! Filling the pools: making jails that wait, and putting occupants into them.

use std::os::fd::OwnedFd;
use std::time::Duration;

use runtimes::NODE_OPTIONS;

use super::events::{Number, Source};
use super::jail::{Duty, Jail, Occupant};
use super::network::Listeners;
use super::pool::{Need, PoolKey, root_key};
use super::protocol::{Command, Order, Refusal, Report};
use super::supervisor::Supervisor;
use super::workshop::DEFAULT_TMP_MB;
use super::zygote::{Answer, BLANK_FILE};
use crate::channel::Channel;
use crate::fault::{Fault, Step};
use crate::root::RootKey;
use crate::spec::{EnvironmentSpec, Network};

/// Pools are filled when nothing else has happened for so long.
pub(super) const QUIET: Duration = Duration::from_millis(3);
/// More at a time would take the CPU from the functions that are running.
const COMING_AT_ONCE: usize = 2;

impl Supervisor {
    /// Fills the pools for environments like this.
    pub(super) fn expect(&mut self, spec: &EnvironmentSpec) {
        self.note_use(&root_key(spec), PoolKey::of(spec).as_ref());
    }

    pub(super) fn note_use(&mut self, root: &RootKey, key: Option<&PoolKey>) {
        let Some(unused) = self.pools.expect(root, key) else { return };
        for number in self.pools.forget(&unused) {
            self.end_jail(number);
        }
        self.zygotes.retain(|_, zygote| {
            let stays = zygote.key != unused;
            if !stays {
                self.events.remove(&zygote.control);
                zygote.end();
            }
            stays
        });
    }

    /// Whether there is something to make and room to make it.
    pub(super) fn wants_filling(&self) -> bool {
        self.pools.coming() < COMING_AT_ONCE && !self.pools.is_full()
    }

    /// Begins to make what is missing most.
    pub(super) fn fill(&mut self) {
        if !self.wants_filling() {
            return;
        }
        let Some(need) = self.pools.next_need() else { return };
        let made = match &need {
            Need::Empty(root) => self.start_jail(root, DEFAULT_TMP_MB, Duty::Wait),
            Need::Prepared(key) => match self.pools.take_empty(&key.root) {
                Some(number) => self.reuse(number, key),
                None => self.start_jail(&key.root, DEFAULT_TMP_MB, Duty::WaitPrepared(key.clone())),
            },
        };
        if let Err(fault) = made {
            self.give_up(&need, &fault.to_string());
        }
    }

    /// Puts an occupant into a jail that waits empty.
    fn reuse(&mut self, number: Number, key: &PoolKey) -> Result<Number, Fault> {
        if let Some(jail) = self.jails.get_mut(&number) {
            jail.shelved = false;
            jail.duty = Duty::WaitPrepared(key.clone());
        }
        self.try_or_fail(number, Self::occupy);
        Ok(number)
    }

    fn give_up(&mut self, need: &Need, text: &str) {
        if self.pools.fail(need) {
            let (Need::Empty(root) | Need::Prepared(PoolKey { root, .. })) = need;
            self.warn(format!("nothing is made ahead of need for {:?} any more: {text}", root.program));
        }
    }

    /// A jail's init has its root and its user namespace: gives it its user, takes its listeners, and lets it begin
    /// if it is wanted already.
    pub(super) fn admit(&mut self, number: Number, listeners: Vec<OwnedFd>) -> Result<(), Fault> {
        let Some(jail) = self.jails.get_mut(&number) else { return Ok(()) };
        jail.map_user()?;
        jail.control.send(&Order::Mapped, &[]).step("let a jail go on")?;
        let listeners = match jail.root.network {
            Network::Endpoint => Listeners::received(listeners).step("take a jail's listeners")?,
            Network::Host => Listeners::open_on_host().step("listen on the host")?,
        };
        jail.listeners = Some(listeners);
        match &jail.duty {
            Duty::Become(start) if start.zygote.is_none() => self.begin(number),
            _ => Ok(()),
        }
    }

    /// A jail's init has no rights any more and takes orders.
    pub(super) fn confirm(&mut self, number: Number) {
        let Some(jail) = self.jails.get_mut(&number) else { return };
        jail.confined = true;
        match &jail.duty {
            Duty::Trial => {
                self.end_jail(number);
                let facts = self.workshop.facts();
                self.report(&Report::Ready(facts), &[]);
            }
            Duty::Wait => {
                jail.shelved = true;
                let need = Need::Empty(jail.root.clone());
                self.pools.put(&need, number);
            }
            Duty::WaitPrepared(_) => self.try_or_fail(number, Self::occupy),
            Duty::Become(start) => {
                if let Some(zygote) = start.zygote {
                    self.try_or_fail(number, |launcher, number| launcher.fork_into(zygote, number));
                }
            }
            Duty::Serve { .. } | Duty::Discarded => {}
        }
    }

    /// Puts an occupant into a jail that is to wait with one.
    fn occupy(&mut self, number: Number) -> Result<(), Fault> {
        let Some(jail) = self.jails.get_mut(&number) else { return Ok(()) };
        let Duty::WaitPrepared(key) = &jail.duty else { return Ok(()) };
        let key = key.clone();
        if !key.has_zygote() {
            return self.prepare_blank(number, &key);
        }
        let existing = self.zygotes.iter().find(|(_, zygote)| zygote.key == key).map(|(&zygote, _)| zygote);
        let zygote = match existing {
            Some(zygote) => zygote,
            None => self.start_zygote(&key)?,
        };
        match self.zygotes.get_mut(&zygote) {
            Some(zygote) if !zygote.ready => zygote.queue.push(number),
            _ => self.fork_into(zygote, number)?,
        }
        Ok(())
    }

    fn start_zygote(&mut self, key: &PoolKey) -> Result<Number, Fault> {
        let number = self.workshop.next_number();
        let zygote = self.workshop.start_zygote(key)?;
        self.events.add(&zygote.control, Source::Zygote(number)).step("listen to a zygote")?;
        self.zygotes.insert(number, zygote);
        Ok(number)
    }

    pub(super) fn ready_zygote(&self, key: &PoolKey) -> Option<Number> {
        if !self.pools.trusts(key) {
            return None;
        }
        self.zygotes.iter().find(|(_, zygote)| zygote.ready && zygote.key == *key).map(|(&number, _)| number)
    }

    pub(super) fn fork_into(&mut self, zygote: Number, number: Number) -> Result<(), Fault> {
        let gone = || std::io::Error::other("it is gone");
        let zygote = self.zygotes.get(&zygote).ok_or_else(gone).step("ask a zygote to fork")?;
        let Some(jail) = self.jails.get_mut(&number) else { return Ok(()) };
        zygote.fork_into(jail)?;
        self.listen_to_occupant(number)
    }

    fn listen_to_occupant(&mut self, number: Number) -> Result<(), Fault> {
        let occupant = self.jails.get(&number).and_then(|jail| jail.occupant.as_ref());
        let Some(occupant) = occupant else { return Ok(()) };
        self.events.add(&occupant.control, Source::Occupant(number)).step("listen to an occupant")
    }

    /// Starts a Node.js process that waits.
    fn prepare_blank(&mut self, number: Number, key: &PoolKey) -> Result<(), Fault> {
        let Some(jail) = self.jails.get_mut(&number) else { return Ok(()) };
        let interpreter = self.workshop.root(&jail.root)?.interpreter;
        let mut arguments =
            vec![interpreter.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()];
        arguments.extend(NODE_OPTIONS.iter().map(|&option| option.to_owned()));
        arguments.push(format!("/var/runtime/{}", BLANK_FILE.0));
        let command = Command { arguments, variables: key.variables.clone(), status_when_missing: false };
        let (control, theirs) = Channel::pair().step("make a control socket")?;
        jail.output_entrance = None;
        jail.control
            .send(&Order::Prepare(command), &[std::os::fd::AsFd::as_fd(&theirs)])
            .step("prepare a jail")?;
        jail.occupant = Some(Occupant { control, process: 0, ready: false, function: None });
        self.listen_to_occupant(number)
    }

    pub(super) fn hear_zygote(&mut self, number: Number) {
        let Some(zygote) = self.zygotes.get_mut(&number) else { return };
        if let Ok(Some((Answer::Ready { .. }, _))) = zygote.control.receive::<Answer>() {
            zygote.ready = true;
            for jail in std::mem::take(&mut zygote.queue) {
                self.try_or_fail(jail, |launcher, jail| launcher.fork_into(number, jail));
            }
            return;
        }
        let Some(zygote) = self.zygotes.remove(&number) else { return };
        self.events.remove(&zygote.control);
        for jail in zygote.queue {
            self.fail_jail(jail, Refusal::Failed("a zygote has ended".to_owned()));
        }
    }

    pub(super) fn hear_occupant(&mut self, number: Number) {
        let Some(jail) = self.jails.get_mut(&number).filter(|jail| !jail.ending) else { return };
        let Some(occupant) = &mut jail.occupant else { return };
        match occupant.control.receive::<Answer>() {
            Ok(Some((Answer::Ready { process }, _))) => {
                occupant.ready = true;
                occupant.process = process;
            }
            _ => {
                let text =
                    format!("a process that was started ahead of need has ended: {}", jail.last_output());
                if let Duty::Become(start) = &jail.duty
                    && let Some(key) = PoolKey::of(&start.spec)
                {
                    self.pools.distrust(&key);
                }
                return self.fail_jail(number, Refusal::Failed(text));
            }
        }
        match &jail.duty {
            Duty::WaitPrepared(key) if self.pools.knows(key) => {
                jail.shelved = true;
                let need = Need::Prepared(key.clone());
                self.pools.put(&need, number);
            }
            Duty::WaitPrepared(_) => self.end_jail(number),
            Duty::Become(_) => self.try_or_fail(number, Self::bind),
            _ => {}
        }
    }

    /// A jail is gone: corrects what the pools count on.
    pub(super) fn forget_duty(&mut self, jail: &Jail) {
        if jail.shelved {
            return self.pools.lose(jail.number);
        }
        match &jail.duty {
            Duty::Wait => self.give_up(&Need::Empty(jail.root.clone()), "a jail has ended"),
            Duty::WaitPrepared(key) => self.give_up(&Need::Prepared(key.clone()), "its process has ended"),
            _ => {}
        }
    }
}
