//! Starting environments and ending them. Source: AWS Lambda developer guide, "Understanding the Lambda
//! execution environment lifecycle".
//!
//! After a failed initialization AWS starts the runtime again in the same environment, so that `/tmp` is kept.
//! Here the environment is made anew under the same log stream: `/tmp` is empty then.

use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use clock::{Clock, Stopwatch, SystemClock, execution_sleep, execution_timeout};
use runtime_api::{InitFailure, Initialization, Session, SessionConfig, ShutdownReason, TelemetryReach};
use sandbox::{EnvironmentId, EnvironmentSpec, Exit, StartError};
use targets::{Credentials, LogStream};

use crate::InvokeError;
use crate::engine::Engine;
use crate::environment::{Environment, Lifetime, Use};
use crate::function::SharedFunction;
use crate::log::EnvironmentLog;
use crate::outcome::InitProblem;
use crate::platform::{Phase, PlatformLine, Status};
use crate::pool::NO_ROOM;
use crate::variables::{InitializationType, log_stream_name, variables, version};

/// What an extension has to end itself after SHUTDOWN.
const EXTERNAL_SHUTDOWN: Duration = Duration::from_secs(2);

/// What a runtime with extensions inside has to end itself after SIGTERM.
const INTERNAL_SHUTDOWN: Duration = Duration::from_millis(500);

/// An environment that is to be started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) function: SharedFunction,
    pub(crate) initialization: InitializationType,
    pub(crate) id: EnvironmentId,
    pub(crate) log: Arc<EnvironmentLog>,
    pub(crate) phase: Phase,
    /// How long it may take to initialize.
    pub(crate) limit: Duration,
}

/// An environment that could not be started.
#[derive(Debug)]
pub(crate) enum LaunchError {
    /// The caller is told as it is.
    Refused(InvokeError),
    /// There is nothing to start in the function's code.
    Entrypoint,
    /// It started, but did not initialize. It is gone.
    Init(InitProblem),
}

impl Engine {
    /// Names a new environment and opens its log.
    pub(crate) fn plan(&self, function: &SharedFunction, initialization: InitializationType) -> Launch {
        let id = EnvironmentId(self.parts.ids.hex(32));
        let stream = LogStream {
            account: function.account().clone(),
            region: function.region().clone(),
            group: function.logging.group.clone(),
            stream: log_stream_name(&self.parts.clock.now().day_path(), function, &id),
        };
        let parts = &self.parts;
        let log = EnvironmentLog::new(
            stream,
            function.logging.format.clone(),
            parts.logs.clone(),
            parts.clock.clone(),
        );
        let limit = match initialization {
            InitializationType::OnDemand => parts.options.init_limit,
            // AWS: the larger of 130 s and the function's timeout.
            InitializationType::Provisioned => function.timeout.max(Duration::from_secs(130)),
        };
        Launch { function: function.clone(), initialization, id, log, phase: Phase::Init, limit }
    }

    /// Starts an environment and waits until it has initialized.
    pub(crate) async fn launch(self: &Arc<Self>, launch: &Launch) -> Result<Arc<Environment>, LaunchError> {
        let function = &launch.function;
        let watch = Stopwatch::start();
        let names = (launch.initialization.name(), version(function));
        launch.log.platform(&[PlatformLine::InitStart {
            runtime: &function.runtime,
            region: function.region().as_str(),
            initialization_type: names.0,
            phase: launch.phase,
            function_name: &function.arn.name,
            function_version: &names.1,
        }]);
        if let (Some(warning), Phase::Init) = (&function.runtime_warning, launch.phase) {
            launch.log.remark(warning);
        }
        let started = self.start(launch).await;
        let started_after = watch.elapsed();
        let finished = match started {
            Ok((environment, mut initialization)) => {
                let finished = execution_timeout(launch.limit, initialization.finished()).await;
                let problem = match finished {
                    Ok(Ok(())) => None,
                    Err(_) => Some(InitProblem::TimedOut),
                    Ok(Err(InitFailure::Gone)) => Some(InitProblem::Exited(environment.exit.get().copied())),
                    Ok(Err(failure)) => Some(InitProblem::Reported(failure)),
                };
                match problem {
                    None => Ok(environment),
                    Some(problem) => {
                        let reason = match problem {
                            InitProblem::TimedOut => ShutdownReason::Timeout,
                            _ => ShutdownReason::Failure,
                        };
                        environment.end(reason).await;
                        Err(LaunchError::Init(problem))
                    }
                }
            }
            Err(error) => Err(error),
        };
        let duration = watch.elapsed();
        tracing::debug!(environment = %launch.id, ?started_after, ?duration, "initialized");
        report_init(launch, duration, &finished);
        let environment = finished?;
        // From here on CPU time follows the memory size.
        environment.process.init_finished();
        // Under an invocation it counts as part of the invocation.
        if launch.phase == Phase::Init && !environment.provisioned {
            *environment.init.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(duration);
        }
        Ok(environment)
    }

