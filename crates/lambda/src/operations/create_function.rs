//! `CreateFunction`.

use std::collections::BTreeMap;

use api_lambda::{CreateFunctionRequest, FunctionConfiguration};
use packages::Package;
use store::Transaction;
use wire::{Context, Error};

use crate::Lambda;
use crate::background::preparation::prepare_later;
use crate::errors::{Failure, Outcome, conflict, invalid_parameter};
use crate::function::{
    CodeInput, FunctionReference, Shown, change, changes_of, new_configuration, refuse_unsupported,
    requested_architecture, shown, store_code,
};
use crate::layers::check_unzipped_size;
use crate::tables::function::{
    Architecture, Configuration, FUNCTIONS, FunctionKey, FunctionRecord, LastUpdate, State, VersionRecord,
    put_function, put_version,
};
use crate::tables::unfinished::Unfinished;
use crate::tags::check_tags;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    mut input: CreateFunctionRequest,
) -> Outcome<FunctionConfiguration> {
    let key = new_name(context, &input.function_name)?;
    refuse_unsupported(&input)?;
    if input.runtime.is_none() || input.handler.is_none() {
        return Err(invalid_parameter(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ));
    }
    let tags = input.tags.take().unwrap_or_default();
    check_tags(&tags)?;
    let architecture =
        requested_architecture(input.architectures.as_deref())?.unwrap_or(Architecture::X86_64);
    let is_to_be_published = input.publish == Some(true);
    let code = std::mem::take(&mut input.code);
    let changed =
        change(lambda, context, &key, new_configuration(&key.name, architecture), changes_of(input)).await?;
    // Told before the code is unpacked; the commit looks once more.
    if FUNCTIONS.get_now(&*lambda.store, &key.parts()).await?.is_some() {
        return Err(already_exists(&key));
    }
    let code = CodeInput {
        zip: code.zip_file,
        s3_bucket: code.s3_bucket,
        image_uri: code.image_uri,
        source_kms_key_arn: code.source_kms_key_arn,
    };
    let stored = store_code(lambda, code).await?;
    check_unzipped_size(&stored.package, &changed.configuration.layers)?;
    let version = create(
        lambda,
        &key,
        first_version(lambda, changed.configuration.clone(), stored.package.clone()),
        tags,
        is_to_be_published,
    )
    .await?;
    Ok(shown(&key, &version, Shown::Unqualified))
}

/// The name of a function that is to be made; no version of it can be meant.
fn new_name(context: &Context, text: &str) -> Outcome<FunctionKey> {
    let reference = FunctionReference::parse(context, "CreateFunction", text, None)?;
    if reference.qualifier.is_some() {
        return Err(Failure::Answer(Error::client(
            "ValidationException",
            400,
            format!(
                "1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+"
            ),
        )));
    }
    Ok(reference.key)
}

fn already_exists(key: &FunctionKey) -> Failure {
    conflict(format!("Function already exist: {}", key.name))
}

fn first_version(lambda: &Lambda, configuration: Configuration, code: Package) -> VersionRecord {
    VersionRecord {
        number: None,
        revision_id: lambda.revision_id(),
        last_modified: lambda.clock.now(),
        configuration,
        code,
        state: State::Pending,
        last_update: LastUpdate::Successful,
    }
}

/// Returns what the answer shows: `$LATEST`, or the version that was published at once.
async fn create(
    lambda: &Lambda,
    key: &FunctionKey,
    latest: VersionRecord,
    tags: BTreeMap<String, String>,
    is_to_be_published: bool,
) -> Outcome<VersionRecord> {
    let mut transaction = Transaction::new();
    let mut unfinished = vec![Unfinished { key: key.clone(), number: None }];
    let mut answer = latest.clone();
    let mut last_version = 0;
    if is_to_be_published {
        last_version = 1;
        answer.number = Some(last_version);
        answer.revision_id = lambda.revision_id();
        put_version(&mut transaction, key, last_version, None, &answer)?;
        unfinished.push(Unfinished { key: key.clone(), number: Some(last_version) });
    }
    let function = FunctionRecord {
        published_description: latest.configuration.description.clone(),
        latest,
        serving: None,
        last_version,
        tags,
        reserved_concurrency: None,
        allows_loops: false,
    };
    put_function(&mut transaction, key, None, &function)?;
    for what in &unfinished {
        what.put(&mut transaction)?;
    }
    match lambda.store.commit(transaction).await.map_err(Failure::from) {
        Ok(_version) => {}
        Err(Failure::Conflict) => return Err(already_exists(key)),
        Err(other) => return Err(other),
    }
    for what in unfinished {
        prepare_later(lambda, what);
    }
    Ok(answer)
}
