//! A world drawn from a seed: sources, mappings, clients that send and meddle, and the lives of processes.

mod clients;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::{Timestamp, execution_sleep};
use event_source::Mapping;
use simulator::{Chance, cut_off, run_paused};
use store::{MemoryStore, Store};
use stream::{SequenceNumber, Shard, ShardId};

use crate::function::{FakeFunctions, Kind, Noise};
use crate::journal::{Journal, What};
use crate::process::{Outside, Process};
use crate::settings::{self, Draft};
use crate::time::Time;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// How often the store fails while it does, in a hundred times.
const FAULT_PERCENT: u64 = 4;
/// Longer than anything takes, also where platform time runs as execution time does.
const LIMIT: Duration = Duration::from_secs(10_000_000);

/// What is to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing but what records do to the function.
    Calm,
    /// Functions are slow, fail and are throttled.
    Noisy,
    /// The store fails, and sources cannot be reached.
    Faulty,
    /// Everything, and processes end.
    Crashes,
}

/// Something that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) n: u64,
    pub(crate) source: String,
    /// A message group or a partition key.
    pub(crate) group: String,
    pub(crate) kind: Kind,
    /// `None`: the body is plain text.
    pub(crate) color: Option<&'static str>,
    pub(crate) at: Timestamp,
    /// The journal's line of it.
    pub(crate) line: usize,
    pub(crate) acknowledged: Option<Place>,
}

/// Where something that was acknowledged stands in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Queue(u64),
    Shard(ShardId, SequenceNumber),
}

/// A mapping, and what was done to it.
#[derive(Debug)]
pub(crate) struct Mine {
    /// As it was last seen.
    pub(crate) mapping: Mapping,
    /// All settings it ever may have had.
    pub(crate) history: Vec<Mapping>,
    /// The journal's line when it was first tried to make it.
    pub(crate) created: Option<usize>,
    pub(crate) is_there: bool,
    pub(crate) is_deleted: bool,
    is_stopped: bool,
    is_told_enabled: bool,
}

impl Mine {
    pub(crate) fn function(&self) -> &str {
        &self.mapping.function.name
    }

    /// It has had one set of settings, and always ran.
    pub(crate) fn is_steady(&self) -> bool {
        self.history.len() == 1
    }
}

pub(crate) struct World {
    pub(crate) mode: Mode,
    pub(crate) chance: Chance,
    pub(crate) outside: Arc<Outside>,
    pub(crate) mappings: Vec<Mine>,
    pub(crate) sent: Vec<Sent>,
    /// By stream.
    pub(crate) shards: BTreeMap<(String, ShardId), Shard>,
    kinds: Vec<Kind>,
    colors: Vec<Option<&'static str>>,
    groups: u64,
    padding_bytes: Vec<usize>,
}

