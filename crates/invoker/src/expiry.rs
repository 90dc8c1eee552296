//! What happens to idle environments: they are frozen after a moment and ended after a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clock::{Timestamp, execution_sleep};
use runtime_api::ShutdownReason;

use crate::engine::Engine;

/// Ends environments that have been idle for too long, by platform time.
pub(crate) async fn expire_idle(engine: Arc<Engine>) {
    let expiry = engine.parts.options.idle_expiry;
    loop {
        let inhabited = engine.pool.inhabited.notified();
        let now = engine.parts.clock.now();
        for environment in engine.pool.idle_since(now - expiry) {
            // Somebody may have taken it meanwhile.
            if engine.pool.retire_idle(&environment, now - expiry) {
                engine.dispose(&environment, ShutdownReason::Spindown);
            }
        }
        if engine.pool.lock().environments.is_empty() {
            inhabited.await;
            continue;
        }
        // What becomes idle from now on is not due any earlier than this.
        let first = engine.pool.longest_idle().map_or(now, |(since, _): (Timestamp, _)| since);
        let due = (first + expiry).max(now + Duration::from_millis(1));
        drop(engine.parts.clock.sleep_until(due).await);
    }
}

/// Looks after environments in real time: freezes those that are idle for a moment, and ends those whose
/// runtime or extensions do not come back after an answer. On AWS nothing runs between invocations, and the
/// timeout of a function holds for what follows its answer as well. It is done in the background, because
/// freezing and thawing on the way of an invocation cost more than a warm invocation itself.
pub(crate) async fn tend(engine: Arc<Engine>) {
    let period = engine.parts.options.freeze_after;
    let mut seen = HashMap::new();
    loop {
        let inhabited = engine.pool.inhabited.notified();
        let environments = engine.pool.environments();
        if environments.is_empty() {
            seen.clear();
            inhabited.await;
        }
        let mut idle = HashMap::new();
        for environment in environments {
            if environment.use_.is_overdue(environment.function.timeout) {
                environment.log.remark("The environment did not ask for its next invocation in time");
                engine.dispose(&environment, ShutdownReason::Timeout);
            } else if !environment.use_.is_busy() {
                let uses = environment.use_.count();
                // Idle at the last look and not used since: it has been idle for the whole period.
                if seen.get(&environment.id) == Some(&uses) {
                    environment.freeze();
                }
                idle.insert(environment.id.clone(), uses);
            }
        }
        seen = idle;
        execution_sleep(period).await;
    }
}
