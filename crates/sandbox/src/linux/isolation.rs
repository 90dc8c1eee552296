//! What the fences of this host are made of, in words for the operator.

use crate::launcher::protocol::Facts;
use crate::{Isolation, IsolationFeature, Unavailable};

const GROUPS_REMEDY: &str =
    "run the server as root, or with a delegated control group (Delegate=yes in its systemd unit)";

/// All fences.
pub(super) fn describe(facts: &Facts) -> Isolation {
    let always =
        |name, detail: &str| IsolationFeature { name, active: true, detail: detail.to_owned(), remedy: None };
    let mut features = vec![
        always(
            "namespaces",
            "mounts, processes, network, IPC, host name, control groups and users of its own",
        ),
        always(
            "root",
            "a read-only root with programs and libraries only; /tmp of its own, limited in size and counted as memory",
        ),
        always("capabilities", "none, and none to be gained (no_new_privs, empty bounding set)"),
        always("seccomp", "system calls that administer the host or reach into other processes are refused"),
        own_user(facts),
    ];
    features.extend(groups(facts));
    features.push(merged_layers(facts));
    Isolation { level: "sandbox", features }
}

fn own_user(facts: &Facts) -> IsolationFeature {
    let (detail, remedy) = match (facts.own_users, facts.rootless) {
        (true, _) => ("each environment runs as a host user that nobody else has", None),
        (false, true) => ("all environments run as the server's own user", Some("run the server as root")),
        (false, false) => (
            "all environments run as this container's root user",
            Some("give the container a range of at least 10,000 users"),
        ),
    };
    IsolationFeature {
        name: "user",
        active: facts.own_users,
        detail: detail.to_owned(),
        remedy: remedy.map(str::to_owned),
    }
}

fn merged_layers(facts: &Facts) -> IsolationFeature {
    let missing = facts.merged_layers.as_ref().err();
    IsolationFeature {
        name: "layers",
        active: missing.is_none(),
        detail: match missing {
            None => "several layers are merged (overlayfs)".to_owned(),
            Some(reason) => format!("functions with more than one layer do not start: {reason}"),
        },
        remedy: missing.map(|_| {
            "load the overlay kernel module, with Linux 5.11 or later if not run as root".to_owned()
        }),
    }
}

fn groups(facts: &Facts) -> Vec<IsolationFeature> {
    const LIMITS: [(&str, &str, &str); 4] = [
        ("memory", "the memory size is enforced", "a function can use more memory than it is given"),
        ("cpu", "CPU time follows the memory size", "a function can use all the CPU time there is"),
        ("pids", "1,024 processes and threads", "only the limit per user bounds processes"),
        ("freezer", "stopped whole between invocations", "stopped by signals, which a function can see"),
    ];
    let limit = |(name, with, without): (&'static str, &str, &str)| match &facts.groups {
        Ok((kind, controllers)) if controllers.iter().any(|controller| controller == name) => {
            IsolationFeature { name, active: true, detail: format!("{with} ({kind})"), remedy: None }
        }
        Ok((kind, _)) => IsolationFeature {
            name,
            active: false,
            detail: format!("{without}: {kind} lacks the controller"),
            remedy: Some(format!("boot the host with the {name} controller enabled")),
        },
        Err(reason) => IsolationFeature {
            name,
            active: false,
            detail: format!("{without}: {reason}"),
            remedy: Some(GROUPS_REMEDY.to_owned()),
        },
    };
    LIMITS.into_iter().map(limit).collect()
}

/// What is left when no jail can be made.
pub(super) fn describe_missing(unavailable: &Unavailable) -> Isolation {
    let sandbox = IsolationFeature {
        name: "sandbox",
        active: false,
        detail: unavailable.reason.clone(),
        remedy: unavailable.remedy.clone(),
    };
    Isolation { level: "process", features: vec![sandbox] }
}

/// What an operator can do when no jail can be made.
pub(super) fn remedy(reason: &str) -> Option<String> {
    let remedies = [
        (
            "user namespace",
            "allow unprivileged user namespaces (kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, \
             kernel.apparmor_restrict_unprivileged_userns=0), or run the server as root",
        ),
        (
            "/proc",
            "a container that runs the server must show it an unmasked /proc (Docker: --security-opt systempaths=unconfined)",
        ),
        (
            "mount",
            "a container that runs the server needs the right to mount (Docker: --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined)",
        ),
    ];
    remedies.iter().find(|(word, _)| reason.contains(word)).map(|(_, remedy)| (*remedy).to_owned())
}