impl World {
    pub(crate) fn new(seed: u64, draft: impl FnOnce(&Chance, Mode) -> Draft) -> Self {
        let chance = Chance::new(seed);
        let mode =
            chance.pick(&[Mode::Calm, Mode::Calm, Mode::Noisy, Mode::Faulty, Mode::Crashes, Mode::Crashes]);
        let draft = draft(&chance, mode);
        let time = Time::new(mode != Mode::Calm && chance.percent(30), START);
        let journal = Arc::new(Journal::default());
        let functions = Arc::new(FakeFunctions {
            journal: journal.clone(),
            chance: chance.split(),
            time: time.clone(),
            noise: Mutex::default(),
            is_mended: AtomicBool::default(),
            mappings: Mutex::default(),
            runs: Mutex::default(),
        });
        for mapping in &draft.mappings {
            functions.mappings.lock().unwrap().insert(mapping.function.name.clone(), mapping.clone());
        }
        let mine = |mapping: Mapping| Mine {
            history: vec![mapping.clone()],
            mapping,
            created: None,
            is_there: false,
            is_deleted: false,
            is_stopped: false,
            is_told_enabled: false,
        };
        // Now and then messages are so large that an event has no room for ten of them.
        let size = chance.below(60);
        Self {
            outside: Arc::new(Outside {
                chance: chance.split(),
                time,
                memory: Arc::new(MemoryStore::new()),
                journal,
                functions,
                queues: Mutex::new(draft.queues),
                streams: Mutex::new(draft.streams),
                is_elsewhere: AtomicBool::default(),
                figures: Mutex::default(),
                given_up: 0.into(),
                steps: Mutex::default(),
            }),
            mode,
            mappings: draft.mappings.into_iter().map(mine).collect(),
            sent: Vec::new(),
            shards: BTreeMap::new(),
            kinds: chance.pick(&settings::KINDS).to_vec(),
            colors: chance.pick(&[vec![Some("red")], vec![Some("red"), Some("blue"), None]]),
            groups: if size == 0 { 1 } else { 1 + chance.below(6) },
            padding_bytes: match size {
                0 => vec![900_000],
                1..10 => vec![0, 0, 0, 3_000, 70_000],
                _ => vec![0],
            },
            chance,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.outside.time.now()
    }

    /// Nothing is lost on its way: what has succeeded is known.
    pub(crate) fn is_reliable(&self) -> bool {
        matches!(self.mode, Mode::Calm | Mode::Noisy) && !self.outside.time.is_running()
    }

    pub(crate) fn run(&mut self) {
        self.live(false, |world, process| async move { world.set_up(&process).await });
        let lives = if self.mode == Mode::Crashes { 1 + self.chance.below(4) } else { 0 };
        for _ in 0..lives {
            let turns = self.chance.below(1_500);
            self.live(true, |world, process| async move {
                cut_off(turns, world.steps(&process, true)).await;
            });
        }
        self.live(true, |world, process| async move {
            world.steps(&process, false).await;
            world.finish(&process).await;
        });
    }

    /// One process, which may end at any moment.
    fn live<'a, F>(&'a mut self, has_faults: bool, life: impl FnOnce(&'a mut Self, Arc<Process>) -> F)
    where
        F: Future<Output = ()> + 'a,
    {
        let outside = self.outside.clone();
        let is_faulty = has_faults && matches!(self.mode, Mode::Faulty | Mode::Crashes);
        run_paused(LIMIT, async {
            outside.time.go_on();
            let process = Arc::new(Process::start(&outside));
            process.disk.fail(if is_faulty { FAULT_PERCENT } else { 0 });
            let tasks = process.tasks.clone();
            life(self, process).await;
            outside.time.stop();
            tasks.announce_shutdown();
        });
        outside.journal.write(outside.time.now(), What::Killed);
    }

    async fn set_up(&mut self, process: &Process) {
        let names: Vec<String> = self.outside.streams.lock().unwrap().keys().cloned().collect();
        for name in names {
            let stream = process.services.open_stream(&name).unwrap();
            let mut prepared = stream.prepare_shards(u32::try_from(1 + self.chance.below(3)).unwrap());
            process.disk.commit(std::mem::take(&mut prepared.part)).await.unwrap();
            prepared.committed();
            self.learn_shards(process).await;
        }
    }

    /// What clients do; `is_killed`: this process will not be waited for.
    async fn steps(&mut self, process: &Process, is_killed: bool) {
        for _ in 0..self.chance.below(40) {
            self.set_noise(process, is_killed);
            match self.chance.below(20) {
                0..8 => {
                    for _ in 0..=self.chance.below(3) {
                        self.send(process).await;
                    }
                }
                8..14 => {
                    self.advance(process, self.chance.pick(&[0, 0, 1, 5, 29, 30, 60, 61, 120, 300])).await
                }
                14 | 15 => self.create(process).await,
                16 => self.toggle(process).await,
                17 => self.change(process).await,
                18 => self.reshard(process).await,
                _ => self.delete(process).await,
            }
            self.observe(process).await;
        }
    }

    fn set_noise(&self, process: &Process, is_killed: bool) {
        let is_on = self.mode != Mode::Calm && self.chance.percent(70);
        let percent = |max: u64| if is_on { self.chance.below(max) } else { 0 };
        *self.outside.functions.noise.lock().unwrap() = Noise {
            throttles: percent(30),
            system_errors: percent(20),
            errors: percent(20),
            hangs: if is_killed { percent(10) } else { 0 },
            is_slow: is_on && self.chance.percent(50),
        };
        if matches!(self.mode, Mode::Faulty | Mode::Crashes) {
            process.disk.fail(if self.chance.percent(50) { FAULT_PERCENT } else { 0 });
            self.outside.is_elsewhere.store(self.chance.percent(50), Ordering::Relaxed);
        }
    }

    async fn advance(&mut self, process: &Process, secs: u64) {
        self.outside.time.advance(Duration::from_secs(secs)).await;
        self.observe(process).await;
        if self.mode == Mode::Calm {
            self.check_progress();
        }
    }

    /// The faults end, what must be given up is, all that is still there is done, and then nothing happens any more.
    async fn finish(&mut self, process: &Process) {
        *self.outside.functions.noise.lock().unwrap() = Noise::default();
        process.disk.fail(0);
        self.outside.is_elsewhere.store(false, Ordering::Relaxed);
        // What failed is tried again after a while, in execution time.
        execution_sleep(Duration::from_secs(60)).await;
        self.outside.time.quiet().await;
        for index in 0..self.mappings.len() {
            if !self.mappings[index].is_there && !self.mappings[index].is_deleted {
                self.create_one(process, index).await;
            }
        }
        self.settle(process).await;
        self.learn_shards(process).await;
        for _ in 0..20 {
            self.advance(process, self.chance.pick(&[30, 60, 100])).await;
        }
        self.outside.functions.is_mended.store(true, Ordering::Relaxed);
        for index in 0..self.mappings.len() {
            if self.mappings[index].is_there && !self.mappings[index].mapping.is_enabled {
                self.set_enabled(process, index, true).await;
            }
        }
        self.settle(process).await;
        for _ in 0..30 {
            self.advance(process, 240).await;
        }
        self.learn_shards(process).await;
        self.check_queues_are_empty().await;
        let fired = self.outside.time.advance(Duration::from_secs(3_600)).await;
        assert!(fired < 40, "{fired} waits end in an hour in which nothing happens");
    }

    /// All mappings come to a final state.
    async fn settle(&mut self, process: &Process) {
        for _ in 0..100 {
            self.outside.time.quiet().await;
            self.observe(process).await;
            let is_settled = |mine: &Mine| {
                if mine.is_there { mine.mapping.state.is_final() } else { mine.is_deleted }
            };
            if self.mappings.iter().all(is_settled) {
                return;
            }
            // A store that failed is asked again after a while, in execution time.
            execution_sleep(Duration::from_secs(1)).await;
        }
        let states: Vec<_> = self.mappings.iter().map(|mine| (mine.is_there, mine.mapping.state)).collect();
        panic!("no final states: {states:?}");
    }

    /// What happened, for whoever looks for the reason.
    pub(crate) fn tell(&self) -> String {
        let lines = self.outside.journal.lines();
        let mut told = format!("{:?}\n", self.mode);
        for mapping in self.mappings.iter().flat_map(|mine| &mine.history) {
            told += &format!("{mapping:?}\n");
        }
        for shard in &self.shards {
            told += &format!("{shard:?}\n");
        }
        for (number, line) in lines.iter().enumerate() {
            let what = match &line.what {
                What::Began(began) => {
                    format!(
                        "{} {:?} {:?} {:?}",
                        began.function,
                        began.numbers(),
                        began.shards(),
                        began.window
                    )
                }
                What::Meddled { how } => how.clone(),
                What::Sent { n } => {
                    let Sent { group, kind, color, acknowledged, .. } = self.sent_by_number(*n);
                    format!("sent {n} {group} {kind:?} {color:?} {acknowledged:?}")
                }
                what => format!("{what:?}"),
            };
            told += &format!("{number} {} {what}\n", line.at);
        }
        told
    }

    pub(crate) fn sent_by_number(&self, n: u64) -> &Sent {
        &self.sent[usize::try_from(n).unwrap()]
    }
}
