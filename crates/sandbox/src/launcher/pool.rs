//! What is kept ready, and for whom.

use std::collections::HashMap;

use ids::AccountId;

use super::events::Number;
use super::protocol::{PoolSizes, Variables};
use crate::root::RootKey;
use crate::spec::{EnvironmentSpec, Program};

/// Prepared jails serve only what has the same key: one account, one interpreter, one set of the variables that an
/// interpreter reads when it is executed and never again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    pub(crate) account: AccountId,
    pub(crate) root: RootKey,
    pub(crate) variables: Variables,
}

impl PoolKey {
    /// `None`: environments like this cannot be prepared.
    pub(crate) fn of(spec: &EnvironmentSpec) -> Option<Self> {
        let root = root_key(spec);
        root.program.interpreter()?;
        let mut variables = Vec::new();
        for (name, value) in &spec.variables {
            match Reading::of(name, value) {
                Reading::Late => {}
                Reading::AtExec => variables.push((name.clone(), value.clone())),
                Reading::NeedsCode => return None,
            }
        }
        variables.sort();
        Some(Self { account: spec.account.clone(), root, variables })
    }

    /// Whether a zygote forks its jails' occupants.
    pub(crate) fn has_zygote(&self) -> bool {
        matches!(self.root.program, Program::Python { .. })
    }
}

/// The root that `spec` needs.
pub(crate) fn root_key(spec: &EnvironmentSpec) -> RootKey {
    RootKey { program: spec.program.clone(), network: spec.network }
}

/// When a variable takes effect.
#[derive(Debug, PartialEq, Eq)]
enum Reading {
    /// When the function's code or the bootstrap looks at it.
    Late,
    /// When the interpreter or the C library starts. Can be set ahead of need.
    AtExec,
    /// When the interpreter starts, and then it may run code of the function, which is not there ahead of need.
    NeedsCode,
}

impl Reading {
    fn of(name: &str, value: &str) -> Self {
        match name {
            // The bootstraps set these up again when they are bound.
            "NODE_PATH" => Self::Late,
            "PYTHONPATH" if value == "/var/runtime" => Self::AtExec,
            "LANG" | "LANGUAGE" | "LD_LIBRARY_PATH" => Self::AtExec,
            "AWS_LAMBDA_EXEC_WRAPPER" | "GLIBC_TUNABLES" | "OPENSSL_CONF" | "UV_THREADPOOL_SIZE" => {
                Self::NeedsCode
            }
            _ if name.starts_with("LC_") => Self::AtExec,
            _ if ["PYTHON", "LD_", "NODE_", "MALLOC_"].iter().any(|prefix| name.starts_with(prefix)) => {
                Self::NeedsCode
            }
            _ => Self::Late,
        }
    }
}

/// The jails that wait, by number.
#[derive(Debug)]
pub(crate) struct Pools {
    sizes: PoolSizes,
    empty: HashMap<RootKey, Shelf>,
    prepared: HashMap<PoolKey, Shelf>,
    uses: u64,
}

/// Jails of one kind.
#[derive(Debug, Default)]
struct Shelf {
    ready: Vec<Number>,
    /// On their way.
    coming: usize,
    /// How often one failed to come since one came. Too often, and no more are tried.
    failures: u32,
    last_use: u64,
}

impl Shelf {
    const MAX_FAILURES: u32 = 3;

    fn wants(&self, size: usize) -> bool {
        self.failures < Self::MAX_FAILURES && self.ready.len() + self.coming < size
    }
}

/// What to make next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Empty(RootKey),
    Prepared(PoolKey),
}

impl Pools {
    pub(crate) fn new(sizes: PoolSizes) -> Self {
        Self { sizes, empty: HashMap::new(), prepared: HashMap::new(), uses: 0 }
    }

