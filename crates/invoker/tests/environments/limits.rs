//! Concurrency, provisioning, expiry.

use std::sync::Arc;
use std::time::Duration;

use clock::{SystemClock, VirtualClock};
use ids::Qualifier;
use invoker::{FunctionConcurrency, InvokeError, InvokerOptions, SharedFunction, ThrottleReason};

use crate::harness::{Gate, Harness, WAITS, eventually, text};

fn options(account_concurrency: u32) -> InvokerOptions {
    InvokerOptions { account_concurrency, ..InvokerOptions::default() }
}

fn concurrency(harness: &Harness, function: &SharedFunction) -> Option<FunctionConcurrency> {
    let snapshots = harness.invoker.concurrency();
    snapshots.into_iter().flat_map(|account| account.functions).find(|found| found.arn == function.arn)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_concurrency_is_not_exceeded() {
    let Some(harness) = Harness::with(options(2), Arc::new(SystemClock)) else { return };
    let gate = Gate::open().await;
    let (one, two) = (harness.function("one", WAITS, |_| {}), harness.function("two", WAITS, |_| {}));
    let event = gate.event();
    let throttled = Err(InvokeError::Throttled(ThrottleReason::ConcurrentInvocationLimitExceeded));
    let (first, second, ()) =
        tokio::join!(harness.invoke(&one, &event), harness.invoke(&one, &event), async {
            let guests = (gate.guest().await, gate.guest().await);
            assert_eq!(harness.invoke(&one, &event).await, throttled);
            assert_eq!(harness.invoke(&two, &event).await, throttled);
            let now = concurrency(&harness, &one).unwrap();
            assert_eq!((now.running, now.idle, now.environments), (2, 0, 2));
            drop(guests);
        });
    assert_eq!(
        (text(&first.unwrap()), text(&second.unwrap())),
        ("\"done\"".to_owned(), "\"done\"".to_owned())
    );
    // The places are free again, once the runtimes have come back for their next events.
    eventually("both are idle", || concurrency(&harness, &one).is_some_and(|now| now.running == 0)).await;
    let (third, ()) = tokio::join!(harness.invoke(&two, &event), async { drop(gate.guest().await) });
    assert_eq!(text(&third.unwrap()), "\"done\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_limits_its_function_and_is_kept_from_the_others() {
    let Some(harness) = Harness::with(options(2), Arc::new(SystemClock)) else { return };
    let gate = Gate::open().await;
    let (one, two) = (harness.function("one", WAITS, |_| {}), harness.function("two", WAITS, |_| {}));
    let event = gate.event();
    let reserved = |function: &SharedFunction, concurrency| {
        let mut invocation = harness.invocation(function, &event);
        invocation.reserved_concurrency = concurrency;
        harness.invoker.invoke(invocation)
    };
    let over_reserved =
        Err(InvokeError::Throttled(ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded));
    assert_eq!(reserved(&one, Some(0)).await, over_reserved);
    harness.invoker.set_reserved(&one.arn, Some(1));
    let (first, second, ()) = tokio::join!(reserved(&one, Some(1)), harness.invoke(&two, &event), async {
        let guests = (gate.guest().await, gate.guest().await);
        assert_eq!(reserved(&one, Some(1)).await, over_reserved);
        let over = Err(InvokeError::Throttled(ThrottleReason::ConcurrentInvocationLimitExceeded));
        assert_eq!(harness.invoke(&two, &event).await, over);
        drop(guests);
    });
    assert!(first.is_ok() && second.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_in_turn_share_one_environment() {
    let Some(harness) = Harness::with(options(1), Arc::new(SystemClock)) else { return };
    let one = harness.function("one", "def handler(event, context): return event", |_| {});
    for _ in 0..200 {
        assert_eq!(text(&harness.invoke(&one, "1").await.unwrap()), "1");
    }
    assert_eq!(harness.logs.streams().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn provisioned_environments_stand_by_and_what_exceeds_them_spills_over() {
    let Some(harness) = Harness::new() else { return };
    let gate = Gate::open().await;
    let code = format!(
        "import os\nprint('type', os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], flush=True)\n{WAITS}"
    );
    let function =
        harness.function("one", &code, |function| function.arn.qualifier = Some(Qualifier::Version(1)));
    harness.invoker.set_provisioned(&function, 2);
    let status = || harness.invoker.provisioned(&function.arn);
    assert_eq!(status().requested, 2);
    eventually("both are ready", || status().available == 2).await;
    assert_eq!(concurrency(&harness, &function).unwrap().idle, 2);
    let event = gate.event();
    let calls = (
        harness.invoke(&function, &event),
        harness.invoke(&function, &event),
        harness.invoke(&function, &event),
    );
    let (first, second, third, ()) = tokio::join!(calls.0, calls.1, calls.2, async {
        let guests = (gate.guest().await, gate.guest().await, gate.guest().await);
        let now = concurrency(&harness, &function).unwrap();
        assert_eq!((now.running, now.provisioned_running, now.environments), (3, 2, 3));
        drop(guests);
    });
    let outcomes = [first.unwrap(), second.unwrap(), third.unwrap()];
    // Only what was started for a waiting caller has an initialization to bill.
    assert_eq!(outcomes.iter().filter(|outcome| outcome.report.init.is_some()).count(), 1);
    assert_eq!(harness.bill.usages().iter().filter(|usage| usage.provisioned).count(), 2);
    let messages = harness.logs.messages();
    let types = |name: &str| messages.iter().filter(|line| **line == format!("type {name}\n")).count();
    assert_eq!((types("provisioned-concurrency"), types("on-demand")), (2, 1));

    eventually("all are free", || concurrency(&harness, &function).unwrap().idle == 3).await;
    harness.invoker.set_provisioned(&function, 0);
    eventually("they are ended", || concurrency(&harness, &function).unwrap().environments == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provisioned_environment_that_crashes_is_replaced() {
    let Some(harness) = Harness::new() else { return };
    let code = "import os\ndef handler(event, context): os._exit(1)";
    let function =
        harness.function("one", code, |function| function.arn.qualifier = Some(Qualifier::Version(1)));
    harness.invoker.set_provisioned(&function, 1);
    let available = || harness.invoker.provisioned(&function.arn).available;
    for _ in 0..2 {
        eventually("it is ready", || available() == 1).await;
        assert!(harness.invoke(&function, "1").await.unwrap().error.is_some());
    }
    eventually("it is ready again", || available() == 1).await;
    assert!(harness.bill.usages().iter().all(|usage| usage.provisioned));
}

#[tokio::test(flavor = "multi_thread")]
async fn provisioning_what_does_not_initialize_says_why() {
    let Some(harness) = Harness::new() else { return };
    // The first of them initializes, all others do not.
    let code = "
import os
marker = os.path.join(os.path.dirname(__file__), 'tried')
if os.path.exists(marker): import nothing_of_this_name
open(marker, 'w').close()
def handler(event, context): return event
";
    let function = harness.function("one", code, |_| {});
    harness.invoker.set_provisioned(&function, 2);
    eventually("it fails", || harness.invoker.provisioned(&function.arn).failure.is_some()).await;
    let status = harness.invoker.provisioned(&function.arn);
    assert_eq!((status.requested, status.allocated, status.available), (2, 1, 1));
    assert_eq!(status.failure.as_deref(), Some("Runtime.ImportModuleError"));
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_environments_expire_by_platform_time() {
    let start = clock::Timestamp::from_millis(1_700_000_000_000);
    let clock = Arc::new(VirtualClock::new(start));
    let Some(harness) = Harness::with(InvokerOptions::default(), clock.clone()) else { return };
    let function = harness.function("one", "def handler(event, context): return 1", |_| {});
    harness.invoke(&function, "1").await.unwrap();
    eventually("it is idle", || concurrency(&harness, &function).unwrap().idle == 1).await;
    let expiry = InvokerOptions::default().idle_expiry;
    eventually("its expiry is waited for", || clock::VirtualClock::next_due(&clock).is_some()).await;
    clock.advance_to(start + expiry - Duration::from_secs(1)).await;
    assert_eq!(concurrency(&harness, &function).unwrap().environments, 1);
    clock.advance_to(start + expiry).await;
    eventually("it is gone, and so is its trace", || concurrency(&harness, &function).is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_of_another_revision_and_of_deleted_functions_are_ended() {
    let Some(harness) = Harness::new() else { return };
    let old = harness.function("one", "def handler(event, context): return 'old'", |_| {});
    assert_eq!(text(&harness.invoke(&old, "1").await.unwrap()), "\"old\"");
    eventually("it is idle", || concurrency(&harness, &old).unwrap().idle == 1).await;
    let new = harness.function("one", "def handler(event, context): return 'new'", |function| {
        function.revision = "2".to_owned();
    });
    assert_eq!(text(&harness.invoke(&new, "1").await.unwrap()), "\"new\"");
    eventually("the old one is gone", || concurrency(&harness, &new).unwrap().environments == 1).await;
    eventually("it is idle", || concurrency(&harness, &new).unwrap().idle == 1).await;
    harness.invoker.forget(&new.arn.unqualified());
    eventually("nothing is left", || concurrency(&harness, &new).is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_lets_running_invocations_end_and_takes_no_more() {
    let Some(harness) = Harness::new() else { return };
    let gate = Gate::open().await;
    let function = harness.function("one", WAITS, |_| {});
    let event = gate.event();
    let (outcome, ()) = tokio::join!(harness.invoke(&function, &event), async {
        let guest = gate.guest().await;
        tokio::join!(harness.invoker.shut_down(Duration::from_secs(30)), async {
            let refused = harness.invoke(&function, "0").await;
            assert!(matches!(refused, Err(InvokeError::Internal(_))), "{refused:?}");
            drop(guest);
        });
    });
    assert_eq!(text(&outcome.unwrap()), "\"done\"");
    assert!(concurrency(&harness, &function).is_none_or(|now| now.environments == 0));
}