    async fn start(
        self: &Arc<Self>,
        launch: &Launch,
    ) -> Result<(Arc<Environment>, Initialization), LaunchError> {
        let function = &launch.function;
        let internal = |text: String| LaunchError::Refused(InvokeError::Internal(text));
        let credentials = self.parts.credentials.clone();
        let credentials = credentials
            .credentials(function.account(), function.region(), &function.role, &function.arn.name)
            .await
            .map_err(internal)?;
        let started = self.start_sandbox(self.spec(launch, &credentials)).await;
        let started = match started {
            Ok(started) => started,
            Err(StartError::InvalidEntrypoint(detail)) => {
                launch.log.remark(&format!("The entrypoint cannot be executed: {detail}"));
                return Err(LaunchError::Entrypoint);
            }
            Err(StartError::NoRoom(detail)) => {
                tracing::warn!(function = %function.arn, %detail, "the host has no room for another environment");
                return Err(LaunchError::Refused(NO_ROOM));
            }
            Err(error @ StartError::Failed(_)) => return Err(internal(error.to_string())),
        };
        let slot = Arc::new(OnceLock::<Weak<Environment>>::new());
        let config = self.session_config(launch, &started, slot.clone());
        let process = started.process;
        let session = Session::start(started.runtime_api, config)
            .and_then(|started_session| Ok((started_session, launch.log.attach_output(started.output)?)));
        let ((session, initialization), reading) = match session {
            Ok(session) => session,
            Err(error) => {
                process.kill().await;
                return Err(internal(format!("the Runtime API could not be served: {error}")));
            }
        };
        self.parts.tasks.spawn("function output", reading);
        let session = Arc::new(session);
        launch.log.attach_session(&session);
        let serve = |listener| self.parts.endpoint.serve(listener, function.account(), function.region());
        let environment = Arc::new(Environment {
            id: launch.id.clone(),
            function: function.clone(),
            engine: self.clone(),
            session,
            log: launch.log.clone(),
            process,
            provisioned: launch.initialization == InitializationType::Provisioned,
            pooled: started.pooled,
            credentials: Lifetime::of(credentials.expires.saturating_since(SystemClock.now())),
            init: Mutex::new(None),
            exit: OnceLock::new(),
            use_: Use::new(self.pool.finishing_of(&function.arn)),
            _endpoint: started.endpoint.map(serve),
        });
        // The session reports the end of an invocation, and there is none before this.
        let _set_once = slot.set(Arc::downgrade(&environment));
        self.parts.tasks.spawn("environment", supervise(environment.clone()));
        Ok((environment, initialization))
    }

    /// On a host without room, the environment that has been idle longest makes way.
    async fn start_sandbox(
        self: &Arc<Self>,
        spec: EnvironmentSpec,
    ) -> Result<sandbox::Environment, StartError> {
        let first = self.parts.sandbox.start(spec.clone()).await;
        let Err(StartError::NoRoom(_)) = first else { return first };
        let Some((_, idle)) = self.pool.longest_idle() else { return first };
        idle.end(ShutdownReason::Spindown).await;
        self.parts.sandbox.start(spec).await
    }

    /// Has the sandbox prepare for environments of this function.
    pub(crate) async fn expect(self: Arc<Self>, function: SharedFunction) {
        let launch = self.plan(&function, InitializationType::OnDemand);
        let (account, region) = (function.account(), function.region());
        let credentials =
            self.parts.credentials.credentials(account, region, &function.role, &function.arn.name).await;
        match credentials {
            Ok(credentials) => self.parts.sandbox.expect(&self.spec(&launch, &credentials)),
            // Its first invocation will say so.
            Err(error) => tracing::debug!(function = %function.arn, %error, "nothing is prepared"),
        }
    }

    fn spec(&self, launch: &Launch, credentials: &Credentials) -> EnvironmentSpec {
        let function = &launch.function;
        EnvironmentSpec {
            id: launch.id.clone(),
            account: function.account().clone(),
            program: function.program.clone(),
            task_dir: function.task_dir.clone(),
            layer_dirs: function.layer_dirs.clone(),
            variables: variables(function, launch.log.stream_name(), launch.initialization, credentials),
            memory_mb: function.memory_mb,
            tmp_mb: function.tmp_mb,
            network: self.parts.network,
        }
    }

