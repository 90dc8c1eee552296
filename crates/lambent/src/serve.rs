//! `lambent serve`.

use std::path::PathBuf;
use std::process::ExitCode;

use auth::AccessKey;
use clock::Stopwatch;
use server::{Authentication, Options, Server};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::arguments::{Auth, ClockKind, NetworkKind, SandboxKind, ServeOptions};
use crate::environment;
use crate::failure::Failure;
use crate::terminal::{paint, say};

pub(crate) fn run(options: ServeOptions) -> Result<ExitCode, Failure> {
    let started = Stopwatch::start();
    log_to_stderr();
    let temporary = options.ephemeral.then(tempfile::tempdir).transpose()?;
    let data_dir = temporary.as_ref().map_or(options.data_dir.clone(), |folder| folder.path().to_owned());
    let options = server_options(&options, data_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let server = Server::start(options).await.map_err(failure)?;
        greet(&server, started);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        say("stopping: running invocations are finished first (again to stop at once)");
        tokio::select! {
            () = server.drain() => Ok(ExitCode::SUCCESS),
            _ = terminate.recv() => Ok(ExitCode::FAILURE),
            _ = interrupt.recv() => Ok(ExitCode::FAILURE),
        }
    })
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("LAMBENT_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// What a server is started with. Everything that could be unsafe is refused here, before anything is opened.
pub(crate) fn server_options(options: &ServeOptions, data_dir: PathBuf) -> Result<Options, Failure> {
    let authentication = match options.auth {
        Auth::Off if !options.listen.ip().is_loopback() => {
            return Err(Failure::new(
                format!("--auth off would let anyone who reaches {} run code on this host", options.listen),
                "use --auth sigv4 with at least one --access-key ID:SECRET, or listen on 127.0.0.1",
            ));
        }
        Auth::Off => Authentication::Off,
        Auth::Sigv4 if options.access_key.is_empty() => {
            return Err(Failure::new(
                "--auth sigv4 needs at least one access key, or nobody could sign in",
                "give one with --access-key ID:SECRET, or in LAMBENT_ACCESS_KEYS",
            ));
        }
        Auth::Sigv4 => Authentication::SigV4(access_keys(options)?),
    };
    Ok(Options {
        listen: options.listen,
        data_dir,
        region: options.region.clone(),
        account: options.account.clone(),
        authentication,
        virtual_clock: options.clock == ClockKind::Virtual,
        process_sandbox: options.sandbox == SandboxKind::Process,
        host_network: options.network == NetworkKind::Host,
        pool_size: options.pool_size,
        strict_runtimes: options.strict_runtimes,
        variables: environment::all(),
    })
}

fn access_keys(options: &ServeOptions) -> Result<Vec<(String, AccessKey)>, Failure> {
    let parse = |text: &String| match text.split_once(':') {
        Some((id, secret)) if !id.is_empty() && !secret.is_empty() => {
            Ok((id.to_owned(), AccessKey::root(secret.to_owned(), options.account.clone())))
        }
        _ => Err(Failure::new(
            "an access key has the form ID:SECRET",
            "for example AKIALAMBENTADMIN0001:a-long-secret",
        )),
    };
    options.access_key.iter().map(parse).collect()
}

pub(crate) fn failure(error: server::StartError) -> Failure {
    Failure { cause: error.to_string(), remedy: error.remedy().map(str::to_owned) }
}

/// What a person wants to know first: where, how safe, what next.
fn greet(server: &Server, started: Stopwatch) {
    let endpoint = server.endpoint();
    let isolation = server.isolation();
    say(&format!("{} {}", paint("1;32", "Lambent is ready at"), paint("1", &endpoint)));
    say(&format!("  started in {} ms", started.elapsed().as_millis()));
    if isolation.level == "process" {
        say(&paint(
            "1;31",
            "  isolation: NONE. Functions run as plain processes of this user and can do what it can.",
        ));
    } else {
        say(&format!("  isolation: {}", isolation.level));
    }
    for feature in isolation.missing() {
        say(&format!("  {} {}: {}", paint("33", "missing"), feature.name, feature.detail));
        if let Some(remedy) = &feature.remedy {
            say(&format!("          {remedy}"));
        }
    }
    say("\nNext:");
    say(&format!("  eval \"$(lambent env --endpoint {endpoint})\"    point AWS clients in this shell here"));
    say("  lambent aws lambda list-functions                       or let lambent call the AWS CLI");
    say("  lambent doctor                                          see what this host can do");
}
