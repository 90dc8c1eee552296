//! Conditions joined by `&&` and `||`: "the syntax follows standard order of operations () > && > ||" (user guide).

use super::PatternError;
use super::scanner::Scanner;

/// How deep parentheses may nest: patterns come from outside, and each level takes room on the stack.
const DEPTH_MAX: usize = 64;

#[derive(Debug, Clone)]
pub(super) enum Expression<T> {
    Test(T),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl<T> Expression<T> {
    /// Whether it holds, given what `test` says of each condition.
    pub(super) fn holds(&self, test: &impl Fn(&T) -> bool) -> bool {
        match self {
            Self::Test(condition) => test(condition),
            Self::All(parts) => parts.iter().all(|part| part.holds(test)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(test)),
        }
    }
}

/// Reads an expression whose single conditions `condition` reads.
pub(super) fn parse<'a, T>(
    scanner: &mut Scanner<'a>,
    condition: &mut impl FnMut(&mut Scanner<'a>) -> Result<T, PatternError>,
) -> Result<Expression<T>, PatternError> {
    parse_any(scanner, condition, 0)
}

fn parse_any<'a, T>(
    scanner: &mut Scanner<'a>,
    condition: &mut impl FnMut(&mut Scanner<'a>) -> Result<T, PatternError>,
    depth: usize,
) -> Result<Expression<T>, PatternError> {
    let mut parts = vec![parse_all(scanner, condition, depth)?];
    while scanner.eat("||") {
        parts.push(parse_all(scanner, condition, depth)?);
    }
    Ok(Expression::Any(parts))
}

fn parse_all<'a, T>(
    scanner: &mut Scanner<'a>,
    condition: &mut impl FnMut(&mut Scanner<'a>) -> Result<T, PatternError>,
    depth: usize,
) -> Result<Expression<T>, PatternError> {
    let mut parts = vec![parse_one(scanner, condition, depth)?];
    while scanner.eat("&&") {
        parts.push(parse_one(scanner, condition, depth)?);
    }
    Ok(Expression::All(parts))
}

fn parse_one<'a, T>(
    scanner: &mut Scanner<'a>,
    condition: &mut impl FnMut(&mut Scanner<'a>) -> Result<T, PatternError>,
    depth: usize,
) -> Result<Expression<T>, PatternError> {
    scanner.skip_blanks();
    let part = if scanner.peek() == Some('(') {
        if depth == DEPTH_MAX {
            return Err(PatternError("Invalid filter pattern: its parentheses nest too deep".to_owned()));
        }
        scanner.expect("(")?;
        let inner = parse_any(scanner, condition, depth + 1)?;
        scanner.expect(")")?;
        inner
    } else {
        Expression::Test(condition(scanner)?)
    };
    scanner.skip_blanks();
    Ok(part)
}
