mod documents;
mod properties;
mod refused;
mod sns;

use serde_json::Value;

use crate::{Dialect, Pattern};

fn pattern(text: &str, dialect: Dialect) -> Pattern {
    Pattern::parse(text, dialect).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Rows of: pattern, document, whether it matches.
fn check(dialect: Dialect, rows: &[(&str, &str, bool)]) {
    for (text, document, expected) in rows {
        let value: Value = serde_json::from_str(document).unwrap();
        assert_eq!(pattern(text, dialect).matches(&value), *expected, "{dialect:?}: {text} and {document}");
    }
}
