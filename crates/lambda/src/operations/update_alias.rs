//! `UpdateAlias`.

use api_lambda::{AliasConfiguration, UpdateAliasRequest};
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::concurrency::{provisioning, require_provisionable};
use crate::errors::{Outcome, invalid_parameter};
use crate::function::{
    FunctionReference, check_revision, find_alias, find_function, read_routing, read_target, shown_alias,
};
use crate::tables::alias::ALIASES;
use crate::tables::function::require_version;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: UpdateAliasRequest,
) -> Outcome<AliasConfiguration> {
    let key = FunctionReference::parse_unqualified(context, "UpdateAlias", &input.function_name)?;
    let snapshot = lambda.snapshot().await?;
    find_function(&*snapshot, &key).await?;
    let row = find_alias(&*snapshot, &key, &input.name, "Alias not found").await?;
    check_revision(input.revision_id.as_deref(), &row.record.revision_id)?;
    let mut alias = row.record.clone();
    if let Some(version) = &input.function_version {
        alias.version = read_target(&*snapshot, &key, version).await?;
    }
    if let Some(description) = input.description {
        alias.description = description;
    }
    if let Some(routing) = input.routing_config {
        alias.additional = read_routing(&*snapshot, &key, alias.version, routing).await?;
    }
    // The version may have come to be the additional one, which was not said anew.
    if let Some((number, _)) = alias.additional {
        match alias.version {
            Some(version) if version != number => {}
            Some(version) => {
                return Err(invalid_parameter(format!(
                    "Invalid function version {version}. Function version {version} is already included in routing \
                     configuration."
                )));
            }
            None => {
                return Err(invalid_parameter(
                    "$LATEST is not supported for an alias pointing to more than 1 version",
                ));
            }
        }
    }
    alias.revision_id = lambda.revision_id();
    let mut transaction = Transaction::new();
    ALIASES.update(&mut transaction, &row, &alias)?;
    require_provisionable(&*snapshot, &mut transaction, &key, &alias).await?;
    for number in alias.version.into_iter().chain(alias.additional.map(|(number, _)| number)) {
        require_version(&mut transaction, &key, number);
    }
    lambda.commit(&key, transaction).await?;
    provisioning::apply_later(lambda, &key);
    Ok(shown_alias(&key, &alias))
}
