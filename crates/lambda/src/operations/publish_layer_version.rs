//! `PublishLayerVersion`.

use api_lambda::{LayerVersionContentInput, PublishLayerVersionRequest, PublishLayerVersionResponse};
use store::{Row, Transaction};
use wire::{Bytes, Context};

use crate::Lambda;
use crate::errors::{Failure, Outcome, invalid_parameter, unsupported};
use crate::layers::{self, LayerName, LayerVersionName};
use crate::tables::layer::{LAYER_VERSIONS, LAYERS, Layer, LayerVersion};
use crate::tables::package_use;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: PublishLayerVersionRequest,
) -> Outcome<PublishLayerVersionResponse> {
    let layer = layers::own(context, "PublishLayerVersion", &input.layer_name)?;
    // Held until the record is committed.
    let stored = lambda.packages.put_zip(zip(input.content)?).await?;
    let version = LayerVersion {
        description: input.description.unwrap_or_default(),
        license_info: input.license_info,
        compatible_runtimes: input.compatible_runtimes.map(|all| texts(&all, |one| one.as_str())),
        compatible_architectures: input.compatible_architectures.map(|all| texts(&all, |one| one.as_str())),
        created: lambda.clock.now(),
        package: stored.package,
        policy: None,
    };
    let name = loop {
        match commit(lambda, &layer, &version).await {
            // Another version was published at the same time: the next number is for this one.
            Err(Failure::Conflict) => {}
            result => break result?,
        }
    };
    let location = lambda.code_links.link(&context.endpoint, &version.package.key, lambda.clock.now());
    Ok(layers::published(&name, version, location))
}

fn zip(content: LayerVersionContentInput) -> Outcome<Bytes> {
    let from_s3 = content.s3_bucket.is_some()
        || content.s3_key.is_some()
        || content.s3_object_version.is_some()
        || content.s3_object_storage_mode.is_some();
    match content.zip_file {
        _ if from_s3 => Err(unsupported("A layer's content in S3")),
        Some(zip) => Ok(zip),
        None => Err(invalid_parameter("Please provide a source for layer version content.")),
    }
}

fn texts<T>(values: &[T], text: impl Fn(&T) -> &str) -> Vec<String> {
    values.iter().map(|value| text(value).to_owned()).collect()
}

/// Writes the version under the layer's next number.
async fn commit(lambda: &Lambda, layer: &LayerName, version: &LayerVersion) -> Outcome<LayerVersionName> {
    let before: Option<Row<Layer>> = LAYERS.get_now(&*lambda.store, &layer.key()).await?;
    let number = before.as_ref().map_or(0, |row| row.record.latest_version) + 1;
    let after = Layer { latest_version: number };
    let name = layer.version(number);
    let mut transaction = Transaction::new();
    match &before {
        Some(row) => LAYERS.update(&mut transaction, row, &after)?,
        None => LAYERS.insert(&mut transaction, &layer.key(), &after)?,
    }
    LAYER_VERSIONS.insert(&mut transaction, &name.key(), version)?;
    package_use::add(&mut transaction, &version.package.key, &name.holder())?;
    lambda.store.commit(transaction).await?;
    Ok(name)
}