    /// Says that environments with this root and key are wanted. The key whose jails must go for it, if any.
    pub(crate) fn expect(&mut self, root: &RootKey, key: Option<&PoolKey>) -> Option<PoolKey> {
        self.uses += 1;
        if self.sizes.jails > 0 {
            self.empty.entry(root.clone()).or_default().last_use = self.uses;
        }
        let key = key.filter(|_| self.sizes.prepared > 0 && self.sizes.keys > 0)?;
        self.prepared.entry(key.clone()).or_default().last_use = self.uses;
        if self.prepared.len() <= self.sizes.keys {
            return None;
        }
        self.prepared.iter().min_by_key(|(_, shelf)| shelf.last_use).map(|(key, _)| key.clone())
    }

    /// Drops a key. The jails that waited for it.
    pub(crate) fn forget(&mut self, key: &PoolKey) -> Vec<Number> {
        self.prepared.remove(key).map(|shelf| shelf.ready).unwrap_or_default()
    }

    /// Whether jails are still wanted for `key`.
    pub(crate) fn knows(&self, key: &PoolKey) -> bool {
        self.prepared.contains_key(key)
    }

    pub(crate) fn take_empty(&mut self, root: &RootKey) -> Option<Number> {
        self.empty.get_mut(root)?.ready.pop()
    }

    pub(crate) fn take_prepared(&mut self, key: &PoolKey) -> Option<Number> {
        self.prepared.get_mut(key)?.ready.pop()
    }

    /// What is missing; prepared jails first. It then counts as coming.
    pub(crate) fn next_need(&mut self) -> Option<Need> {
        let sizes = self.sizes;
        let latest = |shelves: &mut dyn Iterator<Item = (Need, u64)>| {
            shelves.max_by_key(|(_, last_use)| *last_use).map(|(need, _)| need)
        };
        let prepared = self.prepared.iter().filter(|(_, shelf)| shelf.wants(sizes.prepared));
        let need = latest(&mut prepared.map(|(key, shelf)| (Need::Prepared(key.clone()), shelf.last_use)));
        let need = need.or_else(|| {
            let empty = self.empty.iter().filter(|(_, shelf)| shelf.wants(sizes.jails));
            latest(&mut empty.map(|(key, shelf)| (Need::Empty(key.clone()), shelf.last_use)))
        })?;
        self.shelf(&need)?.coming += 1;
        Some(need)
    }

    /// Whether [`Pools::next_need`] would give something.
    pub(crate) fn is_full(&self) -> bool {
        !self.prepared.values().any(|shelf| shelf.wants(self.sizes.prepared))
            && !self.empty.values().any(|shelf| shelf.wants(self.sizes.jails))
    }

    /// How many are on their way.
    pub(crate) fn coming(&self) -> usize {
        self.empty.values().chain(self.prepared.values()).map(|shelf| shelf.coming).sum()
    }

    /// One that was on its way has come.
    pub(crate) fn put(&mut self, need: &Need, jail: Number) {
        if let Some(shelf) = self.shelf(need) {
            shelf.coming = shelf.coming.saturating_sub(1);
            shelf.failures = 0;
            shelf.ready.push(jail);
        }
    }

    /// One that was on its way will not come. Whether no more are tried.
    pub(crate) fn fail(&mut self, need: &Need) -> bool {
        let Some(shelf) = self.shelf(need) else { return false };
        shelf.coming = shelf.coming.saturating_sub(1);
        shelf.failures += 1;
        shelf.failures == Shelf::MAX_FAILURES
    }

    /// One that was made when it was needed has failed.
    pub(crate) fn distrust(&mut self, key: &PoolKey) {
        if let Some(shelf) = self.prepared.get_mut(key) {
            shelf.failures += 1;
        }
    }

    /// Whether what is made for `key` is worth trying.
    pub(crate) fn trusts(&self, key: &PoolKey) -> bool {
        self.prepared.get(key).is_some_and(|shelf| shelf.failures < Shelf::MAX_FAILURES)
    }

    /// One that was ready is gone.
    pub(crate) fn lose(&mut self, jail: Number) {
        for shelf in self.empty.values_mut().chain(self.prepared.values_mut()) {
            shelf.ready.retain(|&ready| ready != jail);
        }
    }

