//! Works for one mapping: what has to follow from its state.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use queue::Queue;
use stream::Stream;

use crate::engine::Engine;
use crate::figures::Figures;
use crate::filter::Filter;
use crate::pauses::{Pauses, wait};
use crate::poller::{Ended, Poller};
use crate::slot::Slot;
use crate::stop::Stop;
use crate::{Functions, Mapping, Polling, State, queue_poller, stream_poller};

/// A source that is not there is looked for again after so long, in execution time.
const LOOK_FIRST: Duration = Duration::from_millis(200);
const LOOK_LONGEST: Duration = Duration::from_secs(5);

/// `LastProcessingResult` when a poller panicked.
const BROKEN: &str = "PROBLEM: internal error";

/// Why a run cannot begin.
enum Problem {
    /// It may be able to in a moment: so long, nobody is told that it polls, and nothing that comes is missed.
    Passing(String),
    Lasting(String),
}

enum Source {
    Queue(Queue),
    Stream(Stream),
}

/// Works until nothing is left to be done, or the server shuts down. Whatever the state was when the last process ended,
/// it goes on from there.
pub(crate) async fn supervise(engine: Arc<Engine>, slot: Arc<Slot>, functions: Arc<dyn Functions>) {
    let mut looking = Pauses::new(LOOK_FIRST, LOOK_LONGEST);
    while !engine.parts.tasks.is_shutting_down() {
        let mapping = slot.mapping();
        match mapping.state {
            _ if is_to_poll(&mapping) => poll(&engine, &slot, &functions, &mut looking).await,
            State::Updating | State::Disabling => {
                engine.move_on(&slot, &mapping, State::Disabled).await;
            }
            State::Deleting => {
                engine.forget(&slot).await;
            }
            _ => {}
        }
        if slot.leave() {
            return;
        }
    }
    drop(slot.take_hold());
}

fn is_to_poll(mapping: &Mapping) -> bool {
    match mapping.state {
        State::Creating | State::Enabling | State::Enabled => true,
        State::Updating => mapping.is_enabled,
        State::Disabled | State::Disabling | State::Deleting => false,
    }
}

/// One run: until the mapping is changed, or its source is gone.
async fn poll(engine: &Arc<Engine>, slot: &Arc<Slot>, functions: &Arc<dyn Functions>, looking: &mut Pauses) {
    let stop = Stop::new(engine.parts.tasks.clone());
    let mapping = slot.begin(stop.clone());
    if !is_to_poll(&mapping) {
        // It has been changed in this moment.
        return;
    }
    let problem = match prepare(engine, slot, functions, &mapping, stop.clone()).await {
        Ok((poller, source)) => {
            let work = async move {
                match source {
                    Source::Queue(queue) => queue_poller::run(poller, queue).await,
                    Source::Stream(stream) => stream_poller::run(poller, stream).await,
                }
            };
            match engine.parts.tasks.spawn("poll an event source", work).await {
                Ok(Ended::Stopped) => {
                    looking.reset();
                    return;
                }
                Ok(Ended::Removed) => missing(&mapping),
                Ok(Ended::Broken) => BROKEN.to_owned(),
                Err(error) => {
                    tracing::error!(uuid = mapping.uuid, %error, "a poller broke down");
                    BROKEN.to_owned()
                }
            }
        }
        Err(Problem::Lasting(problem)) => problem,
        Err(Problem::Passing(problem)) => {
            engine.report(slot, &problem);
            let again = wait(&*engine.parts.clock, looking.next());
            drop(slot.take_hold());
            tokio::select! {
                hold = again => slot.hold(hold),
                () = stop.told() => {}
            }
            return;
        }
    };
    engine.report(slot, &problem);
    // A caller must be able to change or delete what cannot begin.
    engine.move_on(slot, &mapping, State::Enabled).await;
    drop(slot.take_hold());
    // The run's own may have been told by what broke down.
    let stop = Stop::new(engine.parts.tasks.clone());
    if slot.begin(stop.clone()).revision != mapping.revision {
        return;
    }
    tokio::select! {
        () = looking.pause() => {}
        () = stop.told() => {}
    }
}

async fn prepare(
    engine: &Arc<Engine>,
    slot: &Arc<Slot>,
    functions: &Arc<dyn Functions>,
    mapping: &Arc<Mapping>,
    stop: Stop,
) -> Result<(Arc<Poller>, Source), Problem> {
    let parts = &engine.parts;
    let found = match &mapping.polling {
        Polling::Queue(_) => parts.queues.queue(&mapping.source).await.map(|queue| queue.map(Source::Queue)),
        Polling::Stream(_) => {
            parts.streams.stream(&mapping.source).await.map(|stream| stream.map(Source::Stream))
        }
    };
    let source = found
        .map_err(|error| {
            let is_temporary = error.is_temporary();
            let problem = format!("PROBLEM: {error}");
            if is_temporary { Problem::Passing(problem) } else { Problem::Lasting(problem) }
        })?
        .ok_or_else(|| Problem::Lasting(missing(mapping)))?;
    let filter =
        Filter::new(&mapping.filters).map_err(|error| Problem::Lasting(format!("PROBLEM: {error}")))?;
    let poller = Poller {
        engine: engine.clone(),
        mapping: mapping.clone(),
        functions: functions.clone(),
        filter,
        figures: Figures::new(mapping, parts),
        stop,
        slot: slot.clone(),
        is_broken: AtomicBool::new(false),
    };
    Ok((Arc::new(poller), source))
}

/// In the words in which AWS refuses to make a mapping of it.
fn missing(mapping: &Mapping) -> String {
    match mapping.polling {
        Polling::Queue(_) => "PROBLEM: Error occurred while ReceiveMessage. SQS Error Code: \
                              AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue \
                              does not exist."
            .to_owned(),
        Polling::Stream(_) => format!("PROBLEM: Stream not found: {}", mapping.source),
    }
}
