//! Versions of functions as the API shows them.

use api_lambda::{
    Architecture as ApiArchitecture, DeadLetterConfig, EnvironmentResponse, EphemeralStorage,
    FunctionConfiguration, LastUpdateStatus, Layer, LogFormat, LoggingConfig, PackageType,
    RuntimeVersionConfig, SnapStartApplyOn, SnapStartOptimizationStatus, SnapStartResponse,
    State as ApiState, TracingConfigResponse, TracingMode,
};
use ids::Qualifier;

use crate::tables::function::{
    Architecture, Configuration, FunctionKey, LastUpdate, Logging, State, VersionRecord,
};

/// AWS says this of an update too.
const CREATING: &str = "The function is being created.";

/// How a version is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown<'a> {
    /// `$LATEST` under the function's own ARN.
    Unqualified,
    /// Under an ARN with the version.
    Version,
    /// Under the ARN of an alias.
    As(&'a Qualifier),
}

impl<'a> Shown<'a> {
    /// As the caller asked for it.
    pub(crate) fn asked(qualifier: Option<&'a Qualifier>) -> Self {
        qualifier.map_or(Self::Unqualified, Self::As)
    }
}

/// The whole configuration.
pub(crate) fn shown(key: &FunctionKey, version: &VersionRecord, how: Shown<'_>) -> FunctionConfiguration {
    let arn = match how {
        Shown::Unqualified => key.arn(),
        Shown::Version => key.arn().qualified(version.qualifier()),
        Shown::As(qualifier) => key.arn().qualified(qualifier.clone()),
    };
    let mut out = configured(key, &version.configuration);
    out.function_name = Some(key.name.clone());
    out.function_arn = Some(arn.to_string());
    out.code_size = i64::try_from(version.code.size_bytes).ok();
    out.code_sha256 = Some(version.code.sha256_base64.clone());
    out.version = Some(version.qualifier().to_string());
    out.last_modified = Some(version.last_modified.lambda());
    out.revision_id = Some(version.revision_id.clone());
    show_state(&mut out, &version.state);
    // While a function is being created there is nothing to say of updates.
    if version.state != State::Pending {
        show_last_update(&mut out, &version.last_update);
    }
    out
}

/// What lists show: neither states nor the runtime's version.
pub(crate) fn list_item(key: &FunctionKey, version: &VersionRecord, how: Shown<'_>) -> FunctionConfiguration {
    FunctionConfiguration {
        state: None,
        state_reason: None,
        state_reason_code: None,
        last_update_status: None,
        last_update_status_reason: None,
        last_update_status_reason_code: None,
        runtime_version_config: None,
        ..shown(key, version, how)
    }
}

fn configured(key: &FunctionKey, from: &Configuration) -> FunctionConfiguration {
    let layers = from.layers.iter().map(|layer| Layer {
        arn: Some(layer.arn.clone()),
        code_size: i64::try_from(layer.package.size_bytes).ok(),
        ..Layer::default()
    });
    FunctionConfiguration {
        runtime: Some(from.runtime.as_str().into()),
        role: Some(from.role.clone()),
        handler: Some(from.handler.clone()),
        description: Some(from.description.clone()),
        timeout: i32::try_from(from.timeout_s).ok(),
        memory_size: i32::try_from(from.memory_mb).ok(),
        dead_letter_config: from
            .dead_letter_arn
            .clone()
            .map(|arn| DeadLetterConfig { target_arn: Some(arn) }),
        environment: from
            .variables
            .clone()
            .map(|variables| EnvironmentResponse { variables: Some(variables), error: None }),
        tracing_config: Some(TracingConfigResponse { mode: Some(TracingMode::PassThrough) }),
        layers: (!from.layers.is_empty()).then(|| layers.collect()),
        package_type: Some(PackageType::Zip),
        architectures: Some(vec![match from.architecture {
            Architecture::X86_64 => ApiArchitecture::X8664,
            Architecture::Arm64 => ApiArchitecture::Arm64,
        }]),
        ephemeral_storage: i32::try_from(from.tmp_mb).ok().map(|size| EphemeralStorage { size }),
        snap_start: Some(SnapStartResponse {
            apply_on: Some(SnapStartApplyOn::None),
            optimization_status: Some(SnapStartOptimizationStatus::Off),
        }),
        runtime_version_config: Some(RuntimeVersionConfig {
            runtime_version_arn: Some(format!("arn:aws:lambda:{}::runtime:{}", key.region, from.runtime)),
            error: None,
        }),
        logging_config: Some(show_logging(&from.logging)),
        ..FunctionConfiguration::default()
    }
}

fn show_logging(logging: &Logging) -> LoggingConfig {
    let json = logging.json.as_ref();
    LoggingConfig {
        log_format: Some(if json.is_some() { LogFormat::Json } else { LogFormat::Text }),
        application_log_level: json.map(|levels| levels.application.as_str().into()),
        system_log_level: json.map(|levels| levels.system.as_str().into()),
        log_group: Some(logging.group.clone()),
    }
}

fn show_state(out: &mut FunctionConfiguration, state: &State) {
    match state {
        State::Active => out.state = Some(ApiState::Active),
        State::Pending => {
            out.state = Some(ApiState::Pending);
            out.state_reason = Some(CREATING.to_owned());
            out.state_reason_code = Some("Creating".into());
        }
        State::Failed(reason) => {
            out.state = Some(ApiState::Failed);
            out.state_reason = Some(reason.text.clone());
            out.state_reason_code = Some(reason.code.as_str().into());
        }
    }
}

fn show_last_update(out: &mut FunctionConfiguration, last_update: &LastUpdate) {
    match last_update {
        LastUpdate::Successful => out.last_update_status = Some(LastUpdateStatus::Successful),
        LastUpdate::InProgress => {
            out.last_update_status = Some(LastUpdateStatus::InProgress);
            out.last_update_status_reason = Some(CREATING.to_owned());
            out.last_update_status_reason_code = Some("Creating".into());
        }
        LastUpdate::Failed(reason) => {
            out.last_update_status = Some(LastUpdateStatus::Failed);
            out.last_update_status_reason = Some(reason.text.clone());
            out.last_update_status_reason_code = Some(reason.code.as_str().into());
        }
    }
}
