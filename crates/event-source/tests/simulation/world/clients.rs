//! What clients do: they send, make, change and delete mappings, and split and merge shards.

use bytes::Bytes;
use event_source::{Mapping, MappingError, State};
use queue::NewMessage;
use stream::{NewRecord, Shard};

use super::{Mode, Place, Sent, World};
use crate::function::body;
use crate::journal::What;
use crate::process::Process;
use crate::settings;

impl World {
    pub(super) async fn send(&mut self, process: &Process) {
        let queues: Vec<_> = self
            .outside
            .queues
            .lock()
            .unwrap()
            .keys()
            .filter(|name| !name.starts_with("dead"))
            .cloned()
            .collect();
        let streams: Vec<_> = self.outside.streams.lock().unwrap().keys().cloned().collect();
        // A request is at most 1 MiB.
        let has_large = self.padding_bytes.iter().any(|bytes| *bytes > 100_000);
        let count = if has_large { 1 } else { self.chance.pick(&[1, 1, 2, 3, 6, 12]) };
        let at = self.chance.below((queues.len() + streams.len()) as u64);
        match queues.get(usize::try_from(at).unwrap()) {
            Some(queue) => self.send_messages(process, queue, count).await,
            None => self.put(process, &streams[usize::try_from(at).unwrap() - queues.len()], count).await,
        }
    }

    /// Notes that something is being sent, and returns its body.
    fn begin_send(&mut self, source: &str) -> (Sent, String) {
        let n = self.sent.len() as u64;
        let sent = Sent {
            n,
            source: source.to_owned(),
            group: format!("g{}", self.chance.below(self.groups)),
            kind: self.chance.pick(&self.kinds),
            color: self.chance.pick(&self.colors),
            at: self.now(),
            line: self.outside.journal.write(self.now(), What::Sent { n }),
            acknowledged: None,
        };
        self.sent.push(sent.clone());
        let body = body(sent.n, sent.kind, sent.color, self.chance.pick(&self.padding_bytes));
        (sent, body)
    }

    fn acknowledge(&mut self, n: u64, place: Place) {
        self.sent[usize::try_from(n).unwrap()].acknowledged = Some(place);
    }

    async fn send_messages(&mut self, process: &Process, name: &str, count: usize) {
        let queue = process.services.open_queue(name).unwrap();
        let is_fifo = queue.settings().fifo.is_some();
        let begun: Vec<(Sent, String)> = (0..count).map(|_| self.begin_send(name)).collect();
        let messages = begun.iter().map(|(sent, body)| NewMessage {
            id: format!("m{}", sent.n),
            body: body.clone(),
            group_id: is_fifo.then(|| sent.group.clone()),
            deduplication_id: is_fifo.then(|| sent.n.to_string()),
            ..NewMessage::default()
        });
        let results = queue.send(messages.collect()).await;
        for ((sent, _), result) in begun.iter().zip(results) {
            if let Ok(done) = result {
                self.acknowledge(sent.n, Place::Queue(done.sequence_number.unwrap_or(0)));
            }
        }
    }

    async fn put(&mut self, process: &Process, name: &str, count: usize) {
        let stream = process.services.open_stream(name).unwrap();
        let begun: Vec<(Sent, String)> = (0..count).map(|_| self.begin_send(name)).collect();
        let records = begun.iter().map(|(sent, body)| NewRecord {
            partition_key: sent.group.clone(),
            explicit_hash_key: None,
            larger_than: None,
            data: Bytes::from(body.clone()),
        });
        let Ok(results) = stream.put(records.collect()).await else { return };
        for ((sent, _), result) in begun.iter().zip(results) {
            if let Ok(put) = result {
                self.acknowledge(sent.n, Place::Shard(put.shard, put.sequence_number));
            }
        }
    }

    fn meddle(&self, how: String) -> usize {
        self.outside.journal.write(self.now(), What::Meddled { how })
    }

    pub(super) async fn create(&mut self, process: &Process) {
        let Some(index) = self.mappings.iter().position(|mine| !mine.is_there && !mine.is_deleted) else {
            return;
        };
        self.create_one(process, index).await;
    }

    pub(super) async fn create_one(&mut self, process: &Process, index: usize) {
        let line = self.meddle(format!("create {}", self.mappings[index].function()));
        let now = self.now();
        let mine = &mut self.mappings[index];
        if mine.created.is_none() {
            mine.created = Some(line);
            settings::begin_now(&mut mine.mapping, now);
            mine.history = vec![mine.mapping.clone()];
        }
        let result = process.sources.create(mine.mapping.clone()).await;
        if self.mode == Mode::Calm {
            self.outside.time.quiet().await;
        }
        if let Err(MappingError::Exists(uuid)) = &result {
            assert_eq!(uuid, &mine.mapping.uuid, "another one exists");
        }
        assert!(
            !matches!(result, Err(MappingError::NotFound | MappingError::InUse)),
            "what is made anew neither is missing nor in use"
        );
        self.observe(process).await;
    }

    pub(super) async fn toggle(&mut self, process: &Process) {
        let Some(index) = self.pick_mapping() else { return };
        let to = !self.mappings[index].mapping.is_enabled;
        self.set_enabled(process, index, to).await;
    }

    pub(super) async fn set_enabled(&mut self, process: &Process, index: usize, to: bool) {
        self.update(process, index, |mapping| mapping.is_enabled = to).await;
    }

    fn pick_mapping(&self) -> Option<usize> {
        let index = usize::try_from(self.chance.below(self.mappings.len() as u64)).unwrap();
        (self.mappings[index].is_there && !self.mappings[index].is_deleted).then_some(index)
    }

