//! The head of a request: bounded, and reduced to what the APIs look at.

use bytes::{Buf, BytesMut};

use crate::answer::{Wire, error_answer};

/// Clients send the `XRay-Error-Cause` of an error as a header of up to 1 MiB.
const HEAD_MAX_BYTES: usize = 1024 * 1024 + 64 * 1024;
const HEADERS_MAX: usize = 100;

/// How a body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

/// What the APIs look at in a request's head.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) framing: Option<Framing>,
    /// The client closes the connection after this request.
    pub(crate) close: bool,
    pub(crate) expects_continue: bool,
    pub(crate) content_type: String,
    pub(crate) response_mode: Option<String>,
    pub(crate) error_type: String,
    pub(crate) extension_name: String,
    pub(crate) extension_id: String,
    pub(crate) extension_error_type: String,
    pub(crate) extension_features: String,
}

/// A head that cannot be served; the connection is closed after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadError {
    Malformed,
    TooLarge,
}

impl HeadError {
    pub(crate) fn answer(self) -> Wire {
        match self {
            Self::Malformed => error_answer(400, "InvalidRequest", "The request is not HTTP/1.1"),
            Self::TooLarge => error_answer(431, "InvalidRequest", "The request's head is too large"),
        }
    }
}

/// Takes a whole head off the front of `buffer`; `None` while more bytes are needed.
pub(crate) fn take_head(buffer: &mut BytesMut) -> Result<Option<Head>, HeadError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let size = match request.parse(buffer) {
        Ok(httparse::Status::Complete(size)) if size <= HEAD_MAX_BYTES => size,
        Ok(httparse::Status::Partial) if buffer.len() <= HEAD_MAX_BYTES => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooLarge),
        Err(_) => return Err(HeadError::Malformed),
    };
    let mut head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        path: request.path.unwrap_or_default().split('?').next().unwrap_or_default().to_owned(),
        close: request.version == Some(0),
        ..Head::default()
    };
    for header in request.headers.iter() {
        read_header(&mut head, header)?;
    }
    buffer.advance(size);
    Ok(Some(head))
}

fn read_header(head: &mut Head, header: &httparse::Header<'_>) -> Result<(), HeadError> {
    let text = || String::from_utf8_lossy(header.value).into_owned();
    let is = |name: &str| header.name.eq_ignore_ascii_case(name);
    let says = |word: &str| {
        header.value.split(|b| *b == b',').any(|v| v.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    };
    if is("content-length") {
        let length = std::str::from_utf8(header.value).ok().filter(|v| v.bytes().all(|b| b.is_ascii_digit()));
        let length = length.and_then(|v| v.parse().ok()).ok_or(HeadError::Malformed)?;
        // Two framings in one request are how requests are smuggled (RFC 9112, section 6.3).
        if head.framing.replace(Framing::Length(length)).is_some_and(|old| old != Framing::Length(length)) {
            return Err(HeadError::Malformed);
        }
    } else if is("transfer-encoding") {
        if !header.value.trim_ascii().eq_ignore_ascii_case(b"chunked") || head.framing.is_some() {
            return Err(HeadError::Malformed);
        }
        head.framing = Some(Framing::Chunked);
    } else if is("connection") {
        head.close |= says("close");
        head.close &= !says("keep-alive");
    } else if is("expect") {
        head.expects_continue = says("100-continue");
    } else if is("content-type") {
        head.content_type = text();
    } else if is("lambda-runtime-function-response-mode") {
        head.response_mode = Some(text()).filter(|mode| !mode.is_empty());
    } else if is("lambda-runtime-function-error-type") {
        head.error_type = text();
    } else if is("lambda-extension-name") {
        head.extension_name = text();
    } else if is("lambda-extension-identifier") {
        head.extension_id = text();
    } else if is("lambda-extension-function-error-type") {
        head.extension_error_type = text();
    } else if is("lambda-extension-accept-feature") {
        head.extension_features = text();
    }
    Ok(())
}

/// The trailers that end a streamed response in an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Trailers {
    pub(crate) error_type: Option<String>,
    /// Base64 of the error document.
    pub(crate) error_body: Option<String>,
}

/// Takes the trailers, up to their empty line, off the front of `buffer`; `None` while more bytes are needed.
pub(crate) fn take_trailers(buffer: &mut BytesMut) -> Result<Option<Trailers>, HeadError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let (size, fields) = match httparse::parse_headers(buffer, &mut headers) {
        Ok(httparse::Status::Complete(complete)) => complete,
        Ok(httparse::Status::Partial) if buffer.len() <= HEAD_MAX_BYTES => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(HeadError::TooLarge),
        Err(_) => return Err(HeadError::Malformed),
    };
    let field = |name: &str| {
        let found = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.map(|field| String::from_utf8_lossy(field.value).into_owned())
    };
    let trailers = Trailers {
        error_type: field("lambda-runtime-function-error-type"),
        error_body: field("lambda-runtime-function-error-body"),
    };
    buffer.advance(size);
    Ok(Some(trailers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Head>, HeadError> {
        take_head(&mut BytesMut::from(text))
    }

    #[test]
    fn a_whole_head_is_taken_and_what_follows_stays() {
        let mut buffer = BytesMut::from("POST /a?b HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
        let head = take_head(&mut buffer).unwrap().unwrap();
        assert_eq!((head.path.as_str(), head.framing), ("/a", Some(Framing::Length(2))));
        assert_eq!(&buffer[..], b"hi");
    }

    #[test]
    fn half_a_head_waits_and_an_endless_one_is_refused() {
        assert!(parse("GET / HTTP/1.1\r\nA: b\r\n").unwrap().is_none());
        let endless = format!("GET / HTTP/1.1\r\nA: {}", "x".repeat(HEAD_MAX_BYTES));
        assert_eq!(parse(&endless).unwrap_err(), HeadError::TooLarge);
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        for headers in [
            "Content-Length: 1\r\nContent-Length: 2",
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip",
            "Content-Length: +1",
            "Content-Length: 99999999999999999999999",
        ] {
            let text = format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n");
            assert_eq!(parse(&text).unwrap_err(), HeadError::Malformed, "{headers}");
        }
    }
}
