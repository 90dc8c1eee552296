//! What a request logged: the lines of its environment from its start to its report.

use std::time::Duration;

use api_logs::{GetLogEventsRequest, Logs, OutputLogEvent};
use clock::Timestamp;
use ids::{AccountId, Region, RequestId};
use logs::CloudWatchLogs;
use serde::Serialize;
use targets::{Attempted, Step};
use wire::{Caller, Context};

/// Lines of one attempt that are shown.
const LINES_MAX: usize = 500;
/// Lines that are read in search of them: an environment may have run much else in between.
const SEARCHED_MAX: usize = 50_000;
/// Lines may come some time after the attempt has ended, and an environment's before it began.
const SLACK: Duration = Duration::from_secs(15);

/// A stream of lines: an environment's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Stream<'a> {
    account: &'a AccountId,
    region: &'a Region,
    group: &'a str,
    name: &'a str,
}

/// A line and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    at: String,
    message: String,
}

/// What one attempt logged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) request_id: String,
    pub(super) lines: Vec<Line>,
    /// How many more there were.
    pub(super) left_out: usize,
}

impl<'a> Stream<'a> {
    pub(super) fn of(step: &'a Step, attempted: &'a Attempted) -> Self {
        Self {
            account: &step.account,
            region: &step.region,
            group: &attempted.log_group,
            name: &attempted.log_stream,
        }
    }

    /// The runs in the times of these attempts. A stream that is gone has none.
    pub(super) async fn read(&self, logs: &CloudWatchLogs, attempts: &[(Timestamp, Duration)]) -> Vec<Run> {
        let mut runs = Runs::default();
        let mut left = SEARCHED_MAX;
        for (from, to) in windows(attempts) {
            let mut next_token = None;
            loop {
                let input = GetLogEventsRequest {
                    log_group_name: Some(self.group.to_owned()),
                    log_stream_name: self.name.to_owned(),
                    start_time: Some(from.as_millis().max(0)),
                    end_time: Some(to.as_millis().max(0)),
                    next_token: next_token.clone(),
                    start_from_head: Some(true),
                    ..Default::default()
                };
                let Ok(page) = logs.get_log_events(&self.context(), input).await else { break };
                let events = page.events.unwrap_or_default();
                left = left.saturating_sub(events.len());
                let is_last = events.is_empty() || left == 0 || page.next_forward_token == next_token;
                for event in events {
                    runs.add(event);
                }
                if is_last {
                    break;
                }
                next_token = page.next_forward_token;
            }
            runs.end();
        }
        runs.done
    }

    fn context(&self) -> Context {
        Context {
            request_id: RequestId::from_random(0),
            account: self.account.clone(),
            region: self.region.clone(),
            caller: Caller {
                arn: format!("arn:aws:iam::{}:root", self.account),
                user_id: self.account.to_string(),
                access_key_id: None,
            },
            endpoint: String::new(),
            trace_id: None,
            client: wire::Client::default(),
        }
    }
}

/// The times in which the attempts ran, those that touch as one. A step's time may be that of its beginning or, with
/// virtual time, of both ends.
fn windows(attempts: &[(Timestamp, Duration)]) -> Vec<(Timestamp, Timestamp)> {
    let reach = |(at, duration): &(Timestamp, Duration)| (*at - *duration - SLACK, *at + *duration + SLACK);
    let mut open: Vec<(Timestamp, Timestamp)> = attempts.iter().map(reach).collect();
    open.sort_unstable();
    let mut windows: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, to) in open {
        match windows.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => windows.push((from, to)),
        }
    }
    windows
}

/// Takes a stream apart.
#[derive(Debug, Default)]
struct Runs {
    done: Vec<Run>,
    current: Run,
}

impl Runs {
    fn add(&mut self, event: OutputLogEvent) {
        let message = event.message.unwrap_or_default();
        let message = message.trim_end();
        if let Some(request_id) = marked(message, "START", "platform.start") {
            if !self.current.request_id.is_empty() {
                self.end();
            }
            self.current.request_id = request_id;
        }
        if self.current.lines.len() < LINES_MAX {
            let at = Timestamp::from_millis(event.timestamp.unwrap_or_default()).iso8601_millis();
            self.current.lines.push(Line { at, message: message.to_owned() });
        } else {
            self.current.left_out += 1;
        }
        if marked(message, "REPORT", "platform.report").is_some() {
            self.end();
        }
    }

    /// What follows belongs to the next run: an environment prints before it is given its first event.
    fn end(&mut self) {
        let run = std::mem::take(&mut self.current);
        if !run.request_id.is_empty() {
            self.done.push(run);
        }
    }
}

/// The request id of a line of the platform's, in text or in JSON.
fn marked(message: &str, text: &str, json: &str) -> Option<String> {
    if let Some(rest) = message.strip_prefix(text).and_then(|rest| rest.strip_prefix(" RequestId: ")) {
        return rest.split_whitespace().next().map(str::to_owned);
    }
    if !message.starts_with('{') || !message.contains(json) {
        return None;
    }
    let line: serde_json::Value = serde_json::from_str(message).ok()?;
    if line["type"] != json {
        return None;
    }
    line["record"]["requestId"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(lines: &[&str]) -> Vec<(String, usize)> {
        let mut runs = Runs::default();
        for line in lines {
            runs.add(OutputLogEvent { message: Some((*line).to_owned()), ..Default::default() });
        }
        runs.end();
        runs.done.into_iter().map(|run| (run.request_id, run.lines.len())).collect()
    }

    #[test]
    fn a_stream_is_taken_apart_by_requests() {
        let lines = [
            "END RequestId: 0",
            "REPORT RequestId: 0\tDuration: 1 ms",
            "INIT_START Runtime Version: x",
            "START RequestId: a Version: $LATEST\n",
            "hello",
            "END RequestId: a",
            "REPORT RequestId: a\tDuration: 1 ms",
            r#"{"time":"t","type":"platform.start","record":{"requestId":"b","version":"1"}}"#,
            r#"{"message":"no platform.report"}"#,
            r#"{"time":"t","type":"platform.report","record":{"requestId":"b"}}"#,
            "START RequestId: c Version: 1",
            "killed",
            "START RequestId: a Version: 1",
        ];
        let found = runs(&lines);
        let found: Vec<(&str, usize)> = found.iter().map(|(id, lines)| (id.as_str(), *lines)).collect();
        assert_eq!(found, [("a", 5), ("b", 3), ("c", 2), ("a", 1)]);
    }

    #[test]
    fn too_many_lines_are_counted() {
        let mut runs = Runs::default();
        runs.add(OutputLogEvent {
            message: Some("START RequestId: a Version: 1".to_owned()),
            ..Default::default()
        });
        for _ in 0..LINES_MAX {
            runs.add(OutputLogEvent { message: Some("line".to_owned()), ..Default::default() });
        }
        runs.end();
        assert_eq!((runs.done[0].lines.len(), runs.done[0].left_out), (LINES_MAX, 1));
    }

    #[test]
    fn attempts_that_follow_closely_are_read_once() {
        let at = |secs: i64| (Timestamp::from_millis(secs * 1_000), Duration::from_secs(1));
        let windows = windows(&[at(100), at(400), at(110)]);
        assert_eq!(windows.len(), 2);
        assert_eq!((windows[0].0.as_secs(), windows[0].1.as_secs()), (84, 126));
    }
}
