//! Request bodies that clients have compressed, as SDKs do with those of `PutMetricData` from 10 KiB on (Smithy,
//! "Request compression").

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use wire::{Error, Protocol};

use crate::refusal::{Dialect, Refusal};
use crate::resolve::dialect;

/// What a body may grow to: requests that are not bodies themselves, as uploads are, are far smaller on AWS.
const INFLATED_BYTES_MAX: usize = 16 << 20;

/// The body before it was compressed. Signatures are made of what was sent, so whoever checks them needs that.
pub(crate) fn inflate(parts: &Parts, body: &Bytes) -> Result<Bytes, Refusal> {
    if !is_gzip(parts) {
        return Ok(body.clone());
    }
    let dialect = dialect(parts);
    if !is_rpc(dialect, parts) {
        return Ok(body.clone());
    }
    let mut inflated = Vec::new();
    let mut decoder = GzDecoder::new(&body[..]).take(INFLATED_BYTES_MAX as u64 + 1);
    if decoder.read_to_end(&mut inflated).is_err() {
        let error = Error::client("SerializationException", 400, "The request's body is not valid gzip.");
        return Err(Refusal::new(dialect, error));
    }
    if inflated.len() > INFLATED_BYTES_MAX {
        let message =
            format!("Request must be smaller than {} bytes when decompressed", INFLATED_BYTES_MAX + 1);
        return Err(Refusal::new(dialect, Error::client("RequestEntityTooLargeException", 413, message)));
    }
    Ok(inflated.into())
}

fn is_gzip(parts: &Parts) -> bool {
    parts.headers.get(CONTENT_ENCODING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"))
}

/// A request whose body is its input. In the REST protocols a body may be somebody's payload, which stays as it is.
fn is_rpc(dialect: Dialect, parts: &Parts) -> bool {
    match dialect {
        Dialect::Protocol(
            Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::AwsCbor11 | Protocol::RpcV2Cbor,
        ) => true,
        Dialect::Protocol(Protocol::AwsQuery) => parts.uri.path() == "/",
        Dialect::Protocol(Protocol::RestJson1 | Protocol::RestXml) | Dialect::S3 => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::Request;

    use super::*;

    fn gzip(body: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap().into()
    }

    fn parts(path: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method("POST").uri(path).header("content-encoding", "gzip");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

    #[test]
    fn inputs_are_inflated_in_every_protocol_that_has_them_as_bodies() {
        let form = b"Action=PutMetricData&Version=2010-08-01";
        let target = ("x-amz-target", "GraniteServiceVersion20100801.PutMetricData");
        for headers in [&[FORM][..], &[target], &[("smithy-protocol", "rpc-v2-cbor")]] {
            let inflated = inflate(&parts("/", headers), &gzip(form)).unwrap();
            assert_eq!(&inflated[..], form);
        }
    }

    #[test]
    fn payloads_stay_as_they_are() {
        let body = gzip(b"somebody's own");
        for headers in [&[][..], &[FORM]] {
            let parts = parts("/2015-03-31/functions/f/invocations", headers);
            assert_eq!(inflate(&parts, &body).unwrap(), body);
        }
        let mut plain = parts("/", &[FORM]);
        plain.headers.remove(CONTENT_ENCODING);
        assert_eq!(inflate(&plain, &body).unwrap(), body);
    }

    #[test]
    fn what_is_no_gzip_or_grows_without_end_is_refused() {
        let parts = parts("/", &[FORM]);
        let whole = gzip(b"Action=PutMetricData");
        for body in
            [Bytes::from_static(b"Action=PutMetricData"), whole.slice(..whole.len() - 9), Bytes::new()]
        {
            assert_eq!(inflate(&parts, &body).unwrap_err().error.code(), "SerializationException");
        }
        let most = gzip(&vec![b'a'; INFLATED_BYTES_MAX]);
        assert_eq!(inflate(&parts, &most).unwrap().len(), INFLATED_BYTES_MAX);
        let bomb = gzip(&vec![b'a'; 4 * INFLATED_BYTES_MAX]);
        assert!(bomb.len() < 1 << 20);
        assert_eq!(inflate(&parts, &bomb).unwrap_err().error.status(), 413);
    }
}
