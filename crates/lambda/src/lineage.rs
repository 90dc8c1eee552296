//! How often a chain of requests has been through a function, and when that is a loop.
//!
//! The chain is known by its `X-Amzn-Trace-Id`, which functions hand on: the AWS SDKs send what the runtime was given,
//! queues and topics keep it, destinations get it. Its field `Lineage` has the hash of each resource that the chain went
//! through, and how often: `Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2` (AWS X-Ray developer guide, "Tracing header"). AWS
//! does not say how the hash is made; here it is the beginning of the SHA-256 of the function's ARN without a qualifier.
//!
//! Source: AWS Lambda developer guide, "Use Lambda recursive loop detection to prevent infinite loops": a function that
//! is reached about 16 times in a chain is not invoked once more.

use std::borrow::Cow;
use std::fmt::Write;

use ids::FunctionArn;
use sha2::{Digest, Sha256};

/// How often a function may run in one chain.
const TIMES_MAX: u32 = 16;

/// The most resources that a header names; of a longer chain the oldest are forgotten, so that it does not grow without
/// end.
const ENTRIES_MAX: usize = 32;

const FIELD: &str = "Lineage=";

/// A function's name in headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hash(String);

impl Hash {
    pub(crate) fn of(function: &FunctionArn) -> Self {
        let digest = Sha256::digest(function.unqualified().to_string());
        Self(digest.iter().take(4).fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _written = write!(text, "{byte:02x}");
            text
        }))
    }

    /// Whether a chain with this header, which counts the present request, has reached the function too often.
    pub(crate) fn is_loop(&self, header: &str) -> bool {
        let lineage = header.split(';').filter_map(lineage).next_back();
        lineage.is_some_and(|lineage| {
            lineage.split('|').filter_map(|one| self.times(one)).any(|times| times > TIMES_MAX)
        })
    }

    /// How often a chain with this header has reached this function, and the most often that it has reached any.
    pub(crate) fn counts(&self, header: &str) -> (u32, u32) {
        let lineage = header.split(';').filter_map(lineage).next_back().unwrap_or_default();
        let own = lineage.split('|').filter_map(|one| self.times(one)).max().unwrap_or(0);
        let times = |one: &str| one.split_once(':').map_or(0, |(_, times)| times.parse().unwrap_or(u32::MAX));
        (own, lineage.split('|').map(times).max().unwrap_or(0))
    }

    /// The header to hand to the function: the chain has reached it once more. What cannot be a header's value, and may
    /// come with a message, is left out.
    pub(crate) fn count(&self, header: &str) -> String {
        let header = if header.bytes().all(|byte| (b' '..=b'~').contains(&byte)) { header } else { "" };
        let mut out = String::with_capacity(header.len() + FIELD.len() + 12);
        let mut entries = Vec::new();
        // Botocore encodes the bar, as a character that is not safe in a URL.
        let decoded = match header.contains('%') {
            true => Cow::Owned(header.replace("%7C", "|").replace("%7c", "|")),
            false => Cow::Borrowed(header),
        };
        for field in decoded.split(';') {
            match lineage(field) {
                Some(lineage) => entries.extend(lineage.split('|').filter(|one| !one.is_empty())),
                None if field.is_empty() => {}
                None => {
                    out.push_str(field);
                    out.push(';');
                }
            }
        }
        let before = entries.iter().filter_map(|one| self.times(one)).fold(0, u32::saturating_add);
        entries.retain(|one| self.times(one).is_none());
        let forgotten = entries.len().saturating_sub(ENTRIES_MAX - 1);
        out.push_str(FIELD);
        for entry in &entries[forgotten..] {
            out.push_str(entry);
            out.push('|');
        }
        // Writing to a string cannot fail.
        let _written = write!(out, "{}:{}", self.0, before.saturating_add(1));
        out
    }

    /// How often an entry says that the chain has been here; none when it is another resource's.
    fn times(&self, entry: &str) -> Option<u32> {
        let (hash, times) = entry.split_once(':')?;
        (hash == self.0).then(|| times.parse().unwrap_or(u32::MAX))
    }
}

fn lineage(field: &str) -> Option<&str> {
    field.trim_start().strip_prefix(FIELD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hash(name: &str) -> Hash {
        let arn = format!("arn:aws:lambda:eu-central-1:000000000000:function:{name}");
        Hash::of(&FunctionArn::parse(&arn).unwrap())
    }

    #[test]
    fn the_sixteenth_time_is_the_last() {
        let f = hash("f");
        let mut header = "Root=1-2-3;Parent=4;Sampled=0".to_owned();
        for _ in 0..16 {
            header = f.count(&header);
            assert!(!f.is_loop(&header), "{header}");
        }
        assert_eq!(header, format!("Root=1-2-3;Parent=4;Sampled=0;Lineage={}:16", f.0));
        assert!(f.is_loop(&f.count(&header)));
    }

    #[test]
    fn each_function_is_counted_by_itself_whatever_its_qualifier() {
        let (f, g) = (hash("f"), hash("g"));
        assert_eq!(hash("f:live"), f);
        let header = g.count(&f.count(&g.count("Root=1;Lineage=aaaaaaaa:3")));
        assert_eq!(header, format!("Root=1;Lineage=aaaaaaaa:3|{}:1|{}:2", f.0, g.0));
    }

    /// `botocore.handlers.add_recursion_detection_header` quotes it.
    #[test]
    fn a_header_from_botocore_has_its_bars_encoded() {
        let (f, g) = (hash("f"), hash("g"));
        let header = g.count(&f.count("Root=1")).replace('|', "%7C");
        assert_eq!(f.count(&header), format!("Root=1;Lineage={}:1|{}:2", g.0, f.0));
    }

    #[test]
    fn a_count_that_is_no_number_is_a_loop() {
        let f = hash("f");
        for times in ["x", "", "99999999999", "4294967295"] {
            assert!(f.is_loop(&f.count(&format!("Root=1;Lineage={}:{times}", f.0))), "{times}");
        }
    }

    #[test]
    fn what_cannot_be_a_header_is_left_out() {
        let f = hash("f");
        for header in ["", ";", "Root=1\r\nX: 1", "Root=é"] {
            assert_eq!(f.count(header), format!("Lineage={}:1", f.0), "{header:?}");
        }
        assert_eq!(f.count("Root=1;"), format!("Root=1;Lineage={}:1", f.0));
    }

    proptest! {
        #[test]
        fn any_header_is_counted_and_stays_bounded(
            header in "(Root=1;)?(Lineage=)?([a-f0-9]{1,3}(:[0-9]{0,3})?[|;%]{0,2}){0,60}\\PC{0,9}"
        ) {
            let f = hash("f");
            let once = f.count(&header);
            let twice = f.count(&once);
            prop_assert!(once.contains(&f.0));
            prop_assert!(twice.len() <= once.len() + 1);
            prop_assert!(once.rsplit(';').next().unwrap().split('|').count() <= ENTRIES_MAX);
        }
    }
}
