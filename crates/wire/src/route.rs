//! Finds the operation of a REST service by method, path and query.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::{OperationSchema, Segment, ServiceSchema};

/// What a path's labels stand for, decoded.
pub type Labels = Vec<(&'static str, String)>;

/// What came of the search for an operation.
#[derive(Debug)]
pub enum RouteMatch {
    /// This operation, with its labels.
    Operation(&'static OperationSchema, Labels),
    /// The path belongs to the service, but not with this method.
    WrongMethod,
    /// No operation has this path.
    Nothing,
}

/// Finds the operation. Paths are matched as they came, and decoded only then: an ARN in a label may arrive
/// with its colons and slashes encoded.
#[must_use]
pub fn match_route(service: &'static ServiceSchema, method: &str, path: &str, query: &str) -> RouteMatch {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let mut best: Option<(&'static OperationSchema, Labels, usize)> = None;
    let mut path_known = false;
    for operation in service.operations {
        let Some((labels, literals)) = match_path(operation.path, &segments) else { continue };
        if operation.method != method {
            path_known = true;
            continue;
        }
        if !operation.path_query.iter().all(|wanted| has_parameter(query, wanted)) {
            continue;
        }
        // The more of the path and query is literal, the closer the match.
        let score = literals + operation.path_query.len();
        if best.as_ref().is_none_or(|(_, _, least)| score > *least) {
            best = Some((operation, labels, score));
        }
    }
    match best {
        Some((operation, labels, _)) => RouteMatch::Operation(operation, labels),
        None if path_known => RouteMatch::WrongMethod,
        None => RouteMatch::Nothing,
    }
}

fn match_path(pattern: &'static [Segment], segments: &[&str]) -> Option<(Labels, usize)> {
    let mut labels = Vec::new();
    let mut literals = 0;
    for (index, segment) in pattern.iter().enumerate() {
        match segment {
            Segment::Literal(text) => {
                if segments.get(index) != Some(text) {
                    return None;
                }
                literals += 1;
            }
            Segment::Label(name) => {
                let text = segments.get(index).filter(|text| !text.is_empty())?;
                labels.push((*name, decode(text)?));
            }
            Segment::Greedy(name) => {
                // What follows a greedy label stands at the end of the path.
                let after = pattern.len() - index - 1;
                let end = segments.len().checked_sub(after).filter(|end| *end > index)?;
                labels.push((*name, decode(&segments[index..end].join("/"))?));
                for (wanted, found) in pattern[index + 1..].iter().zip(&segments[end..]) {
                    let Segment::Literal(text) = wanted else { return None };
                    if text != found {
                        return None;
                    }
                    literals += 1;
                }
                return Some((labels, literals));
            }
        }
    }
    (segments.len() == pattern.len()).then_some((labels, literals))
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

fn has_parameter(query: &str, (name, value): &(&str, &str)) -> bool {
    query.split('&').any(|pair| {
        let (found, text) = pair.split_once('=').unwrap_or((pair, ""));
        found == *name && (value.is_empty() || text == *value)
    })
}
