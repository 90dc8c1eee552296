//! Which error types a runtime may name.

/// Keeps an error type a runtime reported only when the platform would: `Runtime.` or `Function.` followed by
/// a capitalised word. Source: the runtime interface emulator's `fatalerror`.
#[must_use]
pub fn filter_error_type(reported: &str) -> &str {
    if has_platform_form(reported) {
        reported
    } else if reported.starts_with("Function.") {
        "Function.Unknown"
    } else {
        "Runtime.Unknown"
    }
}

/// The emulator matches `(Runtime|Function)\.[A-Z][a-zA-Z]+` anywhere in the text.
fn has_platform_form(text: &str) -> bool {
    ["Runtime.", "Function."].iter().any(|prefix| {
        text.match_indices(prefix).any(|(at, _)| {
            let mut name = text[at + prefix.len()..].bytes();
            name.next().is_some_and(|b| b.is_ascii_uppercase())
                && name.next().is_some_and(|b| b.is_ascii_alphabetic())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_platforms_own_form_is_kept() {
        for (reported, kept) in [
            ("Runtime.ImportModuleError", "Runtime.ImportModuleError"),
            ("Function.Oops", "Function.Oops"),
            ("Function.oops", "Function.Unknown"),
            ("Function.", "Function.Unknown"),
            ("ValueError", "Runtime.Unknown"),
            ("Runtime.x", "Runtime.Unknown"),
            ("", "Runtime.Unknown"),
        ] {
            assert_eq!(filter_error_type(reported), kept, "{reported}");
        }
    }
}
