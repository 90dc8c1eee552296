//! Environments of the Linux sandbox do what an environment must.

mod harness;

use harness::runtime_api::RuntimeApi;
use harness::{Stage, Verdict, output};
use sandbox::{Exit, PoolSizes, Program, Sandbox, StartError};

fn main() {
    harness::run(tests![
        a_python_function_answers,
        a_script_runs_as_an_unprivileged_user,
        a_missing_bootstrap_is_an_invalid_entrypoint,
        a_bootstrap_that_cannot_be_executed_is_an_invalid_entrypoint,
        a_forked_python_process_serves_its_function,
    ]);
}

async fn a_python_function_answers() -> Verdict {
    let stage = Stage::bare().await;
    let spec = stage.python("double", "def handler(event, context):\n    return event['n'] * 2\n");
    let environment = stage.start(spec).await;
    let mut api = RuntimeApi::of(&environment);
    api.ready().await;
    assert_eq!(api.invoke("{\"n\": 21}").await, "42");
    api.ready().await;
    assert!(environment.process.memory_peak_bytes() > 1_000_000);
    environment.process.kill().await;
    assert_eq!(environment.process.exited().await, Exit::Signal(9));
    stage.strike().await;
    Verdict::Passed
}

async fn a_script_runs_as_an_unprivileged_user() -> Verdict {
    let stage = Stage::bare().await;
    let said = stage
        .output_of(
            "whoami",
            "id; pwd; cat /proc/self/status; cat /proc/self/mountinfo; ls -la / /var /opt; ps ax; env",
        )
        .await;
    println!("{said}");
    assert!(said.contains("uid=993(sbx_user1051) gid=990"), "{said}");
    assert!(said.contains("/var/task"));
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
    let _unused = output;
    stage.strike().await;
    Verdict::Passed
}

async fn a_forked_python_process_serves_its_function() -> Verdict {
    let stage = Stage::set(PoolSizes { jails: 1, prepared: 1, keys: 4 }).await.unwrap();
    let code = "import os, sys\ndef handler(event, context):\n    return [event, os.getcwd(), sys.argv, sorted(os.environ), sys.path]\n";
    stage.sandbox.expect(&stage.python("echo", code));
    let mut last = String::new();
    let spec = stage.python("echo", code);
    for attempt in 0..20 {
        clock::execution_sleep(std::time::Duration::from_millis(100)).await;
        let start = clock::Stopwatch::start();
        let environment = stage.start(spec.clone()).await;
        let started = start.elapsed();
        let mut api = RuntimeApi::of(&environment);
        api.ready().await;
        let ready = start.elapsed();
        last = api.invoke("{\"n\": 21}").await;
        println!("{attempt}: pooled {} {started:?} {ready:?} {:?}", environment.pooled, start.elapsed());
        let _o = output(&environment);
        environment.process.kill().await;
    }
    println!("{last}");
    stage.strike().await;
    Verdict::Passed
}
