//! The platform's own log lines. Source: AWS Lambda developer guide, "Configuring JSON and plain text log
//! formats" and "Lambda Telemetry API Event schema reference"; text lines as observed on AWS.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

/// How an invocation or an initialization ended, in the words of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Success,
    /// The function reported an error itself.
    Error,
    /// It crashed.
    Failure,
    Timeout,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Failure => "failure",
            Self::Timeout => "timeout",
        }
    }
}

/// Which phase an initialization ran in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Init,
    /// Again, under the time of an invocation: the first one failed.
    Invoke,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Invoke => "invoke",
        }
    }
}

/// How much one wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    /// Reads a level's name in any case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let levels = [
            ("TRACE", Self::Trace),
            ("DEBUG", Self::Debug),
            ("INFO", Self::Info),
            ("WARN", Self::Warn),
            ("WARNING", Self::Warn),
            ("ERROR", Self::Error),
            ("FATAL", Self::Fatal),
            ("CRITICAL", Self::Fatal),
        ];
        levels.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, level)| *level)
    }
}

/// Something the platform says.
#[derive(Debug, Clone)]
pub(crate) enum PlatformLine<'a> {
    InitStart {
        runtime: &'a str,
        region: &'a str,
        initialization_type: &'static str,
        phase: Phase,
        function_name: &'a str,
        function_version: &'a str,
    },
    InitRuntimeDone {
        initialization_type: &'static str,
        phase: Phase,
        status: Status,
        error_type: Option<&'a str>,
    },
    InitReport {
        initialization_type: &'static str,
        phase: Phase,
        status: Status,
        error_type: Option<&'a str>,
        duration: Duration,
    },
    Start {
        request_id: &'a str,
        version: &'a str,
        trace_id: Option<&'a str>,
    },
    RuntimeDone {
        request_id: &'a str,
        status: Status,
        error_type: Option<&'a str>,
        duration: Duration,
        produced_bytes: u64,
    },
    End {
        request_id: &'a str,
    },
    Report(ReportLine<'a>),
}

/// The figures of a REPORT line.
#[derive(Debug, Clone)]
pub(crate) struct ReportLine<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) status: Status,
    pub(crate) error_type: Option<&'a str>,
    pub(crate) duration: Duration,
    pub(crate) billed: Duration,
    pub(crate) init: Option<Duration>,
    pub(crate) memory_size_mb: u32,
    pub(crate) memory_used_mb: u32,
}

