//! Writes a zip's files into a new directory.

use std::fs::{self, File, Permissions};
use std::io::{self as std_io, Cursor, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use zip::ZipArchive;

use crate::PackageError;
use crate::blobs::io;
use crate::plan::{Archive, Node, Plan, UNZIPPED_BYTES_MAX, refused, unreadable};

const BUFFER_BYTES: usize = 64 << 10;

/// Unpacks `zip` into `tree`, which must not exist, and returns how many bytes its files have. What a failure leaves
/// there is the caller's to remove.
pub(crate) fn unpack(zip: &[u8], tree: &Path) -> Result<u64, PackageError> {
    if zip.is_empty() {
        return Err(PackageError::Empty);
    }
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(unreadable)?;
    let plan = Plan::of(zip, &mut archive)?;
    make_directory(tree)?;
    let mut total = 0;
    let mut buffer = vec![0; BUFFER_BYTES];
    for (path, node) in plan.nodes() {
        let path = tree.join(path);
        match node {
            Node::Directory => make_directory(&path)?,
            Node::Link { target } => symlink(target, &path).map_err(io(&path))?,
            Node::File { index, executable } => {
                let mode = if *executable { 0o755 } else { 0o644 };
                let left = UNZIPPED_BYTES_MAX - total;
                total += write_file(&mut archive, *index, &path, mode, left, &mut buffer)?;
            }
        }
    }
    Ok(total)
}

/// Counts what really comes out: the sizes that a zip declares are only its word.
fn write_file(
    archive: &mut Archive<'_>,
    index: usize,
    path: &Path,
    mode: u32,
    bytes_max: u64,
    buffer: &mut [u8],
) -> Result<u64, PackageError> {
    let mut entry = archive.by_index(index).map_err(unreadable)?;
    let mut file = File::create_new(path).map_err(io(path))?;
    let mut written = 0;
    loop {
        let length = match entry.read(buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == std_io::ErrorKind::Interrupted => continue,
            // The zip is in memory, so no disk is to blame; a wrong checksum shows here too.
            Err(error) => return Err(refused(&error.to_string())),
        };
        written += length as u64;
        if written > bytes_max {
            return Err(PackageError::UnzippedTooLarge);
        }
        file.write_all(&buffer[..length]).map_err(io(path))?;
    }
    // The process's umask must not decide who can read it.
    file.set_permissions(Permissions::from_mode(mode)).map_err(io(path))?;
    Ok(written)
}

fn make_directory(path: &Path) -> Result<(), PackageError> {
    fs::create_dir(path).and_then(|()| set_mode(path, 0o755)).map_err(io(path))
}

pub(crate) fn set_mode(path: &Path, mode: u32) -> std_io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}
