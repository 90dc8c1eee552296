//! Idle memory: of the server, and of each environment.

use std::collections::HashMap;
use std::fs;

use anyhow::Result;
use serde_json::{Value, json};

use crate::Arguments;
use crate::function::Kind;
use crate::http::Client;
use crate::report::Report;
use crate::server::Server;

pub(crate) fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    eprintln!("idle memory");
    let scratch = tempfile::tempdir()?;
    let idle = Server::start(&arguments.lambent, &scratch.path().join("idle"), 0)?;
    let server_mib = mib(resident_kib(idle.pid()));
    report.number(
        "server, idle, resident",
        format!("{server_mib:.1} MiB"),
        "-",
        "< 25 MiB",
        server_mib < 25.0,
    );
    idle.stop()?;
    for (kind, goal_mib) in [(Kind::Custom, 1.0), (Kind::Python, 3.0), (Kind::Node, 10.0)] {
        let count = match kind {
            Kind::Python => arguments.environments,
            _ => arguments.environments.min(50),
        };
        let data = tempfile::tempdir_in(scratch.path())?;
        let server = Server::start(&arguments.lambent, data.path(), 4)?;
        let before = private_kib_below(server.pid());
        keep(&server, kind, count, scratch.path())?;
        let each =
            mib(private_kib_below(server.pid()).saturating_sub(before)) / f64::from(u32::try_from(count)?);
        report.number(
            &format!("idle environment, {}, private memory, with pools ({count} of them)", kind.name()),
            format!("{each:.2} MiB"),
            "-",
            &format!("<= {goal_mib} MiB"),
            each <= goal_mib,
        );
        server.stop()?;
    }
    Ok(())
}

/// Keeps `count` environments ready, in as many accounts as it takes: each has a concurrency of 1,000, of which
/// 100 cannot be given away.
fn keep(server: &Server, kind: Kind, count: usize, scratch: &std::path::Path) -> Result<()> {
    let mut left = count;
    let mut accounts = Vec::new();
    while left > 0 {
        let here = left.min(900);
        let account = format!("22222222{:04}", accounts.len());
        let mut client = server.client_of(&account)?;
        kind.create(&mut client, "idle", scratch)?;
        client.call("POST", "/2015-03-31/functions/idle/versions", &json!({}))?;
        let path = "/2019-09-30/functions/idle/provisioned-concurrency?Qualifier=1";
        client.call("PUT", path, &json!({ "ProvisionedConcurrentExecutions": here }))?;
        accounts.push(account);
        left -= here;
    }
    for account in &accounts {
        ready(&mut server.client_of(account)?)?;
    }
    Ok(())
}

fn ready(client: &mut Client) -> Result<()> {
    let path = "/2019-09-30/functions/idle/provisioned-concurrency?Qualifier=1";
    loop {
        let found = client.call("GET", path, &Value::Null)?;
        match found["Status"].as_str() {
            Some("READY") => return Ok(()),
            Some("FAILED") => anyhow::bail!("environments cannot be kept: {}", found["StatusReason"]),
            _ => {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "memory in KiB fits a double")]
pub(crate) fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

pub(crate) fn resident_kib(pid: u32) -> u64 {
    field(&format!("/proc/{pid}/smaps_rollup"), "Rss:")
}

/// The memory that only they use, of all processes below a process.
fn private_kib_below(root: u32) -> u64 {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // The name in parentheses may contain anything; what follows is split by spaces.
        let parent =
            status.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut total = 0;
    let mut waiting = children.remove(&root).unwrap_or_default();
    while let Some(pid) = waiting.pop() {
        let file = format!("/proc/{pid}/smaps_rollup");
        total += field(&file, "Private_Clean:") + field(&file, "Private_Dirty:");
        waiting.extend(children.remove(&pid).unwrap_or_default());
    }
    total
}

fn field(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
