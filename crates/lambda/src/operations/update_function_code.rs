//! `UpdateFunctionCode`.

use api_lambda::{FunctionConfiguration, UpdateFunctionCodeRequest};
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::background::collection::discard_later;
use crate::errors::{Outcome, unsupported};
use crate::function::{
    CodeInput, FunctionReference, Shown, begin_update, check_architecture, check_revision, commit_update,
    ensure_changeable, find_function, find_runtime, publish, requested_architecture, shown, store_code,
};
use crate::layers::check_unzipped_size;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: UpdateFunctionCodeRequest,
) -> Outcome<FunctionConfiguration> {
    let key = FunctionReference::parse_unqualified(context, "UpdateFunctionCode", &input.function_name)?;
    if input.publish_to.is_some() {
        return Err(unsupported("PublishTo"));
    }
    let snapshot = lambda.snapshot().await?;
    let row = find_function(&*snapshot, &key).await?;
    let mut function = row.record.clone();
    ensure_changeable(&key, &function)?;
    check_revision(input.revision_id.as_deref(), &function.latest.revision_id)?;
    let mut latest = function.latest.clone();
    if let Some(architecture) = requested_architecture(input.architectures.as_deref())? {
        check_architecture(
            find_runtime(&latest.configuration.runtime, lambda.strict_runtimes)?,
            architecture,
        )?;
        latest.configuration.architecture = architecture;
    }
    let code = CodeInput {
        zip: input.zip_file,
        s3_bucket: input.s3_bucket,
        image_uri: input.image_uri,
        source_kms_key_arn: input.source_kms_key_arn,
    };
    let stored = store_code(lambda, code).await?;
    check_unzipped_size(&stored.package, &latest.configuration.layers)?;
    latest.code = stored.package.clone();
    if input.dry_run == Some(true) {
        let answer = shown(&key, &latest, Shown::Unqualified);
        let unwanted = stored.package.key.clone();
        drop(stored);
        discard_later(lambda, vec![unwanted]);
        return Ok(answer);
    }
    begin_update(lambda, &mut function, latest);
    let mut transaction = Transaction::new();
    if input.publish != Some(true) {
        commit_update(lambda, transaction, &key, &row, &function, None).await?;
        return Ok(shown(&key, &function.latest, Shown::Unqualified));
    }
    let published = publish(lambda, &*snapshot, &mut transaction, &key, &mut function, None).await?;
    let number = published.version.number.filter(|_| published.is_new);
    commit_update(lambda, transaction, &key, &row, &function, number).await?;
    Ok(shown(&key, &published.version, Shown::Version))
}
