//! Hostile functions stay where they are.
//!
//! Each test runs a program in a jail that tries to get out, and asserts what it got. A jail without the fence in
//! question must make it fail: each has been seen to.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test without the standard harness")]
#![expect(dead_code, reason = "not every program needs all of the harness")]
#![expect(unreachable_pub, reason = "the harness is a module of several programs")]

mod harness;

use std::collections::BTreeMap;
use std::time::Duration;

use harness::runtime_api::RuntimeApi;
use harness::{Stage, Verdict, output, wait_for_output};
use sandbox::{Exit, PoolSizes};

fn main() {
    harness::run(tests![
        files_of_the_host_are_not_there,
        nothing_but_tmp_can_be_written,
        processes_of_the_host_are_not_there,
        privileged_calls_are_refused,
        namespaces_cannot_be_made,
        sockets_reach_nothing,
        another_environment_cannot_be_reached,
        processes_are_bounded,
        memory_is_bounded,
        tmp_is_bounded,
        descriptors_are_bounded_and_none_is_inherited,
        nothing_survives_a_kill,
        the_init_of_the_jail_has_kept_nothing_of_the_launchers,
        the_init_of_the_jail_is_out_of_reach,
        a_prepared_process_is_confined_as_an_executed_one_is,
        symbolic_links_in_code_lead_nowhere,
    ]);
}

/// Calls by number, so that the C library cannot get in the way.
const PRELUDE: &str = r"
import ctypes, errno, json, os, platform, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[a if isinstance(a, bytes) or a is None else ctypes.c_long(a) for a in arguments])
    return 'ok' if result >= 0 else errno.errorcode.get(ctypes.get_errno(), '?')
def attempt(action):
    try:
        action()
        return 'ok'
    except OSError as error:
        return errno.errorcode.get(error.errno, '?')
";

/// Runs `body`, Python that puts what it found into `found`, and gives that.
async fn probe(stage: &Stage, name: &str, body: &str) -> BTreeMap<String, serde_json::Value> {
    probe_with_memory(stage, name, body, 256).await
}

async fn probe_with_memory(
    stage: &Stage,
    name: &str,
    body: &str,
    memory_mb: u32,
) -> BTreeMap<String, serde_json::Value> {
    let indented: String = body.lines().map(|line| format!("    {line}\n")).collect();
    let code =
        format!("{PRELUDE}\ndef handler(event, context):\n    found = {{}}\n{indented}    return found\n");
    let mut spec = stage.python(name, &code);
    spec.memory_mb = memory_mb;
    let environment = stage.start(spec).await;
    let mut api = RuntimeApi::of(&environment);
    let answer = tokio::select! {
        answer = async { api.ready().await; api.invoke("{}").await } => answer,
        exit = environment.process.exited() => panic!("it ended ({exit:?}): {}", output(&environment)),
    };
    let found = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer} {}", output(&environment)));
    environment.process.kill().await;
    found
}

async fn files_of_the_host_are_not_there() -> Verdict {
    let stage = Stage::bare().await;
    let secret = stage.directory.path().join("secret");
    std::fs::write(&secret, "hidden").unwrap();
    let body = format!(
        "for path in ['{}', '/etc/shadow', '/etc/sudoers', '/etc/ssh', '/etc/ssl/private', '/root/.ssh', '/root/.bashrc', '/home', '/var/log', '/var/lib', '/run', '/sys', '/boot', '/mnt', '/srv', '/dev/mem', '/dev/kmsg', '/dev/vda', '/dev/sda', '/dev/kvm', '/dev/fuse', '/dev/shm', '/proc/kcore', '/proc/sysrq-trigger', '/proc/keys', '/proc/key-users', '/proc/kallsyms', '/proc/timer_list']:\n    try:\n        found[path] = os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(1).decode('latin1')\n    except OSError as error:\n        found[path] = None\n",
        secret.display()
    );
    let found = probe(&stage, "files", &body).await;
    // An empty home directory, and empty files over what /proc would tell, are all there is.
    let mut seen: Vec<_> = found.iter().filter(|(_, content)| !content.is_null() && *content != "").collect();
    seen.retain(|(path, content)| *path != "/home" || **content != serde_json::json!(["sbx_user1051"]));
    assert!(seen.is_empty(), "{seen:?}");
    stage.strike().await;
    Verdict::Passed
}

