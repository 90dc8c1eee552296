//! What others in this process ask for.

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
