//! The files: `zips/` is durable, `trees/` can always be made again from it, `temporary/` is emptied at every start.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

use crate::unpack::{set_mode, unpack};
use crate::{PackageError, PackageKey};

/// Changes with every start of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// `STATX_MNT_ID_UNIQUE` (since Linux 6.8): asks for a number that no later mount gets again.
const UNIQUE_MOUNT_ID: StatxFlags = StatxFlags::from_bits_retain(0x4000);

#[derive(Debug)]
pub(crate) struct Blobs {
    zips: PathBuf,
    /// Trees are not synced file by file. That is safe as long as the disk is mounted, whatever happens to the
    /// server; after a power loss, or on a disk that failed and was mounted anew, a tree may be incomplete, so each
    /// mount has trees of its own.
    trees: PathBuf,
    temporary: PathBuf,
    next_temporary: AtomicU64,
}

impl Blobs {
    pub(crate) fn open(directory: &Path) -> Result<Self, PackageError> {
        let (zips, all_trees) = (directory.join("zips"), directory.join("trees"));
        let temporary = directory.join("temporary");
        fs::create_dir_all(&all_trees).map_err(io(&all_trees))?;
        let mount = mount_of(&all_trees);
        for entry in fs::read_dir(&all_trees).map_err(io(&all_trees))? {
            let entry = entry.map_err(io(&all_trees))?;
            // Where mounts cannot be told apart, no tree outlives the server.
            if mount.as_deref().is_none_or(|mount| entry.file_name() != mount) {
                delete_trash(&[entry.path()])?;
            }
        }
        let trees = all_trees.join(mount.as_deref().unwrap_or("this-start"));
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(io(&temporary))?;
        }
        for made in [&zips, &trees, &temporary] {
            fs::create_dir_all(made).map_err(io(made))?;
        }
        set_mode(&trees, 0o755).map_err(io(&trees))?;
        let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
        for synced in [Some(directory), parent].into_iter().flatten() {
            sync_directory(synced)?;
        }
        Ok(Self { zips, trees, temporary, next_temporary: AtomicU64::new(0) })
    }

    pub(crate) fn tree(&self, key: &PackageKey) -> PathBuf {
        self.trees.join(key.as_str())
    }

    fn zip(&self, key: &PackageKey) -> PathBuf {
        self.zips.join(key.as_str())
    }

    /// Returns once the zip is on disk, with its name.
    pub(crate) fn write_zip(&self, key: &PackageKey, zip: &[u8]) -> Result<(), PackageError> {
        let temporary = self.temporary_path();
        let written = File::create_new(&temporary).and_then(|mut file| {
            file.write_all(zip)?;
            file.sync_all()?;
            fs::rename(&temporary, self.zip(key))
        });
        if let Err(error) = written {
            // A full disk must not fill further with what was broken off.
            let _ = fs::remove_file(&temporary);
            return Err(io(&temporary)(error));
        }
        sync_directory(&self.zips)
    }

    pub(crate) fn read_zip(&self, key: &PackageKey) -> Result<Bytes, PackageError> {
        let path = self.zip(key);
        let zip: Bytes = match fs::read(&path) {
            Ok(zip) => zip.into(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(PackageError::NotFound(key.clone()));
            }
            Err(error) => return Err(io(&path)(error)),
        };
        if PackageKey::of(&zip).0 == *key { Ok(zip) } else { Err(PackageError::Damaged(key.clone())) }
    }

    /// Unpacks a zip beside its place and moves it there whole; returns the bytes of its files. Whoever comes second
    /// finds the place taken by the same content.
    pub(crate) fn unpack(&self, key: &PackageKey, zip: &[u8]) -> Result<u64, PackageError> {
        let temporary = self.temporary_path();
        let unpacked = unpack(zip, &temporary);
        if unpacked.is_ok() {
            match fs::rename(&temporary, self.tree(key)) {
                Ok(()) => return unpacked,
                Err(_) if self.tree(key).is_dir() => {}
                Err(error) => {
                    delete_trash(&[temporary])?;
                    return Err(io(&self.tree(key))(error));
                }
            }
        }
        delete_trash(&[temporary])?;
        unpacked
    }

    /// Takes a package out of its place, to be deleted at leisure; none of it if there was none.
    pub(crate) fn discard(&self, key: &PackageKey) -> Result<Vec<PathBuf>, PackageError> {
        let mut trash = Vec::new();
        for path in [self.zip(key), self.tree(key)] {
            let temporary = self.temporary_path();
            match fs::rename(&path, &temporary) {
                Ok(()) => trash.push(temporary),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(io(&path)(error)),
            }
        }
        Ok(trash)
    }

    /// All packages of which there is a zip or a tree.
    pub(crate) fn keys(&self) -> Result<Vec<PackageKey>, PackageError> {
        let mut keys = BTreeSet::new();
        for directory in [&self.zips, &self.trees] {
            for entry in fs::read_dir(directory).map_err(io(directory))? {
                let name = entry.map_err(io(directory))?.file_name();
                match name.to_str().map(PackageKey::parse) {
                    Some(Ok(key)) => {
                        keys.insert(key);
                    }
                    _ => tracing::warn!(?directory, ?name, "a file that is no package is left alone"),
                }
            }
        }
        Ok(keys.into_iter().collect())
    }

    /// How many things were begun to be written or thrown away.
    #[cfg(test)]
    pub(crate) fn temporary_paths_used(&self) -> u64 {
        self.next_temporary.load(Ordering::Relaxed)
    }

    fn temporary_path(&self) -> PathBuf {
        self.temporary.join(self.next_temporary.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

/// A name for this start of the machine and this mount of the disk that `directory` is on.
fn mount_of(directory: &Path) -> Option<String> {
    let boot = fs::read_to_string(BOOT_ID).ok().filter(|boot| !boot.trim().is_empty())?;
    let status = statx(CWD, directory, AtFlags::empty(), StatxFlags::MNT_ID | UNIQUE_MOUNT_ID).ok()?;
    Some(format!("{}-{}", boot.trim(), status.stx_mnt_id))
}

pub(crate) fn delete_trash(trash: &[PathBuf]) -> Result<(), PackageError> {
    for path in trash {
        let deleted = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        deleted.map_err(io(path))?;
    }
    Ok(())
}

fn sync_directory(directory: &Path) -> Result<(), PackageError> {
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(io(directory))
}

pub(crate) fn io(path: &Path) -> impl Fn(std::io::Error) -> PackageError + '_ {
    move |error| PackageError::Io(format!("{}: {error}", path.display()))
}
