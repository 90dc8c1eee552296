//! `CreateAlias`.

use api_lambda::{AliasConfiguration, CreateAliasRequest};
use ids::Qualifier;
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::errors::{Failure, Outcome, conflict};
use crate::function::{FunctionReference, function_not_found, read_routing, read_target, shown_alias};
use crate::tables::alias::{ALIASES, AliasRecord};
use crate::tables::function::{FUNCTIONS, require_function, require_version};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: CreateAliasRequest,
) -> Outcome<AliasConfiguration> {
    let key = FunctionReference::parse_unqualified(context, "CreateAlias", &input.function_name)?;
    let snapshot = lambda.snapshot().await?;
    // Observed on AWS: a function that is missing is named with the version.
    let target =
        FunctionReference { key: key.clone(), qualifier: Some(Qualifier::parse(&input.function_version)) };
    let function = FUNCTIONS.get(&*snapshot, &key.parts()).await?;
    function.ok_or_else(|| function_not_found(&target))?;
    let version = read_target(&*snapshot, &key, &input.function_version).await?;
    let additional = match input.routing_config {
        Some(routing) => read_routing(&*snapshot, &key, version, routing).await?,
        None => None,
    };
    let alias = AliasRecord {
        name: input.name,
        version,
        description: input.description.unwrap_or_default(),
        additional,
        revision_id: lambda.revision_id(),
    };
    let shown = shown_alias(&key, &alias);
    let mut transaction = Transaction::new();
    let parts = key.parts_and(alias.name.as_str());
    let exists =
        || conflict(format!("Alias already exists: {}", shown.alias_arn.clone().unwrap_or_default()));
    if ALIASES.get(&*snapshot, &parts).await?.is_some() {
        return Err(exists());
    }
    ALIASES.insert(&mut transaction, &parts, &alias)?;
    require_function(&mut transaction, &key);
    for number in version.into_iter().chain(additional.map(|(number, _)| number)) {
        require_version(&mut transaction, &key, number);
    }
    match lambda.commit(&key, transaction).await {
        Ok(()) => Ok(shown),
        Err(Failure::Conflict) => Err(exists()),
        Err(other) => Err(other),
    }
}
