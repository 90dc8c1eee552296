//! Texts with holes: `wildcard`.

use crate::PatternError;

/// EventBridge refuses `*:*:*:*:*:event-bus/*` as too complex (user guide, "Wildcard matching") and does not publish
/// where the limit is: a rule passes up to the number of wildcards before that.
const WILDCARDS_MAX: usize = 5;

/// Literal texts with anything between them: one more than there are wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wildcard(Vec<String>);

impl Wildcard {
    /// Reads `a*b`; a backslash takes the meaning from an asterisk and from a backslash.
    pub(crate) fn parse(text: &str) -> Result<Self, PatternError> {
        let mut literals = vec![String::new()];
        let mut after_wildcard = false;
        let mut characters = text.char_indices();
        while let Some((index, character)) = characters.next() {
            // AWS counts the quotation mark before the text.
            let position = index + 1;
            match character {
                '*' if after_wildcard => {
                    let text = format!("Consecutive wildcard characters at pos {}", position - 1);
                    return Err(PatternError(text));
                }
                '*' => literals.push(String::new()),
                '\\' => match characters.next() {
                    Some((_, escaped @ ('*' | '\\'))) => push(&mut literals, escaped),
                    _ => return Err(PatternError(format!("Invalid escape character at pos {position}"))),
                },
                _ => push(&mut literals, character),
            }
            after_wildcard = character == '*';
        }
        if literals.len() > WILDCARDS_MAX + 1 {
            return Err(PatternError::new(
                "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences \
                 after a wildcard character",
            ));
        }
        Ok(Self(literals))
    }

    /// Whether a text is of this form. Takes time linear in the text: the first place where a literal fits leaves the
    /// most room for the others.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else {
            return self.0.first().is_some_and(|literal| literal == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for literal in middle {
            let Some(at) = rest.find(literal.as_str()) else { return false };
            rest = &rest[at + literal.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

fn push(literals: &mut [String], character: char) {
    if let Some(literal) = literals.last_mut() {
        literal.push(character);
    }
}
