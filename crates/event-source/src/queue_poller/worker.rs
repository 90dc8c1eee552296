//! One worker: gathers a batch, runs it, and begins anew.

use std::sync::Arc;

use clock::Hold;

use super::gather::Gatherer;
use super::{Pool, Seat};

/// Works until it is told to stop, or there are enough others.
pub(super) async fn work(pool: Arc<Pool>, seat: Seat, mut hold: Hold) {
    let mut gatherer = Gatherer::new(seat);
    let batch_size = usize::try_from(pool.poller.mapping.batch_size).unwrap_or(1);
    // What is in hand is run in any case.
    while !gatherer.is_idle() || !(pool.poller.stop.is_told() || gatherer.seat.leaves_if_crowded()) {
        let Some((batch, taken)) = gatherer.gather(&pool, hold).await else { return };
        // A batch of one group says nothing of the others, and a full one that there may be more.
        let more = if pool.is_fifo || batch.len() == batch_size { 2 } else { 1 };
        if !pool.poller.stop.is_told() {
            pool.grow(more, &taken);
        }
        let (ran, is_done) = pool.run(batch, taken).await;
        hold = ran;
        if !is_done && pool.is_fifo {
            gatherer.let_go();
        }
    }
}
