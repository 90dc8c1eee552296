//! Environments of the Linux sandbox do what an environment must.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test without the standard harness")]
#![expect(unreachable_pub, reason = "the harness is a module of several programs")]

mod harness;

use std::time::Duration;

use harness::runtime_api::RuntimeApi;
use harness::{Stage, Verdict, output, wait_for_output};
use sandbox::{
    Environment, Exit, LinuxOptions, LinuxSandbox, Network, PoolSizes, Program, Sandbox, StartError,
};

const POOLS: PoolSizes = PoolSizes { jails: 1, prepared: 1, keys: 2 };
const ECHO: &str = "import os, sys\ndef handler(event, context):\n    return [event, os.getcwd(), sys.argv, os.environ['_HANDLER']]\n";
const ECHOED: &str = r#"[{"n": 21}, "/var/task", ["/var/runtime/bootstrap.py"], "handler.handler"]"#;

fn main() {
    harness::run(tests![
        a_python_function_answers,
        a_node_function_answers,
        a_script_runs_as_the_user_of_aws_without_rights,
        a_bootstrap_of_a_layer_is_found,
        a_missing_bootstrap_is_an_invalid_entrypoint,
        a_bootstrap_that_cannot_be_executed_is_an_invalid_entrypoint,
        a_later_layer_covers_an_earlier_one,
        extensions_run_beside_the_runtime,
        a_wrapper_starts_the_runtime,
        a_missing_wrapper_ends_with_status_127,
        exit_statuses_and_signals_are_told_apart,
        too_much_memory_is_an_exit_of_its_own,
        a_frozen_environment_stands_still_and_can_be_killed,
        cpu_time_is_limited_after_init,
        termination_reaches_every_process,
        the_network_of_the_host_is_there_when_allowed,
        prepared_python_serves_its_function,
        prepared_node_serves_its_function,
        prepared_processes_have_layers_and_extensions,
        prepared_processes_are_not_shared_between_accounts,
        variables_for_the_interpreter_take_effect,
        many_starts_at_once,
        the_probe_says_what_this_host_has,
        a_host_that_cannot_confine_says_why,
    ]);
}

async fn answers(stage: &Stage, environment: Environment, event: &str) -> String {
    let mut api = RuntimeApi::of(&environment);
    let answer = tokio::select! {
        answer = async { api.ready().await; api.invoke(event).await } => answer,
        exit = environment.process.exited() => panic!("it ended ({exit:?}): {}", output(&environment)),
    };
    environment.process.kill().await;
    let _stage = stage;
    answer
}

async fn a_python_function_answers() -> Verdict {
    let stage = Stage::bare().await;
    let environment = stage.start(stage.python("echo", ECHO)).await;
    assert!(!environment.pooled);
    let mut api = RuntimeApi::of(&environment);
    api.ready().await;
    assert_eq!(api.invoke("{\"n\": 21}").await, ECHOED);
    api.ready().await;
    let peak = environment.process.memory_peak_bytes();
    assert!((2_000_000..100_000_000).contains(&peak), "{peak}");
    environment.process.kill().await;
    assert_eq!(environment.process.exited().await, Exit::Signal(9));
    assert!(environment.process.memory_peak_bytes() >= peak);
    stage.strike().await;
    Verdict::Passed
}

async fn a_node_function_answers() -> Verdict {
    let Some(node) = harness::node() else { return Verdict::Skipped("there is no Node.js".into()) };
    let stage = Stage::bare().await;
    let code = stage.code("echo", &[("handler.js", "exports.handler = async (e) => [e, process.cwd()];")]);
    let environment = stage.start(stage.spec(Program::Node { interpreter: node }, code)).await;
    assert_eq!(answers(&stage, environment, "{\"n\":1}").await, "[{\"n\":1},\"/var/task\"]");
    stage.strike().await;
    Verdict::Passed
}