async fn nothing_but_tmp_can_be_written() -> Verdict {
    let stage = Stage::bare().await;
    let body = r"
def write(path):
    with open(path, 'w') as file:
        file.write('x')
for path in ['/x', '/etc/passwd', '/usr/x', '/usr/bin/env', '/var/task/x', '/var/task/handler.py', '/var/runtime/bootstrap.py', '/opt/x', '/dev/x', '/home/sbx_user1051/x', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname', '/proc/self/oom_score_adj', '/proc/self/uid_map', '/proc/sysrq-trigger']:
    found[path] = attempt(lambda: write(path))
found['/tmp/x'] = attempt(lambda: write('/tmp/x'))
found['/tmp/device'] = attempt(lambda: os.mknod('/tmp/device', 0o20666, os.makedev(1, 1)))
found['remount'] = call(165, None, b'/var/task', None, 32 | 4096, None)
os.chmod('/tmp/x', 0o4755)
found['setuid'] = 'ok' if os.stat('/tmp').st_uid == 993 and not os.statvfs('/tmp').f_flag & os.ST_NOSUID else 'nosuid'
";
    let mut found = probe(&stage, "writes", body).await;
    assert_eq!(found.remove("/tmp/x").unwrap(), "ok");
    assert_eq!(found.remove("setuid").unwrap(), "nosuid");
    let written: Vec<_> = found.iter().filter(|(_, result)| *result == "ok").collect();
    assert!(written.is_empty(), "{written:?}");
    // Not only because the files belong to somebody else.
    for path in ["/etc/passwd", "/usr/bin/env", "/var/task/handler.py", "/var/runtime/bootstrap.py"] {
        assert_eq!(found[path], "EROFS", "{path}");
    }
    stage.strike().await;
    Verdict::Passed
}

async fn processes_of_the_host_are_not_there() -> Verdict {
    let stage = Stage::bare().await;
    let body = format!(
        r"
found['seen'] = sorted(int(name) for name in os.listdir('/proc') if name.isdigit())
found['signal'] = attempt(lambda: os.kill({own}, 0))
found['all'] = attempt(lambda: os.kill(-1, 0))
found['cgroup'] = open('/proc/self/cgroup').read()
found['parent'] = os.getppid()
",
        own = std::process::id()
    );
    let found = probe(&stage, "processes", &body).await;
    assert_eq!(found["seen"], serde_json::json!([1, 2]));
    assert_eq!(found["parent"], 1);
    assert_eq!(found["signal"], "ESRCH");
    assert!(!found["cgroup"].as_str().unwrap().contains("lambent"), "{}", found["cgroup"]);
    stage.strike().await;
    Verdict::Passed
}

async fn privileged_calls_are_refused() -> Verdict {
    let stage = Stage::bare().await;
    if std::env::consts::ARCH != "x86_64" {
        return Verdict::Skipped("the numbers are those of x86_64".to_owned());
    }
    let body = r"
calls = dict(mount=165, umount2=166, pivot_root=155, chroot=161, setns=308, open_tree=428, move_mount=429, fsopen=430, fsmount=432, mount_setattr=442, ptrace=101, process_vm_readv=310, process_vm_writev=311, kcmp=312, pidfd_getfd=438, bpf=321, keyctl=250, add_key=248, request_key=249, userfaultfd=323, perf_event_open=298, init_module=175, finit_module=313, kexec_load=246, reboot=169, swapon=167, acct=163, quotactl=179, open_by_handle_at=304, iopl=172, ioperm=173, modify_ldt=154, settimeofday=164, clock_settime=227, syslog=103, sethostname=170, personality=135, fanotify_init=300)
for name, number in calls.items():
    found[name] = call(number, 1, 0, 0, 0, 0, 0)
for name, number in dict(clone3=435, io_uring_setup=425, io_uring_enter=426, uselib=134, x32_getpid=0x40000000 + 39).items():
    found[name] = call(number, 0, 0, 0, 0, 0, 0)
found['setuid'] = attempt(lambda: os.setuid(0))
found['setgroups'] = attempt(lambda: os.setgroups([0]))
found['chown'] = attempt(lambda: os.chown('/tmp', 0, 0))
found['nice'] = attempt(lambda: os.nice(-1))
found['tiocsti'] = call(16, 0, 0x5412, b'x')
found['su'] = os.system('command -v su >/dev/null && echo | su -c true 2>/dev/null')
";
    let found = probe(&stage, "calls", body).await;
    let absent = ["clone3", "io_uring_setup", "io_uring_enter", "uselib", "x32_getpid"];
    for (name, result) in &found {
        let expected =
            if absent.contains(&name.as_str()) { vec!["ENOSYS"] } else { vec!["EPERM", "EINVAL", "EACCES"] };
        match result.as_str() {
            Some(result) => assert!(expected.contains(&result), "{name}: {result}"),
            None => assert_ne!(*result, 0, "{name}"),
        }
    }
    // Those where the kernel would say EINVAL before it looks at rights prove nothing that way.
    for name in [
        "mount",
        "setns",
        "ptrace",
        "bpf",
        "keyctl",
        "userfaultfd",
        "perf_event_open",
        "personality",
        "tiocsti",
    ] {
        assert_eq!(found[name], "EPERM", "{name}");
    }
    stage.strike().await;
    Verdict::Passed
}

async fn namespaces_cannot_be_made() -> Verdict {
    let stage = Stage::bare().await;
    let body = r"
flags = dict(time=0x80, mount=0x20000, cgroup=0x2000000, uts=0x4000000, ipc=0x8000000, user=0x10000000, pid=0x20000000, net=0x40000000)
for name, flag in flags.items():
    found['unshare ' + name] = attempt(lambda: None) if libc.unshare(flag) == 0 else errno.errorcode[ctypes.get_errno()]
    if name != 'time':
        found['clone ' + name] = call(56, flag | 17, 0, 0, 0, 0)
found['unshare files'] = 'ok' if libc.unshare(0x400) == 0 else 'refused'
";
    let mut found = probe(&stage, "namespaces", body).await;
    assert_eq!(found.remove("unshare files").unwrap(), "ok", "what is harmless is allowed");
    for (name, result) in &found {
        assert_eq!(*result, "EPERM", "{name}");
    }
    assert!(found.len() >= 15);
    stage.strike().await;
    Verdict::Passed
}

async fn sockets_reach_nothing() -> Verdict {
    let stage = Stage::bare().await;
    // Services of the host: on its loopback, and under an abstract name.
    let service = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("lambent-escape-{}", std::process::id());
    let address = {
        use std::os::linux::net::SocketAddrExt;
        std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap()
    };
    let _abstract = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    let body = format!(
        r"
def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as stream:
        stream.settimeout(2)
        stream.connect(address)
found['loopback'] = attempt(lambda: connect(socket.AF_INET, ('127.0.0.1', {port})))
found['abstract'] = attempt(lambda: connect(socket.AF_UNIX, '\0{name}'))
found['internet'] = attempt(lambda: connect(socket.AF_INET, ('192.0.2.1', 80)))
found['metadata'] = attempt(lambda: connect(socket.AF_INET, ('169.254.169.254', 80)))
for family in (17, 16, 40, 38, 31, 29, 44, 2):
    for kind in (1, 2, 3):
        for protocol in (0, 1, 12, 255):
            found['socket %d %d %d' % (family, kind, protocol)] = attempt(lambda: socket.socket(family, kind, protocol).close())
found['interfaces'] = [name for _, name in socket.if_nameindex()]
",
        port = service.local_addr().unwrap().port()
    );
    let mut found = probe(&stage, "sockets", &body).await;
    assert_eq!(found.remove("loopback").unwrap(), "ECONNREFUSED");
    assert_eq!(found.remove("abstract").unwrap(), "ECONNREFUSED");
    assert_eq!(found.remove("internet").unwrap(), "ENETUNREACH");
    assert_eq!(found.remove("metadata").unwrap(), "ENETUNREACH");
    assert_eq!(found.remove("interfaces").unwrap(), serde_json::json!(["lo"]));
    let opened: Vec<_> =
        found.iter().filter(|(_, result)| *result == "ok").map(|(name, _)| name.as_str()).collect();
    // TCP, UDP, and netlink for routes, which lists interfaces; no raw sockets.
    assert_eq!(opened, ["socket 16 2 0", "socket 16 3 0", "socket 2 1 0", "socket 2 2 0"]);
    stage.strike().await;
    Verdict::Passed
}

async fn another_environment_cannot_be_reached() -> Verdict {
    let stage = Stage::bare().await;
    let victim =
        stage.start(stage.script("victim", "echo secret > /tmp/secret; echo ready; exec sleep 60")).await;
    wait_for_output(&victim, "ready").await;
    let body = r"
def connect(port):
    socket.create_connection(('127.0.0.1', port), 2).close()
found['tmp'] = os.listdir('/tmp')
found['api'] = attempt(lambda: connect(9001))
";
    let found = probe(&stage, "neighbour", body).await;
    assert_eq!(found["tmp"], serde_json::json!([]));
    // It reaches an API: its own. The victim's has heard nothing.
    assert_eq!(found["api"], "ok");
    let heard = victim.runtime_api.accept();
    assert_eq!(heard.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    // A new environment in the place of an old one finds nothing of it.
    victim.process.kill().await;
    assert_eq!(stage.output_of("next", "ls -A /tmp; ls /dev/shm 2>/dev/null").await, "");
    stage.strike().await;
    Verdict::Passed
}

async fn processes_are_bounded() -> Verdict {
    let stage = Stage::bare().await;
    let body = r"
children = []
try:
    for _ in range(3000):
        child = os.fork()
        if child == 0:
            os.execv('/bin/sleep', ['sleep', '60']) if len(children) < 5 else None
            import signal
            signal.pause()
        children.append(child)
    found['error'] = None
except OSError as error:
    found['error'] = errno.errorcode[error.errno]
found['children'] = len(children)
";
    let mut spec_stage = probe_with_memory(&stage, "forks", body, 2048).await;
    assert_eq!(spec_stage.remove("error").unwrap(), "EAGAIN");
    let children = spec_stage["children"].as_u64().unwrap();
    assert!((900..1024).contains(&children), "{children}");
    // The host has kept its own.
    assert_eq!(stage.output_of("after", "echo alive").await, "alive\n");
    stage.strike().await;
    Verdict::Passed
}

async fn memory_is_bounded() -> Verdict {
    let stage = Stage::bare().await;
    if let Some(reason) = stage.lacks("memory") {
        stage.strike().await;
        return Verdict::Skipped(reason);
    }
    // Not by the runtime itself, and not all by one process.
    let script = "for i in 1 2 3 4 5 6 7 8; do python3 -c 'x = bytearray(60 << 20); import time; time.sleep(60)' & done; wait";
    let mut spec = stage.script("children", script);
    spec.memory_mb = 128;
    let environment = stage.start(spec).await;
    let watch = async {
        loop {
            clock::execution_sleep(Duration::from_millis(50)).await;
            assert!(environment.process.memory_peak_bytes() <= 128 << 20);
        }
    };
    let outcome = clock::execution_timeout(Duration::from_millis(1500), watch).await;
    assert!(outcome.is_err());
    assert!(environment.process.memory_peak_bytes() > 100 << 20, "it did try");
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

async fn tmp_is_bounded() -> Verdict {
    let stage = Stage::bare().await;
    let body = r"
found['size'] = os.statvfs('/tmp').f_blocks * os.statvfs('/tmp').f_frsize
def fill():
    with open('/tmp/big', 'wb') as file:
        for _ in range(100):
            file.write(bytes(1 << 20))
found['fill'] = attempt(fill)
found['written'] = os.stat('/tmp/big').st_size
";
    let found = probe(&stage, "fill", body).await;
    assert_eq!(found["size"], 64 << 20);
    assert_eq!(found["fill"], "ENOSPC");
    assert!(found["written"].as_u64().unwrap() <= 64 << 20);
    // One that waited with another size has the function's, too.
    let pooled = Stage::set(PoolSizes { jails: 1, prepared: 1, keys: 1 }).await.unwrap();
    pooled.warm(&pooled.python("fill", "")).await;
    let found = probe(&pooled, "fill", body).await;
    assert_eq!(found["fill"], "ENOSPC");
    assert_eq!(found["size"], 64 << 20);
    pooled.strike().await;
    stage.strike().await;
    Verdict::Passed
}

const DESCRIPTORS: &str = r"
found['open'] = {name: os.readlink('/proc/self/fd/' + name).split(':')[0] for name in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + name)}
count = 0
try:
    while True:
        os.dup(0)
        count += 1
except OSError as error:
    found['error'] = errno.errorcode[error.errno]
found['count'] = count
";

fn assert_descriptors(found: &BTreeMap<String, serde_json::Value>) {
    // Standard input, output and error, and the connection to the Runtime API.
    let open = serde_json::json!({"0": "/dev/null", "1": "pipe", "2": "pipe", "3": "socket"});
    assert_eq!(found["open"], open);
    assert_eq!(found["error"], "EMFILE");
    assert_eq!(found["count"], 1020);
}

async fn descriptors_are_bounded_and_none_is_inherited() -> Verdict {
    let stage = Stage::bare().await;
    assert_descriptors(&probe(&stage, "descriptors", DESCRIPTORS).await);
    stage.strike().await;
    Verdict::Passed
}

async fn nothing_survives_a_kill() -> Verdict {
    let stage = Stage::bare().await;
    let file = "/proc/self/ns/pid";
    let script = format!(
        "trap '' TERM INT HUP; (setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &) ; setsid sleep 600 & readlink {file}; echo ready; while :; do sleep 1; done"
    );
    let environment = stage.start(stage.script("tree", &script)).await;
    let said = wait_for_output(&environment, "ready").await;
    let namespace = said.lines().next().unwrap().to_owned();
    let members = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter(|process| {
                std::fs::read_link(process.path().join("ns/pid"))
                    .is_ok_and(|link| link.to_string_lossy() == namespace)
            })
            .count()
    };
    assert!(members() >= 4, "{}", members());
    environment.process.kill().await;
    assert_eq!(members(), 0);
    stage.strike().await;
    Verdict::Passed
}

async fn the_init_of_the_jail_has_kept_nothing_of_the_launchers() -> Verdict {
    let stage = Stage::bare().await;
    if !rustix::process::geteuid().is_root() {
        stage.strike().await;
        return Verdict::Skipped("only root may look".to_owned());
    }
    let environment = stage.start(stage.script("init", "readlink /proc/self/ns/pid; exec sleep 60")).await;
    let namespace = wait_for_output(&environment, "\n").await.trim().to_owned();
    let is_init = |process: &std::path::PathBuf| {
        let inside =
            std::fs::read_link(process.join("ns/pid")).is_ok_and(|link| link.to_string_lossy() == namespace);
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        inside && status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1"))
    };
    let mut processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let init = processes.find(is_init).unwrap();
    let open = std::fs::read_dir(init.join("fd")).unwrap().flatten().map(|entry| {
        let target = std::fs::read_link(entry.path()).unwrap().to_string_lossy().into_owned();
        target.split(':').next().unwrap().to_owned()
    });
    let mut open: Vec<String> = open.collect();
    open.sort();
    // Standard input, its control socket, its output twice, and the signals of its children.
    assert_eq!(open, ["/dev/null", "anon_inode", "pipe", "pipe", "socket"]);
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

async fn the_init_of_the_jail_is_out_of_reach() -> Verdict {
    let stage = Stage::bare().await;
    let body = r"
import signal
for name in ('mem', 'environ', 'maps', 'fd', 'root', 'cwd', 'exe'):
    path = '/proc/1/' + name
    found[name] = attempt(lambda: os.listdir(path) if name == 'fd' else os.readlink(path) if name in ('root', 'cwd', 'exe') else open(path, 'rb').read(1))
for number in range(1, 65):
    if number not in (32, 33):
        os.kill(1, number)
found['alive'] = open('/proc/1/stat').read().split()[2]
";
    let mut found = probe(&stage, "init", body).await;
    assert!(["S", "R"].contains(&found.remove("alive").unwrap().as_str().unwrap()));
    if stage.lacks("user").is_some() {
        // Without a user of its own a function may list the numbers, but not where they lead.
        found.remove("fd");
    }
    for (name, result) in &found {
        assert!(*result == "EACCES" || *result == "EPERM", "{name}: {result}");
    }
    stage.strike().await;
    Verdict::Passed
}

const IDENTITY: &str = r"
status = dict(line.split(':\t', 1) for line in open('/proc/self/status').read().splitlines() if ':\t' in line)
for name in ('Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'Seccomp_filters', 'Umask', 'SigBlk'):
    found[name] = status[name]
import resource
found['limits'] = [resource.getrlimit(kind) for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_CORE)]
found['namespaces'] = {name: os.readlink('/proc/self/ns/' + name) == os.readlink('/proc/1/ns/' + name) if os.access('/proc/1/ns/' + name, os.R_OK) else None for name in os.listdir('/proc/self/ns')}
found['mount'] = call(165, None, b'/tmp', None, 32, None)
found['unshare'] = libc.unshare(0x10000000)
found['dumpable'] = libc.prctl(3, 0, 0, 0, 0)
found['hostname'] = socket.gethostname()
found['cgroup'] = open('/proc/self/cgroup').read()
found['session'] = os.getsid(0) > 0
found['stdout'] = attempt(lambda: open('/dev/stdout', 'w').close())
found['cwd'] = os.getcwd()
found['argv'] = sys.argv
found['orig_argv'] = getattr(sys, 'orig_argv', [])[1:]
found['path'] = sys.path
found['flags'] = list(sys.flags)
found['modules'] = '__main__' in sys.modules and sys.modules['__main__'].__file__
found['seen'] = sorted(int(name) for name in os.listdir('/proc') if name.isdigit())[0]
";

async fn a_prepared_process_is_confined_as_an_executed_one_is() -> Verdict {
    let stage = Stage::bare().await;
    let executed = probe(&stage, "identity", IDENTITY).await;
    stage.strike().await;
    let stage = Stage::set(PoolSizes { jails: 1, prepared: 1, keys: 1 }).await.unwrap();
    stage.warm(&stage.python("identity", "")).await;
    let prepared = probe(&stage, "identity", IDENTITY).await;
    for (name, value) in &executed {
        assert_eq!(&prepared[name], value, "{name}");
    }
    stage.warm(&stage.python("descriptors", "")).await;
    assert_descriptors(&probe(&stage, "descriptors", DESCRIPTORS).await);
    stage.strike().await;
    Verdict::Passed
}

async fn symbolic_links_in_code_lead_nowhere() -> Verdict {
    let stage = Stage::bare().await;
    let secret = stage.directory.path().join("secret");
    std::fs::write(&secret, "hidden").unwrap();
    let spec = stage
        .script("links", "cat /var/task/absolute /var/task/relative /var/task/proc/etc/shadow; echo done");
    std::os::unix::fs::symlink(&secret, spec.task_dir.join("absolute")).unwrap();
    std::os::unix::fs::symlink("../secret", spec.task_dir.join("relative")).unwrap();
    std::os::unix::fs::symlink("/proc/1/root", spec.task_dir.join("proc")).unwrap();
    let environment = stage.start(spec).await;
    assert_eq!(environment.process.exited().await, Exit::Status(0));
    let said = output(&environment);
    assert!(said.ends_with("done\n") && !said.contains("hidden"), "{said}");
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}
