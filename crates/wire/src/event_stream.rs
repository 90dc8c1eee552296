//! `application/vnd.amazon.eventstream`: frames with headers, a payload and two checksums.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use futures::Stream;

use crate::cbor::{CborWriter, Epoch};
use crate::encode::write_struct;
use crate::json::JsonWriter;
use crate::response::content_type;
use crate::{At, Error, Modelled, Protocol, Ref, Schema, Struct, Target};

/// Events on their way to a client, each a union with one member set. An error ends the stream.
///
/// Never locked: only who owns it polls it. The mutex lets futures that are not `Sync` stand in structures, which are.
#[derive(Default)]
pub struct EventStream(Option<Mutex<Events>>);

type Events = Pin<Box<dyn Stream<Item = Result<Box<dyn Struct>, Error>> + Send>>;

impl EventStream {
    /// A stream of these events.
    pub fn new(events: impl Stream<Item = Result<Box<dyn Struct>, Error>> + Send + 'static) -> Self {
        Self(Some(Mutex::new(Box::pin(events))))
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStream")
    }
}

impl Stream for EventStream {
    type Item = Result<Box<dyn Struct>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            Some(events) => {
                events.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll_next(context)
            }
            None => Poll::Ready(None),
        }
    }
}

/// A value of a frame's header.
#[derive(Debug, Clone, PartialEq)]
pub enum HeaderValue {
    /// Types 0 and 1.
    Boolean(bool),
    /// Types 2 to 5: one to eight bytes.
    Integer(i64),
    /// Type 6.
    Bytes(Bytes),
    /// Type 7.
    Text(String),
    /// Type 8, in milliseconds since the epoch.
    Timestamp(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame {
    /// Names and values in order.
    pub headers: Vec<(String, HeaderValue)>,
    /// The rest.
    pub payload: Bytes,
}

/// Bytes that are no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// More bytes are needed.
    #[error("the frame is not complete")]
    Incomplete,
    /// A checksum does not match.
    #[error("a checksum of the frame does not match")]
    Checksum,
    /// The lengths or headers make no sense.
    #[error("the frame is malformed")]
    Malformed,
}

/// Two lengths and their checksum.
const PRELUDE_BYTES: usize = 12;
/// The checksum at the end.
const TRAILER_BYTES: usize = 4;
/// AWS's limits: 16 MiB of payload (plus headers), 128 KiB of headers.
const FRAME_BYTES_MAX: usize = (16 << 20) + (128 << 10) + PRELUDE_BYTES + TRAILER_BYTES;

impl Frame {
    /// A frame with text headers.
    #[must_use]
    pub fn new(headers: &[(&str, &str)], payload: Bytes) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), HeaderValue::Text((*value).to_owned())))
            .collect();
        Self { headers, payload }
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut headers = BytesMut::new();
        for (name, value) in &self.headers {
            put_header(&mut headers, name, value);
        }
        let total = PRELUDE_BYTES + headers.len() + self.payload.len() + TRAILER_BYTES;
        let mut out = BytesMut::with_capacity(total);
        out.put_u32(u32::try_from(total).unwrap_or(u32::MAX));
        out.put_u32(u32::try_from(headers.len()).unwrap_or(u32::MAX));
        out.put_u32(crc32fast::hash(&out));
        out.put_slice(&headers);
        out.put_slice(&self.payload);
        out.put_u32(crc32fast::hash(&out));
        out.freeze()
    }

    /// Takes one frame off the front of `bytes`.
    ///
    /// # Errors
    /// [`FrameError::Incomplete`] leaves `bytes` as they are: call again with more.
    pub fn decode(bytes: &mut BytesMut) -> Result<Self, FrameError> {
        let word = |at: usize| -> Result<u32, FrameError> {
            let four = bytes.get(at..at + 4).ok_or(FrameError::Incomplete)?;
            Ok(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
        };
        let (total, headers_length) = (word(0)? as usize, word(4)? as usize);
        if word(8)? != crc32fast::hash(&bytes[..8]) {
            return Err(FrameError::Checksum);
        }
        let fixed = PRELUDE_BYTES + TRAILER_BYTES;
        if total > FRAME_BYTES_MAX || total < fixed || headers_length > total - fixed {
            return Err(FrameError::Malformed);
        }
        if bytes.len() < total {
            return Err(FrameError::Incomplete);
        }
        if word(total - TRAILER_BYTES)? != crc32fast::hash(&bytes[..total - TRAILER_BYTES]) {
            return Err(FrameError::Checksum);
        }
        let frame = bytes.split_to(total).freeze();
        let headers_end = PRELUDE_BYTES + headers_length;
        let headers = read_headers(frame.slice(PRELUDE_BYTES..headers_end))?;
        Ok(Self { headers, payload: frame.slice(headers_end..total - TRAILER_BYTES) })
    }
}

fn put_header(out: &mut BytesMut, name: &str, value: &HeaderValue) {
    // A name has at most 255 bytes; all of ours do.
    out.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.put_slice(name.as_bytes());
    match value {
        HeaderValue::Boolean(true) => out.put_u8(0),
        HeaderValue::Boolean(false) => out.put_u8(1),
        HeaderValue::Integer(value) => {
            out.put_u8(5);
            out.put_i64(*value);
        }
        HeaderValue::Bytes(bytes) => {
            out.put_u8(6);
            out.put_u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
            out.put_slice(bytes);
        }
        HeaderValue::Text(text) => {
            out.put_u8(7);
            out.put_u16(u16::try_from(text.len()).unwrap_or(u16::MAX));
            out.put_slice(text.as_bytes());
        }
        HeaderValue::Timestamp(millis) => {
            out.put_u8(8);
            out.put_i64(*millis);
        }
        HeaderValue::Uuid(uuid) => {
            out.put_u8(9);
            out.put_slice(uuid);
        }
    }
}