async fn a_script_runs_as_the_user_of_aws_without_rights() -> Verdict {
    let stage = Stage::bare().await;
    let said = stage.output_of("whoami", "id; pwd; cat /proc/self/status").await;
    for expected in [
        "uid=993(sbx_user1051) gid=990",
        "/var/task",
        "CapPrm:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
    stage.strike().await;
    Verdict::Passed
}

async fn a_bootstrap_of_a_layer_is_found() -> Verdict {
    let stage = Stage::bare().await;
    let layer = stage.code("layer", &[("bootstrap!", "#!/bin/sh\necho from the layer\n")]);
    let mut spec = stage.spec(Program::Bootstrap, stage.code("nothing", &[("readme", "")]));
    spec.layer_dirs.push(layer);
    let environment = stage.start(spec).await;
    assert_eq!(environment.process.exited().await, Exit::Status(0));
    assert_eq!(output(&environment), "from the layer\n");
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

async fn a_missing_bootstrap_is_an_invalid_entrypoint() -> Verdict {
    let stage = Stage::bare().await;
    let code = stage.code("nothing", &[("readme", "")]);
    let error = stage.sandbox.start(stage.spec(Program::Bootstrap, code)).await.unwrap_err();
    assert!(
        matches!(&error, StartError::InvalidEntrypoint(text) if text.contains("Couldn't find valid bootstrap"))
    );
    stage.strike().await;
    Verdict::Passed
}

async fn a_bootstrap_that_cannot_be_executed_is_an_invalid_entrypoint() -> Verdict {
    let stage = Stage::bare().await;
    for (name, file, text, expected) in [
        ("mode", "bootstrap", "#!/bin/sh\n", "permission denied"),
        ("format", "bootstrap!", "no program", "exec format error"),
    ] {
        let code = stage.code(name, &[(file, text)]);
        let error = stage.sandbox.start(stage.spec(Program::Bootstrap, code)).await.unwrap_err();
        let expected = format!("fork/exec /var/task/bootstrap: {expected}");
        assert!(matches!(&error, StartError::InvalidEntrypoint(text) if *text == expected), "{error}");
    }
    stage.strike().await;
    Verdict::Passed
}

async fn a_later_layer_covers_an_earlier_one() -> Verdict {
    let stage = Stage::bare().await;
    let mut spec = stage.script("show", "cat /opt/both /opt/first /opt/second; ls /opt | tr '\\n' ' '");
    spec.layer_dirs.push(stage.code("one", &[("both", "one "), ("first", "first ")]));
    spec.layer_dirs.push(stage.code("two", &[("both", "two "), ("second", "second ")]));
    let environment = stage.start(spec).await;
    environment.process.exited().await;
    assert_eq!(output(&environment), "two first second both first second ");
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

const EXTENSION: &str = "#!/bin/sh\necho extension $0 $AWS_LAMBDA_RUNTIME_API $AWS_REGION ${_HANDLER:-no handler}\nexec sleep 60\n";

async fn extensions_run_beside_the_runtime() -> Verdict {
    let stage = Stage::bare().await;
    let mut spec = stage.script("runtime", "exec sleep 60");
    let files = [("extensions/watcher!", EXTENSION), ("extensions/readme", ""), ("extensions/lib/x", "")];
    spec.layer_dirs.push(stage.code("layer", &files));
    let environment = stage.start(spec).await;
    assert_eq!(environment.extensions, ["watcher"]);
    let said = wait_for_output(&environment, "handler").await;
    assert_eq!(said, "extension /opt/extensions/watcher 127.0.0.1:9001 eu-central-1 no handler\n");
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

async fn a_wrapper_starts_the_runtime() -> Verdict {
    let stage = Stage::bare().await;
    let code = "import os\ndef handler(event, context):\n    return os.environ['WRAPPED']\n";
    let mut spec = stage.python("wrapped", code);
    spec.layer_dirs
        .push(stage.code("layer", &[("wrapper!", "#!/bin/sh\nexport WRAPPED=yes\nexec \"$@\"\n")]));
    spec.variables.push(("AWS_LAMBDA_EXEC_WRAPPER".into(), "/opt/wrapper".into()));
    let environment = stage.start(spec).await;
    assert_eq!(answers(&stage, environment, "{}").await, "\"yes\"");
    stage.strike().await;
    Verdict::Passed
}

async fn a_missing_wrapper_ends_with_status_127() -> Verdict {
    let stage = Stage::bare().await;
    let mut spec = stage.python("wrapped", ECHO);
    spec.variables.push(("AWS_LAMBDA_EXEC_WRAPPER".into(), "/opt/wrapper".into()));
    let environment = stage.start(spec).await;
    assert_eq!(environment.process.exited().await, Exit::Status(127));
    assert_eq!(output(&environment), "/opt/wrapper: no such file or directory\n");
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

async fn exit_statuses_and_signals_are_told_apart() -> Verdict {
    let stage = Stage::bare().await;
    for (name, script, expected) in [
        ("status", "exit 7", Exit::Status(7)),
        ("signal", "kill -TERM $$", Exit::Signal(15)),
        ("zero", "true", Exit::Status(0)),
    ] {
        let environment = stage.start(stage.script(name, script)).await;
        assert_eq!(environment.process.exited().await, expected);
        assert_eq!(environment.process.exited().await, expected, "it may be asked again");
        environment.process.kill().await;
        environment.process.kill().await;
        assert_eq!(environment.process.exited().await, expected);
    }
    stage.strike().await;
    Verdict::Passed
}

async fn too_much_memory_is_an_exit_of_its_own() -> Verdict {
    let stage = Stage::bare().await;
    if let Some(reason) = stage.lacks("memory") {
        stage.strike().await;
        return Verdict::Skipped(reason);
    }
    for pools in [PoolSizes::NONE, POOLS] {
        let stage = Stage::set(pools).await.unwrap();
        let mut spec =
            stage.python("bomb", "def handler(event, context):\n    return len(bytearray(200 << 20))\n");
        spec.memory_mb = 128;
        stage.warm(&spec).await;
        let environment = stage.start(spec).await;
        assert_eq!(environment.pooled, pools != PoolSizes::NONE);
        let mut api = RuntimeApi::of(&environment);
        api.ready().await;
        tokio::select! {
            answer = api.invoke("{}") => panic!("it had the memory: {answer}"),
            exit = environment.process.exited() => assert_eq!(exit, Exit::OutOfMemory),
        }
        assert!(environment.process.memory_peak_bytes() <= 128 << 20);
        environment.process.kill().await;
        stage.strike().await;
    }
    stage.strike().await;
    Verdict::Passed
}

async fn a_frozen_environment_stands_still_and_can_be_killed() -> Verdict {
    let stage = Stage::bare().await;
    if let Some(reason) = stage.lacks("freezer") {
        stage.strike().await;
        return Verdict::Skipped(reason);
    }
    let environment = stage.start(stage.script("count", "while :; do echo x; sleep 0.01; done")).await;
    wait_for_output(&environment, "x\nx\n").await;
    environment.process.freeze();
    // What was on its way when it froze.
    clock::execution_sleep(Duration::from_millis(50)).await;
    output(&environment);
    clock::execution_sleep(Duration::from_millis(100)).await;
    assert_eq!(output(&environment), "");
    environment.process.thaw();
    wait_for_output(&environment, "x\nx\n").await;
    environment.process.freeze();
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

async fn cpu_time_is_limited_after_init() -> Verdict {
    let stage = Stage::bare().await;
    if let Some(reason) = stage.lacks("cpu") {
        stage.strike().await;
        return Verdict::Skipped(reason);
    }
    // Says how much CPU time it gets in a stretch of real time.
    let code = "import time\ndef handler(event, context):\n    end = time.monotonic() + 0.5\n    start = time.process_time()\n    while time.monotonic() < end: pass\n    return (time.process_time() - start) / 0.5\n";
    let mut spec = stage.python("burn", code);
    spec.memory_mb = 177;
    let environment = stage.start(spec).await;
    let mut api = RuntimeApi::of(&environment);
    api.ready().await;
    let before: f64 = api.invoke("{}").await.parse().unwrap();
    environment.process.init_finished();
    api.ready().await;
    let after: f64 = api.invoke("{}").await.parse().unwrap();
    assert!(after < 0.25 && before > 2.0 * after, "{before} of a CPU before, {after} after");
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

async fn termination_reaches_every_process() -> Verdict {
    let stage = Stage::bare().await;
    let script = "sh -c 'trap \"echo child; exit\" TERM; echo ready; while :; do sleep 0.01; done' &\ntrap 'wait; echo runtime; exit 3' TERM\nwhile :; do sleep 0.01; done";
    let environment = stage.start(stage.script("traps", script)).await;
    wait_for_output(&environment, "ready").await;
    environment.process.terminate();
    assert_eq!(environment.process.exited().await, Exit::Status(3));
    let said = output(&environment);
    assert!(said.contains("child\n") && said.contains("runtime\n"), "{said}");
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

async fn the_network_of_the_host_is_there_when_allowed() -> Verdict {
    let stage = Stage::bare().await;
    let code = "import os, socket\ndef handler(event, context):\n    socket.create_connection(('127.0.0.1', event)).close()\n    return [os.environ['AWS_LAMBDA_RUNTIME_API'], 'AWS_ENDPOINT_URL' in os.environ]\n";
    let mut spec = stage.python("network", code);
    spec.network = Network::Host;
    let service = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let environment = stage.start(spec).await;
    assert!(environment.endpoint.is_none());
    let address = environment.runtime_api.local_addr().unwrap();
    let answer = answers(&stage, environment, &service.local_addr().unwrap().port().to_string()).await;
    assert_eq!(answer, format!("[\"{address}\", false]"));
    stage.strike().await;
    Verdict::Passed
}

async fn prepared_python_serves_its_function() -> Verdict {
    let stage = Stage::set(POOLS).await.unwrap();
    let spec = stage.python("echo", ECHO);
    stage.warm(&spec).await;
    let environment = stage.start(spec).await;
    assert!(environment.pooled);
    assert_eq!(answers(&stage, environment, "{\"n\": 21}").await, ECHOED);
    let exits = stage.python("exits", "import os\ndef handler(event, context):\n    os._exit(5)\n");
    stage.warm(&exits).await;
    let environment = stage.start(exits).await;
    assert!(environment.pooled);
    let mut api = RuntimeApi::of(&environment);
    api.ready().await;
    tokio::select! {
        answer = api.invoke("{}") => panic!("{answer}"),
        exit = environment.process.exited() => assert_eq!(exit, Exit::Status(5)),
    }
    environment.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

async fn prepared_node_serves_its_function() -> Verdict {
    let Some(node) = harness::node() else { return Verdict::Skipped("there is no Node.js".into()) };
    let stage = Stage::set(POOLS).await.unwrap();
    let code = "exports.handler = async (e) => [e, process.cwd(), process.argv[1], process.env._HANDLER];";
    let code = stage.code("echo", &[("handler.js", code)]);
    let spec = stage.spec(Program::Node { interpreter: node }, code);
    stage.warm(&spec).await;
    let environment = stage.start(spec).await;
    assert!(environment.pooled);
    let expected = "[1,\"/var/task\",\"/var/runtime/bootstrap.mjs\",\"handler.handler\"]";
    assert_eq!(answers(&stage, environment, "1").await, expected);
    stage.strike().await;
    Verdict::Passed
}

async fn prepared_processes_have_layers_and_extensions() -> Verdict {
    let stage = Stage::set(POOLS).await.unwrap();
    let mut spec =
        stage.python("layered", "import extra\ndef handler(event, context):\n    return extra.NAME\n");
    let files = [("python/extra.py", "NAME = 'layer'\n"), ("extensions/watcher!", EXTENSION)];
    spec.layer_dirs.push(stage.code("layer", &files));
    stage.warm(&spec).await;
    let environment = stage.start(spec).await;
    assert!(environment.pooled);
    assert_eq!(environment.extensions, ["watcher"]);
    wait_for_output(&environment, "no handler").await;
    assert_eq!(answers(&stage, environment, "{}").await, "\"layer\"");
    stage.strike().await;
    Verdict::Passed
}

async fn prepared_processes_are_not_shared_between_accounts() -> Verdict {
    let stage = Stage::set(PoolSizes { jails: 0, ..POOLS }).await.unwrap();
    let spec = stage.python("echo", ECHO);
    stage.warm(&spec).await;
    let mut other = spec.clone();
    other.account = ids::AccountId::parse("111111111111").unwrap();
    let environment = stage.start(other).await;
    assert!(!environment.pooled);
    assert_eq!(answers(&stage, environment, "{\"n\": 21}").await, ECHOED);
    stage.strike().await;
    Verdict::Passed
}

async fn variables_for_the_interpreter_take_effect() -> Verdict {
    let stage = Stage::set(POOLS).await.unwrap();
    let code =
        "import sys\ndef handler(event, context):\n    return [sys.flags.hash_randomization, hash('x')]\n";
    let mut spec = stage.python("hash", code);
    stage.warm(&spec).await;
    spec.variables.push(("PYTHONHASHSEED".into(), "0".into()));
    let environment = stage.start(spec.clone()).await;
    let first = answers(&stage, environment, "{}").await;
    assert!(first.starts_with("[0, "), "{first}");
    let environment = stage.start(spec).await;
    assert_eq!(answers(&stage, environment, "{}").await, first);
    stage.strike().await;
    Verdict::Passed
}

async fn many_starts_at_once() -> Verdict {
    for pools in [PoolSizes::NONE, POOLS] {
        let stage = Stage::set(pools).await.unwrap();
        let spec = stage.python("echo", ECHO);
        stage.warm(&spec).await;
        let environments: Vec<Environment> =
            futures::future::join_all((0..12).map(|_| stage.start(spec.clone()))).await;
        for environment in environments {
            assert_eq!(answers(&stage, environment, "{\"n\": 21}").await, ECHOED);
        }
        stage.strike().await;
    }
    Verdict::Passed
}

async fn the_probe_says_what_this_host_has() -> Verdict {
    let directory = tempfile::tempdir().unwrap();
    let isolation = LinuxSandbox::probe(LinuxOptions::new(directory.path().to_path_buf())).await;
    assert_eq!(isolation.level, "sandbox");
    println!("{}", serde_json::to_string_pretty(&isolation).unwrap());
    assert!(isolation.missing().all(|feature| feature.remedy.is_some()));
    assert!(isolation.features.iter().any(|feature| feature.name == "seccomp" && feature.active));
    Verdict::Passed
}

async fn a_host_that_cannot_confine_says_why() -> Verdict {
    let directory = tempfile::tempdir().unwrap();
    let options =
        LinuxOptions { launcher: "/bin/false".into(), ..LinuxOptions::new(directory.path().to_path_buf()) };
    let isolation = LinuxSandbox::probe(options).await;
    assert_eq!(isolation.level, "process");
    assert!(isolation.features[0].detail.contains("launcher"), "{isolation:?}");
    Verdict::Passed
}
