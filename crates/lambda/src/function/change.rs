//! Configuring a function: a new one begins with the defaults and is changed as an existing one is.

use api_lambda::{CreateFunctionRequest, LogFormat, LoggingConfig, UpdateFunctionConfigurationRequest};
use wire::{Context, Error};

use crate::Lambda;
use crate::errors::{Failure, Outcome, invalid_parameter};
use crate::events::check_dead_letter;
use crate::function::unsupported::refuse_unsupported_changes;
use crate::function::variables::check_variables;
use crate::function::{check_architecture, find_runtime};
use crate::layers::{self, LayersInUse};
use crate::tables::function::{Architecture, Configuration, FunctionKey, JsonLevels, Logging};

/// AWS's defaults ("Lambda quotas" and the API reference of `CreateFunction`).
const TIMEOUT_S_DEFAULT: u32 = 3;
/// The model allows more of time, memory and /tmp, for functions that Lambent does not have.
const TIMEOUT_S_MAX: i32 = 900;
const MEMORY_MB_DEFAULT: u32 = 128;
const MEMORY_MB_MAX: i32 = 10_240;
const TMP_MB_DEFAULT: u32 = 512;
const TMP_MB_MAX: i32 = 10_240;
const LEVEL_DEFAULT: &str = "INFO";

/// What may be asked for.
pub(crate) type Changes = UpdateFunctionConfigurationRequest;

/// A configuration after a change. To be held until it is committed: it keeps the files of its layers.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) configuration: Configuration,
    _layers: Option<LayersInUse>,
}

/// The configuration of a function that nothing was said about yet.
pub(crate) fn new_configuration(name: &str, architecture: Architecture) -> Configuration {
    Configuration {
        runtime: String::new(),
        handler: String::new(),
        role: String::new(),
        description: String::new(),
        timeout_s: TIMEOUT_S_DEFAULT,
        memory_mb: MEMORY_MB_DEFAULT,
        tmp_mb: TMP_MB_DEFAULT,
        architecture,
        variables: None,
        dead_letter_arn: None,
        logging: Logging { group: format!("/aws/lambda/{name}"), json: None },
        layers: Vec::new(),
    }
}

/// What a new function asks for, as changes of the defaults.
pub(crate) fn changes_of(input: CreateFunctionRequest) -> Changes {
    Changes {
        function_name: input.function_name,
        role: Some(input.role),
        handler: input.handler,
        description: input.description,
        timeout: input.timeout,
        memory_size: input.memory_size,
        vpc_config: input.vpc_config,
        environment: input.environment,
        runtime: input.runtime,
        dead_letter_config: input.dead_letter_config,
        kms_key_arn: input.kms_key_arn,
        tracing_config: input.tracing_config,
        revision_id: None,
        layers: input.layers,
        file_system_configs: input.file_system_configs,
        image_config: input.image_config,
        ephemeral_storage: input.ephemeral_storage,
        snap_start: input.snap_start,
        logging_config: input.logging_config,
        capacity_provider_config: input.capacity_provider_config,
        durable_config: input.durable_config,
        runtime_config: input.runtime_config,
        accelerator_config: input.accelerator_config,
    }
}

/// Checks what is asked for and applies it.
///
/// # Errors
/// In AWS's words: what is out of its bounds, does not exist, or is not supported.
pub(crate) async fn change(
    lambda: &Lambda,
    context: &Context,
    key: &FunctionKey,
    mut to: Configuration,
    changes: Changes,
) -> Outcome<Changed> {
    refuse_unsupported_changes(&changes)?;
    if let Some(runtime) = changes.runtime {
        runtime.as_str().clone_into(&mut to.runtime);
    }
    let runtime = find_runtime(&to.runtime, lambda.strict_runtimes)?;
    check_architecture(runtime, to.architecture)?;
    set(&mut to.handler, changes.handler);
    set(&mut to.description, changes.description);
    check_most("timeout", changes.timeout, TIMEOUT_S_MAX)?;
    set(&mut to.timeout_s, changes.timeout.map(number));
    if changes.memory_size.is_some_and(|memory| memory > MEMORY_MB_MAX) {
        return Err(invalid_parameter(format!(
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to \
             {MEMORY_MB_MAX}"
        )));
    }
    set(&mut to.memory_mb, changes.memory_size.map(number));
    let tmp_mb = changes.ephemeral_storage.as_ref().map(|storage| storage.size);
    check_most("ephemeralStorage.size", tmp_mb, TMP_MB_MAX)?;
    set(&mut to.tmp_mb, tmp_mb.map(number));
    if let Some(variables) = changes.environment.and_then(|environment| environment.variables) {
        check_variables(&variables)?;
        to.variables = Some(variables);
    }
    if let Some(dead_letter) = changes.dead_letter_config {
        to.dead_letter_arn = dead_letter.target_arn.filter(|arn| !arn.is_empty());
        if let Some(arn) = &to.dead_letter_arn {
            check_dead_letter(key, arn)?;
        }
    }
    if let Some(logging) = changes.logging_config {
        to.logging = change_logging(to.logging, logging)?;
    }
    if let Some(role) = changes.role {
        check_role(lambda, context, &role).await?;
        to.role = role;
    }
    let mut layers_in_use = None;
    if let Some(arns) = changes.layers {
        let resolved = layers::resolve(&*lambda.store, &lambda.packages, context, &arns).await?;
        to.layers.clone_from(&resolved.layers);
        layers_in_use = Some(resolved);
    }
    Ok(Changed { configuration: to, _layers: layers_in_use })
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// A bound that is lower than the model's, in the words of the model's.
fn check_most(member: &str, value: Option<i32>, max: i32) -> Outcome<()> {
    let Some(value) = value.filter(|value| *value > max) else { return Ok(()) };
    Err(Failure::Answer(Error::client(
        "ValidationException",
        400,
        format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have \
             value less than or equal to {max}"
        ),
    )))
}

/// The model's bounds, which were checked, leave only positive numbers.
fn number(value: i32) -> u32 {
    value.unsigned_abs()
}

async fn check_role(lambda: &Lambda, context: &Context, role: &str) -> Outcome<()> {
    if lambda.credentials.can_be_assumed_by_lambda(&context.account, role).await {
        Ok(())
    } else {
        Err(invalid_parameter("The role defined for the function cannot be assumed by Lambda."))
    }
}

/// Source: AWS Lambda developer guide, "Configuring JSON and plain text log formats". Levels exist in JSON only, and
/// begin with INFO.
fn change_logging(before: Logging, asked: LoggingConfig) -> Outcome<Logging> {
    let group = asked.log_group.unwrap_or(before.group);
    let to_json = match &asked.log_format {
        Some(format) => *format == LogFormat::Json,
        None => before.json.is_some(),
    };
    if !to_json {
        if asked.application_log_level.is_some() || asked.system_log_level.is_some() {
            return Err(invalid_parameter(
                "ApplicationLogLevel and SystemLogLevel can be set with the JSON log format only.",
            ));
        }
        return Ok(Logging { group, json: None });
    }
    let before = before.json.unwrap_or_else(|| JsonLevels {
        application: LEVEL_DEFAULT.to_owned(),
        system: LEVEL_DEFAULT.to_owned(),
    });
    let application =
        asked.application_log_level.map_or(before.application, |level| level.as_str().to_owned());
    let system = asked.system_log_level.map_or(before.system, |level| level.as_str().to_owned());
    Ok(Logging { group, json: Some(JsonLevels { application, system }) })
}
