//! The fields of a pattern: which values must be where.
//!
//! A pattern is flattened, as event-ruler does: `$or` multiplies it into branches, of which one must match, and a
//! branch is a list of paths with what is accepted there, all of which must match. A dot in a name and a nested object
//! mean the same ("JSON keys with dots").

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::document::Tree;
use crate::matcher::Matcher;
use crate::{Dialect, PatternError, operators};

/// "A filter policy can have a maximum of five keys" (Amazon SNS developer guide, "Filter policy constraints"); of
/// nested ones AWS counts the parents (recorded).
const SNS_KEYS_MAX: usize = 5;
/// "The total combination of values in a filter policy must not exceed 150" (ibidem).
const SNS_COMBINATIONS_MAX: u64 = 150;
/// "The maximum size of a filter policy is 256 KB" (ibidem).
const SNS_BYTES_MAX: usize = 256 * 1024;
/// `EventPattern` of PutRule and `Pattern` of a filter have at most so many characters (their API references).
const CHARACTERS_MAX: usize = 4_096;
/// "up to 1,000 combinations" of `$or` (Amazon EventBridge user guide, "Using `$or`").
const BRANCHES_MAX: usize = 1_000;
/// Leaves of all branches together: bounds what a small text with many `$or` takes in memory. Ours.
const LEAVES_MAX: usize = 20_000;
/// Steps of one path: bounds recursion where dots make paths longer than JSON may nest. Ours.
pub(crate) const STEPS_MAX: usize = 128;

/// Names that make of `$or` an ordinary field when they stand inside it (event-ruler, `Constants.java`).
const RESERVED_INSIDE_OR: &[&str] = &[
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

/// A pattern, flattened.
#[derive(Debug, Clone)]
pub(crate) struct Branches {
    pub(crate) branches: Vec<Branch>,
    /// The lists of the fields: branches share them.
    pub(crate) matchers: Vec<Vec<Matcher>>,
    /// The paths of all branches.
    pub(crate) tree: Tree,
}

/// One way to match: everything of it.
#[derive(Debug, Clone)]
pub(crate) struct Branch {
    /// Sorted by path, each path once.
    pub(crate) leaves: Vec<Leaf>,
}

/// A path and what is accepted there.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// The names with dots between them.
    pub(crate) path: Arc<str>,
    /// Which of [`Branches::matchers`].
    pub(crate) matchers: usize,
}

/// A branch while it is read: by path, which list, and how many combinations it stands for in an SNS policy.
type Draft = BTreeMap<Arc<str>, (usize, u64)>;

struct Reader {
    dialect: Dialect,
    matchers: Vec<Vec<Matcher>>,
    is_nested: bool,
}

pub(crate) fn parse(text: &str, dialect: Dialect) -> Result<Branches, PatternError> {
    let is_sns = matches!(dialect, Dialect::SnsAttributes | Dialect::SnsBody);
    let named =
        |error: PatternError| if is_sns { PatternError(format!("FilterPolicy: {error}")) } else { error };
    check_size(text, is_sns).map_err(named)?;
    let value: Value = serde_json::from_str(text).map_err(|error| {
        named(PatternError(if is_sns { format!("failed to parse JSON. {error}") } else { error.to_string() }))
    })?;
    let Value::Object(object) = value else {
        return Err(named(PatternError::new("Filter is not an object")));
    };
    let mut reader = Reader { dialect, matchers: Vec::new(), is_nested: false };
    let mut drafts = vec![Draft::new()];
    if !(is_sns && object.is_empty()) {
        reader.read_object(&object, "", 1, &mut drafts).map_err(named)?;
    }
    if dialect == Dialect::SnsAttributes && reader.is_nested {
        return Err(PatternError::new(
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ));
    }
    if is_sns {
        check_sns(&object, &drafts).map_err(named)?;
    }
    let branches: Vec<Branch> = drafts.into_iter().map(Branch::from_draft).collect();
    let tree = Tree::of(&branches).map_err(named)?;
    Ok(Branches { branches, matchers: reader.matchers, tree })
}

fn check_size(text: &str, is_sns: bool) -> Result<(), PatternError> {
    if is_sns && text.len() > SNS_BYTES_MAX {
        return Err(PatternError(format!("Filter policy can not be larger than {SNS_BYTES_MAX} bytes")));
    }
    // A character has at most four bytes: most texts need not be counted.
    if !is_sns && text.len() > CHARACTERS_MAX && text.chars().count() > CHARACTERS_MAX {
        return Err(PatternError(format!("Pattern can not be longer than {CHARACTERS_MAX} characters")));
    }
    Ok(())
}

