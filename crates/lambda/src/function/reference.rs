//! A function as requests name it: `name`, `name:qualifier`, `account:function:name`, or an ARN.

use ids::{AccountId, FunctionArn, Qualifier, Region};
use wire::Context;

use crate::errors::{Outcome, access_denied, invalid_parameter, not_found};
use crate::tables::function::FunctionKey;

/// AWS Lambda API reference: a bare name has at most 64 characters.
const NAME_LENGTH_MAX: usize = 64;

/// Which function is meant, and which version or alias of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FunctionReference {
    pub(crate) key: FunctionKey,
    pub(crate) qualifier: Option<Qualifier>,
}

/// The parts of a name that is of the form the model's pattern has.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'a> {
    region: Option<&'a str>,
    account: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
}

impl FunctionReference {
    /// Reads the name a request gave, together with the qualifier it gave beside it. `operation` is the one that
    /// is asked for.
    ///
    /// # Errors
    /// In AWS's words: another region or account, a new function's name that is too long, or two qualifiers that
    /// differ.
    pub(crate) fn parse(
        context: &Context,
        operation: &str,
        text: &str,
        qualifier: Option<&str>,
    ) -> Outcome<Self> {
        let parts = split(text);
        if parts.region.is_some_and(|region| region != context.region.as_str()) {
            return Err(not_found(format!(
                "Functions from '{}' are not reachable in this region ('{}')",
                parts.region.unwrap_or_default(),
                context.region
            )));
        }
        if operation == "CreateFunction" {
            check_new_name(parts.name)?;
        }
        let reference = Self::in_account(context, &parts, qualifier)?;
        if parts.account.is_some_and(|account| account != context.account.as_str()) {
            let (caller, arn) = (&context.caller.arn, reference.key.arn());
            return Err(access_denied(format!(
                "User: {caller} is not authorized to perform: lambda:{operation} on resource: {arn} because no \
                 resource-based policy allows the lambda:{operation} action"
            )));
        }
        Ok(reference)
    }

    /// What an ARN of this server's own names.
    pub(crate) fn of(arn: &FunctionArn) -> Self {
        let FunctionArn { region, account, name, qualifier } = arn.clone();
        Self { key: FunctionKey { account, region, name }, qualifier }
    }

    /// A reference that means a whole function.
    ///
    /// # Errors
    /// As [`FunctionReference::parse`].
    pub(crate) fn parse_unqualified(context: &Context, operation: &str, text: &str) -> Outcome<FunctionKey> {
        Ok(Self::parse(context, operation, text, None)?.key)
    }

    fn in_account(context: &Context, parts: &Parts<'_>, qualifier: Option<&str>) -> Outcome<Self> {
        let qualifier = match (parts.qualifier, qualifier) {
            (Some(derived), Some(given)) if derived != given => {
                return Err(invalid_parameter(
                    "The derived qualifier from the function name does not match the specified qualifier.",
                ));
            }
            (derived, given) => given.or(derived).map(Qualifier::parse),
        };
        let account = match parts.account {
            Some(account) => {
                AccountId::parse(account).map_err(|error| invalid_parameter(error.to_string()))?
            }
            None => context.account.clone(),
        };
        let region: Region = context.region.clone();
        Ok(Self { key: FunctionKey { account, region, name: parts.name.to_owned() }, qualifier })
    }

    /// The ARN as the caller addressed it, with the qualifier if there was one.
    pub(crate) fn arn(&self) -> FunctionArn {
        FunctionArn { qualifier: self.qualifier.clone(), ..self.key.arn() }
    }
}

/// A function of a longer name cannot be made. Elsewhere such a name is one that is not found: the model allows it.
fn check_new_name(name: &str) -> Outcome<()> {
    if name.chars().count() > NAME_LENGTH_MAX {
        return Err(invalid_parameter(format!(
            "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: Member must \
             have length less than or equal to {NAME_LENGTH_MAX}"
        )));
    }
    Ok(())
}

/// Takes a name apart as the model's pattern
/// `(arn:PARTITION:lambda:)?(REGION:)?(ACCOUNT:)?(function:)?NAME(:QUALIFIER)?` does.
fn split(text: &str) -> Parts<'_> {
    let mut rest = text;
    if let Some(arn) = rest.strip_prefix("arn:")
        && let Some((_partition, after)) = arn.split_once(':')
        && let Some(after) = after.strip_prefix("lambda:")
    {
        rest = after;
    }
    let region = take_part(&mut rest, is_region);
    let account = take_part(&mut rest, |part| part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit()));
    let _literal = take_part(&mut rest, |part| part == "function");
    let (name, qualifier) = match rest.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (rest, None),
    };
    Parts { region, account, name, qualifier }
}

/// Takes the part before the next colon, if there is one that is of this form.
fn take_part<'a>(rest: &mut &'a str, is_it: impl Fn(&str) -> bool) -> Option<&'a str> {
    let (part, after) = rest.split_once(':').filter(|(part, _)| is_it(part))?;
    *rest = after;
    Some(part)
}

/// `eu-central-1`, `us-gov-west-1`.
fn is_region(part: &str) -> bool {
    let words: Vec<&str> = part.split('-').collect();
    let lower = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    match words.as_slice() {
        [before @ .., number] => {
            (2..=4).contains(&before.len())
                && before.iter().all(lower)
                && number.len() == 1
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_names_the_same_function() {
        for (text, region, account, qualifier) in [
            ("f", None, None, None),
            ("f:live", None, None, Some("live")),
            ("f:$LATEST", None, None, Some("$LATEST")),
            ("function:f", None, None, None),
            ("000000000000:function:f", None, Some("000000000000"), None),
            ("000000000000:function:f:7", None, Some("000000000000"), Some("7")),
            ("eu-central-1:000000000000:function:f", Some("eu-central-1"), Some("000000000000"), None),
            (
                "arn:aws:lambda:us-gov-west-1:000000000000:function:f:7",
                Some("us-gov-west-1"),
                Some("000000000000"),
                Some("7"),
            ),
        ] {
            assert_eq!(split(text), Parts { region, account, name: "f", qualifier }, "{text}");
        }
    }
}
