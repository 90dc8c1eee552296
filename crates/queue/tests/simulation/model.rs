//! What must be true of queues, from the point of view of their clients.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Timestamp;
use queue::{Message, Receipt};

/// What is known of a message.
#[derive(Debug, Default)]
pub(crate) struct Fact {
    group: String,
    deduplication_id: Option<String>,
    /// When its sending began.
    begun: Timestamp,
    /// The tick at which its sender was told that it was accepted.
    accepted: Option<u64>,
    /// It was not accepted: it must never be seen.
    refused: bool,
    seq: Option<u64>,
    /// How many deletions may have been successful.
    doubts: u32,
    /// The tick at which a deletion had been, and in which queue.
    gone: Option<(u64, &'static str)>,
    lease: Option<Lease>,
    /// Somebody may have it until then.
    hidden_until: Timestamp,
    /// How many changes of its visibility are under way, and whether there were several at once.
    changes: u32,
    is_contended: bool,
    count: u32,
    seen: bool,
}

#[derive(Debug)]
struct Lease {
    until: Timestamp,
    receipt: Receipt,
}

/// When a call began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) tick: u64,
    pub(crate) at: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) fifo: bool,
    pub(crate) max_receive_count: Option<u32>,
    pub(crate) retention: Duration,
}

#[derive(Debug)]
pub(crate) struct Model {
    rules: Rules,
    tick: u64,
    pub(crate) facts: BTreeMap<String, Fact>,
    /// The last number that was seen for the first time, by group.
    first_seen: BTreeMap<String, u64>,
    /// How many purges have begun of which it is not known that they have ended: what is sent may be gone.
    purges: u32,
}

impl Model {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, tick: 0, facts: BTreeMap::new(), first_seen: BTreeMap::new(), purges: 0 }
    }

    pub(crate) fn call(&mut self, at: Timestamp) -> Call {
        self.tick += 1;
        Call { tick: self.tick, at }
    }

    fn fact(&mut self, id: &str) -> &mut Fact {
        self.facts.get_mut(id).unwrap_or_else(|| panic!("{id} was never sent"))
    }

    fn has_expired(&self, fact: &Fact, now: Timestamp) -> bool {
        fact.begun + self.rules.retention <= now
    }
}

/// Sending.
impl Model {
    pub(crate) fn begin_send(&mut self, call: Call, id: &str, group: &str, deduplication_id: Option<String>) {
        let doubts = self.purges;
        let fact =
            Fact { group: group.to_owned(), deduplication_id, begun: call.at, doubts, ..Fact::default() };
        assert!(self.facts.insert(id.to_owned(), fact).is_none());
    }

    /// `accepted` is the message that was accepted: this one, or the one that it duplicates.
    pub(crate) fn end_send(
        &mut self,
        call: Call,
        now: Timestamp,
        id: &str,
        accepted: &str,
        seq: Option<u64>,
    ) {
        let tick = self.call(now).tick;
        if accepted == id {
            self.check_no_duplicate(call, now, id);
        } else {
            let own = self.fact(id);
            own.refused = true;
            assert!(!own.seen, "{id} is a duplicate, and was delivered");
        }
        let fact = self.fact(accepted);
        assert!(!fact.refused, "{accepted} was accepted after all");
        assert!(fact.seq.is_none_or(|known| Some(known) == seq), "{accepted} changed its number");
        fact.seq = seq;
        fact.accepted.get_or_insert(tick);
    }

    fn check_no_duplicate(&mut self, call: Call, now: Timestamp, id: &str) {
        let Some(deduplication_id) = self.fact(id).deduplication_id.clone() else { return };
        for (other_id, other) in &self.facts {
            let was_before = other.accepted.is_some_and(|accepted| accepted < call.tick);
            let is_same = other.deduplication_id.as_deref() == Some(&deduplication_id);
            assert!(
                other_id == id || !was_before || !is_same || now >= other.begun + WINDOW,
                "{id} duplicates {other_id}, and was accepted"
            );
        }
    }

    pub(crate) fn refuse_send(&mut self, id: &str) {
        let fact = self.fact(id);
        assert!(!fact.seen, "{id} was not accepted, and was delivered");
        fact.refused = true;
    }
}

const WINDOW: Duration = Duration::from_secs(300);

/// Receiving.
impl Model {
    pub(crate) fn received(
        &mut self,
        queue: &'static str,
        call: Call,
        now: Timestamp,
        timeout: Duration,
        messages: &[Message],
    ) {
        for (index, message) in messages.iter().enumerate() {
            let earlier: Vec<&str> = messages[..index].iter().map(|message| &message.id[..]).collect();
            self.check_existence(queue, call, message);
            self.check_lease(call, now, timeout, message);
            self.check_order(queue, call, now, message, &earlier);
            assert!(
                message.sent + self.rules.retention > call.at || queue == "dead",
                "{} had expired",
                message.id
            );
            if let (Some(max), "main") = (self.rules.max_receive_count, queue) {
                assert!(message.receive_count <= max, "{} should be in the dead-letter queue", message.id);
            }
            let fact = self.fact(&message.id);
            fact.seen = true;
            fact.hidden_until = fact.hidden_until.max(now + timeout);
            if message.receive_count >= fact.count {
                fact.count = message.receive_count;
                let until = call.at + timeout;
                let lease = Lease { until, receipt: message.receipt.clone() };
                fact.lease = (fact.changes == 0).then_some(lease);
            }
        }
    }

