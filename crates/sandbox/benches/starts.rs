//! How long a start takes, with and without pools: `cargo bench -p sandbox [-- NAME]`.
//!
//! A function answers its first event through a Runtime API spoken by hand, so this is the sandbox and the runtime
//! alone: no front door, no placement.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test without the standard harness")]
#![expect(dead_code, reason = "not every program needs all of the harness")]
#![expect(unreachable_pub, reason = "the harness is a module of several programs")]

#[path = "../tests/harness.rs"]
mod harness;

use std::time::Duration;

use clock::Stopwatch;
use harness::runtime_api::RuntimeApi;
use harness::{Stage, Verdict};
use sandbox::{EnvironmentSpec, PoolSizes, Program, Sandbox};

const ROUNDS: usize = 60;
const PYTHON: &str = "def handler(event, context):\n    return event\n";
const NODE: &str = "exports.handler = async (event) => event;\n";
/// Answers one event, in as little as a shell takes.
const SHELL: &str = "exec sleep 60";

fn main() {
    harness::run(tests![
        jail_alone,
        jails_per_second,
        python_exec,
        python_zygote,
        python_pooled,
        node_exec,
        node_pooled
    ]);
}

/// So many at once as the host has CPUs, made and ended in turn.
async fn jails_per_second() -> Verdict {
    let stage = Stage::bare().await;
    let spec = stage.script("shell", SHELL);
    stage.start(spec.clone()).await.process.kill().await;
    let start = Stopwatch::start();
    let turn = async || {
        for _ in 0..100 {
            stage.start(spec.clone()).await.process.kill().await;
        }
    };
    futures::join!(turn(), turn());
    println!("jails made and ended per second: {:.0}", 200.0 / start.elapsed().as_secs_f64());
    stage.strike().await;
    Verdict::Passed
}

async fn jail_alone() -> Verdict {
    for (name, pools) in
        [("no pool", PoolSizes::NONE), ("pooled jail", PoolSizes { jails: 2, prepared: 0, keys: 0 })]
    {
        let stage = Stage::set(pools).await.unwrap();
        let spec = stage.script("shell", SHELL);
        stage.sandbox.expect(&spec);
        let (mut starts, mut kills) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            clock::execution_sleep(Duration::from_millis(30)).await;
            let start = Stopwatch::start();
            let environment = stage.start(spec.clone()).await;
            starts.push(start.elapsed());
            let kill = Stopwatch::start();
            environment.process.kill().await;
            kills.push(kill.elapsed());
        }
        say(&format!("shell, {name}: started"), starts);
        say(&format!("shell, {name}: killed and gone"), kills);
        stage.strike().await;
    }
    Verdict::Passed
}

async fn python_exec() -> Verdict {
    measure("python, exec", PoolSizes::NONE, python, 10).await
}

/// Every start empties the pool of prepared jails, which is then too small.
async fn python_zygote() -> Verdict {
    let pools = PoolSizes { jails: 4, prepared: 1, keys: 4 };
    let stage = Stage::set(pools).await.unwrap();
    let spec = python(&stage);
    stage.sandbox.expect(&spec);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        clock::execution_sleep(Duration::from_millis(100)).await;
        let first = stage.start(spec.clone()).await;
        let start = Stopwatch::start();
        let environment = stage.start(spec.clone()).await;
        let mut api = RuntimeApi::of(&environment);
        api.ready().await;
        times.push(start.elapsed());
        environment.process.kill().await;
        first.process.kill().await;
    }
    say("python, zygote fork on demand: first /next", times);
    stage.strike().await;
    Verdict::Passed
}

async fn python_pooled() -> Verdict {
    measure("python, pooled", PoolSizes::default(), python, 60).await
}

async fn node_exec() -> Verdict {
    if harness::node().is_none() {
        return Verdict::Skipped("there is no Node.js".to_owned());
    }
    measure("node, exec", PoolSizes::NONE, node, 10).await
}

async fn node_pooled() -> Verdict {
    if harness::node().is_none() {
        return Verdict::Skipped("there is no Node.js".to_owned());
    }
    measure("node, pooled", PoolSizes::default(), node, 300).await
}

fn python(stage: &Stage) -> EnvironmentSpec {
    stage.python("python", PYTHON)
}

fn node(stage: &Stage) -> EnvironmentSpec {
    let code = stage.code("node", &[("handler.js", NODE)]);
    stage.spec(Program::Node { interpreter: harness::node().unwrap() }, code)
}

async fn measure(
    name: &str,
    pools: PoolSizes,
    spec: fn(&Stage) -> EnvironmentSpec,
    pause_ms: u64,
) -> Verdict {
    let stage = Stage::set(pools).await.unwrap();
    let spec = spec(&stage);
    stage.warm(&spec).await;
    let mut times = [const { Vec::new() }; 4];
    let (mut pooled, mut memory) = (0, Vec::new());
    for _ in 0..ROUNDS {
        clock::execution_sleep(Duration::from_millis(pause_ms)).await;
        let start = Stopwatch::start();
        let environment = stage.start(spec.clone()).await;
        times[0].push(start.elapsed());
        let mut api = RuntimeApi::of(&environment);
        api.ready().await;
        times[1].push(start.elapsed());
        assert_eq!(api.invoke("{}").await, "{}");
        times[2].push(start.elapsed());
        api.ready().await;
        let warm = Stopwatch::start();
        api.invoke("{}").await;
        times[3].push(warm.elapsed());
        pooled += usize::from(environment.pooled);
        memory.push(environment.process.memory_peak_bytes());
        environment.process.kill().await;
    }
    for (what, times) in ["started", "first /next", "first response", "second invocation"].iter().zip(times) {
        say(&format!("{name} ({pooled}/{ROUNDS} pooled): {what}"), times);
    }
    memory.sort_unstable();
    let peak_mib = memory[memory.len() / 2] / 1024 / 1024;
    println!("{name}: an environment has used {peak_mib} MiB at most (median)");
    stage.strike().await;
    Verdict::Passed
}

fn say(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1000.0;
    println!("{what:<60} p50 {:>8.3} ms   p90 {:>8.3} ms   p99 {:>8.3} ms", at(50), at(90), at(99));
}