fn check_sns(object: &Map<String, Value>, drafts: &[Draft]) -> Result<(), PatternError> {
    if object.len() > SNS_KEYS_MAX {
        return Err(PatternError(format!("Filter policy can not have more than {SNS_KEYS_MAX} keys")));
    }
    let combinations = drafts.iter().fold(0_u64, |sum, draft| {
        let product = draft.values().fold(1_u64, |product, (_, weight)| product.saturating_mul(*weight));
        sum.saturating_add(product)
    });
    if combinations > SNS_COMBINATIONS_MAX {
        return Err(PatternError::new("Filter policy is too complex"));
    }
    Ok(())
}

impl Reader {
    fn read_object(
        &mut self,
        object: &Map<String, Value>,
        path: &str,
        depth: u64,
        drafts: &mut Vec<Draft>,
    ) -> Result<(), PatternError> {
        if object.is_empty() {
            return Err(PatternError::new("Empty objects are not allowed"));
        }
        for (name, value) in object {
            let inner_path = || if depth == 1 { name.clone() } else { format!("{path}.{name}") };
            match value {
                Value::Object(inner) => {
                    self.is_nested = true;
                    self.read_object(inner, &inner_path(), depth + 1, drafts)?;
                }
                Value::Array(choices) if name == "$or" && is_or(choices) => {
                    self.read_or(choices, path, depth, drafts)?;
                }
                Value::Array(entries) => self.read_list(entries, inner_path().into(), depth, drafts)?,
                _ => return Err(PatternError(format!("\"{name}\" must be an object or an array"))),
            }
        }
        Ok(())
    }

    fn read_or(
        &mut self,
        choices: &[Value],
        path: &str,
        depth: u64,
        drafts: &mut Vec<Draft>,
    ) -> Result<(), PatternError> {
        let before = std::mem::take(drafts);
        for choice in choices.iter().filter_map(Value::as_object) {
            check_growth(&[drafts, &before])?;
            let mut multiplied = before.clone();
            self.read_object(choice, path, depth, &mut multiplied)?;
            drafts.append(&mut multiplied);
        }
        check_growth(&[drafts])
    }

    fn read_list(
        &mut self,
        entries: &[Value],
        path: Arc<str>,
        depth: u64,
        drafts: &mut [Draft],
    ) -> Result<(), PatternError> {
        let matchers: Vec<Matcher> =
            entries.iter().map(|entry| operators::parse(entry, self.dialect)).collect::<Result<_, _>>()?;
        if matchers.is_empty() {
            return Err(PatternError::new("Empty arrays are not allowed"));
        }
        if drafts.len() * (drafts.first().map_or(0, Draft::len) + 1) > LEAVES_MAX {
            return Err(too_complex());
        }
        // "The first array has four values in a three-level nested key": 4 x 3 (developer guide, "Filter policy
        // constraints", payload-based filtering).
        let weight = depth.saturating_mul(matchers.len() as u64);
        for draft in drafts {
            draft.insert(Arc::clone(&path), (self.matchers.len(), weight));
        }
        self.matchers.push(matchers);
        Ok(())
    }
}

/// `$or` is a choice only between at least two objects that could not be match expressions; else it is a field.
fn is_or(choices: &[Value]) -> bool {
    let is_choice = |choice: &Value| {
        choice
            .as_object()
            .is_some_and(|object| object.keys().all(|name| !RESERVED_INSIDE_OR.contains(&name.as_str())))
    };
    choices.len() >= 2 && choices.iter().all(is_choice)
}

fn check_growth(drafts: &[&Vec<Draft>]) -> Result<(), PatternError> {
    let branches: usize = drafts.iter().map(|drafts| drafts.len()).sum();
    let leaves: usize = drafts.iter().flat_map(|drafts| drafts.iter()).map(Draft::len).sum();
    if branches > BRANCHES_MAX || leaves > LEAVES_MAX { Err(too_complex()) } else { Ok(()) }
}

pub(crate) fn too_complex() -> PatternError {
    PatternError::new("Filter policy is too complex")
}

impl Branch {
    fn from_draft(draft: Draft) -> Self {
        let leaves = draft.into_iter().map(|(path, (matchers, _))| Leaf { path, matchers }).collect();
        Self { leaves }
    }
}