impl PlatformLine<'_> {
    /// The line in the text format, where it has one.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            // Under an invocation it has no line of its own.
            Self::InitStart { phase: Phase::Invoke, .. } => None,
            Self::InitStart { runtime, region, .. } => {
                let (language, release) = split_runtime(runtime);
                Some(format!(
                    "INIT_START Runtime Version: {language}:{release}\tRuntime Version ARN: arn:aws:lambda:{region}::runtime:{runtime}\n"
                ))
            }
            // In the text format only what went wrong, or took place ahead of need, is told.
            Self::InitReport { initialization_type, phase, status, error_type, duration } => {
                if *status == Status::Success && *initialization_type == "on-demand" {
                    return None;
                }
                let mut line =
                    format!("INIT_REPORT Init Duration: {} ms\tPhase: {}", millis(*duration), phase.name());
                push_status(&mut line, *status, *error_type);
                line.push('\n');
                Some(line)
            }
            Self::Start { request_id, version, .. } => {
                Some(format!("START RequestId: {request_id} Version: {version}\n"))
            }
            Self::End { request_id } => Some(format!("END RequestId: {request_id}\n")),
            Self::Report(report) => Some(report.text()),
            Self::InitRuntimeDone { .. } | Self::RuntimeDone { .. } => None,
        }
    }

    /// The event's type and its level; `None` for what exists in the text format only.
    pub(crate) fn kind(&self) -> Option<(&'static str, Level)> {
        let unless_failed =
            |status: Status, level| if status == Status::Success { level } else { Level::Warn };
        Some(match self {
            Self::InitStart { .. } => ("platform.initStart", Level::Info),
            Self::InitRuntimeDone { status, .. } => {
                ("platform.initRuntimeDone", unless_failed(*status, Level::Debug))
            }
            Self::InitReport { status, initialization_type, .. } => {
                let level = if *initialization_type == "on-demand" { Level::Debug } else { Level::Info };
                ("platform.initReport", unless_failed(*status, level))
            }
            Self::Start { .. } => ("platform.start", Level::Info),
            Self::RuntimeDone { status, .. } => {
                ("platform.runtimeDone", unless_failed(*status, Level::Debug))
            }
            Self::Report(report) => ("platform.report", unless_failed(report.status, Level::Info)),
            Self::End { .. } => return None,
        })
    }

    /// The event's record.
    pub(crate) fn record(&self) -> Value {
        let mut record = match self {
            Self::InitStart {
                runtime,
                region,
                initialization_type,
                phase,
                function_name,
                function_version,
            } => {
                let (language, release) = split_runtime(runtime);
                json!({
                    "initializationType": initialization_type,
                    "phase": phase.name(),
                    "runtimeVersion": format!("{language}:{release}"),
                    "runtimeVersionArn": format!("arn:aws:lambda:{region}::runtime:{runtime}"),
                    "functionName": function_name,
                    "functionVersion": function_version,
                })
            }
            Self::InitRuntimeDone { initialization_type, phase, status, .. } => json!({
                "initializationType": initialization_type, "phase": phase.name(), "status": status.name(),
            }),
            Self::InitReport { initialization_type, phase, status, duration, .. } => json!({
                "initializationType": initialization_type,
                "phase": phase.name(),
                "status": status.name(),
                "metrics": { "durationMs": millis_number(*duration) },
            }),
            Self::Start { request_id, version, trace_id } => {
                let mut record = json!({ "requestId": request_id, "version": version });
                if let Some(trace_id) = trace_id {
                    record["tracing"] = json!({ "type": "X-Amzn-Trace-Id", "value": trace_id });
                }
                record
            }
            Self::RuntimeDone { request_id, status, duration, produced_bytes, .. } => json!({
                "requestId": request_id,
                "status": status.name(),
                "metrics": { "durationMs": millis_number(*duration), "producedBytes": produced_bytes },
            }),
            Self::End { request_id } => json!({ "requestId": request_id }),
            Self::Report(report) => report.record(),
        };
        if let Some(error_type) = self.error_type() {
            record["errorType"] = json!(error_type);
        }
        record
    }

    fn error_type(&self) -> Option<&str> {
        match self {
            Self::InitRuntimeDone { error_type, .. }
            | Self::InitReport { error_type, .. }
            | Self::RuntimeDone { error_type, .. } => *error_type,
            Self::Report(report) => report.error_type,
            Self::InitStart { .. } | Self::Start { .. } | Self::End { .. } => None,
        }
    }
}

impl ReportLine<'_> {
    fn text(&self) -> String {
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
            self.request_id,
            millis(self.duration),
            self.billed.as_millis(),
            self.memory_size_mb,
            self.memory_used_mb,
        );
        if let Some(init) = self.init {
            // Writing to a string cannot fail.
            let _infallible = write!(line, "Init Duration: {} ms\t", millis(init));
        }
        // An error that the function reported itself is none of the platform's.
        if matches!(self.status, Status::Failure | Status::Timeout) {
            line.pop();
            push_status(&mut line, self.status, self.error_type);
        }
        line.push('\n');
        line
    }

    fn record(&self) -> Value {
        let mut metrics = json!({
            "durationMs": millis_number(self.duration),
            "billedDurationMs": u64::try_from(self.billed.as_millis()).unwrap_or(u64::MAX),
            "memorySizeMB": self.memory_size_mb,
            "maxMemoryUsedMB": self.memory_used_mb,
        });
        if let Some(init) = self.init {
            metrics["initDurationMs"] = json!(millis_number(init));
        }
        json!({ "requestId": self.request_id, "status": self.status.name(), "metrics": metrics })
    }
}

fn push_status(line: &mut String, status: Status, error_type: Option<&str>) {
    let name = match status {
        Status::Success => return,
        Status::Timeout => "timeout",
        Status::Error | Status::Failure => "error",
    };
    let _infallible = write!(line, "\tStatus: {name}");
    if let Some(error_type) = error_type.filter(|_| status != Status::Timeout) {
        let _infallible = write!(line, "\tError Type: {error_type}");
    }
}

/// `python3.12` is `python` and `3.12`, `provided.al2023` is `provided` and `al2023`.
fn split_runtime(runtime: &str) -> (&str, &str) {
    let end = runtime.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(runtime.len());
    (&runtime[..end], runtime[end..].trim_start_matches('.'))
}

fn millis(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}

/// Milliseconds with three decimals, as the telemetry has them.
fn millis_number(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
