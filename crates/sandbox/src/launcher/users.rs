//! Which users of the host functions run as: one for each jail, that nobody else has.

use std::fs;
use std::io;

/// Above what containers and their tools use (systemd's "Users, Groups, UIDs and GIDs": up to 1,879,048,191), below
/// the half of the range that some programs take for negative.
const FIRST: u32 = 1_900_000_000;
/// So many at a time.
const COUNT: u32 = 65_536;

/// A supply of users, as this user namespace numbers them.
#[derive(Debug)]
pub(crate) struct Users {
    rootless: bool,
    of_a_namespace: bool,
    supply: Supply,
}

#[derive(Debug)]
enum Supply {
    /// Root: one for each.
    Own { first: u32, next: u32, count: u32, free: Vec<u32> },
    /// All jails have the user that the launcher has, which is 0 in its user namespace.
    Shared,
}

impl Users {
    /// What this process may use.
    pub(crate) fn of_this_process(rootless: bool) -> io::Result<Self> {
        let maps = [fs::read_to_string("/proc/self/uid_map")?, fs::read_to_string("/proc/self/gid_map")?];
        let all = |range: std::ops::Range<u32>| range == (0..u32::MAX);
        let of_a_namespace = !maps.iter().all(|map| ranges(map).any(all));
        Ok(Self { rootless, of_a_namespace, supply: from_maps(&maps) })
    }

    /// Whether root's rights are missing.
    pub(crate) fn is_rootless(&self) -> bool {
        self.rootless
    }

    /// Whether they are those of a user namespace rather than the host's own.
    pub(crate) fn are_of_a_namespace(&self) -> bool {
        self.of_a_namespace
    }

    /// Whether every jail gets a user of its own.
    pub(crate) fn are_own(&self) -> bool {
        matches!(self.supply, Supply::Own { .. })
    }

    /// The number of a user and a group for one jail. `None`: all are taken.
    pub(crate) fn take(&mut self) -> Option<u32> {
        match &mut self.supply {
            Supply::Shared => Some(0),
            Supply::Own { first, next, count, free } => free.pop().or_else(|| {
                let user = (*next < *count).then(|| *first + *next)?;
                *next += 1;
                Some(user)
            }),
        }
    }

    /// Gives it back, once no process has it any more.
    pub(crate) fn give_back(&mut self, user: u32) {
        if let Supply::Own { free, .. } = &mut self.supply {
            free.push(user);
        }
    }
}

/// Root on the host may be any user; root in a container only those that it was given. We take ours from the upper
/// end, where a distribution puts nobody, but for the highest hundred ("nobody" is 65534).
fn from_maps(maps: &[String; 2]) -> Supply {
    const SPARED: u32 = 100;
    const FEWEST: u32 = 1_000;
    let available = |wanted: u32| maps.iter().all(|map| ranges(map).any(|range| range.contains(&wanted)));
    if available(FIRST) && available(FIRST + COUNT) {
        return Supply::Own { first: FIRST, next: 0, count: COUNT, free: Vec::new() };
    }
    let ends = maps.each_ref().map(|map| ranges(map).map(|range| range.end).max().unwrap_or(0));
    let end = ends[0].min(ends[1]).saturating_sub(SPARED);
    let first = end.saturating_sub(FEWEST);
    if first > FEWEST && available(first) && available(end - 1) {
        Supply::Own { first, next: 0, count: FEWEST, free: Vec::new() }
    } else {
        Supply::Shared
    }
}

/// The users inside, from lines of "<inside> <outside> <count>".
fn ranges(map: &str) -> impl Iterator<Item = std::ops::Range<u32>> {
    map.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u32>().ok());
        let (inside, _, count) = (numbers.next()??, numbers.next()??, numbers.next()??);
        Some(inside..inside.saturating_add(count))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(map: &str) -> Users {
        Users { rootless: false, of_a_namespace: false, supply: from_maps(&[map.to_owned(), map.to_owned()]) }
    }

    #[test]
    fn root_of_the_host_has_the_range_and_never_gives_one_twice() {
        let mut users = users("0 0 4294967295\n");
        let (one, two) = (users.take().unwrap(), users.take().unwrap());
        assert_eq!((one, two), (FIRST, FIRST + 1));
        users.give_back(one);
        assert_eq!((users.take(), users.take()), (Some(one), Some(FIRST + 2)));
    }

    #[test]
    fn root_of_a_container_stays_within_its_own() {
        let mut users = users("0 100000 65536\n");
        assert_eq!(users.take(), Some(64_436));
        assert!((1..1_000).all(|_| users.take().is_some()));
        assert_eq!(users.take(), None);
    }

    #[test]
    fn too_small_a_range_is_shared() {
        assert!(!users("0 1000 1\n").are_own());
    }
}