    pub(super) async fn change(&mut self, process: &Process) {
        let Some(index) = self.pick_mapping() else { return };
        let drawn = settings::redraw(&self.chance, &self.mappings[index].mapping);
        self.update(process, index, |mapping| *mapping = Mapping { is_enabled: mapping.is_enabled, ..drawn })
            .await;
    }

    async fn update(&mut self, process: &Process, index: usize, change: impl FnOnce(&mut Mapping) + Send) {
        let mine = &mut self.mappings[index];
        let mut changed = mine.mapping.clone();
        if mine.is_stopped {
            mine.is_stopped = false;
            let function = mine.function().to_owned();
            self.outside.journal.write(self.outside.time.now(), What::Allowed { function });
        }
        let mine = &mut self.mappings[index];
        mine.is_told_enabled = false;
        let Mapping { account, region, uuid, .. } = mine.mapping.clone();
        let new = &mut changed;
        let outside = self.outside.clone();
        let history = &mut mine.history;
        self.outside.journal.write(self.outside.time.now(), What::Meddled { how: format!("change {uuid}") });
        let change = move |mapping: &mut Mapping| {
            let state = (mapping.state, mapping.revision);
            change(mapping);
            (mapping.state, mapping.revision) = state;
            *new = mapping.clone();
            history.push(mapping.clone());
            drop(outside);
        };
        let result = match process.sources.get(&account, &region, &uuid).await {
            Ok(seen) => process.sources.update(&seen, change).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(mapping) => {
                assert!(!mapping.state.is_final(), "{:?} just after a change", mapping.state);
                assert!(mapping.revision > mine.mapping.revision);
            }
            Err(MappingError::InUse) => {
                assert!(self.mode != Mode::Calm, "in use though all was quiet: {:?}", mine.mapping.state);
            }
            Err(MappingError::Exists(_)) => panic!("it does not become like another one"),
            Err(MappingError::NotFound) => panic!("{uuid} is lost"),
            Err(MappingError::Store(_)) => assert!(self.mode != Mode::Calm),
        }
        if self.mode == Mode::Calm {
            self.outside.time.quiet().await;
        }
    }

    pub(super) async fn delete(&mut self, process: &Process) {
        let Some(index) = self.pick_mapping() else { return };
        // Of most there would be nothing more to see.
        if !self.chance.percent(20) {
            return;
        }
        self.meddle(format!("delete {}", self.mappings[index].function()));
        let mine = &mut self.mappings[index];
        mine.is_deleted = true;
        let Mapping { account, region, uuid, .. } = mine.mapping.clone();
        let result = process.sources.delete(&account, &region, &uuid).await;
        if let Ok(mapping) = result {
            assert_eq!(mapping.state, State::Deleting);
        }
        self.outside.time.quiet().await;
    }

    /// Looks at the mappings as they are now.
    pub(super) async fn observe(&mut self, process: &Process) {
        let (journal, now) = (self.outside.journal.clone(), self.now());
        for mine in self.mappings.iter_mut().filter(|mine| mine.created.is_some()) {
            let function = mine.function().to_owned();
            let Mapping { account, region, uuid, .. } = &mine.mapping;
            match process.sources.get(account, region, uuid).await {
                Ok(mapping) => {
                    mine.is_there = true;
                    let is_stopped = mapping.state == State::Disabled;
                    if is_stopped && !mine.is_stopped {
                        journal.write(now, What::Stopped { function: function.clone() });
                    }
                    mine.is_stopped = is_stopped;
                    if mapping.state == State::Enabled && !mine.is_told_enabled {
                        mine.is_told_enabled = true;
                        journal.write(now, What::Enabled { function });
                    }
                    if mapping.state.is_final() {
                        assert_eq!(mapping.state == State::Enabled, mapping.is_enabled);
                    }
                    mine.mapping = mapping;
                }
                Err(MappingError::NotFound) => {
                    assert!(mine.is_deleted || !mine.is_there, "{uuid} is lost");
                    if mine.is_deleted && mine.is_there {
                        mine.is_there = false;
                        journal.write(now, What::Stopped { function });
                    }
                }
                Err(error) => assert!(self.mode != Mode::Calm, "{error}"),
            }
        }
    }

    pub(super) async fn reshard(&mut self, process: &Process) {
        let open: Vec<(String, Shard)> = self
            .shards
            .iter()
            .filter(|(_, shard)| shard.closed.is_none())
            .map(|((name, _), shard)| (name.clone(), shard.clone()))
            .collect();
        if open.is_empty() || self.shards.len() > 8 {
            return;
        }
        let (name, shard) = self.chance.pick(&open);
        let stream = process.services.open_stream(&name).unwrap();
        let next = shard.hash_keys.end().checked_add(1);
        let neighbour =
            open.iter().find(|(other, beside)| *other == name && Some(*beside.hash_keys.start()) == next);
        self.meddle(format!("reshard {}", shard.id));
        let result = match neighbour {
            Some((_, neighbour)) if self.chance.percent(50) => stream.merge(shard.id, neighbour.id).await,
            _ => {
                let width = shard.hash_keys.end() - shard.hash_keys.start();
                let share = u128::from(1 + self.chance.below(9));
                stream.split(shard.id, shard.hash_keys.start() + width / 10 * share).await
            }
        };
        assert!(result.is_ok() || self.mode != Mode::Calm, "{result:?}");
        self.learn_shards(process).await;
    }

    pub(super) async fn learn_shards(&mut self, process: &Process) {
        let names: Vec<String> = self.outside.streams.lock().unwrap().keys().cloned().collect();
        for name in names {
            let stream = process.services.open_stream(&name).unwrap();
            for shard in stream.shards().await.unwrap_or_default() {
                self.shards.insert((name.clone(), shard.id), shard);
            }
        }
    }
}
