//! One invocation, from its environment to its outcome.

use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use clock::{Clock, Stopwatch, SystemClock, Timestamp, execution_timeout};
use runtime_api::{Answer, Event, ShutdownReason, StreamPart};
use targets::Usage;
use tokio::sync::{mpsc, oneshot};

use crate::engine::Engine;
use crate::environment::Environment;
use crate::lifecycle::LaunchError;
use crate::log::EnvironmentLog;
use crate::observer::Admission;
use crate::outcome::{Ending, answered, billed, failure, timed_out};
use crate::platform::{Phase, PlatformLine, ReportLine, Status};
use crate::pool::{Acquired, Flight};
use crate::request::{Invocation, InvokeError, Outcome, Report};
use crate::variables::{InitializationType, version};

/// How often an invocation looks for another environment when the one it got has just ended.
const ATTEMPTS: usize = 3;

/// An invocation, on its way for as long as somebody works on it.
struct Request {
    invocation: Invocation,
    began: Timestamp,
    /// Set once it has a place.
    admission: OnceLock<Admission>,
    _flight: Flight,
}

impl Request {
    fn admitted(&self) {
        if let Some(observer) = &self.invocation.observer {
            self.admission.get_or_init(|| Admission::new(observer, self.began));
        }
    }
}

impl Deref for Request {
    type Target = Invocation;

    fn deref(&self) -> &Invocation {
        &self.invocation
    }
}

/// Runs an invocation.
pub(crate) async fn invoke(engine: &Arc<Engine>, invocation: Invocation) -> Result<Outcome, InvokeError> {
    let (began, _flight) = (engine.parts.clock.now(), engine.pool.take_off());
    let invocation = Arc::new(Request { invocation, began, admission: OnceLock::new(), _flight });
    let result = admit_and_run(engine, invocation.clone()).await;
    if let (Err(InvokeError::Throttled(_)), Some(observer)) = (&result, &invocation.observer) {
        observer.throttled(began);
    }
    result
}

async fn admit_and_run(engine: &Arc<Engine>, invocation: Arc<Request>) -> Result<Outcome, InvokeError> {
    for _ in 0..ATTEMPTS {
        let environment = acquire(engine, &invocation).await?;
        invocation.admitted();
        let Some(environment) = environment else { return start_and_run(engine, invocation).await };
        environment.thaw();
        if let Some(running) = Running::begin(&environment, &invocation, None) {
            return Ok(running.outcome().await);
        }
        // It ended between two invocations.
        engine.dispose(&environment, ShutdownReason::Failure);
        engine.pool.retire(&environment);
    }
    Err(InvokeError::Internal("environments end as soon as they have initialized".to_owned()))
}

/// An idle environment, or `None` when one is to be started: its place is counted then.
async fn acquire(engine: &Engine, invocation: &Invocation) -> Result<Option<Arc<Environment>>, InvokeError> {
    let grace = engine.parts.options.ready_grace;
    let watch = Stopwatch::start();
    let mut outdated = Vec::new();
    loop {
        let left = grace.saturating_sub(watch.elapsed());
        let (function, reserved) = (&invocation.function, invocation.reserved_concurrency);
        let acquired = engine.pool.acquire(function, reserved, !left.is_zero(), &mut outdated);
        for environment in outdated.drain(..) {
            engine.dispose(&environment, ShutdownReason::Spindown);
        }
        match acquired? {
            Acquired::Warm(environment) => return Ok(Some(environment)),
            Acquired::Start => return Ok(None),
            Acquired::Wait(mut waiting) => {
                let _grace_over = execution_timeout(left, &mut waiting.released).await;
            }
        }
    }
}

/// A cold start runs as a task of its own: it goes on when the caller goes away, as on AWS.
async fn start_and_run(engine: &Arc<Engine>, invocation: Arc<Request>) -> Result<Outcome, InvokeError> {
    let inner = engine.clone();
    let task = engine.parts.tasks.spawn("cold start", async move { cold(&inner, &invocation).await });
    task.await.unwrap_or_else(|error| Err(InvokeError::Internal(format!("the invocation was lost: {error}"))))
}

