//! One log event: its place among the others, and the forms in which clients see that place.

/// What `PutLogEvents` counts for an event besides its message (API reference, `PutLogEvents`).
pub(crate) const OVERHEAD_BYTES: usize = 26;

/// "Each log event can be no larger than 1 MB" (API reference, `PutLogEvents`).
pub(crate) const EVENT_BYTES_MAX: usize = 1 << 20;

/// The size of an event as `PutLogEvents` counts it.
pub(crate) fn size_bytes(message: &str) -> usize {
    message.len() + OVERHEAD_BYTES
}

/// Orders the events of a group: by time, and those of one moment by stream and arrival. Also a boundary between two
/// events: just before the event with this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) timestamp_ms: i64,
    /// The stream's id.
    pub(crate) stream: u64,
    /// The number of the chunk within the stream.
    pub(crate) sequence: u64,
    /// Which event of the chunk.
    pub(crate) index: u32,
}

/// Makes ids look like AWS's, whose 56 digits begin with a 3 as well.
const TIME_BASE: i64 = 300_000_000_000_000;

const TIME_DIGITS: usize = 15;
const STREAM_DIGITS: usize = 20;
const SEQUENCE_DIGITS: usize = 15;
const INDEX_DIGITS: usize = 6;

impl Place {
    /// Before all events of this moment.
    pub(crate) fn start_of(timestamp_ms: i64) -> Self {
        Self { timestamp_ms, stream: 0, sequence: 0, index: 0 }
    }

    /// The boundary just behind the event with this place.
    pub(crate) fn behind(self) -> Self {
        Self { index: self.index + 1, ..self }
    }

    /// 56 digits that order as the places do.
    pub(crate) fn id(self) -> String {
        let time = TIME_BASE.saturating_add(self.timestamp_ms);
        let Self { stream, sequence, index, .. } = self;
        format!("{time:0>15}{stream:0>20}{sequence:0>15}{index:0>6}")
    }

    /// Reads [`Place::id`].
    pub(crate) fn parse(id: &str) -> Option<Self> {
        if id.len() != TIME_DIGITS + STREAM_DIGITS + SEQUENCE_DIGITS + INDEX_DIGITS
            || !id.bytes().all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let (time, rest) = id.split_at(TIME_DIGITS);
        let (stream, rest) = rest.split_at(STREAM_DIGITS);
        let (sequence, index) = rest.split_at(SEQUENCE_DIGITS);
        Some(Self {
            timestamp_ms: time.parse::<i64>().ok()? - TIME_BASE,
            stream: stream.parse().ok()?,
            sequence: sequence.parse().ok()?,
            index: index.parse().ok()?,
        })
    }
}

/// An event as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) ingested_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_56_digits_and_is_read_back() {
        let place = Place { timestamp_ms: 1_706_688_309_123, stream: u64::MAX, sequence: 7, index: 9_999 };
        assert_eq!(place.id().len(), 56);
        assert_eq!(Place::parse(&place.id()), Some(place));
        assert_eq!(Place::start_of(0).id().len(), 56);
        for text in ["", "7", &"9".repeat(56), &"x".repeat(56)] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_order_as_places_do() {
        let place = Place { timestamp_ms: 10, stream: 3, sequence: 2, index: 1 };
        let later = [
            Place { index: 2, ..place },
            Place { sequence: 3, index: 0, ..place },
            Place { stream: 4, sequence: 0, ..place },
            Place { timestamp_ms: 11, stream: 0, ..place },
        ];
        for other in later {
            assert!(place < other && place.id() < other.id());
        }
    }
}
