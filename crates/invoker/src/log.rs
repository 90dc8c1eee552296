//! The log of one environment: what it writes, line by line, and what the platform says, in their right order.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use clock::{SharedClock, Timestamp};
use runtime_api::{Session, TelemetryEvent, TelemetryKind};
use serde_json::{Value, json};
use targets::{LogLine, LogStream, WriteLogs};
use tokio::net::unix::pipe::Receiver;

use crate::function::LogFormat;
use crate::platform::{Level, PlatformLine};

/// The largest event of CloudWatch Logs; a longer line is split.
const LINE_MAX_BYTES: usize = 256 * 1024;

/// What `LogType=Tail` returns.
const TAIL_MAX_BYTES: usize = 4 * 1024;

/// How much one turn reads: a function that writes without end must not keep its reader from all else.
const TURN_MAX_BYTES: usize = 1024 * 1024;

/// One environment's log.
#[derive(Debug)]
pub(crate) struct EnvironmentLog {
    stream: Arc<LogStream>,
    format: LogFormat,
    sink: Arc<dyn WriteLogs>,
    clock: SharedClock,
    /// Subscribers of telemetry hear of everything as well.
    session: RwLock<Option<Arc<Session>>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Where the environment's output comes out, once it has been started.
    output: Option<Arc<Receiver>>,
    /// The beginning of a line that has no end yet.
    partial: Vec<u8>,
    /// The end of the current invocation's log, when it is wanted.
    tail: Option<Vec<u8>>,
}

impl EnvironmentLog {
    pub(crate) fn new(
        stream: LogStream,
        format: LogFormat,
        sink: Arc<dyn WriteLogs>,
        clock: SharedClock,
    ) -> Arc<Self> {
        Arc::new(Self {
            stream: Arc::new(stream),
            format,
            sink,
            clock,
            session: RwLock::default(),
            state: Mutex::default(),
        })
    }

    /// Where it goes.
    pub(crate) fn stream(&self) -> &Arc<LogStream> {
        &self.stream
    }

    /// The name of the stream it goes to.
    pub(crate) fn stream_name(&self) -> &str {
        &self.stream.stream
    }

    /// From now on telemetry subscribers of `session` hear of everything.
    pub(crate) fn attach_session(&self, session: &Arc<Session>) {
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
    }

    /// From now on reads `output`. The future ends with the pipe.
    pub(crate) fn attach_output(
        self: &Arc<Self>,
        output: OwnedFd,
    ) -> io::Result<impl Future<Output = ()> + Send + use<>> {
        let output = Arc::new(Receiver::from_owned_fd(output)?);
        self.lock().output = Some(output.clone());
        let log = self.clone();
        Ok(async move {
            while output.readable().await.is_ok() {
                match log.read_turn(|chunk| output.try_read(chunk)) {
                    // More is there, but others shall have their turn.
                    Ok(true) => tokio::task::yield_now().await,
                    Ok(false) => return,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => {
                        tracing::debug!(%error, "a function's output cannot be read");
                        return;
                    }
                }
            }
        })
    }

    /// Starts the log of an invocation with `line`, once `deliver` has handed it over. What the environment
    /// writes from then on comes after the line. `tail` keeps the end of the log for the caller.
    pub(crate) fn begin<T>(
        &self,
        line: &PlatformLine<'_>,
        tail: bool,
        deliver: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        // Output is read under this lock, so none of the invocation's can slip in before.
        let mut state = self.lock();
        let delivered = deliver()?;
        state.tail = tail.then(Vec::new);
        self.write_platform(&mut state, std::slice::from_ref(line));
        Some(delivered)
    }

    /// Reads all the environment has written so far. A line without an end is complete now: it is not to be
    /// joined with what comes after the platform's next line.
    pub(crate) fn drain(&self) {
        // An error comes again to the reader, which reports it.
        // Tokio's own read would ask its poller, which may not know yet what was written a moment ago.
        let Some(output) = self.lock().output.clone() else { return };
        let _reported_there = self.read_turn(|chunk| Ok(rustix::io::read(&output, chunk)?));
        let mut state = self.lock();
        if !state.partial.is_empty() {
            let line = std::mem::take(&mut state.partial);
            self.emit(&mut state, vec![line]);
        }
    }

    /// Ends the log of the invocation and returns its tail.
    pub(crate) fn finish(&self) -> Option<Vec<u8>> {
        self.lock().tail.take()
    }

