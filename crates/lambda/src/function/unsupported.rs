//! Parameters that would have to be honoured and are not yet. Their harmless defaults are accepted, for tools send
//! them unasked.

use api_lambda::{
    CreateFunctionRequest, PackageType, SnapStartApplyOn, TracingMode, UpdateFunctionConfigurationRequest,
    VpcConfig,
};

use crate::errors::{Outcome, unsupported};

/// Refuses what only a new function can ask for.
///
/// # Errors
/// `InvalidParameterValueException` that names the parameter.
pub(crate) fn refuse_unsupported(input: &CreateFunctionRequest) -> Outcome<()> {
    let asked = [
        ("PackageType Image", input.package_type == Some(PackageType::Image)),
        ("PublishTo", input.publish_to.is_some()),
        ("CodeSigningConfigArn", is_set(input.code_signing_config_arn.as_ref())),
        ("TenancyConfig", input.tenancy_config.is_some()),
    ];
    refuse(&asked)
}

/// Refuses what both a new and an existing function can be configured with.
///
/// # Errors
/// `InvalidParameterValueException` that names the parameter.
pub(crate) fn refuse_unsupported_changes(input: &UpdateFunctionConfigurationRequest) -> Outcome<()> {
    let tracing = input.tracing_config.as_ref().and_then(|tracing| tracing.mode.as_ref());
    let snap_start = input.snap_start.as_ref().and_then(|snap_start| snap_start.apply_on.as_ref());
    let image = input.image_config.as_ref();
    let asked = [
        ("KMSKeyArn", is_set(input.kms_key_arn.as_ref())),
        ("VpcConfig", input.vpc_config.as_ref().is_some_and(asks_for_a_vpc)),
        ("FileSystemConfigs", input.file_system_configs.as_ref().is_some_and(|list| !list.is_empty())),
        ("TracingConfig with Mode Active", tracing.is_some_and(|mode| *mode != TracingMode::PassThrough)),
        ("SnapStart", snap_start.is_some_and(|apply_on| *apply_on != SnapStartApplyOn::None)),
        (
            "ImageConfig",
            image.is_some_and(|image| {
                image.entry_point.is_some()
                    || image.command.is_some()
                    || is_set(image.working_directory.as_ref())
            }),
        ),
        ("CapacityProviderConfig", input.capacity_provider_config.is_some()),
        ("DurableConfig", input.durable_config.is_some()),
        ("RuntimeConfig", input.runtime_config.is_some()),
        ("AcceleratorConfig", input.accelerator_config.is_some()),
    ];
    refuse(&asked)
}

fn refuse(asked: &[(&str, bool)]) -> Outcome<()> {
    match asked.iter().find(|(_, is_asked)| *is_asked) {
        Some((what, _)) => Err(unsupported(what)),
        None => Ok(()),
    }
}

fn is_set(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn asks_for_a_vpc(vpc: &VpcConfig) -> bool {
    let any = |list: Option<&Vec<String>>| list.is_some_and(|list| !list.is_empty());
    any(vpc.subnet_ids.as_ref())
        || any(vpc.security_group_ids.as_ref())
        || vpc.ipv6_allowed_for_dual_stack == Some(true)
}
