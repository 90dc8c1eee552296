//! Resource policies of functions, their versions and their aliases.

use store::{Table, Transaction};

use crate::policy::Policy;
use crate::tables::function::FunctionKey;

/// By account, region, function's name and qualifier: `$LATEST` for the function itself.
pub(crate) static POLICIES: Table<Policy> = Table::new("lambda-policy");

/// Adds: the function, with all its versions and aliases, has no policy any more.
pub(crate) fn delete_all(transaction: &mut Transaction, key: &FunctionKey) {
    POLICIES.delete_all(transaction, &key.parts());
}

/// Adds: this version or alias has no policy any more.
pub(crate) fn delete(transaction: &mut Transaction, key: &FunctionKey, qualifier: &str) {
    POLICIES.delete(transaction, &key.parts_and(qualifier));
}
