//! `SEARCH`: time series of all metrics that match.
//!
//! Exact matches are understood: `{Namespace,Dimension} MetricName="x" "y"`. Partial matches and boolean operators
//! are refused ("CloudWatch search expression syntax", Amazon CloudWatch user guide).

use super::evaluate::Scope;
use super::parser::Expression;
use super::value::Value;
use crate::metric::Metric;
use crate::resolution::is_period;
use crate::statistic::Statistic;

/// Characters of a search (user guide).
const LENGTH_MAX: usize = 1_024;

/// What is searched for, and what is wanted of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Search {
    /// The text of the call: what it found stands under it.
    pub(crate) text: String,
    /// The namespace, where there is a schema.
    pub(crate) namespace: Option<String>,
    /// The names of all dimensions, where the schema has some.
    dimensions: Vec<String>,
    terms: Vec<Term>,
    pub(crate) statistic: Statistic,
    /// In seconds; the query's own where the search names none.
    pub(crate) period_s: Option<i64>,
}

/// Must be just this: the value of a property, or of any.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    property: Option<String>,
    value: String,
}

impl Search {
    pub(crate) fn matches(&self, metric: &Metric) -> bool {
        let mut names: Vec<&str> = metric.dimensions.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        self.namespace.as_ref().is_none_or(|namespace| *namespace == metric.namespace)
            && (self.dimensions.is_empty() || self.dimensions == names)
            && self.terms.iter().all(|term| term.matches(metric))
    }
}

impl Term {
    fn matches(&self, metric: &Metric) -> bool {
        let mut dimensions = metric.dimensions.iter();
        match self.property.as_deref() {
            Some("MetricName") => self.value == metric.name,
            Some("Namespace") => self.value == metric.namespace,
            Some(property) => dimensions.any(|(name, value)| name == property && *value == self.value),
            None => {
                self.value == metric.name
                    || self.value == metric.namespace
                    || dimensions.any(|(name, value)| *name == self.value || *value == self.value)
            }
        }
    }
}

/// All searches in an expression.
pub(crate) fn searches(expression: &Expression) -> Result<Vec<Search>, String> {
    let mut searches = Vec::new();
    let mut wrong = None;
    expression.walk(&mut |part| {
        if let Expression::Call(name, arguments) = part
            && name == "SEARCH"
        {
            match parse_call(arguments) {
                Ok(search) => searches.push(search),
                Err(error) => wrong = Some(error),
            }
        }
    });
    wrong.map_or(Ok(searches), Err)
}

/// What the search with these arguments has found.
pub(super) fn found(arguments: &[Expression], scope: &Scope<'_>) -> Result<Value, String> {
    let search = parse_call(arguments)?;
    Ok(Value::Array(scope.found.get(&search.text).cloned().unwrap_or_default()))
}

fn parse_call(arguments: &[Expression]) -> Result<Search, String> {
    let (query, statistic, period) = match arguments {
        [Expression::Text(query), Expression::Text(statistic)] => (query, statistic, None),
        [Expression::Text(query), Expression::Text(statistic), Expression::Number(period)] => {
            (query, statistic, Some(*period))
        }
        _ => return Err("SEARCH takes two texts and a period.".to_owned()),
    };
    if query.chars().count() > LENGTH_MAX {
        return Err(format!("A search has at most {LENGTH_MAX} characters."));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
    let period_s = period.map(|period| period as i64);
    if period_s.is_some_and(|period_s| !is_period(period_s)) {
        return Err("The period of SEARCH must be 1, 5, 10, 20, 30, or a multiple of 60.".to_owned());
    }
    let parsed = Statistic::parse(statistic);
    let statistic_of = parsed.ok_or_else(|| format!("The statistic {statistic} is not supported."))?;
    let (mut schema, rest) = schema(query.trim())?;
    let terms = terms(rest)?;
    if schema.is_empty() && terms.is_empty() {
        return Err("SEARCH needs a metric schema or a search term.".to_owned());
    }
    let namespace = if schema.is_empty() { None } else { Some(schema.remove(0)) };
    schema.sort_unstable();
    let text = format!("{query}|{statistic}|{period:?}");
    Ok(Search { text, namespace, dimensions: schema, terms, statistic: statistic_of, period_s })
}

/// `{Namespace, "Dimension name"}` and the rest.
fn schema(query: &str) -> Result<(Vec<String>, &str), String> {
    let Some(mut rest) = query.strip_prefix('{') else { return Ok((Vec::new(), query)) };
    let mut names = Vec::new();
    loop {
        rest = rest.trim_start();
        let (name, after) = if rest.starts_with('"') {
            exact(rest)?
        } else {
            let end = rest.find([',', '}']).ok_or("'}' is missing in SEARCH.")?;
            (rest[..end].trim_end().to_owned(), &rest[end..])
        };
        if name.is_empty() {
            return Err("The metric schema of SEARCH lacks a name.".to_owned());
        }
        names.push(name);
        let after = after.trim_start();
        if let Some(after) = after.strip_prefix('}') {
            let after = after.trim_start();
            return Ok((names, after.strip_prefix(',').unwrap_or(after)));
        }
        rest = after.strip_prefix(',').ok_or("'}' is missing in SEARCH.")?;
    }
}

/// Exact matches, all of which must hold.
fn terms(query: &str) -> Result<Vec<Term>, String> {
    let mut terms = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("AND ") {
            rest = after.trim_start();
        }
        let (property, value) = if rest.starts_with('"') {
            (None, rest)
        } else {
            let end = rest.find(|letter: char| letter == '=' || letter.is_whitespace()).unwrap_or(rest.len());
            let word = &rest[..end];
            match rest[end..].strip_prefix('=') {
                Some(value) if value.starts_with('"') && !word.is_empty() && !word.contains(['(', ')']) => {
                    (Some(word.to_owned()), value)
                }
                _ => {
                    return Err(format!(
                        "SEARCH with anything but exact matches, such as Name=\"value\", is not supported by \
                         Lambent yet: {word}"
                    ));
                }
            }
        };
        let (value, after) = exact(value)?;
        terms.push(Term { property, value });
        rest = after.trim_start();
    }
    Ok(terms)
}

/// What stands between double quotes, in which a backslash makes the next character ordinary; and the rest.
fn exact(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            other => value.push(other),
        }
    }
    Err("A double quote is not closed in SEARCH.".to_owned())
}
