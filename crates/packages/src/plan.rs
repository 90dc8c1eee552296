//! What a zip would unpack to, decided before the first file is written. All that could write, or make a function
//! read, outside its tree is refused here.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::PackageError;

/// The most bytes in a zip that is uploaded ("Lambda quotas": 50 MB).
pub const ZIPPED_BYTES_MAX: u64 = 52_428_800;
/// The most bytes in all files of a zip ("Lambda quotas": 250 MB, layers included).
pub const UNZIPPED_BYTES_MAX: u64 = 262_144_000;
/// The most files, directories and links in a zip: a limit of ours, for each of them takes an inode.
pub const ENTRIES_MAX: usize = 65_536;

/// Linux's limits, checked here so that a long name is the zip's fault and not the disk's; the path leaves room for
/// the directory that the tree is in.
const NAME_BYTES_MAX: usize = 255;
const PATH_BYTES_MAX: usize = 2_048;
const LINK_TARGET_BYTES_MAX: u64 = 1_024;
/// As many links as Linux follows before it gives up.
const LINKS_FOLLOWED_MAX: usize = 40;
/// The most steps to find out where all links lead, so that few bytes cannot keep a processor busy.
const LINK_STEPS_MAX: usize = 1 << 20;

const FILE_TYPE_MASK: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
const EXECUTABLE_BITS: u32 = 0o111;

pub(crate) type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Directory,
    File { index: usize, executable: bool },
    Link { target: String },
}

/// Everything in a zip, parents before children.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// By path below the tree's root, with single slashes between plain names.
    nodes: BTreeMap<String, Node>,
}

impl Plan {
    pub(crate) fn of(zip: &[u8], archive: &mut Archive<'_>) -> Result<Self, PackageError> {
        if archive.is_empty() {
            return Err(PackageError::Empty);
        }
        if archive.len() > ENTRIES_MAX {
            return Err(too_many());
        }
        // The archive knows only the last of several entries with one name.
        if central_headers(zip, archive.central_directory_start()) != archive.len() {
            return Err(refused("two entries have the same name"));
        }
        let mut plan = Self::default();
        let mut occupied = Vec::with_capacity(archive.len());
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(unreadable)?;
            let start = entry.data_start().unwrap_or(0);
            occupied.push((start, start.saturating_add(entry.compressed_size())));
            let path = normalize(entry.name())?;
            let mode = entry.unix_mode().unwrap_or(0);
            let node = match (entry.name().ends_with('/'), mode & FILE_TYPE_MASK) {
                (true, _) | (false, DIRECTORY) => Node::Directory,
                (false, 0 | REGULAR) => Node::File { index, executable: mode & EXECUTABLE_BITS != 0 },
                (false, LINK) => Node::Link { target: read_target(&mut entry)? },
                (false, _) => return Err(refused("an entry is neither file nor directory nor link")),
            };
            plan.insert(path, node)?;
        }
        occupied.sort_unstable();
        if occupied.windows(2).any(|pair| pair[1].0 < pair[0].1) {
            return Err(refused("entries overlap"));
        }
        plan.check_links()?;
        Ok(plan)
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    fn insert(&mut self, path: String, node: Node) -> Result<(), PackageError> {
        // Whatever is there already has all its parents.
        let mut below = path.as_str();
        while let Some((parent, _)) = below.rsplit_once('/') {
            match self.nodes.get(parent) {
                Some(Node::Directory) => break,
                Some(_) => return Err(refused("an entry lies below a file or a link")),
                None => self.nodes.insert(parent.to_owned(), Node::Directory),
            };
            below = parent;
        }
        match self.nodes.get(&path) {
            // Only dots and slashes: the root itself, which is there anyway.
            _ if path.is_empty() && node == Node::Directory => {}
            _ if path.is_empty() => return Err(refused("an entry has no name")),
            Some(Node::Directory) if node == Node::Directory => {}
            Some(_) => return Err(refused("two entries have the same name")),
            None => {
                self.nodes.insert(path, node);
            }
        }
        if self.nodes.len() > ENTRIES_MAX { Err(too_many()) } else { Ok(()) }
    }

