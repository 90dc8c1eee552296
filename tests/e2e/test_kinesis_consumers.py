"""Enhanced fan-out through boto3: consumers, and records that are pushed to them."""

import threading

import pytest

from account import eventually, refused
from sources import Stream, shard_id


def register(stream, name="reader"):
    """Registers a consumer and waits until it may subscribe; returns its ARN."""
    arn = stream.kinesis.register_stream_consumer(StreamARN=stream.arn, ConsumerName=name)["Consumer"]["ConsumerARN"]

    def is_active():
        told = stream.kinesis.describe_stream_consumer(ConsumerARN=arn)["ConsumerDescription"]
        return told["ConsumerStatus"] == "ACTIVE"

    eventually(is_active)
    return arn


def subscribe(stream, consumer, number=0, **position):
    """A subscription's events."""
    position = position or {"Type": "TRIM_HORIZON"}
    answer = stream.kinesis.subscribe_to_shard(
        ConsumerARN=consumer, ShardId=shard_id(number), StartingPosition=position
    )
    return answer["EventStream"]


def take(events, count):
    """The first records of a subscription."""
    found = []
    for event in events:
        found += event["SubscribeToShardEvent"]["Records"]
        if len(found) >= count:
            break
    return found


def test_a_life_of_a_consumer(aws):
    stream = Stream(aws)
    kinesis = stream.kinesis
    made = kinesis.register_stream_consumer(StreamARN=stream.arn, ConsumerName="c")["Consumer"]
    assert made["ConsumerName"] == "c" and made["ConsumerStatus"] in ("CREATING", "ACTIVE")
    created = made["ConsumerCreationTimestamp"]
    assert made["ConsumerARN"] == f"{stream.arn}/consumer/c:{int(created.timestamp())}"
    refused(
        kinesis.register_stream_consumer, "ResourceInUseException", 400, StreamARN=stream.arn, ConsumerName="c"
    )
    eventually(
        lambda: kinesis.describe_stream_consumer(StreamARN=stream.arn, ConsumerName="c")["ConsumerDescription"][
            "ConsumerStatus"
        ]
        == "ACTIVE"
    )
    told = kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])["ConsumerDescription"]
    assert (told["StreamARN"], told["ConsumerName"]) == (stream.arn, "c")
    register(stream, "d")
    listed = kinesis.list_stream_consumers(StreamARN=stream.arn)["Consumers"]
    assert sorted(consumer["ConsumerName"] for consumer in listed) == ["c", "d"]
    page = kinesis.list_stream_consumers(StreamARN=stream.arn, MaxResults=1)
    rest = kinesis.list_stream_consumers(StreamARN=stream.arn, NextToken=page["NextToken"])
    assert len(page["Consumers"]) == len(rest["Consumers"]) == 1
    summary = kinesis.describe_stream_summary(StreamName=stream.name)["StreamDescriptionSummary"]
    assert summary["ConsumerCount"] == 2
    with pytest.raises(kinesis.exceptions.ResourceInUseException):
        kinesis.delete_stream(StreamName=stream.name)
    kinesis.deregister_stream_consumer(ConsumerARN=made["ConsumerARN"])

    def is_gone():
        try:
            kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])
        except kinesis.exceptions.ResourceNotFoundException:
            return True

    eventually(is_gone)
    kinesis.delete_stream(StreamName=stream.name, EnforceConsumerDeletion=True)


def test_there_are_at_most_twenty_consumers(aws):
    stream = Stream(aws)
    for number in range(20):
        register(stream, f"c{number}")
    refused(
        stream.kinesis.register_stream_consumer, "LimitExceededException", 400, StreamARN=stream.arn, ConsumerName="c20"
    )


def test_records_are_pushed(aws):
    stream = Stream(aws)
    consumer = register(stream)
    numbers = stream.put("before")
    events = subscribe(stream, consumer)
    arrived = threading.Event()
    found = []

    def read():
        for event in events:
            pushed = event["SubscribeToShardEvent"]
            found.extend(pushed["Records"])
            assert pushed["ContinuationSequenceNumber"] and pushed["MillisBehindLatest"] >= 0
            if len(found) == 1:
                arrived.set()
            if len(found) == 3:
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert arrived.wait(20)
    numbers += stream.put("after 1", "after 2")
    reader.join(20)
    events.close()
    assert [record["Data"] for record in found] == [b"before", b"after 1", b"after 2"]
    assert [record["SequenceNumber"] for record in found] == numbers


def test_where_a_subscription_begins(aws):
    stream = Stream(aws)
    numbers = stream.put("a", "b", "c")
    for name, position, expected in [
        ("horizon", {"Type": "TRIM_HORIZON"}, [b"a", b"b", b"c"]),
        ("at", {"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}, [b"b", b"c"]),
        ("after", {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}, [b"c"]),
    ]:
        events = subscribe(stream, register(stream, name), **position)
        assert [record["Data"] for record in take(events, len(expected))] == expected
        events.close()


def test_the_end_of_a_closed_shard(aws):
    stream = Stream(aws)
    consumer = register(stream)
    stream.put("x")
    stream.split(0)
    events = list(subscribe(stream, consumer))
    records = [record["Data"] for event in events for record in event["SubscribeToShardEvent"]["Records"]]
    assert records == [b"x"]
    last = events[-1]["SubscribeToShardEvent"]
    assert [child["ShardId"] for child in last["ChildShards"]] == [shard_id(1), shard_id(2)]


def test_a_subscription_that_comes_too_soon(aws):
    stream = Stream(aws)
    consumer = register(stream)
    events = subscribe(stream, consumer)
    with pytest.raises(stream.kinesis.exceptions.ResourceInUseException):
        subscribe(stream, consumer)
    events.close()


def test_what_cannot_be_subscribed_to(aws):
    stream = Stream(aws)
    consumer = register(stream)
    with pytest.raises(stream.kinesis.exceptions.ResourceNotFoundException):
        subscribe(stream, consumer, number=9)
    missing = f"{stream.arn}/consumer/missing:1700000000"
    with pytest.raises(stream.kinesis.exceptions.ResourceNotFoundException):
        subscribe(stream, missing)