    /// `None`: it has been forgotten.
    fn shelf(&mut self, need: &Need) -> Option<&mut Shelf> {
        match need {
            Need::Empty(key) => self.empty.get_mut(key),
            Need::Prepared(key) => self.prepared.get_mut(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{EnvironmentId, Network};

    fn spec(account: &str, variables: &[(&str, &str)]) -> EnvironmentSpec {
        EnvironmentSpec {
            id: EnvironmentId("0".to_owned()),
            account: AccountId::parse(account).unwrap(),
            program: Program::Python { interpreter: "/usr/bin/python3".into() },
            task_dir: "/code".into(),
            layer_dirs: Vec::new(),
            variables: variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            memory_mb: 128,
            tmp_mb: 512,
            network: Network::Endpoint,
        }
    }

    fn key(account: &str) -> PoolKey {
        PoolKey::of(&spec(account, &[])).unwrap()
    }

    const ONE: &str = "000000000001";
    const TWO: &str = "000000000002";

    #[test]
    fn what_only_an_exec_can_set_keeps_out_of_the_pool() {
        let is_poolable = |name: &str, value: &str| PoolKey::of(&spec(ONE, &[(name, value)])).is_some();
        for (name, value) in
            [("PYTHONPATH", "/opt/lib"), ("PYTHONHASHSEED", "0"), ("LD_PRELOAD", "/opt/x.so")]
        {
            assert!(!is_poolable(name, value), "{name}");
        }
        assert!(
            !is_poolable("NODE_OPTIONS", "--require /opt/x.js")
                && !is_poolable("AWS_LAMBDA_EXEC_WRAPPER", "/opt/w")
        );
        assert!(is_poolable("PYTHONPATH", "/var/runtime") && is_poolable("NODE_PATH", "/opt/nodejs"));
        assert!(is_poolable("MY_SETTING", "x"));
    }

    #[test]
    fn a_key_tells_accounts_networks_and_locales_apart_and_nothing_else() {
        let base = PoolKey::of(&spec(ONE, &[("LANG", "C"), ("A", "1")])).unwrap();
        assert_eq!(Some(&base), PoolKey::of(&spec(ONE, &[("A", "2"), ("LANG", "C")])).as_ref());
        assert_ne!(Some(&base), PoolKey::of(&spec(ONE, &[("LANG", "de_DE.UTF-8")])).as_ref());
        assert_ne!(Some(&base), PoolKey::of(&spec(TWO, &[("LANG", "C")])).as_ref());
        let host = EnvironmentSpec { network: Network::Host, ..spec(ONE, &[("LANG", "C")]) };
        assert_ne!(Some(&base), PoolKey::of(&host).as_ref());
    }

    #[test]
    fn the_key_unused_for_longest_gives_way() {
        let mut pools = Pools::new(PoolSizes { jails: 0, prepared: 1, keys: 2 });
        let (one, two, three) = (key(ONE), key(TWO), key("000000000003"));
        for key in [&one, &two, &one] {
            assert_eq!(pools.expect(&key.root, Some(key)), None);
        }
        assert_eq!(pools.expect(&three.root, Some(&three)), Some(two.clone()));
        let need = Need::Prepared(two.clone());
        pools.put(&need, 7);
        assert_eq!(pools.forget(&two), [7]);
        // One that comes too late is not kept.
        pools.put(&need, 8);
        assert!(!pools.knows(&two) && pools.take_prepared(&two).is_none());
    }

    #[test]
    fn what_keeps_failing_is_given_up() {
        let mut pools = Pools::new(PoolSizes { jails: 1, prepared: 0, keys: 0 });
        let root = key(ONE).root;
        pools.expect(&root, None);
        for attempt in 1..=3 {
            let need = pools.next_need().unwrap();
            assert_eq!(pools.fail(&need), attempt == 3);
        }
        assert!(pools.next_need().is_none() && pools.is_full());
    }

    #[test]
    fn without_sizes_nothing_is_wanted() {
        let mut pools = Pools::new(PoolSizes::NONE);
        pools.expect(&key(ONE).root, Some(&key(ONE)));
        assert!(pools.is_full() && pools.next_need().is_none());
    }
}
