//! `ListAliases`.

use api_lambda::{ListAliasesRequest, ListAliasesResponse};
use ids::Qualifier;
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::{FunctionReference, Marker, find_function, page_size, shown_alias};
use crate::tables::alias::ALIASES;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListAliasesRequest,
) -> Outcome<ListAliasesResponse> {
    let key = FunctionReference::parse_unqualified(context, "ListAliases", &input.function_name)?;
    let marker = Marker::decode(input.marker.as_deref())?;
    let page = page_size(input.max_items);
    let snapshot = lambda.snapshot().await?;
    find_function(&*snapshot, &key).await?;
    let after = marker.map(|marker| ALIASES.key(&key.parts_and(marker.name.as_str())));
    let version = input.function_version.as_deref().map(Qualifier::parse);
    let mut aliases = Vec::new();
    for row in ALIASES.list(&*snapshot, &key.parts(), after.as_deref(), usize::MAX).await? {
        let is_wanted = match &version {
            None => true,
            Some(Qualifier::Latest) => row.record.version.is_none(),
            Some(Qualifier::Version(number)) => row.record.version == Some(*number),
            Some(Qualifier::Alias(_)) => false,
        };
        if is_wanted {
            aliases.push(row.record);
        }
    }
    let is_more = aliases.len() > page;
    aliases.truncate(page);
    let next_marker = aliases
        .last()
        .filter(|_| is_more)
        .map(|alias| Marker { name: alias.name.clone(), number: 0 }.encode());
    let aliases = aliases.iter().map(|alias| shown_alias(&key, alias)).collect();
    Ok(ListAliasesResponse { aliases: Some(aliases), next_marker })
}
