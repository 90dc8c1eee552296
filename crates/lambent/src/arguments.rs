//! The arguments of every command.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ids::{AccountId, Region};

/// The Lambda you own: AWS's APIs unchanged, functions in real sandboxes.
#[derive(Debug, Parser)]
#[command(name = "lambent", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the AWS APIs (what `lambent` alone does, too).
    Serve(ServeOptions),
    /// Print the variables that point AWS clients at this server, for your shell to evaluate.
    Env(EnvOptions),
    /// Run the installed AWS CLI against this server: `lambent aws lambda list-functions`.
    Aws(AwsOptions),
    /// Check what this host can do: isolation, runtimes, port and disk.
    Doctor(DoctorOptions),
    /// Show what the invocations of a month would have cost on AWS.
    Cost(CostOptions),
    /// Show the server's clock, or advance it (with `--clock virtual`).
    Clock(ClockOptions),
    /// Tell the story of an event or a message: who sent it, each attempt with what it logged, where it went.
    Trace(TraceOptions),
    /// Show what happened last, or the events that failed.
    Events(EventsOptions),
    /// Run failed events again.
    Replay(ReplayOptions),
    /// Show the e-mails and text messages that topics sent: they are kept on the server's host.
    Outbox(OutboxOptions),
    /// Start a server for a moment and walk through creating and invoking functions with a real AWS client.
    Demo(DemoOptions),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ServeOptions {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:4566", env = "LAMBENT_LISTEN")]
    pub(crate) listen: SocketAddr,
    /// Where everything is kept.
    #[arg(long, default_value = "lambent-data", env = "LAMBENT_DATA_DIR")]
    pub(crate) data_dir: PathBuf,
    /// Keep everything in a temporary directory that is removed at the end.
    #[arg(long, conflicts_with = "data_dir")]
    pub(crate) ephemeral: bool,
    /// The region of requests that name none.
    #[arg(long, default_value = "us-east-1", env = "LAMBENT_REGION")]
    pub(crate) region: Region,
    /// The account of requests that name none.
    #[arg(long, default_value = "000000000000", env = "LAMBENT_ACCOUNT")]
    pub(crate) account: AccountId,
    /// Whether signatures are checked. `off` is allowed on a loopback address only.
    #[arg(long, value_enum, default_value = "off", env = "LAMBENT_AUTH")]
    pub(crate) auth: Auth,
    /// An access key of the account, as ID:SECRET; may be given several times, or in the environment with commas
    /// between (where other users cannot see it).
    #[arg(
        long,
        value_name = "ID:SECRET",
        env = "LAMBENT_ACCESS_KEYS",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub(crate) access_key: Vec<String>,
    /// Real time, or time that stands still until `lambent clock advance`.
    #[arg(long, value_enum, default_value = "real", env = "LAMBENT_CLOCK")]
    pub(crate) clock: ClockKind,
    /// What keeps functions apart: the best this host can do, or plain processes (no isolation).
    #[arg(long, value_enum, default_value = "auto", env = "LAMBENT_SANDBOX")]
    pub(crate) sandbox: SandboxKind,
    /// What functions may reach besides Lambent itself.
    #[arg(long, value_enum, default_value = "endpoint", env = "LAMBENT_NETWORK")]
    pub(crate) network: NetworkKind,
    /// How many environments of each kind are kept ready; 0 starts everything on request.
    #[arg(long, default_value_t = 4, env = "LAMBENT_POOL_SIZE")]
    pub(crate) pool_size: usize,
    /// Refuse a runtime whose exact version is not on this host, instead of taking the nearest newer one.
    #[arg(long, env = "LAMBENT_STRICT_RUNTIMES")]
    pub(crate) strict_runtimes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// Any credentials do, and none do too.
    Off,
    /// Every request must be signed with a known key.
    Sigv4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClockKind {
    /// The host's time.
    Real,
    /// Moves only when told.
    Virtual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxKind {
    /// Namespaces, cgroups and seccomp where the host has them; plain processes, loudly, where it has not.
    Auto,
    /// Plain processes.
    Process,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NetworkKind {
    /// Only Lambent's own API.
    Endpoint,
    /// Everything the host reaches.
    Host,
}

/// Where a server is.
#[derive(Debug, Clone, Args)]
pub(crate) struct EndpointOption {
    /// The server's address.
    #[arg(long, env = "AWS_ENDPOINT_URL", default_value = "http://127.0.0.1:4566", value_name = "URL")]
    pub(crate) endpoint: String,
}

#[derive(Debug, Args)]
pub(crate) struct EnvOptions {
    #[command(flatten)]
    pub(crate) endpoint: EndpointOption,
    /// The shell that will evaluate it.
    #[arg(long, value_enum, default_value = "sh")]
    pub(crate) shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    Sh,
    Fish,
    Powershell,
}

#[derive(Debug, Args)]
pub(crate) struct AwsOptions {
    #[command(flatten)]
    pub(crate) endpoint: EndpointOption,
    /// What to pass on to the AWS CLI.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    /// The address that a server would listen on.
    #[arg(long, default_value = "127.0.0.1:4566")]
    pub(crate) listen: SocketAddr,
    /// Where a server would keep its data.
    #[arg(long, default_value = "lambent-data")]
    pub(crate) data_dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CostOptions {
    #[command(flatten)]
    pub(crate) endpoint: EndpointOption,
    /// The month, such as 2026-11; the server's current one by default.
    #[arg(long)]
    pub(crate) month: Option<String>,
    /// The account; the server's default one by default.
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClockOptions {
    #[command(subcommand)]
    pub(crate) command: ClockCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Show the server's time and what is due when: retries, delays, ends of visibility timeouts.
    Show(ClockShow),
    /// Advance a virtual clock, running everything that falls due in order, and tell what happened.
    Advance(ClockAdvance),
}

#[derive(Debug, Args)]
pub(crate) struct ClockShow {
    #[command(flatten)]
    pub(crate) endpoint: EndpointOption,
    /// How many of the things that are due.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClockAdvance {
    #[command(flatten)]
    pub(crate) endpoint: EndpointOption,
    /// How far, such as 90s, 2m, 1h30m or 7d; `next`, to the next thing that is due; or `until`, with a time.
    pub(crate) by: String,
    /// With `until`: the time, such as 2026-12-01T08:30:00Z or 2026-12-01 (in UTC).
    pub(crate) time: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TraceOptions {
    #[command(flatten)]
    pub(crate) endpoint: EndpointOption,
    /// The request id of an asynchronous invocation, or the id of a message.
    pub(crate) id: String,
    /// Leave out what the attempts logged.
    #[arg(long)]
    pub(crate) no_logs: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EventsOptions {
    #[command(flatten)]
    pub(crate) endpoint: EndpointOption,
    /// Only events that were given up: those that `lambent replay` can run again.
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only of this function: its name or ARN.
    #[arg(long, requires = "failed")]
    pub(crate) function: Option<String>,
    /// Only what failed since: 10m, 2h, or a time such as 2026-12-01T08:30:00Z.
    #[arg(long, requires = "failed")]
    pub(crate) since: Option<String>,
    /// How many, the newest.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayOptions {
    #[command(flatten)]
    pub(crate) endpoint: EndpointOption,
    /// Request ids of failed events, or ids of the messages that they became in a dead-letter queue.
    #[arg(required_unless_present = "function")]
    pub(crate) ids: Vec<String>,
    /// All failed events of this function that were not run again yet.
    #[arg(long, conflicts_with = "ids", value_name = "NAME|ARN")]
    pub(crate) function: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OutboxOptions {
    #[command(flatten)]
    pub(crate) endpoint: EndpointOption,
    /// How many, the newest.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Use this AWS CLI instead of looking for one.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) aws: Option<PathBuf>,
    /// What keeps functions apart.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) sandbox: SandboxKind,
}
