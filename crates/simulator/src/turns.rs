//! Who runs when, on one thread: everybody takes turns.

use std::future::Future;
use std::time::Duration;

use clock::execution_timeout;

/// Runs on one thread, in an order that only chance decides, and on execution time that jumps ahead whenever there is
/// nothing to do. Whatever has been spawned ends with it, where it stands: so ends a process that is killed.
///
/// # Panics
/// When it has not come to its end after `limit` of that time.
pub fn run_paused<T>(limit: Duration, life: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(execution_timeout(limit, life)).expect("this comes to its end")
}

/// Lets others have so many turns.
pub async fn pass_turns(count: u64) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// Begins something that is cut off after so many turns, unless it has ended by then.
pub async fn cut_off(turns: u64, action: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = pass_turns(turns) => {}
        () = action => {}
    }
}
