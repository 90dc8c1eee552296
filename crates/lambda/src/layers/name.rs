//! A layer's name as it comes in requests: bare, as an ARN, or as the ARN of a version.

use std::fmt;

use ids::{AccountId, Arn, Region};
use store::KeyPart;
use wire::Context;

use crate::errors::{self, Outcome};
use crate::tables::layer::{layer_key, layer_version_key};
use crate::tables::package_use::Holder;

/// Which layer is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayerName {
    pub(crate) region: Region,
    pub(crate) account: AccountId,
    pub(crate) name: String,
}

/// Which version of a layer is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayerVersionName {
    pub(crate) layer: LayerName,
    pub(crate) version: u64,
}

impl LayerName {
    /// A layer of the caller's own.
    pub(crate) fn of_caller(context: &Context, name: &str) -> Self {
        let (region, account) = (context.region.clone(), context.account.clone());
        Self { region, account, name: name.to_owned() }
    }

    /// Reads a bare name, which is one of the caller's, or an ARN.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for an ARN that the model's pattern lets through but that names no layer.
    pub(crate) fn parse(context: &Context, text: &str) -> Outcome<Self> {
        if !text.contains(':') {
            return Ok(Self::of_caller(context, text));
        }
        match parse_arn(text) {
            Some((layer, None)) => Ok(layer),
            _ => Err(errors::invalid_parameter(format!("{text} is not a layer's name or ARN."))),
        }
    }

    /// The key parts of its record.
    pub(crate) fn key(&self) -> [KeyPart<'_>; 3] {
        layer_key(&self.account, &self.region, &self.name)
    }

    /// Names one of its versions.
    pub(crate) fn version(&self, version: u64) -> LayerVersionName {
        LayerVersionName { layer: self.clone(), version }
    }
}

impl LayerVersionName {
    /// Reads a layer version's ARN; `None` when it is none.
    pub(crate) fn parse_arn(text: &str) -> Option<Self> {
        let (layer, version) = parse_arn(text)?;
        Some(Self { layer, version: version? })
    }

    /// Reads a name or ARN and the number that came beside it.
    ///
    /// # Errors
    /// `InvalidParameterValueException`.
    pub(crate) fn parse(context: &Context, layer: &str, version: i64) -> Outcome<Self> {
        let version = u64::try_from(version).unwrap_or(0);
        if version < 1 {
            return Err(errors::invalid_parameter("Layer Version Cannot be less than 1"));
        }
        Ok(LayerName::parse(context, layer)?.version(version))
    }

    /// Who refers to its package.
    pub(crate) fn holder(&self) -> Holder<'_> {
        let LayerName { region, account, name } = &self.layer;
        Holder::layer(account.as_str(), region.as_str(), name, self.version)
    }

    /// The key parts of its record.
    pub(crate) fn key(&self) -> [KeyPart<'_>; 4] {
        layer_version_key(&self.layer.account, &self.layer.region, &self.layer.name, self.version)
    }
}

/// Takes `arn:PARTITION:lambda:REGION:ACCOUNT:layer:NAME[:VERSION]` apart.
fn parse_arn(text: &str) -> Option<(LayerName, Option<u64>)> {
    let arn = Arn::parse(text).ok()?;
    let mut parts = arn.resource.split(':');
    if arn.service != "lambda" || parts.next() != Some("layer") {
        return None;
    }
    let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
    let version = match parts.next() {
        // What is longer than any version's number names a version that does not exist.
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            Some(digits.parse().unwrap_or(u64::MAX))
        }
        Some(_) => return None,
        None => None,
    };
    if parts.next().is_some() {
        return None;
    }
    let region = Region::parse(&arn.region).ok()?;
    let account = AccountId::parse(&arn.account).ok()?;
    Some((LayerName { region, account, name }, version))
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, account, name } = self;
        write!(f, "arn:aws:lambda:{region}:{account}:layer:{name}")
    }
}

impl fmt::Display for LayerVersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.layer, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_version_survives_a_round_trip() {
        let text = "arn:aws:lambda:eu-central-1:000000000000:layer:my-layer:12";
        assert_eq!(LayerVersionName::parse_arn(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_names_no_version_is_refused() {
        for text in [
            "",
            "my-layer",
            "arn:aws:lambda:eu-central-1:000000000000:layer:my-layer",
            "arn:aws:lambda:eu-central-1:000000000000:layer:my-layer:1:2",
            "arn:aws:lambda:eu-central-1:000000000000:layer:my-layer:x",
            "arn:aws:lambda:eu-central-1:000000000000:layer::1",
            "arn:aws:lambda:eu-central-1:000000000000:function:f:1",
            "arn:aws:lambda:::awslayer:AmazonLinux2",
        ] {
            assert_eq!(LayerVersionName::parse_arn(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_that_no_version_can_have_is_no_overflow() {
        let text = "arn:aws:lambda:eu-central-1:000000000000:layer:l:99999999999999999999999";
        assert_eq!(LayerVersionName::parse_arn(text).unwrap().version, u64::MAX);
    }
}
