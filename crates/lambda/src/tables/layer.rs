//! Layers and their versions. Keys: account, region, layer name (and version number).

use clock::Timestamp;
use ids::{AccountId, Region};
use packages::Package;
use serde::{Deserialize, Serialize};
use store::{KeyPart, StoreError, Table};

use crate::policy::Policy;

/// What all versions of a layer share.
pub(crate) static LAYERS: Table<Layer> = Table::new("lambda-layer");
/// The versions that were not deleted.
pub(crate) static LAYER_VERSIONS: Table<LayerVersion> = Table::new("lambda-layer-version");

/// A layer's record. It stays when all its versions are deleted: a version's number is never used again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layer {
    /// The number of the version that was published last.
    pub(crate) latest_version: u64,
}

/// A layer version's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerVersion {
    pub(crate) description: String,
    pub(crate) license_info: Option<String>,
    /// `None` where nothing was said, which is answered so.
    pub(crate) compatible_runtimes: Option<Vec<String>>,
    pub(crate) compatible_architectures: Option<Vec<String>>,
    pub(crate) created: Timestamp,
    pub(crate) package: Package,
    /// Who else may use it.
    pub(crate) policy: Option<Policy>,
}

/// The key of a layer, and the prefix of its versions' keys.
pub(crate) fn layer_key<'a>(account: &'a AccountId, region: &'a Region, name: &'a str) -> [KeyPart<'a>; 3] {
    [account.as_str().into(), region.as_str().into(), name.into()]
}

/// The key of a layer version.
pub(crate) fn layer_version_key<'a>(
    account: &'a AccountId,
    region: &'a Region,
    name: &'a str,
    version: u64,
) -> [KeyPart<'a>; 4] {
    [account.as_str().into(), region.as_str().into(), name.into(), version.into()]
}

/// The name in a layer's key.
///
/// # Errors
/// [`StoreError::Damaged`].
pub(crate) fn name_in_key(key: &[u8]) -> Result<String, StoreError> {
    let mut reader = LAYERS.read_key(key)?;
    let _account_and_region = (reader.str()?, reader.str()?);
    reader.str()
}

/// The number in a layer version's key.
///
/// # Errors
/// [`StoreError::Damaged`].
pub(crate) fn number_in_key(key: &[u8]) -> Result<u64, StoreError> {
    let mut reader = LAYER_VERSIONS.read_key(key)?;
    let _account_region_and_name = (reader.str()?, reader.str()?, reader.str()?);
    reader.u64()
}
