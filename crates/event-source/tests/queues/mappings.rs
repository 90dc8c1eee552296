//! What the API sees of mappings.

use event_source::{Mapping, MappingError, Page, State};
use ids::{FunctionArn, Qualifier};
use store::{Applied, CommitError, Mutation, Store, Transaction};

use crate::world::{World, account, arn, function, mapping, message, region, secs, send, standard};

#[tokio::test(start_paused = true)]
async fn a_mapping_is_created_and_becomes_enabled() {
    let world = World::over(World::new().outside);
    world.open("q", standard());
    world.sources.create(mapping("m")).await.unwrap();
    assert_eq!(world.state("m").await, State::Creating);
    world.start();
    world.until(async || world.state("m").await == State::Enabled).await;
    assert_eq!(world.result("m").await, None);
    let missing = world.sources.get(&account(), &region(), "x").await;
    assert!(matches!(missing, Err(MappingError::NotFound)));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_enabled_is_disabled_at_once_and_does_not_poll() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(Mapping { is_enabled: false, ..mapping("m") }).await;
    assert_eq!(world.state("m").await, State::Disabled);
    send(&queue, [message("a")]).await;
    world.advance(secs(60)).await;
    assert_eq!((world.calls().len(), world.counts("q").await), (0, (1, 0)));
    let enabled = world.update("m", |mapping| mapping.is_enabled = true).await;
    assert_eq!(enabled.unwrap().state, State::Enabling);
    world.until(async || world.state("m").await == State::Enabled && world.is_empty("q").await).await;
    let disabled = world.update("m", |mapping| mapping.is_enabled = false).await;
    assert_eq!(disabled.unwrap().state, State::Disabling);
    world.until(async || world.state("m").await == State::Disabled).await;
    send(&queue, [message("b")]).await;
    world.advance(secs(60)).await;
    assert_eq!(world.batches(), [["a"]]);
}

#[tokio::test(start_paused = true)]
async fn a_pair_of_source_and_function_is_mapped_once() {
    let world = World::new();
    world.open("q", standard());
    world.create(mapping("m")).await;
    let other = |uuid: &str, name: &str| Mapping { function: function(name), ..mapping(uuid) };
    let second = world.sources.create(mapping("n")).await;
    assert!(matches!(second, Err(MappingError::Exists(uuid)) if uuid == "m"));
    world.create(other("n", "g")).await;
    let changed = world.update("n", |mapping| mapping.function = function("f")).await;
    assert!(matches!(changed, Err(MappingError::Exists(uuid)) if uuid == "m"));
    let (one, two) =
        tokio::join!(world.sources.create(other("x", "h")), world.sources.create(other("y", "h")));
    assert!(one.is_ok() != two.is_ok());
    // What it had before is free again.
    let changed = world.update("n", |mapping| mapping.function = function("i")).await;
    assert_eq!(changed.unwrap().state, State::Updating);
    world.create(other("z", "g")).await;
}

#[tokio::test(start_paused = true)]
async fn a_mapping_between_two_states_is_left_alone() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(mapping("m")).await;
    let gate = world.outside.gate.write().await;
    send(&queue, [message("a")]).await;
    world.until(async || world.calls().len() == 1).await;
    let update = async || world.update("m", |mapping| mapping.batch_size = 1).await;
    let seen = world.get("m").await;
    let updated = update().await.unwrap();
    assert_eq!((updated.state, updated.batch_size, updated.revision), (State::Updating, 1, 1));
    // The last batch runs.
    world.quiet().await;
    assert_eq!(world.state("m").await, State::Updating);
    assert!(matches!(update().await, Err(MappingError::InUse)));
    assert!(matches!(world.sources.delete(&account(), &region(), "m").await, Err(MappingError::InUse)));
    drop(gate);
    world.until(async || world.state("m").await == State::Enabled).await;
    send(&queue, [message("b"), message("c")]).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.batches(), [["a"], ["b"], ["c"]]);
    // What was checked against it as it was may not go together with what it is now.
    let stale = world.sources.update(&seen, |mapping| mapping.batch_size = 2).await;
    assert!(matches!(stale, Err(MappingError::InUse)));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_mapping_is_gone_with_all_its_rows() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(mapping("m")).await;
    let gate = world.outside.gate.write().await;
    send(&queue, [message("a")]).await;
    world.until(async || world.calls().len() == 1).await;
    let deleted = world.sources.delete(&account(), &region(), "m").await.unwrap();
    assert_eq!(deleted.state, State::Deleting);
    assert_eq!(world.state("m").await, State::Deleting);
    drop(gate);
    world.until(async || world.sources.get(&account(), &region(), "m").await.is_err()).await;
    assert!(world.is_empty("q").await);
    // The result of its last batch does not bring it back.
    clock::execution_sleep(secs(5)).await;
    for table in ["event-source-mapping", "event-source-pair", "event-source-checkpoint"] {
        let prefix = store::key(&[table.into()]);
        let snapshot = world.outside.store.snapshot().await.unwrap();
        let rows = snapshot.range(&prefix, &store::prefix_end(&prefix), 9, false).await.unwrap();
        assert_eq!(rows, [], "{table}");
    }
    world.create(mapping("n")).await;
}

