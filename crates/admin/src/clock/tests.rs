use std::sync::Mutex;

use async_trait::async_trait;
use targets::{RecordTrace, What};
use tasks::Tasks;

use super::*;
use crate::testing::{START, attempted, read, step, store, trace};

/// Waits that are recorded once their time has come.
#[derive(Debug, Default)]
struct Waits(Mutex<Vec<Due>>);

#[async_trait]
impl Agenda for Waits {
    async fn due(&self, limit: usize) -> Vec<Due> {
        self.0.lock().unwrap().iter().take(limit).cloned().collect()
    }
}

impl Waits {
    fn with(seconds: &[u64]) -> Arc<Self> {
        let due = |after: &u64| Due {
            at: START + Duration::from_secs(*after),
            what: "retry of an event".to_owned(),
            resource: "arn:f".to_owned(),
            id: format!("after-{after}"),
        };
        Arc::new(Self(Mutex::new(seconds.iter().map(due).collect())))
    }

    /// Does what is due.
    fn run(self: &Arc<Self>, clock: &Arc<VirtualClock>, trace: &Trace, tasks: &Tasks) {
        let (waits, clock, trace) = (Arc::clone(self), Arc::clone(clock), trace.clone());
        let mut sleep = clock.sleep_until(self.0.lock().unwrap()[0].at);
        tasks.spawn_until_shutdown("waits", async move {
            loop {
                let hold = sleep.await;
                let done = waits.0.lock().unwrap().remove(0);
                trace.record(step(clock.now(), &done.id, attempted(1)));
                let next = waits.0.lock().unwrap().first().map(|due| due.at);
                let Some(next) = next else { break };
                sleep = clock.sleep_until(next);
                drop(hold);
            }
        });
    }
}

struct World {
    clock: Arc<VirtualClock>,
    agendas: Vec<Arc<dyn Agenda>>,
    trace: Trace,
    tasks: Tasks,
}

impl World {
    fn new(agendas: &[&[u64]]) -> Self {
        let (clock, tasks) = (Arc::new(VirtualClock::new(START)), Tasks::new());
        let trace = trace(&store(), &tasks);
        let waits: Vec<Arc<Waits>> = agendas.iter().map(|seconds| Waits::with(seconds)).collect();
        for waits in &waits {
            waits.run(&clock, &trace, &tasks);
        }
        let agendas = waits.into_iter().map(|waits| waits as _).collect();
        Self { clock, agendas, trace, tasks }
    }

    /// What the server waits for on its own account is nothing that is due.
    fn keep_house(&self) {
        let sleep = self.clock.sleep_until(START + Duration::from_secs(1));
        self.tasks.spawn_until_shutdown("housekeeping", async move { drop(sleep.await) });
    }

    async fn advance(&self, body: &str) -> (u16, Value) {
        let advance = advance(Some(&self.clock), &self.agendas, &self.trace, body.as_bytes());
        read(advance.await)
    }
}

fn subjects(document: &Value) -> Vec<&str> {
    let happened = document["happened"].as_array().unwrap();
    happened.iter().map(|step| step["subject"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn advancing_does_all_that_is_due_in_order_and_says_so() {
    let world = World::new(&[&[60, 180], &[90, 5_000]]);
    world.keep_house();
    let (status, document) = world.advance(r#"{"seconds": 200}"#).await;
    assert_eq!(status, 200);
    assert_eq!(subjects(&document), ["after-60", "after-90", "after-180"]);
    assert_eq!(document["now"], "2024-01-31T08:08:29.123Z");
    assert_eq!(document["next_due"], "2024-01-31T09:28:29.123Z");
    assert_eq!(document["happened"][0]["at"], "2024-01-31T08:06:09.123Z");
    assert_eq!(document["happened"][0]["what"], "attempted");
    assert_eq!(document["left_out"], 0);
}

#[tokio::test]
async fn next_is_the_next_thing_that_is_due() {
    let world = World::new(&[&[60, 180]]);
    world.keep_house();
    let (_, document) = world.advance(r#"{"to": "next"}"#).await;
    assert_eq!(
        (&document["now"], subjects(&document)),
        (&json!("2024-01-31T08:06:09.123Z"), vec!["after-60"])
    );
    let (_, document) = world.advance(r#"{"to": "2024-01-31T08:10:00Z"}"#).await;
    assert_eq!(document["now"], "2024-01-31T08:10:00.000Z");
    assert_eq!((subjects(&document), &document["next_due"]), (vec!["after-180"], &Value::Null));
    let (status, document) = world.advance(r#"{"to": "next"}"#).await;
    assert_eq!((status, &document["message"]), (400, &json!("nothing is due")));
    world.tasks.drain().await;
}

#[tokio::test]
async fn a_time_that_was_shown_can_be_gone_to() {
    let world = World::new(&[]);
    let at = START + Duration::from_micros(60_000_400);
    let sleep = world.clock.sleep_until(at);
    let trace = world.trace.clone();
    world.tasks.spawn_until_shutdown("wait", async move {
        let _hold = sleep.await;
        trace.record(step(at, "due", What::Returned));
    });
    let (_, document) = world.advance(&format!(r#"{{"to": "{}"}}"#, at.iso8601_millis())).await;
    assert_eq!((subjects(&document), &document["now"]), (vec!["due"], &json!(at.iso8601_millis())));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_moves_nothing() {
    let world = World::new(&[&[60]]);
    for body in [
        "",
        "{}",
        r#"{"seconds": -1}"#,
        r#"{"seconds": 1, "to": "next"}"#,
        r#"{"secs": 1}"#,
        r#"{"to": "yesterday"}"#,
        r#"{"to": "2024-01-31T08:00:00Z"}"#,
        r#"{"to": "9000-01-31T08:00:00Z"}"#,
        r#"{"seconds": 18446744073709551615}"#,
    ] {
        assert_eq!(world.advance(body).await.0, 400, "{body}");
    }
    assert_eq!(world.clock.now(), START);
    let (status, document) = read(advance(None, &world.agendas, &world.trace, br#"{"seconds": 1}"#).await);
    assert_eq!((status, &document["remedy"]), (409, &json!("start it with --clock virtual")));
}

#[tokio::test]
async fn what_is_due_is_shown_by_its_time() {
    let world = World::new(&[&[60, 180], &[90]]);
    world.trace.record(step(START, "no part of it", What::Deleted));
    let show = async |query: &str| read(show(&*world.clock, true, &world.agendas, query).await);
    let (status, document) = show("").await;
    assert_eq!((status, &document["kind"], &document["more"]), (200, &json!("virtual"), &json!(false)));
    let ids: Vec<&str> =
        document["due"].as_array().unwrap().iter().map(|due| due["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["after-60", "after-90", "after-180"]);
    assert_eq!(document["next_due"], document["due"][0]["at"]);
    let (_, document) = show("limit=2").await;
    assert_eq!((document["due"].as_array().unwrap().len(), &document["more"]), (2, &json!(true)));
    assert_eq!(show("limit=0").await.0, 400);
    assert_eq!(show("limt=1").await.0, 400);
}