fn read_headers(mut bytes: Bytes) -> Result<Vec<(String, HeaderValue)>, FrameError> {
    fn take(bytes: &mut Bytes, count: usize) -> Result<Bytes, FrameError> {
        if bytes.len() < count { Err(FrameError::Malformed) } else { Ok(bytes.split_to(count)) }
    }
    fn number(bytes: &mut Bytes, count: usize) -> Result<i64, FrameError> {
        let taken = take(bytes, count)?;
        let negative = taken.first().is_some_and(|first| *first >= 0x80);
        let start = if negative { -1 } else { 0 };
        Ok(taken.iter().fold(start, |value, byte| value << 8 | i64::from(*byte)))
    }
    fn length(bytes: &mut Bytes) -> Result<usize, FrameError> {
        let taken = take(bytes, 2)?;
        Ok(usize::from(u16::from_be_bytes([taken[0], taken[1]])))
    }
    fn text(bytes: Bytes) -> Result<String, FrameError> {
        String::from_utf8(bytes.into()).map_err(|_| FrameError::Malformed)
    }
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let name_length = usize::from(take(&mut bytes, 1)?[0]);
        let name = text(take(&mut bytes, name_length)?)?;
        let value = match take(&mut bytes, 1)?[0] {
            0 => HeaderValue::Boolean(true),
            1 => HeaderValue::Boolean(false),
            2 => HeaderValue::Integer(number(&mut bytes, 1)?),
            3 => HeaderValue::Integer(number(&mut bytes, 2)?),
            4 => HeaderValue::Integer(number(&mut bytes, 4)?),
            5 => HeaderValue::Integer(number(&mut bytes, 8)?),
            6 => {
                let length = length(&mut bytes)?;
                HeaderValue::Bytes(take(&mut bytes, length)?)
            }
            7 => {
                let length = length(&mut bytes)?;
                HeaderValue::Text(text(take(&mut bytes, length)?)?)
            }
            8 => HeaderValue::Timestamp(number(&mut bytes, 8)?),
            9 => {
                let uuid = take(&mut bytes, 16)?;
                HeaderValue::Uuid(uuid.as_ref().try_into().map_err(|_| FrameError::Malformed)?)
            }
            _ => return Err(FrameError::Malformed),
        };
        headers.push((name, value));
    }
    Ok(headers)
}

/// The members of a structure as a frame's payload, in the protocol of the request.
fn payload_of(value: &dyn Struct, protocol: Protocol) -> Bytes {
    let keep: fn(At) -> bool = |at| at == At::Body;
    match protocol {
        Protocol::RpcV2Cbor | Protocol::AwsCbor11 => {
            let mut writer = CborWriter::new(Epoch::of(protocol));
            write_struct(&mut writer, value, keep);
            writer.finish()
        }
        _ => {
            let mut writer = JsonWriter::new();
            write_struct(&mut writer, value, keep);
            writer.finish()
        }
    }
}

/// What an answer has besides its stream.
pub(crate) fn initial_frame(output: &dyn Struct, protocol: Protocol) -> Frame {
    let headers = [
        (":message-type", "event"),
        (":event-type", "initial-response"),
        (":content-type", content_type(protocol)),
    ];
    Frame::new(&headers, payload_of(output, protocol))
}

/// The frame of an event: the union's one member that is set.
pub(crate) fn event_frame(event: &dyn Struct, protocol: Protocol) -> Option<Frame> {
    let members = event.schema().members;
    let (member, value) =
        members.iter().enumerate().find_map(|(index, member)| match event.field(index) {
            Ref::Struct(value) => Some((member, value)),
            _ => None,
        })?;
    let mut content_type = content_type(protocol);
    let mut payload = None;
    for (index, inner) in value.schema().members.iter().enumerate() {
        if inner.at == At::EventPayload {
            match value.field(index) {
                Ref::Blob(bytes) => {
                    content_type = "application/octet-stream";
                    payload = Some(bytes.clone());
                }
                Ref::String(text) => {
                    content_type = "text/plain";
                    payload = Some(Bytes::copy_from_slice(text.as_bytes()));
                }
                _ => {}
            }
        }
    }
    let payload = payload.unwrap_or_else(|| payload_of(value, protocol));
    let headers = [(":message-type", "event"), (":event-type", member.wire), (":content-type", content_type)];
    Some(Frame::new(&headers, payload))
}

/// The frame of an error that ends a stream: an exception where the stream's union has it.
pub(crate) fn error_frame(error: &Error, union: &'static Schema, protocol: Protocol) -> Frame {
    if let Error::Modelled(Modelled(shape)) = error
        && let Some(member) = union.members.iter().find(
            |member| matches!(member.target, Target::Struct(schema) if schema.name == shape.schema().name),
        )
    {
        let headers = [
            (":message-type", "exception"),
            (":exception-type", member.wire),
            (":content-type", content_type(protocol)),
        ];
        return Frame::new(&headers, payload_of(&**shape, protocol));
    }
    let (code, message) = (error.code(), error.message().unwrap_or_default());
    Frame::new(
        &[(":message-type", "error"), (":error-code", code), (":error-message", message)],
        Bytes::new(),
    )
}