    fn check_existence(&mut self, queue: &'static str, call: Call, message: &Message) {
        let fact = self.fact(&message.id);
        assert!(!fact.refused, "{} was never accepted", message.id);
        if let Some((tick, place)) = fact.gone {
            assert!(tick > call.tick || place != queue, "{} had been deleted", message.id);
        }
    }

    /// Nobody else has it.
    fn check_lease(&mut self, call: Call, now: Timestamp, timeout: Duration, message: &Message) {
        let fact = self.fact(&message.id);
        let Some(lease) = &fact.lease else { return };
        let id = &message.id;
        match message.receive_count.cmp(&fact.count) {
            std::cmp::Ordering::Equal => {
                assert_eq!(lease.receipt, message.receipt, "{id} was received twice at once");
            }
            std::cmp::Ordering::Greater => {
                assert!(now >= lease.until, "{id} is in somebody else's hands until {}", lease.until);
            }
            // This one was received first, and told late.
            std::cmp::Ordering::Less => {
                assert!(now >= call.at + timeout, "{id} was taken away");
            }
        }
    }

    fn check_order(&mut self, queue: &str, call: Call, now: Timestamp, message: &Message, earlier: &[&str]) {
        // What is redriven is gone without anybody's doing.
        if !self.rules.fifo || queue == "dead" || self.rules.max_receive_count.is_some() {
            return;
        }
        let seq = message.sequence_number.expect("a FIFO message has a number");
        let known = self.fact(&message.id).seq.replace(seq);
        assert!(known.is_none_or(|known| known == seq), "{} changed its number", message.id);
        let group = self.fact(&message.id).group.clone();
        if !self.fact(&message.id).seen {
            let first = self.first_seen.insert(group.clone(), seq);
            assert!(first.is_none_or(|first| first < seq), "{} overtook", message.id);
        }
        for (id, other) in &self.facts {
            let is_before = other.group == group && other.seq.is_some_and(|other| other < seq);
            let is_there = other.seen || other.accepted.is_some_and(|accepted| accepted < call.tick);
            let may_be_gone =
                other.gone.is_some() || other.doubts > 0 || self.has_expired(other, now) || other.refused;
            let is_violated = is_before && is_there && !may_be_gone && !earlier.contains(&&id[..]);
            assert!(!is_violated, "{} came before {id}", message.id);
        }
    }
}

/// Deleting and changing.
impl Model {
    /// How many messages somebody may have at most.
    pub(crate) fn told(&self, now: Timestamp) -> u64 {
        let is_told = |fact: &&Fact| fact.gone.is_none() && fact.hidden_until > now;
        self.facts.values().filter(is_told).count() as u64
    }

    pub(crate) fn begin_delete(&mut self, id: &str) {
        self.fact(id).doubts += 1;
    }

    pub(crate) fn end_delete(&mut self, now: Timestamp, queue: &'static str, id: &str) {
        let tick = self.call(now).tick;
        let fact = self.fact(id);
        fact.gone.get_or_insert((tick, queue));
    }

    pub(crate) fn refuse_delete(&mut self, id: &str) {
        self.fact(id).doubts -= 1;
    }

    /// From now on it is not known for how long it is hidden.
    pub(crate) fn begin_change(&mut self, id: &str) {
        let fact = self.fact(id);
        fact.lease = None;
        fact.hidden_until = Timestamp::from_micros(i64::MAX);
        fact.changes += 1;
        fact.is_contended |= fact.changes > 1;
    }

    /// One that goes away in between leaves it contended for ever.
    pub(crate) fn end_change(&mut self, message: &Message, until: Option<Timestamp>) {
        let fact = self.fact(&message.id);
        fact.changes -= 1;
        if let (Some(until), false) = (until, fact.is_contended)
            && fact.count == message.receive_count
        {
            fact.lease = Some(Lease { until, receipt: message.receipt.clone() });
        }
        fact.is_contended &= fact.changes > 0;
    }

    pub(crate) fn begin_purge(&mut self) {
        self.purges += 1;
        self.facts.values_mut().for_each(|fact| fact.doubts += 1);
    }

    pub(crate) fn end_purge(&mut self, call: Call, now: Timestamp) {
        let tick = self.call(now).tick;
        for fact in self.facts.values_mut() {
            if fact.accepted.is_some_and(|accepted| accepted < call.tick) {
                fact.gone.get_or_insert((tick, "main"));
            }
        }
        self.purges -= 1;
    }

    /// The server was killed, and with it whatever was under way.
    pub(crate) fn begin_life(&mut self) {
        self.purges = 0;
    }
}

/// The end.
impl Model {
    /// What must still be there.
    pub(crate) fn left(&self, now: Timestamp) -> Vec<&str> {
        let is_left = |fact: &Fact| {
            fact.accepted.is_some() && fact.gone.is_none() && fact.doubts == 0 && !self.has_expired(fact, now)
        };
        self.facts.iter().filter(|(_, fact)| is_left(fact)).map(|(id, _)| &id[..]).collect()
    }
}
