//! The floor of every acknowledgement: an append to a file and its sync.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clock::Stopwatch;

use crate::statistics::Summary;

/// Appends `size` bytes and syncs them, `rounds` times.
pub(crate) fn append_and_sync(folder: &Path, size: usize, rounds: usize) -> Result<Summary> {
    let path = folder.join("floor");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let block = vec![b'x'; size];
    let mut series = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let watch = Stopwatch::start();
        file.write_all(&block)?;
        file.sync_data()?;
        series.push(watch.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(Summary::of(series))
}

/// How many appends of `size` bytes a second are synced when each write has to carry its own sync.
pub(crate) fn syncs_per_second(floor: Summary) -> f64 {
    1.0 / floor.p50.max(Duration::from_nanos(1)).as_secs_f64()
}
