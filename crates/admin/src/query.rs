//! A request's parameters.

use percent_encoding::percent_decode_str;

/// The parameters of a path that knows these and no others.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `name=value&...`; a name that is not `known` is refused, because it would be ignored.
    pub(crate) fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut pairs = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name);
            if !known.contains(&&*name) {
                return Err(format!("there is no parameter {name}: it is one of {}", known.join(", ")));
            }
            pairs.push((name, decode(value)));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter, if it is there.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The parameter `limit`.
    pub(crate) fn limit(&self, default: usize, max: usize) -> Result<usize, String> {
        match self.text("limit").map(str::parse::<usize>) {
            None => Ok(default),
            Some(Ok(limit)) if (1..=max).contains(&limit) => Ok(limit),
            Some(_) => Err(format!("limit is not a number from 1 to {max}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_unknown_ones_refused() {
        let query = Query::parse("function=a%3Ab&limit=7", &["function", "limit"]).unwrap();
        assert_eq!((query.text("function"), query.limit(1, 10)), (Some("a:b"), Ok(7)));
        assert_eq!(query.text("since"), None);
        assert!(query.limit(1, 6).is_err());
        assert!(Query::parse("functoin=a", &["function"]).unwrap_err().contains("functoin"));
        assert_eq!(Query::parse("", &[]).unwrap().limit(5, 10), Ok(5));
    }
}
