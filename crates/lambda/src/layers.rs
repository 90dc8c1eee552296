//! Layers: naming them, showing them, and finding those that a function uses. Source: AWS Lambda developer guide,
//! "Managing Lambda dependencies with layers".

mod access;
mod content;
mod filter;
mod name;
mod policy;
mod uses;

pub(crate) use access::{check_reader, find, own};
pub(crate) use content::{list_item, published, shown};
pub(crate) use filter::LayerFilter;
pub(crate) use name::{LayerName, LayerVersionName};
pub(crate) use policy::{change_policy, existing, own_version};
pub(crate) use uses::{LayersInUse, check_unzipped_size, resolve};