async fn cold(engine: &Arc<Engine>, invocation: &Arc<Request>) -> Result<Outcome, InvokeError> {
    let mut launch = engine.plan(&invocation.function, InitializationType::OnDemand);
    let mut place = Place { engine, invocation, held: true };
    match engine.launch(&launch).await {
        Ok(environment) => {
            place.hand_over(&environment);
            return begin_or_fail(&environment, invocation, None).await;
        }
        Err(LaunchError::Refused(error)) => return Err(error),
        Err(LaunchError::Entrypoint | LaunchError::Init(_)) => {}
    }
    // The first attempt failed: it is made again under the invocation's own time.
    let watch = Stopwatch::start();
    launch.phase = Phase::Invoke;
    launch.limit = invocation.function.timeout;
    let log = launch.log.clone();
    let request_id = invocation.request_id.to_string();
    let _begun = begin(&log, invocation, &request_id, || Some(()));
    let problem = match engine.launch(&launch).await {
        Ok(environment) => {
            place.hand_over(&environment);
            let outcome = begin_or_fail(&environment, invocation, Some(watch)).await;
            if outcome.is_err() {
                log.platform(&[PlatformLine::End { request_id: &request_id }]);
            }
            return outcome;
        }
        Err(LaunchError::Refused(error)) => {
            log.platform(&[PlatformLine::End { request_id: &request_id }]);
            return Err(error);
        }
        Err(LaunchError::Entrypoint) => None,
        Err(LaunchError::Init(problem)) => Some(problem),
    };
    let ending = match problem {
        Some(problem) => problem.ending(&request_id, &invocation.function),
        None => entrypoint_missing(&request_id),
    };
    let figures = Figures {
        duration: watch.elapsed(),
        init: None,
        memory_used_mb: 0,
        pooled: false,
        provisioned: false,
    };
    Ok(conclude(engine, &log, invocation, &request_id, ending, figures))
}

async fn begin_or_fail(
    environment: &Arc<Environment>,
    invocation: &Arc<Request>,
    since: Option<Stopwatch>,
) -> Result<Outcome, InvokeError> {
    match Running::begin(environment, invocation, since) {
        Some(running) => Ok(running.outcome().await),
        None => {
            environment.end(ShutdownReason::Failure).await;
            Err(InvokeError::Internal("the environment ended as soon as it had initialized".to_owned()))
        }
    }
}

/// The place of an environment that is being started.
struct Place<'a> {
    engine: &'a Arc<Engine>,
    invocation: &'a Arc<Request>,
    held: bool,
}

impl Place<'_> {
    fn hand_over(&mut self, environment: &Arc<Environment>) {
        self.held = false;
        self.engine.pool.add(environment, true);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.held {
            self.engine.pool.release_place(&self.invocation.function.arn);
        }
    }
}

