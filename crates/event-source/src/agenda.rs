//! What mappings wait for: the batches that they gather, and what lanes' rows tell of: retries, destinations that are tried
//! again, and the ends of tumbling windows.

use async_trait::async_trait;
use clock::Timestamp;
use store::TableError;
use targets::{Agenda, Due};

use crate::stream_poller::lane::Lane;
use crate::stream_poller::waits;
use crate::tables::checkpoints::Checkpoints;
use crate::{EventSources, Mapping, Polling};

#[async_trait]
impl Agenda for EventSources {
    async fn due(&self, limit: usize) -> Vec<Due> {
        let mappings: Vec<_> = self.engine().slots().values().map(|slot| slot.mapping()).collect();
        let now = self.engine().parts.clock.now();
        let mut due = self.engine().waiting.all();
        due.retain(|due| due.at > now);
        for mapping in mappings.iter().filter(|mapping| mapping.is_enabled) {
            match self.waits_of(mapping).await {
                Ok(waits) => due.extend(waits),
                Err(error) => tracing::warn!(%error, "the waits of a mapping cannot be read"),
            }
        }
        due.sort_by_key(|due: &Due| due.at);
        due.truncate(limit);
        due
    }
}

impl EventSources {
    async fn waits_of(&self, mapping: &Mapping) -> Result<Vec<Due>, TableError> {
        let Polling::Stream(polling) = &mapping.polling else { return Ok(Vec::new()) };
        let parts = &self.engine().parts;
        let now = parts.clock.now();
        let lanes = Checkpoints::of(mapping).stored_lanes(&*parts.store).await?;
        let next = |lane: &Lane| waits::next(polling, lane).filter(|(at, _): &(Timestamp, _)| *at > now);
        let waits = lanes.iter().filter_map(|(shard, lane)| {
            let (at, what) = next(lane)?;
            Some(Due {
                at,
                what: what.to_owned(),
                resource: mapping.function.to_string(),
                id: format!("{} {shard}", mapping.uuid),
            })
        });
        Ok(waits.collect())
    }
}
