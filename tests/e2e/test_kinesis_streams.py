"""Kinesis streams themselves through boto3: made, described, resharded, configured, deleted."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from account import QUICK, Account, eventually, refused
from lambent import Server
from sources import Stream, shard_id
from test_cli import Cli, needs_cli

HASH_KEYS = 2**128
MISSING = "Stream missing under account {} not found."


@pytest.fixture
def kinesis(aws):
    return aws.client("kinesis")


def summary(kinesis, name):
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]


def ranges(shards):
    return [
        (shard["ShardId"], int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"]))
        for shard in shards
    ]


def open_shards(shards):
    return [shard for shard in shards if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]


def test_a_life_of_a_stream(aws, kinesis):
    began = datetime.now(UTC) - timedelta(seconds=2)
    kinesis.create_stream(StreamName="s", ShardCount=3)
    kinesis.get_waiter("stream_exists").wait(StreamName="s", WaiterConfig=QUICK)
    arn = f"arn:aws:kinesis:{aws.region}:{aws.number}:stream/s"
    told = kinesis.describe_stream(StreamName="s")["StreamDescription"]
    assert told["StreamName"] == "s" and told["StreamARN"] == arn and told["StreamStatus"] == "ACTIVE"
    assert told["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert told["RetentionPeriodHours"] == 24 and told["EncryptionType"] == "NONE" and told["HasMoreShards"] is False
    assert told["EnhancedMonitoring"] == [{"ShardLevelMetrics": []}]
    assert began < told["StreamCreationTimestamp"] < datetime.now(UTC) + timedelta(seconds=2)
    width = HASH_KEYS // 3
    assert ranges(told["Shards"]) == [
        (shard_id(0), 0, width - 1), (shard_id(1), width, 2 * width - 1), (shard_id(2), 2 * width, HASH_KEYS - 1),
    ]  # fmt: skip
    for shard in told["Shards"]:
        assert shard.keys() == {"ShardId", "HashKeyRange", "SequenceNumberRange"}
        assert shard["SequenceNumberRange"].keys() == {"StartingSequenceNumber"}
        assert shard["SequenceNumberRange"]["StartingSequenceNumber"].startswith("49")
    short = summary(kinesis, "s")
    assert (short["OpenShardCount"], short["ConsumerCount"], short["StreamARN"]) == (3, 0, arn)
    assert short["StreamStatus"] == "ACTIVE"
    assert kinesis.describe_stream_summary(StreamARN=arn)["StreamDescriptionSummary"]["StreamName"] == "s"
    account, stream = aws.number, "s"
    exists = f"Stream {stream} under account {account} already exists."
    refused(kinesis.create_stream, "ResourceInUseException", 400, exists, StreamName="s", ShardCount=1)
    kinesis.delete_stream(StreamName="s")
    kinesis.get_waiter("stream_not_exists").wait(StreamName="s", WaiterConfig=QUICK)
    refused(kinesis.delete_stream, "ResourceNotFoundException", 400, MISSING.format(account), StreamName="missing")
    # It can be made again, and is another one.
    kinesis.create_stream(StreamName="s", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="s", WaiterConfig=QUICK)
    assert len(kinesis.list_shards(StreamName="s")["Shards"]) == 1


def test_streams_are_listed_in_pages(aws, kinesis):
    names = [f"s{number}" for number in range(7)]
    for name in names:
        kinesis.create_stream(StreamName=name, ShardCount=1)
    for name in names:
        kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig=QUICK)
    answer = kinesis.list_streams(Limit=3)
    assert (answer["StreamNames"], answer["HasMoreStreams"]) == (names[:3], True)
    assert [one["StreamName"] for one in answer["StreamSummaries"]] == names[:3]
    answer = kinesis.list_streams(ExclusiveStartStreamName="s2", Limit=10)
    assert (answer["StreamNames"], answer["HasMoreStreams"]) == (names[3:], False)
    paginated = [name for page in kinesis.get_paginator("list_streams").paginate(Limit=2) for name in page["StreamNames"]]
    assert paginated == names
    assert Account(aws.server).client("kinesis").list_streams()["StreamNames"] == []
    assert aws.server.client("kinesis", aws.number, "eu-west-3").list_streams()["StreamNames"] == []


def test_what_a_stream_that_is_not_there_answers(aws, kinesis):
    text, code = MISSING.format(aws.number), "ResourceNotFoundException"
    for call, parameters in [
        (kinesis.describe_stream, {}),
        (kinesis.describe_stream_summary, {}),
        (kinesis.list_shards, {}),
        (kinesis.put_record, {"Data": b"x", "PartitionKey": "k"}),
        (kinesis.put_records, {"Records": [{"Data": b"x", "PartitionKey": "k"}]}),
        (kinesis.increase_stream_retention_period, {"RetentionPeriodHours": 48}),
        (kinesis.list_tags_for_stream, {}),
        (kinesis.update_shard_count, {"TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"}),
    ]:
        refused(call, code, 400, text, StreamName="missing", **parameters)
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.get_shard_iterator(StreamName="missing", ShardId=shard_id(0), ShardIteratorType="LATEST")


def test_names_and_numbers_that_cannot_be(aws):
    unchecked = aws.client("kinesis", parameter_validation=False)
    for parameters, text in [
        ({"StreamName": "no spaces", "ShardCount": 1}, "at 'streamName' failed to satisfy constraint"),
        ({"StreamName": "", "ShardCount": 1}, "at 'streamName' failed to satisfy constraint"),
        ({"StreamName": "s" * 129, "ShardCount": 1}, "at 'streamName' failed to satisfy constraint"),
        ({"StreamName": "s", "ShardCount": 0}, "at 'shardCount' failed to satisfy constraint"),
    ]:
        refused(unchecked.create_stream, "ValidationException", 400, text, **parameters)
    refused(unchecked.put_record, "ValidationException", 400, "at 'partitionKey'", StreamName="s", Data=b"")


def test_an_on_demand_stream(aws):
    stream = Stream(aws, shards=None, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    told = summary(stream.kinesis, stream.name)
    assert told["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert told["OpenShardCount"] == 4
    refused(
        stream.kinesis.update_shard_count, "ValidationException", 400, StreamName=stream.name, TargetShardCount=8,
        ScalingType="UNIFORM_SCALING",
    )  # fmt: skip
    stream.kinesis.update_stream_mode(StreamARN=stream.arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
    stream.wait_active()
    assert summary(stream.kinesis, stream.name)["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}


def test_a_split(timed):
    stream = Stream(timed, shards=2)
    before = stream.put_in_shard(0, "before")
    keys = ranges(stream.shards())[0]
    middle = stream.split(0)
    shards = stream.shards()
    assert ranges(shards)[2:] == [(shard_id(2), 0, middle - 1), (shard_id(3), middle, keys[2])]
    assert [shard.get("ParentShardId") for shard in shards] == [None, None, shard_id(0), shard_id(0)]
    assert all("AdjacentParentShardId" not in shard for shard in shards)
    parent = shards[0]["SequenceNumberRange"]
    starts = [int(shard["SequenceNumberRange"]["StartingSequenceNumber"]) for shard in shards]
    assert int(before[0]) <= int(parent["EndingSequenceNumber"]) < starts[2]
    assert summary(stream.kinesis, stream.name)["OpenShardCount"] == 3
    # The parent takes nothing more, and is still read to its end.
    answer = stream.kinesis.put_record(StreamName=stream.name, Data="after", PartitionKey="k", ExplicitHashKey="0")
    assert answer["ShardId"] == shard_id(2)
    iterator = stream.iterator(0)
    answer = stream.get(iterator)
    while answer.get("NextShardIterator"):
        assert not answer["Records"] or answer["Records"][0]["Data"] == b"before"
        answer = stream.get(answer["NextShardIterator"])
    assert [child["ShardId"] for child in answer["ChildShards"]] == [shard_id(2), shard_id(3)]
    assert [child["ParentShards"] for child in answer["ChildShards"]] == [[shard_id(0)]] * 2
    assert stream.read(2) == ["after"]


def test_a_merge(timed):
    stream = Stream(timed, shards=3)
    stream.put_in_shard(1, "one")
    stream.merge(0, 1)
    shards = stream.shards()
    merged = shards[3]
    assert (merged["ParentShardId"], merged["AdjacentParentShardId"]) == (shard_id(0), shard_id(1))
    assert ranges([merged])[0][1:] == (0, ranges(shards)[1][2])
    assert [shard["ShardId"] for shard in open_shards(shards)] == [shard_id(2), shard_id(3)]
    stream.put_in_shard(3, "both")
    assert (stream.read(1), stream.read(3)) == (["one"], ["both"])


def test_what_can_not_be_split_or_merged(aws):
    stream = Stream(aws, shards=3)
    kinesis, at = stream.kinesis, f"in stream {stream.name} under account {aws.number}"
    keys = stream.shards()[1]["HashKeyRange"]
    start, end = keys["StartingHashKey"], keys["EndingHashKey"]
    for key in (start, end, "0"):
        text = (
            f"NewStartingHashKey {key} used in SplitShard() on shard {shard_id(1)} {at} is not both greater than one plus "
            f"the shard's StartingHashKey {start} and less than the shard's EndingHashKey {end}."
        )
        refused(
            kinesis.split_shard, "InvalidArgumentException", 400, text, StreamName=stream.name,
            ShardToSplit=shard_id(1), NewStartingHashKey=key,
        )  # fmt: skip
    refused(
        kinesis.split_shard, "ResourceNotFoundException", 400, f"Could not find shard {shard_id(9)} {at}.",
        StreamName=stream.name, ShardToSplit=shard_id(9), NewStartingHashKey="5",
    )  # fmt: skip
    for pair in ((0, 2), (1, 1)):
        refused(
            kinesis.merge_shards, "InvalidArgumentException", 400,
            f"Shards {shard_id(pair[0])} and {shard_id(pair[1])} {at} are not an adjacent pair of shards eligible for "
            "merging",
            StreamName=stream.name, ShardToMerge=shard_id(pair[0]), AdjacentShardToMerge=shard_id(pair[1]),
        )  # fmt: skip
    stream.split(0)
    refused(
        kinesis.split_shard, "InvalidArgumentException", 400, StreamName=stream.name, ShardToSplit=shard_id(0),
        NewStartingHashKey="5000",
    )  # fmt: skip


def test_the_shard_count_is_updated(timed):
    stream = Stream(timed, shards=2)
    kinesis = stream.kinesis
    answer = kinesis.update_shard_count(StreamName=stream.name, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    assert (answer["StreamName"], answer["CurrentShardCount"], answer["TargetShardCount"]) == (stream.name, 2, 4)
    stream.wait_active()
    width = HASH_KEYS // 4
    spans = sorted(ranges(open_shards(stream.shards())), key=lambda span: span[1])
    assert [span[1] for span in spans] == [width * number for number in range(4)]
    stream.put_all((f"key {number}", str(number)) for number in range(40))
    kinesis.update_shard_count(StreamName=stream.name, TargetShardCount=3, ScalingType="UNIFORM_SCALING")
    stream.wait_active()
    spans = sorted(ranges(open_shards(stream.shards())), key=lambda span: span[1])
    assert len(spans) == 3 and spans[0][1] == 0 and spans[-1][2] == HASH_KEYS - 1
    assert all(low[2] + 1 == high[1] for low, high in zip(spans, spans[1:])), "no gaps"
    everything = [text for number in range(len(stream.shards())) for text in stream.read(number)]
    assert sorted(map(int, everything)) == list(range(40))
    for target in (7, 1):
        with pytest.raises(kinesis.exceptions.ClientError) as caught:
            kinesis.update_shard_count(StreamName=stream.name, TargetShardCount=target, ScalingType="UNIFORM_SCALING")
        assert caught.value.response["Error"]["Code"] in ("InvalidArgumentException", "LimitExceededException")
    # Ten times in 24 hours; two were above.
    for number in range(8):
        kinesis.update_shard_count(
            StreamName=stream.name, TargetShardCount=2 if number % 2 == 0 else 3, ScalingType="UNIFORM_SCALING"
        )
        stream.wait_active()
    refused(
        kinesis.update_shard_count, "LimitExceededException", 400, StreamName=stream.name, TargetShardCount=2,
        ScalingType="UNIFORM_SCALING",
    )  # fmt: skip
    timed.advance(24 * 3600 + 1)
    kinesis.update_shard_count(StreamName=stream.name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")


def test_shards_are_listed_by_filters(timed):
    stream = Stream(timed, shards=2)
    kinesis = stream.kinesis
    timed.advance(60)
    stream.split(0)
    now = datetime.fromisoformat(
        json.loads(timed.server.request("GET", "/_lambent/clock")[2])["now"].replace("Z", "+00:00")
    )
    before, after = now - timedelta(seconds=30), now + timedelta(seconds=30)
    timed.advance(60)

    def listed(**parameters):
        return [int(shard["ShardId"][-12:]) for shard in kinesis.list_shards(StreamName=stream.name, **parameters)["Shards"]]

    assert listed() == [0, 1, 2, 3]
    assert listed(ExclusiveStartShardId=shard_id(1)) == [2, 3]
    for filter, expected in [
        ({"Type": "AFTER_SHARD_ID", "ShardId": shard_id(0)}, [1, 2, 3]),
        ({"Type": "AT_TRIM_HORIZON"}, [0, 1]),
        ({"Type": "FROM_TRIM_HORIZON"}, [0, 1, 2, 3]),
        ({"Type": "AT_LATEST"}, [1, 2, 3]),
        ({"Type": "AT_TIMESTAMP", "Timestamp": before}, [0, 1]),
        ({"Type": "AT_TIMESTAMP", "Timestamp": after}, [1, 2, 3]),
        ({"Type": "FROM_TIMESTAMP", "Timestamp": before}, [0, 1, 2, 3]),
        ({"Type": "FROM_TIMESTAMP", "Timestamp": after}, [1, 2, 3]),
    ]:
        assert listed(ShardFilter=filter) == expected, filter
    page = kinesis.list_shards(StreamName=stream.name, MaxResults=3)
    assert len(page["Shards"]) == 3
    rest = kinesis.list_shards(NextToken=page["NextToken"])
    assert [shard["ShardId"] for shard in rest["Shards"]] == [shard_id(3)] and "NextToken" not in rest
    refused(
        kinesis.list_shards, "InvalidArgumentException", 400, "NextToken and StreamName cannot be provided together.",
        StreamName=stream.name, NextToken=page["NextToken"],
    )  # fmt: skip
    timed.advance(301)
    refused(kinesis.list_shards, "ExpiredNextTokenException", 400, NextToken=page["NextToken"])
    described = kinesis.describe_stream(StreamName=stream.name, Limit=3)["StreamDescription"]
    assert described["HasMoreShards"] is True and len(described["Shards"]) == 3
    # A closed shard is gone when its records are.
    timed.advance(24 * 3600)
    assert listed() == [1, 2, 3]


def test_retention(timed):
    stream = Stream(timed)
    kinesis, name = stream.kinesis, stream.name
    stream.put("old")
    timed.advance(23 * 3600)
    stream.put("new")
    timed.advance(3600 + 1)
    assert stream.read() == ["new"]
    kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=48)
    stream.wait_active()
    assert summary(kinesis, name)["RetentionPeriodHours"] == 48
    timed.advance(24 * 3600)
    assert stream.read() == ["new"]
    invalid = ("InvalidArgumentException", 400)
    refused(
        kinesis.increase_stream_retention_period, *invalid,
        f"Requested retention period (24 hours) for stream {name} can not be shorter than existing retention period (48 "
        "hours). Use DecreaseRetentionPeriod API.",
        StreamName=name, RetentionPeriodHours=24,
    )  # fmt: skip
    refused(
        kinesis.decrease_stream_retention_period, *invalid,
        f"Requested retention period (72 hours) for stream {name} can not be longer than existing retention period (48 "
        "hours). Use IncreaseRetentionPeriod API.",
        StreamName=name, RetentionPeriodHours=72,
    )  # fmt: skip
    text = "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short."
    refused(kinesis.decrease_stream_retention_period, *invalid, text, StreamName=name, RetentionPeriodHours=23)
    refused(kinesis.increase_stream_retention_period, *invalid, StreamName=name, RetentionPeriodHours=8761)
    kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=24)
    stream.wait_active()
    assert stream.read() == []
    kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=8760)


def test_tags(aws):
    stream = Stream(aws, Tags={"a": "1"})
    kinesis = stream.kinesis
    kinesis.add_tags_to_stream(StreamName=stream.name, Tags={"b": "2", "c": "3"})

    def tags(**parameters):
        answer = kinesis.list_tags_for_stream(StreamName=stream.name, **parameters)
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}, answer["HasMoreTags"]

    assert tags() == ({"a": "1", "b": "2", "c": "3"}, False)
    assert tags(Limit=2) == ({"a": "1", "b": "2"}, True)
    assert tags(ExclusiveStartTagKey="b") == ({"c": "3"}, False)
    kinesis.remove_tags_from_stream(StreamName=stream.name, TagKeys=["a", "c"])
    assert tags() == ({"b": "2"}, False)
    kinesis.tag_resource(ResourceARN=stream.arn, Tags={"d": "4"})
    kinesis.untag_resource(ResourceARN=stream.arn, TagKeys=["b"])
    assert kinesis.list_tags_for_resource(ResourceARN=stream.arn)["Tags"] == [{"Key": "d", "Value": "4"}]
    many = {f"k{number}": "v" for number in range(50)}
    with pytest.raises(kinesis.exceptions.ClientError):
        for start in range(0, 50, 10):
            kinesis.add_tags_to_stream(StreamName=stream.name, Tags=dict(list(many.items())[start : start + 10]))


def test_encryption_and_monitoring_fields(aws):
    stream = Stream(aws)
    kinesis, key = stream.kinesis, "alias/aws/kinesis"
    kinesis.start_stream_encryption(StreamName=stream.name, EncryptionType="KMS", KeyId=key)
    stream.wait_active()
    told = summary(kinesis, stream.name)
    assert (told["EncryptionType"], told["KeyId"]) == ("KMS", key)
    answer = kinesis.put_record(StreamName=stream.name, Data=b"x", PartitionKey="k")
    assert answer["EncryptionType"] == "KMS"
    [record] = stream.get(stream.iterator())["Records"]
    assert record["EncryptionType"] == "KMS"
    kinesis.stop_stream_encryption(StreamName=stream.name, EncryptionType="KMS", KeyId=key)
    stream.wait_active()
    told = summary(kinesis, stream.name)
    assert told["EncryptionType"] == "NONE" and "KeyId" not in told
    answer = kinesis.enable_enhanced_monitoring(StreamName=stream.name, ShardLevelMetrics=["IncomingBytes"])
    assert (answer["CurrentShardLevelMetrics"], answer["DesiredShardLevelMetrics"]) == ([], ["IncomingBytes"])
    stream.wait_active()
    answer = kinesis.disable_enhanced_monitoring(StreamName=stream.name, ShardLevelMetrics=["ALL"])
    assert answer["DesiredShardLevelMetrics"] == []


def test_a_resource_policy(aws):
    stream = Stream(aws)
    kinesis = stream.kinesis
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": aws.number}, "Action": "kinesis:PutRecord", "Resource": stream.arn}
        ],
    }
    kinesis.put_resource_policy(ResourceARN=stream.arn, Policy=json.dumps(policy))
    assert json.loads(kinesis.get_resource_policy(ResourceARN=stream.arn)["Policy"]) == policy
    kinesis.delete_resource_policy(ResourceARN=stream.arn)
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.delete_resource_policy(ResourceARN=stream.arn)
    with pytest.raises(kinesis.exceptions.ClientError):
        kinesis.put_resource_policy(ResourceARN=stream.arn, Policy="{")


def test_limits_are_described(aws, kinesis):
    Stream(aws, shards=3)
    told = kinesis.describe_limits()
    assert told["OpenShardCount"] == 3 and told["ShardLimit"] >= 200
    assert told["OnDemandStreamCount"] == 0


def test_streams_survive_a_kill(tmp_path):
    with Server(data_dir=tmp_path) as server:
        account = Account(server)
        stream = Stream(account, shards=2, name="s")
        numbers = stream.put("1", "2", "3")
        middle = stream.split(0)
        server.kill()
    with Server(data_dir=tmp_path) as server:
        again = Account(server, account.number)
        stream.account, stream.kinesis = again, again.client("kinesis")
        stream.wait_active()
        assert [shard["ShardId"] for shard in stream.shards()] == [shard_id(number) for number in range(4)]
        assert int(stream.shards()[3]["HashKeyRange"]["StartingHashKey"]) == middle
        texts = [text for number in range(4) for text in stream.read(number)]
        assert texts == ["1", "2", "3"]
        assert int(stream.put("4")[0]) > int(numbers[-1])


@needs_cli
def test_the_commands_of_the_cli(server, tmp_path):
    """As in "Perform basic Kinesis Data Streams operations using the AWS CLI" of the developer guide."""
    cli = Cli(server, tmp_path)

    def kinesis(operation, *arguments, **how):
        return cli("kinesis", operation, *arguments, **how)

    kinesis("create-stream", "--stream-name", "Foo", "--shard-count", "1")
    eventually(lambda: kinesis("describe-stream-summary", "--stream-name", "Foo")["StreamDescriptionSummary"][
        "StreamStatus"] == "ACTIVE")  # fmt: skip
    assert kinesis("list-streams")["StreamNames"] == ["Foo"]
    put = kinesis("put-record", "--stream-name", "Foo", "--partition-key", "123", "--data", "dGVzdGRhdGE=")
    assert put["ShardId"] == shard_id(0)
    got = kinesis(
        "get-shard-iterator", "--shard-id", shard_id(0), "--shard-iterator-type", "TRIM_HORIZON", "--stream-name", "Foo"
    )
    records = kinesis("get-records", "--shard-iterator", got["ShardIterator"])
    [record] = records["Records"]
    assert (record["Data"], record["PartitionKey"]) == ("dGVzdGRhdGE=", "123")
    assert record["SequenceNumber"] == put["SequenceNumber"] and records["MillisBehindLatest"] == 0
    [shard] = kinesis("list-shards", "--stream-name", "Foo")["Shards"]
    assert shard["ShardId"] == shard_id(0)
    kinesis("add-tags-to-stream", "--stream-name", "Foo", "--tags", "a=1")
    assert kinesis("list-tags-for-stream", "--stream-name", "Foo")["Tags"] == [{"Key": "a", "Value": "1"}]
    kinesis("delete-stream", "--stream-name", "Foo")
    kinesis("wait", "stream-not-exists", "--stream-name", "Foo")
    error = kinesis("describe-stream", "--stream-name", "Foo", fails=True)
    assert "ResourceNotFoundException" in error
