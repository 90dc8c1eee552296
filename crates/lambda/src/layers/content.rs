//! Layer versions as the API shows them.

use api_lambda::{
    GetLayerVersionResponse, LayerVersionContentOutput, LayerVersionsListItem, PublishLayerVersionResponse,
};

use crate::layers::LayerVersionName;
use crate::tables::layer::LayerVersion;

/// What `GetLayerVersion` answers; `location` is where its zip can be downloaded.
pub(crate) fn shown(
    name: &LayerVersionName,
    version: LayerVersion,
    location: String,
) -> GetLayerVersionResponse {
    let item = list_item(name, &version);
    GetLayerVersionResponse {
        content: Some(LayerVersionContentOutput {
            location: Some(location),
            code_sha256: Some(version.package.sha256_base64),
            code_size: i64::try_from(version.package.size_bytes).ok(),
            ..LayerVersionContentOutput::default()
        }),
        layer_arn: Some(name.layer.to_string()),
        layer_version_arn: item.layer_version_arn,
        description: item.description,
        created_date: item.created_date,
        version: item.version,
        compatible_architectures: item.compatible_architectures,
        compatible_runtimes: item.compatible_runtimes,
        license_info: item.license_info,
    }
}

/// What `PublishLayerVersion` answers.
pub(crate) fn published(
    name: &LayerVersionName,
    version: LayerVersion,
    location: String,
) -> PublishLayerVersionResponse {
    let shown = shown(name, version, location);
    PublishLayerVersionResponse {
        content: shown.content,
        layer_arn: shown.layer_arn,
        layer_version_arn: shown.layer_version_arn,
        description: shown.description,
        created_date: shown.created_date,
        version: shown.version,
        compatible_architectures: shown.compatible_architectures,
        compatible_runtimes: shown.compatible_runtimes,
        license_info: shown.license_info,
    }
}

/// A line of a list.
pub(crate) fn list_item(name: &LayerVersionName, version: &LayerVersion) -> LayerVersionsListItem {
    let values = |texts: &Option<Vec<String>>| texts.clone();
    LayerVersionsListItem {
        layer_version_arn: Some(name.to_string()),
        version: i64::try_from(name.version).ok(),
        description: Some(version.description.clone()),
        created_date: Some(version.created.lambda()),
        compatible_architectures: values(&version.compatible_architectures)
            .map(|texts| texts.iter().map(|text| text.as_str().into()).collect()),
        compatible_runtimes: values(&version.compatible_runtimes)
            .map(|texts| texts.iter().map(|text| text.as_str().into()).collect()),
        license_info: version.license_info.clone(),
    }
}
