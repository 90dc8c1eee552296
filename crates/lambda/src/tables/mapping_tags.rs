//! Tags of event source mappings. The mappings themselves are `event-source`'s.

use ids::{AccountId, Region};
use store::{KeyPart, Table};

use crate::tags::Tags;

/// By account, region and UUID. There is no row without tags.
pub(crate) static MAPPING_TAGS: Table<Tags> = Table::new("lambda-mapping-tags");

pub(crate) fn parts<'a>(account: &'a AccountId, region: &'a Region, uuid: &'a str) -> [KeyPart<'a>; 3] {
    [account.as_str().into(), region.as_str().into(), uuid.into()]
}