#[tokio::test(start_paused = true)]
async fn they_are_listed_by_source_and_function() {
    let world = World::new();
    world.open("q", standard());
    let qualified = FunctionArn { qualifier: Some(Qualifier::Alias("live".to_owned())), ..function("f") };
    for new in [
        mapping("a"),
        Mapping { function: qualified.clone(), ..mapping("b") },
        Mapping { function: function("g"), ..mapping("c") },
        Mapping { source: arn("other"), ..mapping("d") },
    ] {
        world.create(Mapping { is_enabled: false, ..new }).await;
    }
    let page = || Page { limit: 10, ..Page::default() };
    assert_eq!(world.list(page()).await, ["a", "b", "c", "d"]);
    assert_eq!(world.list(Page { limit: 2, ..page() }).await, ["a", "b"]);
    assert_eq!(world.list(Page { after: Some("b".to_owned()), ..page() }).await, ["c", "d"]);
    assert_eq!(world.list(Page { source: Some(arn("other")), ..page() }).await, ["d"]);
    assert_eq!(world.list(Page { function: Some(function("f")), ..page() }).await, ["a", "b", "d"]);
    assert_eq!(world.list(Page { function: Some(qualified), ..page() }).await, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_found_out() {
    let world = World::new();
    world.open("q", standard());
    let lost = || CommitError::Unknown("lost".to_owned());
    for (uuid, applied) in [("m", Applied::Yes), ("n", Applied::No)] {
        let new = Mapping { function: function(uuid), is_enabled: false, ..mapping(uuid) };
        world.outside.store.fail_next_commit(lost(), applied);
        world.sources.create(new).await.unwrap();
        assert_eq!(world.state(uuid).await, State::Disabled);
        world.outside.store.fail_next_commit(lost(), applied);
        let change = |mapping: &mut Mapping| mapping.function = function(&format!("{uuid}2"));
        let changed = world.update(uuid, change).await.unwrap();
        assert_eq!(changed.revision, 1);
    }
    world.outside.store.fail_next_commit(CommitError::Unavailable("no".to_owned()), Applied::No);
    let new = Mapping { function: function("x"), is_enabled: false, ..mapping("x") };
    assert!(matches!(world.sources.create(new.clone()).await, Err(MappingError::Store(_))));
    world.sources.create(new).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_cannot_be_understood_keeps_no_other_from_polling() {
    let world = World::new();
    world.open("q", standard());
    world.create(mapping("m")).await;
    let (account, region) = (account(), region());
    let row = |uuid: &str| {
        store::key(&[
            "event-source-mapping".into(),
            account.as_str().into(),
            region.as_str().into(),
            uuid.into(),
        ])
    };
    assert!(world.outside.store.snapshot().await.unwrap().get(&row("m")).await.unwrap().is_some());
    let damaged = Mutation::Put(row("a"), "{}".into());
    world.outside.store.commit(Transaction::new().mutate(damaged)).await.unwrap();
    let world = world.restart(true).await;
    send(&world.queue("q"), [message("x")]).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.batches(), [["x"]]);
    let listed = world.sources.list(&account, &region, &Page { limit: 9, ..Page::default() }).await.unwrap();
    assert_eq!(listed.iter().map(|mapping| &*mapping.uuid).collect::<Vec<_>>(), ["m"]);
}
