//! Function code and layers: the zips that were uploaded, kept durably, and their unpacked form.
//!
//! A package is named by the SHA-256 of its zip, so that the same upload is kept once. The directory belongs to one
//! process at a time (the store's file lock sees to that). Nothing here knows who refers to a package: callers say
//! so when packages are removed.

mod blobs;
mod package;
mod pins;
mod plan;
mod unpack;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use bytes::Bytes;
use tasks::Tasks;
use tokio::sync::{Mutex, Semaphore};

use blobs::Blobs;
pub use package::{InvalidPackageKey, Package, PackageError, PackageKey, Stored};
pub use pins::Pin;
use pins::Pins;
pub use plan::{ENTRIES_MAX, UNZIPPED_BYTES_MAX, ZIPPED_BYTES_MAX};

/// All packages of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Packages {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    blobs: Arc<Blobs>,
    pins: Pins,
    tasks: Tasks,
    /// As many zips are unpacked at once as there are processors: each holds its whole zip in memory.
    unpackers: Semaphore,
    /// Callers that want the same package wait for one unpacking. Sixteen locks, chosen by the key's first digit,
    /// do that without any bookkeeping.
    unpacking: [Mutex<()>; 16],
    sweeping: Mutex<()>,
}

impl Packages {
    /// Opens the packages in `directory`, makes it where there is none, and clears away what a crash left half done.
    ///
    /// # Errors
    /// [`PackageError::Io`].
    pub async fn open(directory: &Path, tasks: Tasks) -> Result<Self, PackageError> {
        let directory = directory.to_owned();
        let blobs = run(&tasks, move || Blobs::open(&directory)).await?;
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let inner = Inner {
            blobs: Arc::new(blobs),
            pins: Pins::default(),
            tasks,
            unpackers: Semaphore::new(processors),
            unpacking: std::array::from_fn(|_| Mutex::new(())),
            sweeping: Mutex::new(()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Checks a zip by unpacking it, and keeps both. Once this returns, the zip is on disk. Keep [`Stored::pin`]
    /// until what refers to the package is committed: until then, no [`Packages::sweep`] removes it.
    ///
    /// # Errors
    /// [`PackageError::ZippedTooLarge`], [`PackageError::UnzippedTooLarge`], [`PackageError::Empty`] or
    /// [`PackageError::CannotUnzip`] when the zip is at fault, [`PackageError::Io`] when the disk is.
    pub async fn put_zip(&self, zip: Bytes) -> Result<Stored, PackageError> {
        if zip.len() as u64 > ZIPPED_BYTES_MAX {
            return Err(PackageError::ZippedTooLarge);
        }
        let (key, sha256_base64, zip) = run(&self.inner.tasks, move || {
            let (key, sha256_base64) = PackageKey::of(&zip);
            Ok((key, sha256_base64, zip))
        })
        .await?;
        let pin = self.pin(&key);
        let size_bytes = zip.len() as u64;
        let _permit = self.inner.unpackers.acquire().await;
        let (blobs, written) = (Arc::clone(&self.inner.blobs), key.clone());
        let unpacked_bytes = run(&self.inner.tasks, move || {
            let unpacked_bytes = blobs.unpack(&written, &zip)?;
            blobs.write_zip(&written, &zip)?;
            Ok(unpacked_bytes)
        })
        .await?;
        Ok(Stored { package: Package { key, sha256_base64, size_bytes, unpacked_bytes }, pin })
    }

    /// The zip as it was uploaded.
    ///
    /// # Errors
    /// [`PackageError::NotFound`], [`PackageError::Damaged`], [`PackageError::Io`].
    pub async fn read_zip(&self, key: &PackageKey) -> Result<Bytes, PackageError> {
        let (blobs, key) = (Arc::clone(&self.inner.blobs), key.clone());
        run(&self.inner.tasks, move || blobs.read_zip(&key)).await
    }

    /// The directory with the package's files, unpacked now if it must be. It is to be read only, and it stays for
    /// as long as the package is referred to or a [`Packages::pin`] is held: hold one while a sandbox shows it.
    ///
    /// Directories and executable files have mode 0755, other files 0644, whatever the zip said, so that any user
    /// can read them.
    ///
    /// # Errors
    /// [`PackageError::NotFound`], [`PackageError::Damaged`], [`PackageError::Io`].
    pub async fn unpacked(&self, key: &PackageKey) -> Result<PathBuf, PackageError> {
        let tree = self.inner.blobs.tree(key);
        if tree.is_dir() {
            return Ok(tree);
        }
        let _one_at_a_time = self.inner.unpacking[key.first_digit()].lock().await;
        if tree.is_dir() {
            return Ok(tree);
        }
        let _permit = self.inner.unpackers.acquire().await;
        let (blobs, key) = (Arc::clone(&self.inner.blobs), key.clone());
        run(&self.inner.tasks, move || {
            let zip = blobs.read_zip(&key)?;
            blobs.unpack(&key, &zip)
        })
        .await?;
        Ok(tree)
    }

    /// Keeps a package from being removed for as long as the pin lives.
    #[must_use]
    pub fn pin(&self, key: &PackageKey) -> Pin {
        self.inner.pins.pin(key)
    }

    /// Removes this package, unless it is pinned or `is_referenced` finds that somebody refers to it. That question
    /// is asked here, and not before, so that a reference which is made meanwhile is not missed. Says whether it
    /// was removed.
    ///
    /// # Errors
    /// The question's own, and [`PackageError::Io`].
    pub async fn remove<E: From<PackageError>>(
        &self,
        key: &PackageKey,
        is_referenced: impl Future<Output = Result<bool, E>>,
    ) -> Result<bool, E> {
        let _one_at_a_time = self.inner.sweeping.lock().await;
        self.inner.pins.start_sweep();
        if is_referenced.await? {
            return Ok(false);
        }
        Ok(self.remove_unpinned(vec![key.clone()]).await? > 0)
    }

    /// Removes every package that is not among those `referenced` finds, and is not pinned: the orphans of uploads
    /// that were never committed. Says how many. `referenced` is run here, see [`Packages::remove`].
    ///
    /// # Errors
    /// The question's own, and [`PackageError::Io`].
    pub async fn sweep<E: From<PackageError>>(
        &self,
        referenced: impl Future<Output = Result<HashSet<PackageKey>, E>>,
    ) -> Result<usize, E> {
        let _one_at_a_time = self.inner.sweeping.lock().await;
        self.inner.pins.start_sweep();
        let blobs = Arc::clone(&self.inner.blobs);
        let mut orphans = run(&self.inner.tasks, move || blobs.keys()).await?;
        let referenced = referenced.await?;
        orphans.retain(|key| !referenced.contains(key));
        Ok(self.remove_unpinned(orphans).await?)
    }

    async fn remove_unpinned(&self, keys: Vec<PackageKey>) -> Result<usize, PackageError> {
        let inner = Arc::clone(&self.inner);
        run(&self.inner.tasks, move || {
            let mut removed = 0;
            for key in keys {
                // Nobody can pin it between the question and the answer.
                let trash = inner.pins.unless_pinned(&key, || inner.blobs.discard(&key)).transpose()?;
                if let Some(trash) = trash.filter(|trash| !trash.is_empty()) {
                    removed += 1;
                    blobs::delete_trash(&trash)?;
                }
            }
            Ok(removed)
        })
        .await
    }
}

/// Runs file work on a thread where it may block.
async fn run<R: Send + 'static>(
    tasks: &Tasks,
    work: impl FnOnce() -> Result<R, PackageError> + Send + 'static,
) -> Result<R, PackageError> {
    match tasks.blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(PackageError::Io(format!("file work was broken off: {error}"))),
    }
}
