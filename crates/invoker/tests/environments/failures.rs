//! What goes wrong, in AWS's words.

use std::time::Duration;

use invoker::InvokerOptions;

use crate::harness::{Gate, Harness, WAITS, error, eventually, tail, text};

fn gone(pid: &str) -> bool {
    // A zombie has no command line left.
    std::fs::read(format!("/proc/{pid}/cmdline")).map_or(true, |line| line.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_is_told_and_the_environment_goes_on() {
    let Some(harness) = Harness::new() else { return };
    let code = "
count = 0
def handler(event, context):
    global count
    count += 1
    if event: raise ValueError('no ' + event)
    return count
";
    let function = harness.function("f", code, |_| {});
    let failed = harness.invoke(&function, "\"luck\"").await.unwrap();
    assert_eq!(error(&failed), ("ValueError".to_owned(), "no luck".to_owned()));
    assert_eq!(failed.error.as_ref().unwrap().error_type, "ValueError");
    assert!(!tail(&failed).contains("Status:"), "{}", tail(&failed));
    assert_eq!(text(&harness.invoke(&function, "\"\"").await.unwrap()), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_is_told_and_the_next_invocation_starts_anew() {
    let Some(harness) = Harness::new() else { return };
    let code = "
import os, signal
count = 0
def handler(event, context):
    global count
    count += 1
    if event == 'kill': os.kill(os.getpid(), signal.SIGKILL)
    if event is not None: os._exit(event)
    return count
";
    let function = harness.function("f", code, |_| {});
    for (event, expected) in [
        ("0", "Runtime exited without providing a reason"),
        ("7", "Runtime exited with error: exit status 7"),
        ("\"kill\"", "Runtime exited with error: signal: killed"),
    ] {
        let invocation = harness.invocation(&function, event);
        let id = invocation.request_id;
        let failed = harness.invoker.invoke(invocation).await.unwrap();
        assert_eq!(
            error(&failed),
            ("Runtime.ExitError".to_owned(), format!("RequestId: {id} Error: {expected}"))
        );
        assert!(
            tail(&failed).contains("\tStatus: error\tError Type: Runtime.ExitError\n"),
            "{}",
            tail(&failed)
        );
        assert_eq!(text(&harness.invoke(&function, "null").await.unwrap()), "1");
    }
    let now = || harness.invoker.concurrency()[0].functions[0].clone();
    eventually("the last one is free", || (now().running, now().environments) == (0, 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_kills_the_whole_tree() {
    let Some(harness) = Harness::new() else { return };
    let code = "
import subprocess, time
child = subprocess.Popen(['sh', '-c', 'sleep 1000 & echo grandchild $!; wait'], stdout=subprocess.PIPE)
family = f'child {child.pid}\\n' + child.stdout.readline().decode()
def handler(event, context):
    print(family, flush=True)
    time.sleep(1000)
";
    // The tree is there before the timeout begins: a busy machine may take a second to make it.
    let function = harness.function("f", code, |function| function.timeout = Duration::from_secs(1));
    let invocation = harness.invocation(&function, "{}");
    let id = invocation.request_id;
    let failed = harness.invoker.invoke(invocation).await.unwrap();
    assert_eq!(
        text(&failed),
        format!(
            r#"{{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: {id} Error: Task timed out after 1.00 seconds"}}"#
        )
    );
    let log = tail(&failed);
    assert!(log.contains("\tStatus: timeout\n"), "{log}");
    assert!(log.contains("\tDuration: 1000.00 ms\t"), "not what it took us to stop it: {log}");
    assert!(failed.report.billed >= Duration::from_secs(1));
    for who in ["child ", "grandchild "] {
        let line = log.lines().find(|line| line.starts_with(who)).unwrap();
        assert!(gone(line.rsplit(' ').next().unwrap()), "{line} is gone when the caller hears of it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initialization_that_fails_is_tried_again_under_the_invocation_and_told() {
    let Some(harness) = Harness::new() else { return };
    let function = harness.function("f", "print('trying', flush=True)\nimport nothing_of_this_name", |_| {});
    let failed = harness.invoke(&function, "{}").await.unwrap();
    let (error_type, message) = error(&failed);
    assert_eq!(error_type, "Runtime.ImportModuleError");
    assert!(message.contains("nothing_of_this_name"), "{message}");
    let messages = harness.logs.messages();
    let reports: Vec<_> = messages.iter().filter(|line| line.starts_with("INIT_REPORT")).collect();
    assert!(
        reports[0].contains("Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError"),
        "{reports:?}"
    );
    assert!(
        reports[1].contains("Phase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError"),
        "{reports:?}"
    );
    let trials: Vec<_> =
        messages.iter().enumerate().filter(|(_, line)| *line == "trying\n").map(|(at, _)| at).collect();
    let start = messages.iter().position(|line| line.starts_with("START")).unwrap();
    assert!(trials[0] < start && start < trials[1], "{messages:?}");
    assert_eq!(harness.logs.streams().len(), 1);
    assert_eq!(harness.invoker.concurrency()[0].unreserved_running, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initialization_that_takes_too_long_gets_the_invocations_time() {
    let options = InvokerOptions { init_limit: Duration::from_secs(2), ..InvokerOptions::default() };
    let Some(harness) = Harness::with(options, std::sync::Arc::new(clock::SystemClock)) else { return };
    let code = "
import time, os
marker = os.path.join(os.path.dirname(__file__), 'tried')
if not os.path.exists(marker):
    open(marker, 'w').close()
    time.sleep(1000)
def handler(event, context): return 'at last'
";
    let function = harness.function("f", code, |_| {});
    let outcome = harness.invoke(&function, "{}").await.unwrap();
    assert_eq!(text(&outcome), "\"at last\"");
    assert_eq!(outcome.report.init, None);
    let messages = harness.logs.messages();
    assert!(messages.iter().any(|line| line.contains("Phase: init\tStatus: timeout")), "{messages:?}");

    let hangs = "import time\ntime.sleep(1000)";
    let function = harness.function("g", hangs, |function| function.timeout = Duration::from_secs(1));
    let failed = harness.invoke(&function, "{}").await.unwrap();
    assert_eq!(error(&failed).0, "Sandbox.Timedout");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_is_too_large_fails_in_lambdas_words() {
    let Some(harness) = Harness::new() else { return };
    let function = harness.function("f", "def handler(event, context): return 'x' * event", |_| {});
    let failed = harness.invoke(&function, "7000000").await.unwrap();
    assert_eq!(
        text(&failed),
        r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#
    );
    assert_eq!(text(&harness.invoke(&function, "1").await.unwrap()), "\"x\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn code_without_a_bootstrap_has_no_entrypoint() {
    let Some(harness) = Harness::new() else { return };
    let function = harness.function("f", "", |function| {
        function.runtime = "provided.al2023".to_owned();
        function.program = sandbox::Program::Bootstrap;
    });
    let failed = harness.invoke(&function, "{}").await.unwrap();
    assert_eq!(error(&failed).0, "Runtime.InvalidEntrypoint");
    assert!(error(&failed).1.contains("Couldn't find valid bootstrap(s)"), "{}", text(&failed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_runs_on_when_its_caller_goes_away() {
    let Some(harness) = Harness::new() else { return };
    let gate = Gate::open().await;
    let function = harness.function("f", WAITS, |_| {});
    let event = gate.event();
    for _cold_then_warm in 0..2 {
        let mut call = Box::pin(harness.invoke(&function, &event));
        let guest = tokio::select! {
            guest = gate.guest() => guest,
            _ = &mut call => panic!("it waits at the gate"),
        };
        drop(call);
        let ends = |messages: Vec<String>| messages.iter().filter(|line| line.starts_with("END")).count();
        let before = ends(harness.logs.messages());
        drop(guest);
        eventually("the invocation ends", || ends(harness.logs.messages()) > before).await;
        eventually("its environment is free", || harness.invoker.concurrency()[0].functions[0].idle == 1)
            .await;
    }
    assert_eq!(harness.bill.usages().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_answers_and_does_not_come_back_is_ended() {
    let options = InvokerOptions { freeze_after: Duration::from_millis(50), ..InvokerOptions::default() };
    let Some(harness) = Harness::with(options, std::sync::Arc::new(clock::SystemClock)) else { return };
    let program = "
id, event = next_event()
respond(id, event)
import time
time.sleep(1000)
";
    let function = harness.custom("f", program, |function| function.timeout = Duration::from_secs(10));
    assert_eq!(text(&harness.invoke(&function, "1").await.unwrap()), "1");
    let environments = || {
        let snapshots = harness.invoker.concurrency();
        snapshots[0].functions.iter().map(|function| function.environments).sum::<u32>()
    };
    assert_eq!(environments(), 1);
    eventually("the environment is ended", || environments() == 0).await;
    assert_eq!(harness.invoker.concurrency()[0].unreserved_running, 0);
}
