//! JSON documents as they were written, but for what has no meaning.

/// The same document without white space between its parts; the members stay in their order.
pub(crate) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        if in_string || !character.is_ascii_whitespace() {
            compact.push(character);
        }
        in_string ^= character == '"' && !escaped;
        escaped = in_string && character == '\\' && !escaped;
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_except_in_strings() {
        assert_eq!(
            compact("{ \"b\" :\n[1, 2],\t\"a\": \" x \\\" y\" }"),
            "{\"b\":[1,2],\"a\":\" x \\\" y\"}"
        );
        assert_eq!(compact(r#"["\\", " "]"#), r#"["\\"," "]"#);
    }
}
