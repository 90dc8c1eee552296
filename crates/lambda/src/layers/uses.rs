//! The layers that a function uses.

use packages::{Package, Packages, Pin, UNZIPPED_BYTES_MAX};
use store::{Snapshot, Store};
use wire::Context;

use crate::errors::{self, Outcome};
use crate::layers::{LayerVersionName, check_reader};
use crate::tables::function::UsedLayer;
use crate::tables::layer::LAYER_VERSIONS;

/// The most layers of a function ("Lambda quotas").
const LAYERS_MAX: usize = 5;

/// Layers that a function is about to use. To be held until the function's record is committed: until then, a
/// layer that is deleted meanwhile keeps its files.
#[derive(Debug)]
pub(crate) struct LayersInUse {
    /// In the order in which they are laid over each other.
    pub(crate) layers: Vec<UsedLayer>,
    _pins: Vec<Pin>,
}

/// Finds the layer versions of these ARNs.
///
/// # Errors
/// `InvalidParameterValueException` for too many, for one of another region, for one that does not exist, and for
/// two versions of the same layer; `AccessDeniedException` for another account's that is not shared.
pub(crate) async fn resolve(
    store: &dyn Store,
    packages: &Packages,
    context: &Context,
    arns: &[String],
) -> Outcome<LayersInUse> {
    if arns.len() > LAYERS_MAX {
        return Err(errors::invalid_parameter(format!("Cannot reference more than {LAYERS_MAX} layers.")));
    }
    let seen = find_all(&*store.snapshot().await?, context, arns).await?;
    let pins = seen.iter().map(|layer| packages.pin(&layer.package.key)).collect();
    // Whatever is still there now that its files are held will keep them.
    let layers = find_all(&*store.snapshot().await?, context, arns).await?;
    Ok(LayersInUse { layers, _pins: pins })
}

/// That code and layers together are not too large.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) fn check_unzipped_size(code: &Package, layers: &[UsedLayer]) -> Outcome<()> {
    let of_layers: u64 = layers.iter().map(|layer| layer.package.unpacked_bytes).sum();
    let size = code.unpacked_bytes + of_layers;
    if size > UNZIPPED_BYTES_MAX {
        return Err(errors::invalid_parameter(format!(
            "Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_BYTES_MAX} bytes. \
             The actual size is {size} bytes."
        )));
    }
    Ok(())
}

async fn find_all(snapshot: &dyn Snapshot, context: &Context, arns: &[String]) -> Outcome<Vec<UsedLayer>> {
    let mut names: Vec<LayerVersionName> = Vec::with_capacity(arns.len());
    let mut layers = Vec::with_capacity(arns.len());
    for arn in arns {
        let name = LayerVersionName::parse_arn(arn)
            .ok_or_else(|| errors::unsupported(&format!("A layer of AWS's own ({arn})")))?;
        layers.push(find(snapshot, context, arn, &name).await?);
        if let Some(other) = names.iter().find(|other| other.layer == name.layer) {
            return Err(errors::invalid_parameter(format!(
                "Two different versions of the same layer are not allowed to be referenced in the same function. \
                 {other} and {name} are versions of the same layer."
            )));
        }
        names.push(name);
    }
    Ok(layers)
}

async fn find(
    snapshot: &dyn Snapshot,
    context: &Context,
    arn: &str,
    name: &LayerVersionName,
) -> Outcome<UsedLayer> {
    let is_here = name.layer.region == context.region;
    if !is_here && name.layer.account == context.account {
        return Err(errors::invalid_parameter(format!(
            "Layers are not in the same region as the function. Layers are expected to be in region {}.",
            context.region
        )));
    }
    let row = if is_here { LAYER_VERSIONS.get(snapshot, &name.key()).await? } else { None };
    check_reader(context, name, row.as_ref().map(|row| &row.record))?;
    match row {
        Some(row) => Ok(UsedLayer { arn: name.to_string(), package: row.record.package }),
        None => Err(errors::invalid_parameter(format!("Layer version {arn} does not exist."))),
    }
}