/// AWS's words when neither the code nor a layer has a bootstrap.
fn entrypoint_missing(request_id: &str) -> Ending {
    let message = format!(
        "RequestId: {request_id} Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    );
    failure("Runtime.InvalidEntrypoint", &message)
}

/// Hands an invocation over and writes its START line.
fn begin<T>(
    log: &EnvironmentLog,
    invocation: &Invocation,
    request_id: &str,
    deliver: impl FnOnce() -> Option<T>,
) -> Option<T> {
    let version = version(&invocation.function);
    let trace_id = invocation.trace_id.as_deref();
    log.begin(&PlatformLine::Start { request_id, version: &version, trace_id }, invocation.tail_log, deliver)
}

/// An invocation that has been handed to its environment. When its caller goes away, it goes on in the
/// background to its end, as on AWS.
struct Running {
    environment: Arc<Environment>,
    invocation: Arc<Request>,
    request_id: String,
    answer: oneshot::Receiver<Answer>,
    watch: Stopwatch,
    init: Option<Duration>,
    ended: bool,
}

impl Running {
    /// Hands the event over; `None` when the environment cannot take it. `since` is given when the invocation
    /// has begun before, with the initialization.
    fn begin(
        environment: &Arc<Environment>,
        invocation: &Arc<Request>,
        since: Option<Stopwatch>,
    ) -> Option<Self> {
        let request_id = invocation.request_id.to_string();
        let watch = since.unwrap_or_else(Stopwatch::start);
        let left =
            invocation.function.timeout.saturating_sub(since.map_or(Duration::ZERO, Stopwatch::elapsed));
        let event = Event {
            request_id: request_id.clone(),
            deadline: SystemClock.now() + left,
            invoked_arn: invocation.invoked_arn.to_string(),
            trace_id: invocation.trace_id.clone(),
            client_context: invocation.client_context.clone(),
            payload: invocation.payload.clone(),
            stream: invocation.stream.clone(),
        };
        let deliver = || environment.session.invoke(event).ok();
        let answer = match since {
            None => {
                // What was written while idle belongs before this invocation.
                environment.log.drain();
                begin(&environment.log, invocation, &request_id, deliver)?
            }
            Some(_) => deliver()?,
        };
        let init = environment.init.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (environment, invocation) = (environment.clone(), invocation.clone());
        Some(Self { environment, invocation, request_id, answer, watch, init, ended: false })
    }

    /// Runs to the end. May be dropped at any moment.
    async fn outcome(mut self) -> Outcome {
        let ending = self.wait().await;
        self.ended = true;
        let outcome = self.finish(ending).await;
        if let (Some(stream), None) = (&self.invocation.stream, &outcome.error) {
            pass_on(stream, &outcome.payload).await;
        }
        outcome
    }

    async fn wait(&mut self) -> Ending {
        let timeout = self.invocation.function.timeout;
        let left = timeout.saturating_sub(self.watch.elapsed());
        match execution_timeout(left, &mut self.answer).await {
            Ok(answer) => {
                let exit = self.environment.exit.get().copied();
                answered(answer.unwrap_or(Answer::Gone), &self.request_id, exit)
            }
            Err(_) => timed_out(&self.request_id, timeout),
        }
    }

    async fn finish(&mut self, ending: Ending) -> Outcome {
        let environment = &self.environment;
        let figures = Figures {
            duration: self.watch.elapsed(),
            init: self.init,
            memory_used_mb: mib(environment.process.memory_peak_bytes()),
            pooled: environment.pooled,
            provisioned: environment.provisioned,
        };
        if ending.fatal {
            end_now(environment, ending.status).await;
        } else {
            environment.answered();
        }
        environment.log.drain();
        let engine = &environment.engine;
        let outcome = conclude(engine, &environment.log, &self.invocation, &self.request_id, ending, figures);
        environment.let_go();
        outcome
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let rest = Self {
            environment: self.environment.clone(),
            invocation: self.invocation.clone(),
            request_id: std::mem::take(&mut self.request_id),
            answer: std::mem::replace(&mut self.answer, oneshot::channel().1),
            watch: self.watch,
            init: self.init,
            ended: false,
        };
        // While the server goes down nobody is left to run it; then the environment is ended as well.
        let tasks = self.environment.engine.parts.tasks.clone();
        tasks.spawn("abandoned invocation", rest.outcome());
    }
}

/// Ends an environment that cannot go on. Its processes are gone when this returns, unless extensions are
/// given time to end. The end itself does not depend on the caller staying.
async fn end_now(environment: &Arc<Environment>, status: Status) {
    let reason = if status == Status::Timeout { ShutdownReason::Timeout } else { ShutdownReason::Failure };
    if environment.session.has_extensions() {
        environment.engine.dispose(environment, reason);
        return;
    }
    let ending = environment.clone();
    let task =
        environment.engine.parts.tasks.spawn("environment end", async move { ending.end(reason).await });
    if let Err(error) = task.await {
        tracing::error!(%error, "an environment could not be ended");
    }
}

/// A response that the function did not stream, for a caller that wants a stream.
async fn pass_on(stream: &mpsc::Sender<StreamPart>, payload: &Bytes) {
    if payload.is_empty() {
        return;
    }
    let head = StreamPart::Head { content_type: "application/json".to_owned() };
    for part in [head, StreamPart::Chunk(payload.clone())] {
        if stream.send(part).await.is_err() {
            return;
        }
    }
}

/// What an invocation consumed.
struct Figures {
    duration: Duration,
    init: Option<Duration>,
    memory_used_mb: u32,
    pooled: bool,
    provisioned: bool,
}

/// Writes the last lines of the log and the bill.
fn conclude(
    engine: &Engine,
    log: &EnvironmentLog,
    invocation: &Request,
    request_id: &str,
    ending: Ending,
    figures: Figures,
) -> Outcome {
    let function = &invocation.function;
    let Figures { duration, init, memory_used_mb, pooled, provisioned } = figures;
    // What it takes us to stop a function is not the customer's: AWS reports a timed-out one with its timeout.
    let duration = duration.min(function.timeout);
    let (status, billed) = (ending.status, billed(duration, init));
    let error_type = ending.error.as_ref().map(|error| error.error_type.as_str());
    log.platform(&[
        PlatformLine::RuntimeDone {
            request_id,
            status,
            error_type,
            duration,
            produced_bytes: ending.produced_bytes,
        },
        PlatformLine::End { request_id },
        PlatformLine::Report(ReportLine {
            request_id,
            status,
            error_type,
            duration,
            billed,
            init,
            memory_size_mb: function.memory_mb,
            memory_used_mb,
        }),
    ]);
    engine.parts.usage.record(Usage {
        function: function.arn.clone(),
        architecture: function.architecture,
        at: engine.parts.clock.now(),
        billed,
        memory_mb: function.memory_mb,
        tmp_mb: function.tmp_mb,
        provisioned,
    });
    let outcome = Outcome {
        payload: ending.payload,
        error: ending.error,
        log_tail: log.finish().map(Bytes::from),
        log_stream: log.stream().clone(),
        report: Report { duration, billed, init, memory_used_mb, pooled, provisioned },
    };
    if let Some(observer) = &invocation.observer {
        observer.ended(invocation.began, &outcome);
    }
    outcome
}

fn mib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024 * 1024)).unwrap_or(u32::MAX)
}
