//! Amazon Resource Names. Parsed once, at the edge; typed inside.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Region};

/// Text that is not an ARN, or not of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid ARN")]
pub struct InvalidArn(pub String);

/// Any ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`. Region and account may be empty (IAM, S3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Arn {
    /// `aws`, `aws-cn`, ...
    pub partition: String,
    /// The service's name, such as `lambda`.
    pub service: String,
    /// The region, or nothing for a global service.
    pub region: String,
    /// The account, or nothing where names are global.
    pub account: String,
    /// All that follows, colons and slashes included.
    pub resource: String,
}

impl Arn {
    /// Parses any ARN.
    ///
    /// # Errors
    /// [`InvalidArn`] when a part is missing.
    pub fn parse(text: &str) -> Result<Self, InvalidArn> {
        let invalid = || InvalidArn(text.to_owned());
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or_else(invalid);
        if next()? != "arn" {
            return Err(invalid());
        }
        let arn = Self {
            partition: next()?.to_owned(),
            service: next()?.to_owned(),
            region: next()?.to_owned(),
            account: next()?.to_owned(),
            resource: next()?.to_owned(),
        };
        if arn.partition.is_empty() || arn.service.is_empty() || arn.resource.is_empty() {
            return Err(invalid());
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// What stands behind a function's name: a version, an alias, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Qualifier {
    /// `$LATEST`.
    Latest,
    /// A published version's number.
    Version(u64),
    /// An alias.
    Alias(String),
}

impl Qualifier {
    /// Reads `$LATEST`, a number, or an alias's name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text == "$LATEST" {
            return Self::Latest;
        }
        // Only a plain number without leading zeros names a version; AWS forbids aliases of digits only.
        match text.parse::<u64>() {
            Ok(number) if number.to_string() == text => Self::Version(number),
            _ => Self::Alias(text.to_owned()),
        }
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("$LATEST"),
            Self::Version(number) => write!(f, "{number}"),
            Self::Alias(name) => f.write_str(name),
        }
    }
}

/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FunctionArn {
    /// Where the function lives.
    pub region: Region,
    /// Whose it is.
    pub account: AccountId,
    /// The function's name.
    pub name: String,
    /// The qualifier, as it was written.
    pub qualifier: Option<Qualifier>,
}

impl FunctionArn {
    /// Parses a full function ARN.
    ///
    /// # Errors
    /// [`InvalidArn`] when it is not one.
    pub fn parse(text: &str) -> Result<Self, InvalidArn> {
        let invalid = || InvalidArn(text.to_owned());
        let arn = Arn::parse(text)?;
        let mut parts = arn.resource.split(':');
        if arn.service != "lambda" || parts.next() != Some("function") {
            return Err(invalid());
        }
        let name = parts.next().filter(|name| !name.is_empty()).ok_or_else(invalid)?;
        let qualifier = parts.next().map(Qualifier::parse);
        if parts.next().is_some() {
            return Err(invalid());
        }
        Ok(Self {
            region: Region::parse(&arn.region).map_err(|_| invalid())?,
            account: AccountId::parse(&arn.account).map_err(|_| invalid())?,
            name: name.to_owned(),
            qualifier,
        })
    }

    /// The same function without its qualifier.
    #[must_use]
    pub fn unqualified(&self) -> Self {
        Self { qualifier: None, ..self.clone() }
    }

    /// The same function with this qualifier.
    #[must_use]
    pub fn qualified(&self, qualifier: Qualifier) -> Self {
        Self { qualifier: Some(qualifier), ..self.clone() }
    }
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, account, name, qualifier } = self;
        write!(f, "arn:aws:lambda:{region}:{account}:function:{name}")?;
        match qualifier {
            Some(qualifier) => write!(f, ":{qualifier}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_arn_survives_a_round_trip() {
        for text in [
            "arn:aws:lambda:eu-central-1:000000000000:function:f",
            "arn:aws:lambda:eu-central-1:000000000000:function:f:$LATEST",
            "arn:aws:lambda:eu-central-1:000000000000:function:f:12",
            "arn:aws:lambda:eu-central-1:000000000000:function:f:live",
        ] {
            assert_eq!(FunctionArn::parse(text).map(|arn| arn.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_function_arn_is_refused() {
        for text in [
            "",
            "arn:aws:lambda",
            "arn:aws:sqs:r1:000000000000:q",
            "arn:aws:lambda:r1:0:function:f",
            "arn:aws:lambda:r1:000000000000:function:",
            "arn:aws:lambda:r1:000000000000:function:a:b:c",
        ] {
            assert!(FunctionArn::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_with_a_leading_zero_is_an_alias() {
        assert_eq!(Qualifier::parse("07"), Qualifier::Alias("07".to_owned()));
        assert_eq!(Qualifier::parse("7"), Qualifier::Version(7));
    }

    proptest::proptest! {
        /// What is accepted is understood: it prints as it came.
        #[test]
        fn any_text_is_either_refused_or_survives_a_round_trip(text in "(arn:)?[a-z:0-9/$A-Z-]{0,80}|\\PC{0,40}") {
            if let Ok(arn) = Arn::parse(&text) {
                proptest::prop_assert_eq!(arn.to_string(), text.clone());
            }
            if let Ok(arn) = FunctionArn::parse(&text) {
                proptest::prop_assert_eq!(FunctionArn::parse(&arn.to_string()), Ok(arn));
            }
        }
    }
}
