//! What others in this process ask for.

use std::pin::pin;

use event_source::FindStream;
use ids::Arn;
use stream::{Position, ReadLimits, ShardId};

use crate::world::World;

#[tokio::test]
async fn a_stream_is_found_by_its_arn_or_by_that_of_a_consumer() {
    let world = World::with_stream(1).await;
    world.put(0, "x").await.unwrap();
    let consumer = world.registered("c").await;
    for arn in [&world.arn("s"), &consumer] {
        let found = world.kinesis.stream(&Arn::parse(arn).unwrap()).await.unwrap().expect("a stream");
        let limits = ReadLimits { records: 10, bytes: 1_000 };
        let read = found.read(ShardId(0), Position::TrimHorizon, limits).await.unwrap();
        assert_eq!(read.records.len(), 1, "{arn}");
        assert_eq!(found.settings().arn, world.arn("s"));
    }
    let gone = world.registered("gone").await;
    world.deregister(&gone).await.unwrap();
    for arn in [
        world.arn("t"),
        consumer.replace("consumer/c:", "consumer/c:9"),
        gone,
        "arn:aws:kinesis:eu-west-1:000000000000:stream/s".to_owned(),
        "arn:aws:sqs:eu-central-1:000000000000:s".to_owned(),
        "arn:aws:kinesis:eu-central-1:000000000000:s".to_owned(),
    ] {
        assert!(world.kinesis.stream(&Arn::parse(&arn).unwrap()).await.unwrap().is_none(), "{arn}");
    }
}

#[tokio::test]
async fn who_reads_as_a_consumer_hears_that_it_is_gone() {
    let world = World::with_stream(1).await;
    let [stays, goes] = [world.registered("stays").await, world.registered("goes").await];
    let [stream, stays, goes] = [world.arn("s"), stays, goes].map(|arn| Arn::parse(&arn).unwrap());
    let mut of_stream = pin!(world.kinesis.deregistered(&stream));
    let mut of_stays = pin!(world.kinesis.deregistered(&stays));
    let mut of_goes = pin!(world.kinesis.deregistered(&goes));
    let is_there = async {
        tokio::select! {
            biased;
            () = &mut of_stream => false,
            () = &mut of_stays => false,
            () = &mut of_goes => false,
            put = world.put(0, "x") => put.is_ok(),
        }
    };
    assert!(is_there.await);
    let told = async {
        tokio::join!(of_goes, async { world.deregister(&goes.to_string()).await.unwrap() });
        // Also who asks only now.
        world.kinesis.deregistered(&goes).await;
    };
    tokio::select! {
        () = of_stream => panic!("a stream is no consumer"),
        () = of_stays => panic!("the other one has gone"),
        () = told => {}
    }
}
