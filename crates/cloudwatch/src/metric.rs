//! What a metric is: a name with dimensions, in a namespace of an account and region.

use api_cloudwatch::StandardUnit;
use ids::{AccountId, Region};
use sha2::{Digest, Sha256};
use targets::{MetricSource, Unit};

/// A metric. Each combination of dimensions is one of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metric {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Sorted: their order means nothing.
    pub(crate) dimensions: Vec<(String, String)>,
}

/// Stands for a metric in keys, which could not hold 30 dimensions: half a SHA-256 of all that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesId(pub(crate) [u8; 16]);

impl Metric {
    pub(crate) fn new(
        account: &AccountId,
        region: &Region,
        namespace: &str,
        name: &str,
        mut dimensions: Vec<(String, String)>,
    ) -> Self {
        dimensions.sort();
        Self {
            account: account.clone(),
            region: region.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions,
        }
    }

    /// The metrics under which a value of `source` counts.
    pub(crate) fn of_source(source: &MetricSource, name: &str) -> impl Iterator<Item = Self> {
        source.dimensions.iter().map(move |dimensions| {
            let dimensions =
                dimensions.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            Self::new(&source.account, &source.region, source.namespace, name, dimensions)
        })
    }

    pub(crate) fn id(&self) -> SeriesId {
        let mut hash = Sha256::new();
        let own = [self.account.as_str(), self.region.as_str(), &self.namespace, &self.name];
        let dimensions = self.dimensions.iter().flat_map(|(name, value)| [name.as_str(), value]);
        for part in own.into_iter().chain(dimensions) {
            // With the length before it no two lists of parts look alike.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        SeriesId(id)
    }
}

/// The unit as CloudWatch writes it.
pub(crate) fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "Count",
        Unit::Milliseconds => "Milliseconds",
        Unit::Seconds => "Seconds",
        Unit::Bytes => "Bytes",
        Unit::Percent => "Percent",
        Unit::None => "None",
    }
}

/// The unit of that name, if there is one.
pub(crate) fn find_unit(name: &str) -> Option<&'static str> {
    StandardUnit::VALUES.iter().copied().find(|unit| *unit == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str, dimensions: &[(&str, &str)]) -> SeriesId {
        let dimensions =
            dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let account = AccountId::parse("000000000000").expect("parses");
        let region = Region::parse("us-east-1").expect("parses");
        Metric::new(&account, &region, "N", name, dimensions).id()
    }

    #[test]
    fn the_order_of_dimensions_means_nothing_and_all_else_does() {
        assert_eq!(metric("m", &[("a", "1"), ("b", "2")]), metric("m", &[("b", "2"), ("a", "1")]));
        assert_ne!(metric("m", &[("a", "1")]), metric("m", &[]));
        assert_ne!(metric("m", &[("a", "1")]), metric("ma", &[("", "1")]));
    }
}
