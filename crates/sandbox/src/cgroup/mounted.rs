//! Where the host has its control group hierarchies, and where in them this process is.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The directories of this process's own groups.
#[derive(Debug, Default)]
pub(crate) struct Hierarchies {
    /// The unified hierarchy: where it is mounted, and our group.
    pub(crate) unified: Option<Place>,
    /// The old hierarchies by controller.
    pub(crate) legacy: HashMap<String, Place>,
}

/// A hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The topmost group that we can see.
    pub(crate) top: PathBuf,
    /// The group that this process is in.
    pub(crate) own: PathBuf,
}

impl Hierarchies {
    /// Reads them from `/proc`.
    pub(crate) fn read() -> io::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let groups = fs::read_to_string("/proc/self/cgroup")?;
        Ok(Self::parse(&mounts, &groups))
    }

    fn parse(mounts: &str, groups: &str) -> Self {
        let mut found = Self::default();
        for mount in mounts.lines() {
            // "<id> <parent> <device> <root> <mount point> <options> ... - <type> <source> <super options>"
            let Some((left, right)) = mount.split_once(" - ") else { continue };
            let left: Vec<&str> = left.split(' ').collect();
            let right: Vec<&str> = right.split(' ').collect();
            let (Some(&root), Some(&point), Some(&kind)) = (left.get(3), left.get(4), right.first()) else {
                continue;
            };
            let options: Vec<&str> =
                right.get(2).map(|options| options.split(',').collect()).unwrap_or_default();
            for group in groups.lines() {
                // "<hierarchy>:<controllers>:<path>"; the unified one is 0 and lists no controllers.
                let mut fields = group.splitn(3, ':');
                let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next())
                else {
                    continue;
                };
                let place = || place(root, point, path);
                if kind == "cgroup2" && controllers.is_empty() {
                    found.unified.get_or_insert_with(place);
                } else if kind == "cgroup" {
                    for controller in controllers.split(',').filter(|controller| options.contains(controller))
                    {
                        found.legacy.entry(controller.to_owned()).or_insert_with(place);
                    }
                }
            }
        }
        found
    }
}

fn place(root: &str, point: &str, path: &str) -> Place {
    let top = PathBuf::from(point);
    let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
    Place { own: top.join(below), top }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_host_has_both_kinds() {
        let mounts = "30 29 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                      31 29 0:27 /outer /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      32 29 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let groups = "2:memory:/outer/inner\n1:cpu,cpuacct:/\n0::/init.scope\n";
        let found = Hierarchies::parse(mounts, groups);
        assert_eq!(found.legacy["memory"].own, Path::new("/sys/fs/cgroup/memory/inner"));
        assert_eq!(found.legacy["cpu"].own, Path::new("/sys/fs/cgroup/cpu,cpuacct"));
        assert_eq!(found.unified.unwrap().own, Path::new("/sys/fs/cgroup/unified/init.scope"));
    }
}