    fn check_links(&self) -> Result<(), PackageError> {
        let mut steps_left = LINK_STEPS_MAX;
        for (path, node) in &self.nodes {
            if let Node::Link { target } = node
                && !self.stays_inside(path, target, &mut steps_left)
            {
                return Err(refused(&format!("the link {path:?} leads out of the package, or too far")));
            }
        }
        Ok(())
    }

    /// Goes where the kernel would go, through other links too: each of two links may be harmless alone and lead
    /// outside together.
    fn stays_inside(&self, link: &str, target: &str, steps_left: &mut usize) -> bool {
        let mut here = parent(link).unwrap_or_default().to_owned();
        let mut ahead: VecDeque<&str> = target.split('/').collect();
        let mut followed = 0;
        if target.starts_with('/') {
            return false;
        }
        while let Some(step) = ahead.pop_front() {
            if *steps_left == 0 {
                return false;
            }
            *steps_left -= 1;
            match step {
                "" | "." => {}
                ".." => match parent(&here) {
                    Some(parent) => here.truncate(parent.len()),
                    None => return false,
                },
                name => {
                    let came_from = here.len();
                    if !here.is_empty() {
                        here.push('/');
                    }
                    here.push_str(name);
                    if let Some(Node::Link { target }) = self.nodes.get(&here) {
                        followed += 1;
                        if followed > LINKS_FOLLOWED_MAX || target.starts_with('/') {
                            return false;
                        }
                        here.truncate(came_from);
                        for step in target.rsplit('/') {
                            ahead.push_front(step);
                        }
                    }
                }
            }
        }
        true
    }
}

/// The directory that `path` is in; none for the root.
fn parent(path: &str) -> Option<&str> {
    if path.is_empty() { None } else { Some(path.rsplit_once('/').map_or("", |(parent, _)| parent)) }
}

/// The path that an entry's name stands for. Names always have forward slashes (APPNOTE 4.4.17).
fn normalize(name: &str) -> Result<String, PackageError> {
    if name.starts_with('/') || name.contains('\0') {
        return Err(refused("an entry's name is absolute or has a NUL"));
    }
    if name.len() > PATH_BYTES_MAX {
        return Err(refused("an entry's name is too long"));
    }
    let mut path = String::with_capacity(name.len());
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(refused("an entry's name leads out of the package")),
            part if part.len() > NAME_BYTES_MAX => return Err(refused("an entry's name is too long")),
            part => {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(part);
            }
        }
    }
    Ok(path)
}

fn read_target(entry: &mut impl Read) -> Result<String, PackageError> {
    let mut target = String::new();
    let read = entry.take(LINK_TARGET_BYTES_MAX + 1).read_to_string(&mut target);
    match read {
        Ok(length) if length == 0 || length as u64 > LINK_TARGET_BYTES_MAX || target.contains('\0') => {
            Err(refused("a link's target is empty or too long"))
        }
        Ok(_) => Ok(target),
        Err(error) => Err(refused(&error.to_string())),
    }
}

/// Counts the headers of the central directory (APPNOTE 4.3.12).
fn central_headers(zip: &[u8], start: u64) -> usize {
    const LENGTH: usize = 46;
    let mut rest = usize::try_from(start).ok().and_then(|start| zip.get(start..)).unwrap_or_default();
    let mut count = 0;
    while let Some((header, after)) = rest.split_first_chunk::<LENGTH>()
        && header.starts_with(b"PK\x01\x02")
    {
        count += 1;
        let length_at = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        // The lengths of name, extra field and comment.
        rest = after.get(length_at(28) + length_at(30) + length_at(32)..).unwrap_or_default();
    }
    count
}

fn too_many() -> PackageError {
    refused(&format!("there are more than {ENTRIES_MAX} files and directories in it"))
}

pub(crate) fn refused(why: &str) -> PackageError {
    PackageError::CannotUnzip(why.to_owned())
}

pub(crate) fn unreadable(error: ZipError) -> PackageError {
    PackageError::CannotUnzip(error.to_string())
}