    fn session_config(
        &self,
        launch: &Launch,
        started: &sandbox::Environment,
        slot: Arc<OnceLock<Weak<Environment>>>,
    ) -> SessionConfig {
        let function = &launch.function;
        SessionConfig {
            account: function.account().clone(),
            function_name: function.arn.name.clone(),
            function_version: version(function),
            handler: function.handler.clone(),
            extensions: started.extensions.clone(),
            // An endpoint inside the environment means a network of its own.
            telemetry: match started.endpoint {
                Some(_) => TelemetryReach::Unreachable,
                None => TelemetryReach::Loopback,
            },
            ids: self.parts.ids.clone(),
            tasks: self.parts.tasks.clone(),
            on_idle: Box::new(move || {
                if let Some(environment) = slot.get().and_then(Weak::upgrade) {
                    environment.let_go();
                }
            }),
        }
    }

    /// Nobody holds a busy environment any more.
    pub(crate) fn give_back(self: Arc<Self>, environment: &Arc<Environment>) {
        if !self.pool.give_back(environment, self.parts.clock.now()) {
            self.dispose(environment, ShutdownReason::Spindown);
        }
    }

    /// Ends environments in the background.
    pub(crate) fn dispose(&self, environment: &Arc<Environment>, reason: ShutdownReason) {
        let environment = environment.clone();
        self.parts.tasks.spawn("environment end", async move { environment.end(reason).await });
    }
}

impl Environment {
    /// Takes the environment out of the pool, lets its extensions end, and ends it. Whoever asks for it waits
    /// until it is gone, also when somebody else has begun it.
    pub(crate) async fn end(self: &Arc<Self>, reason: ShutdownReason) {
        self.engine.pool.retire(self);
        self.use_.ended.get_or_init(|| self.end_once(reason)).await;
    }

    async fn end_once(self: &Arc<Self>, reason: ShutdownReason) {
        // A frozen process neither hears of the shutdown nor, on old kernels, dies.
        self.thaw();
        let grace = self.shutdown_grace();
        // External extensions outlive the runtime, and are to hear why it ended.
        let somebody_listens = self.exit.get().is_none() || self.session.has_external_extensions();
        if !grace.is_zero() && somebody_listens {
            self.session.shut_down(reason, SystemClock.now() + grace);
            if self.session.has_external_extensions() {
                // Nothing tells when an extension has ended, so it gets the whole time.
                execution_sleep(grace).await;
            } else {
                self.process.terminate();
                let _ended_early = execution_timeout(grace, self.process.exited()).await;
            }
        }
        self.process.kill().await;
        self.session.close();
        self.log.drain();
        self.engine.pool.remove(self);
        if self.provisioned {
            self.engine.refill(&self.function.arn);
        }
    }

    fn shutdown_grace(&self) -> Duration {
        if self.session.has_external_extensions() {
            EXTERNAL_SHUTDOWN
        } else if self.session.has_extensions() {
            INTERNAL_SHUTDOWN
        } else {
            Duration::ZERO
        }
    }
}

/// Notices when the runtime ends, whatever the environment is doing.
async fn supervise(environment: Arc<Environment>) {
    let exit = environment.process.exited().await;
    let _set_once = environment.exit.set(exit);
    environment.session.runtime_ended().await;
    if exit == Exit::OutOfMemory {
        tracing::debug!(environment = %environment.id, "an environment ran out of memory");
    }
    environment.end(ShutdownReason::Failure).await;
}

fn report_init(launch: &Launch, duration: Duration, finished: &Result<Arc<Environment>, LaunchError>) {
    let (status, error_type) = match finished {
        Ok(_) => (Status::Success, None),
        Err(LaunchError::Init(problem)) => (problem.status(), problem.error_type()),
        Err(LaunchError::Entrypoint) => (Status::Failure, Some("Runtime.InvalidEntrypoint")),
        // Not the function's doing.
        Err(LaunchError::Refused(_)) => return,
    };
    let initialization_type = launch.initialization.name();
    let phase = launch.phase;
    launch.log.drain();
    launch.log.platform(&[
        PlatformLine::InitRuntimeDone { initialization_type, phase, status, error_type },
        PlatformLine::InitReport { initialization_type, phase, status, error_type, duration },
    ]);
}
