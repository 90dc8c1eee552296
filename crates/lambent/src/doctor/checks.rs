//! What the doctor looks at.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use runtimes::{Interpreters, Runtime};

use super::Finding;
use crate::arguments::DoctorOptions;
use crate::environment;
use crate::failure::Failure;

/// Less than this is soon used up by packages and logs.
const DISK_FREE_MIB_MIN: u64 = 1_024;

pub(crate) fn all(options: &DoctorOptions) -> Result<Vec<Finding>, Failure> {
    let mut findings = vec![kernel()];
    findings.extend(isolation()?);
    findings.extend(interpreters());
    findings.push(port(options));
    findings.push(disk(&options.data_dir));
    findings.push(aws_cli());
    Ok(findings)
}

fn kernel() -> Finding {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    let mut numbers = release.split(['.', '-']).filter_map(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= (5, 12) {
        Finding::ok("kernel", format!("Linux {release}"))
    } else if release.is_empty() {
        let remedy = "the sandbox needs Linux: run Lambent in a Linux virtual machine to isolate functions";
        Finding::warning("kernel", std::env::consts::OS, remedy)
    } else {
        Finding::failed("kernel", format!("Linux {release}"), "the sandbox needs Linux 5.12 or newer")
    }
}

/// Makes a box, as the server would, and asks it what it consists of.
fn isolation() -> Result<Vec<Finding>, Failure> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let isolation = runtime.block_on(server::probe_isolation(folder.path()))?;
    let mut findings = vec![if isolation.level == "process" {
        let remedy = "run the server as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 \
                      (and kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu)";
        Finding::failed("isolation", "none: functions would run as plain processes", remedy)
    } else {
        Finding::ok("isolation", isolation.level)
    }];
    findings.extend(isolation.features.iter().map(|feature| {
        if feature.active {
            Finding::ok(feature.name, feature.detail.clone())
        } else {
            let remedy =
                feature.remedy.clone().unwrap_or_else(|| "none: this host does not have it".to_owned());
            Finding::warning(feature.name, feature.detail.clone(), remedy)
        }
    }));
    Ok(findings)
}

/// The interpreters that are here, then the runtimes that get another version than they ask for.
fn interpreters() -> Vec<Finding> {
    let interpreters = Interpreters::new(environment::all());
    let mut findings: Vec<Finding> = interpreters
        .list()
        .into_iter()
        .map(|found| {
            let name = format!("{} {}", found.language, found.version);
            Finding::ok(&name, found.path.display().to_string())
        })
        .collect();
    for runtime in Runtime::all().iter().filter(|runtime| !runtime.deprecated) {
        match interpreters.resolve(runtime, false) {
            Ok(found) => {
                if let Some(warning) = found.warning {
                    let remedy = format!("install {} for {}", found.language, runtime.name);
                    findings.push(Finding::warning(runtime.name, warning, remedy));
                }
            }
            Err(error) if runtime.ensure_runnable().is_ok() => {
                if !matches!(error, runtimes::ResolveError::Custom(_)) {
                    let remedy = "install it, or create the function for a runtime that is here";
                    findings.push(Finding::warning(runtime.name, error.to_string(), remedy));
                }
            }
            Err(_) => {}
        }
    }
    findings
}

fn port(options: &DoctorOptions) -> Finding {
    match TcpListener::bind(options.listen) {
        Ok(_) => Finding::ok("port", format!("{} is free", options.listen)),
        Err(error) => Finding::warning(
            "port",
            format!("{}: {error}", options.listen),
            "a server may be running already; choose another port with --listen",
        ),
    }
}

fn disk(directory: &Path) -> Finding {
    // The directory itself is made by the server; the nearest one that exists tells the same.
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let existing = absolute.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let free_mib = match rustix::fs::statvfs(existing) {
        Ok(facts) => facts.f_bavail.saturating_mul(facts.f_frsize) >> 20,
        Err(error) => return Finding::failed("disk", error.to_string(), "choose another --data-dir"),
    };
    let detail = format!("{free_mib} MiB free for {}", absolute.display());
    if free_mib < DISK_FREE_MIB_MIN {
        Finding::warning("disk", detail, "make room, or choose another --data-dir")
    } else {
        Finding::ok("disk", detail)
    }
}

fn aws_cli() -> Finding {
    let version = Command::new("aws").arg("--version").output().map(|output| {
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).split_whitespace().next().unwrap_or_default().to_owned()
    });
    match version {
        Ok(version) if version.starts_with("aws-cli/1.") => Finding::warning(
            "AWS CLI",
            format!("{version} ignores AWS_ENDPOINT_URL for SQS and would call AWS itself"),
            "use `lambent aws`, which passes --endpoint-url, or install version 2",
        ),
        Ok(version) if is_before_2_13(&version) => Finding::warning(
            "AWS CLI",
            format!("{version} does not know AWS_ENDPOINT_URL"),
            "use `lambent aws`, which passes --endpoint-url, or install 2.13 or newer",
        ),
        Ok(version) => Finding::ok("AWS CLI", version),
        Err(_) => {
            Finding::warning("AWS CLI", "not installed", "apt-get install awscli, or pip install awscli")
        }
    }
}

fn is_before_2_13(version: &str) -> bool {
    let minor =
        version.strip_prefix("aws-cli/2.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    minor.is_some_and(|minor| minor < 13)
}