    /// Writes lines of the platform, in one go.
    pub(crate) fn platform(&self, lines: &[PlatformLine<'_>]) {
        self.write_platform(&mut self.lock(), lines);
    }

    fn write_platform(&self, state: &mut State, lines: &[PlatformLine<'_>]) {
        let now = self.clock.now();
        let mut written = Vec::with_capacity(lines.len());
        for line in lines {
            let text = match &self.format {
                LogFormat::Text => line.text(),
                LogFormat::Json { system_level, .. } => json_line(line, now, system_level),
            };
            written.extend(text.map(|message| LogLine { timestamp: now, message }));
            self.report(TelemetryKind::Platform, now, || {
                line.kind().map(|(event_type, _)| (event_type, line.record()))
            });
        }
        if written.is_empty() {
            return;
        }
        if let Some(tail) = &mut state.tail {
            for line in &written {
                push_tail(tail, line.message.as_bytes());
            }
        }
        self.sink.write(&self.stream, written);
    }

    /// Writes a line of text of the platform's own.
    pub(crate) fn remark(&self, text: &str) {
        let now = self.clock.now();
        let message = match &self.format {
            LogFormat::Text => format!("{text}\n"),
            LogFormat::Json { .. } => {
                json!({ "timestamp": now.iso8601_millis(), "level": "WARN", "message": text }).to_string()
            }
        };
        self.sink.write(&self.stream, vec![LogLine { timestamp: now, message }]);
    }

    /// Reads until nothing is there (an error of the kind `WouldBlock`), until the end (false), or until the
    /// turn is over (true).
    fn read_turn(&self, read: impl Fn(&mut [u8]) -> io::Result<usize>) -> io::Result<bool> {
        let mut state = self.lock();
        let mut lines = Vec::new();
        let mut chunk = [0; 16 * 1024];
        let mut read_bytes = 0;
        let end = loop {
            if read_bytes >= TURN_MAX_BYTES {
                break Ok(true);
            }
            match read(&mut chunk) {
                Ok(0) => break Ok(false),
                Ok(size) => {
                    read_bytes += size;
                    split_lines(&mut state.partial, &chunk[..size], &mut lines);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if matches!(end, Ok(false)) && !state.partial.is_empty() {
            lines.push(std::mem::take(&mut state.partial));
        }
        self.emit(&mut state, lines);
        end
    }

    fn emit(&self, state: &mut State, lines: Vec<Vec<u8>>) {
        if lines.is_empty() {
            return;
        }
        let now = self.clock.now();
        let mut written = Vec::with_capacity(lines.len());
        for line in lines {
            let message = String::from_utf8(line)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            if !self.keeps(&message) {
                continue;
            }
            if let Some(tail) = &mut state.tail {
                push_tail(tail, message.as_bytes());
            }
            self.report(TelemetryKind::Function, now, || Some(("function", self.telemetry_record(&message))));
            written.push(LogLine { timestamp: now, message });
        }
        self.sink.write(&self.stream, written);
    }

    /// Whether a line of the function's is kept at its level. AWS filters lines that are JSON documents with a
    /// `level`; an unknown level counts as INFO.
    fn keeps(&self, message: &str) -> bool {
        let LogFormat::Json { application_level, .. } = &self.format else { return true };
        if !message.starts_with('{') {
            return true;
        }
        let Ok(Value::Object(document)) = serde_json::from_str(message) else { return true };
        let Some(level) = document.get("level").and_then(Value::as_str) else { return true };
        Level::parse(level).unwrap_or(Level::Info) >= Level::parse(application_level).unwrap_or(Level::Info)
    }

    fn telemetry_record(&self, message: &str) -> Value {
        match &self.format {
            LogFormat::Json { .. } => serde_json::from_str(message).unwrap_or_else(|_| json!(message)),
            LogFormat::Text => json!(message),
        }
    }

    fn report(
        &self,
        kind: TelemetryKind,
        time: Timestamp,
        event: impl FnOnce() -> Option<(&'static str, Value)>,
    ) {
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner);
        let Some(session) = session.as_ref().filter(|session| session.has_telemetry()) else { return };
        if let Some((event_type, record)) = event() {
            session.report(&TelemetryEvent { kind, time, event_type, record });
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn json_line(line: &PlatformLine<'_>, now: Timestamp, system_level: &str) -> Option<String> {
    let (event_type, level) = line.kind()?;
    if level < Level::parse(system_level).unwrap_or(Level::Info) {
        return None;
    }
    Some(
        json!({ "time": now.iso8601_millis(), "type": event_type, "record": line.record() }).to_string()
            + "\n",
    )
}

/// Splits what was read into lines, each with its line end.
fn split_lines(partial: &mut Vec<u8>, mut bytes: &[u8], lines: &mut Vec<Vec<u8>>) {
    while !bytes.is_empty() {
        let end = bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1);
        let room = LINE_MAX_BYTES - partial.len();
        let (now, later) = bytes.split_at(end.min(room));
        partial.extend_from_slice(now);
        bytes = later;
        if partial.ends_with(b"\n") || partial.len() == LINE_MAX_BYTES {
            lines.push(std::mem::take(partial));
        }
    }
}

fn push_tail(tail: &mut Vec<u8>, bytes: &[u8]) {
    tail.extend_from_slice(bytes);
    if tail.len() > TAIL_MAX_BYTES {
        tail.drain(..tail.len() - TAIL_MAX_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_split_by_line_and_a_line_without_end_by_its_size() {
        let (mut partial, mut lines) = (Vec::new(), Vec::new());
        split_lines(&mut partial, b"one\ntw", &mut lines);
        split_lines(&mut partial, b"o\nthree", &mut lines);
        assert_eq!(lines, [b"one\n".to_vec(), b"two\n".to_vec()]);
        assert_eq!(partial, b"three");

        let (mut partial, mut lines) = (Vec::new(), Vec::new());
        split_lines(&mut partial, &vec![b'x'; 2 * LINE_MAX_BYTES + 1], &mut lines);
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [LINE_MAX_BYTES; 2]);
        assert_eq!(partial, b"x");
    }

    #[test]
    fn the_tail_is_the_last_4_kib() {
        let mut tail = Vec::new();
        push_tail(&mut tail, &vec![b'a'; TAIL_MAX_BYTES]);
        push_tail(&mut tail, b"end");
        assert_eq!(tail.len(), TAIL_MAX_BYTES);
        assert!(tail.ends_with(b"aend"));
    }
}
