//! Members that travel in the path, the query, the headers or the status.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clock::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::decode::{DecodeError, Presence, Reader, Result, read_value};
use crate::validate::{Step, Violations};
use crate::{At, Document, ListShape, MapShape, Member, Mut, Ref, Request, Struct, Target, TimestampFormat};

/// Reads all members of `into` that do not travel in the body.
pub(crate) fn read_bound(
    request: &Request,
    into: &mut dyn Struct,
    presence: &mut Presence,
    violations: &mut Violations,
) -> Result<()> {
    for (index, member) in into.schema().members.iter().enumerate() {
        let texts: Vec<String> = match member.at {
            At::Label => request.label(member.wire).map(|text| vec![text.to_owned()]).unwrap_or_default(),
            At::Query if matches!(member.target, Target::Map(_)) => {
                read_query_map(request, into, (index, member), presence, violations)?;
                continue;
            }
            At::Query => query_values(request.query(), member.wire)?,
            At::Header => header_values(request.headers(), member)?,
            At::PrefixHeaders => {
                read_prefix_headers(request, into, (index, member), presence, violations)?;
                continue;
            }
            _ => continue,
        };
        if texts.is_empty() {
            continue;
        }
        presence.mark(index);
        violations.enter(Step::Member(member));
        let mut reader = TextReader { texts, at: member.at };
        let result = read_value(&mut reader, member.target, into.field_mut(index), violations);
        violations.leave();
        result?;
    }
    Ok(())
}

fn decode(text: &str) -> Result<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(|_| DecodeError::new("A query parameter is not valid UTF-8."))
}

/// All parameters of a query string, decoded.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = Result<(String, String)>> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(name)?, decode(value)?))
    })
}

fn query_values(query: &str, name: &str) -> Result<Vec<String>> {
    let mut values = Vec::new();
    for pair in query_pairs(query) {
        let (found, value) = pair?;
        if found == name {
            values.push(value);
        }
    }
    Ok(values)
}

fn header_values(headers: &HeaderMap, member: &Member) -> Result<Vec<String>> {
    headers
        .get_all(member.wire)
        .iter()
        .map(|value| {
            value
                .to_str()
                .map(str::to_owned)
                .map_err(|_| DecodeError::new(format!("The header {} is not valid text.", member.wire)))
        })
        .collect()
}

