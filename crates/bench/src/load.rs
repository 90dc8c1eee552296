//! Many clients at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, anyhow};
use clock::Stopwatch;

use crate::http::Client;

/// Runs `work` on each connection until it has been done `total` times in all, and returns how often a second that was.
pub(crate) fn rate<F>(connections: Vec<Client>, total: usize, work: F) -> Result<f64>
where
    F: Fn(&mut Client, usize) -> Result<()> + Send + Sync + 'static,
{
    let (work, begun) = (Arc::new(work), Arc::new(AtomicUsize::new(0)));
    let watch = Stopwatch::start();
    let threads: Vec<_> = connections
        .into_iter()
        .map(|mut client| {
            let (work, begun) = (Arc::clone(&work), Arc::clone(&begun));
            std::thread::spawn(move || -> Result<()> {
                loop {
                    let index = begun.fetch_add(1, Ordering::Relaxed);
                    if index >= total {
                        return Ok(());
                    }
                    work(&mut client, index)?;
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a client panicked"))??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
    Ok(total as f64 / watch.elapsed().as_secs_f64())
}
