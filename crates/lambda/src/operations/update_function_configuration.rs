//! `UpdateFunctionConfiguration`.

use std::time::Duration;

use api_lambda::{FunctionConfiguration, UpdateFunctionConfigurationRequest};
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::event_source_mapping::point_out_short_visibility_of;
use crate::function::{
    FunctionReference, Shown, begin_update, change, check_revision, commit_update, ensure_changeable,
    find_function, shown,
};
use crate::layers::check_unzipped_size;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: UpdateFunctionConfigurationRequest,
) -> Outcome<FunctionConfiguration> {
    let name = &input.function_name;
    let key = FunctionReference::parse_unqualified(context, "UpdateFunctionConfiguration", name)?;
    let row = find_function(&*lambda.snapshot().await?, &key).await?;
    let mut function = row.record.clone();
    ensure_changeable(&key, &function)?;
    check_revision(input.revision_id.as_deref(), &function.latest.revision_id)?;
    let is_timeout_asked = input.timeout.is_some();
    let changed = change(lambda, context, &key, function.latest.configuration.clone(), input).await?;
    check_unzipped_size(&function.latest.code, &changed.configuration.layers)?;
    let mut latest = function.latest.clone();
    latest.configuration.clone_from(&changed.configuration);
    begin_update(lambda, &mut function, latest);
    commit_update(lambda, Transaction::new(), &key, &row, &function, None).await?;
    if is_timeout_asked {
        let timeout = Duration::from_secs(changed.configuration.timeout_s.into());
        point_out_short_visibility_of(lambda, &key, timeout).await;
    }
    Ok(shown(&key, &function.latest, Shown::Unqualified))
}