fn read_query_map(
    request: &Request,
    into: &mut dyn Struct,
    (index, member): (usize, &'static Member),
    presence: &mut Presence,
    violations: &mut Violations,
) -> Result<()> {
    // A map takes all parameters that no other member has claimed.
    let members = into.schema().members;
    let claimed = |name: &str| members.iter().any(|m| m.at == At::Query && m.wire == name);
    let mut pairs = Vec::new();
    for pair in query_pairs(request.query()) {
        let (name, value) = pair?;
        if !claimed(&name) {
            pairs.push((name, value));
        }
    }
    read_map_of(pairs, into, (index, member), presence, violations)
}

fn read_prefix_headers(
    request: &Request,
    into: &mut dyn Struct,
    (index, member): (usize, &'static Member),
    presence: &mut Presence,
    violations: &mut Violations,
) -> Result<()> {
    let prefix = member.wire.to_ascii_lowercase();
    let pairs = request
        .headers()
        .iter()
        .filter_map(|(name, value)| {
            let key = name.as_str().strip_prefix(&prefix)?;
            Some((key.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        })
        .collect();
    read_map_of(pairs, into, (index, member), presence, violations)
}

fn read_map_of(
    pairs: Vec<(String, String)>,
    into: &mut dyn Struct,
    (index, member): (usize, &'static Member),
    presence: &mut Presence,
    violations: &mut Violations,
) -> Result<()> {
    let Target::Map(shape) = member.target else { return Ok(()) };
    if pairs.is_empty() {
        return Ok(());
    }
    presence.mark(index);
    let Mut::Map(map) = into.field_mut(index) else { return Ok(()) };
    for (key, value) in pairs {
        let mut reader = TextReader { texts: vec![value], at: At::Query };
        read_value(&mut reader, shape.value, map.entry(key), violations)?;
    }
    Ok(())
}

/// Reads values out of bare text.
struct TextReader {
    texts: Vec<String>,
    at: At,
}

impl TextReader {
    fn text(&self) -> &str {
        self.texts.first().map_or("", String::as_str)
    }

    fn parsed<T: std::str::FromStr>(&self, wanted: &str) -> Result<T> {
        self.text().trim().parse().map_err(|_| DecodeError::mismatch("STRING_VALUE", wanted))
    }
}

impl Reader for TextReader {
    fn null(&mut self) -> Result<bool> {
        Ok(false)
    }
    fn string(&mut self) -> Result<Cow<'_, str>> {
        Ok(Cow::Borrowed(self.text()))
    }
    fn boolean(&mut self) -> Result<bool> {
        self.parsed("Boolean")
    }
    fn integer(&mut self) -> Result<i64> {
        self.parsed("Integer")
    }
    fn double(&mut self) -> Result<f64> {
        self.parsed("Double")
    }
    fn blob(&mut self) -> Result<Bytes> {
        STANDARD
            .decode(self.text())
            .map(Bytes::from)
            .map_err(|_| DecodeError::new("A blob is not valid base64."))
    }
    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp> {
        let default =
            if self.at == At::Header { TimestampFormat::HttpDate } else { TimestampFormat::DateTime };
        let text = self.text();
        let parsed = match format.unwrap_or(default) {
            TimestampFormat::HttpDate => Timestamp::parse_http_date(text).ok(),
            TimestampFormat::DateTime => Timestamp::parse_iso8601(text).ok(),
            TimestampFormat::EpochSeconds => None,
        };
        // Clients disagree about the form in queries, so a number of seconds is always understood.
        parsed
            .or_else(|| text.parse().ok().map(Timestamp::from_secs_f64))
            .ok_or_else(|| DecodeError::mismatch("STRING_VALUE", "Timestamp"))
    }
    fn document(&mut self) -> Result<Document> {
        Ok(Document::String(self.text().to_owned()))
    }
    fn structure(&mut self, _: &mut dyn FnMut(&mut Self, &str) -> Result<bool>) -> Result<()> {
        Err(DecodeError::new("A structure can stand in the body only."))
    }
    fn list(&mut self, _: &ListShape, each: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        // Lists in headers may come as one header with commas.
        let all: Vec<String> = if self.at == At::Header {
            self.texts.iter().flat_map(|text| text.split(',')).map(|text| text.trim().to_owned()).collect()
        } else {
            std::mem::take(&mut self.texts)
        };
        for text in all {
            self.texts = vec![text];
            each(self)?;
        }
        Ok(())
    }
    fn map(&mut self, _: &MapShape, _: &mut dyn FnMut(&mut Self, String) -> Result<()>) -> Result<()> {
        Err(DecodeError::new("A map can stand in the body only."))
    }
}

/// Writes the members of an output that travel in headers, and returns the status if a member says it.
pub(crate) fn write_bound(output: &dyn Struct, headers: &mut HeaderMap) -> Option<u16> {
    let mut status = None;
    for (index, member) in output.schema().members.iter().enumerate() {
        match (member.at, output.field(index)) {
            (_, Ref::Absent) => {}
            (At::StatusCode, Ref::Integer(code)) => status = u16::try_from(code).ok(),
            (At::Header, value) => {
                if let Some(text) = header_text(member.target, &value) {
                    insert(headers, member.wire, &text);
                }
            }
            (At::PrefixHeaders, Ref::Map(map)) => map.visit(&mut |key, value| {
                if let Ref::String(text) = value {
                    insert(headers, &format!("{}{key}", member.wire), text);
                }
            }),
            _ => {}
        }
    }
    status
}

fn insert(headers: &mut HeaderMap, name: &str, text: &str) {
    // What cannot be a header (a line break in a message, say) is left out rather than splitting the response.
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(text)) {
        headers.insert(name, value);
    }
}

fn header_text(target: &Target, value: &Ref<'_>) -> Option<String> {
    Some(match value {
        Ref::String(text) => (*text).to_owned(),
        Ref::Boolean(value) => value.to_string(),
        Ref::Integer(value) => value.to_string(),
        Ref::Double(value) => value.to_string(),
        Ref::Blob(bytes) => STANDARD.encode(bytes),
        Ref::Timestamp(value) => match target {
            Target::Timestamp(Some(TimestampFormat::DateTime)) => value.iso8601_millis(),
            Target::Timestamp(Some(TimestampFormat::EpochSeconds)) => value.as_secs().to_string(),
            _ => value.http_date(),
        },
        Ref::List(list) => {
            let items: Vec<String> =
                (0..list.len()).filter_map(|index| header_text(target, &list.item(index))).collect();
            items.join(",")
        }
        _ => return None,
    })
}
