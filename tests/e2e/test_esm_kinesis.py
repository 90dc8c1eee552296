"""Streams as event sources: order, checkpoints, retries, bisecting, records given up, and windows."""

import json
import re
from datetime import datetime, timedelta

import pytest

from account import TimedAccount, becomes, eventually
from lambent import Server
from sources import (
    NOTHING, PICKY, Queue, Stream, Topic, create_worker, invocations, last_result, map_stream, noted, noted_until, received,
    shard_id, update_mapping, worker_source,
)  # fmt: skip

# The longest that a failed batch waits before it is tried again is about a minute.
LONG_S = 600


def now(account):
    text = json.loads(account.server.request("GET", "/_lambent/clock")[2])["now"]
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_an_event_is_what_aws_documents(aws):
    """As in "Using Lambda to process records from Amazon Kinesis Data Streams" of the developer guide."""
    name, stream = create_worker(aws), Stream(aws)
    mapping = map_stream(aws, name, stream)
    [number] = stream.put(b"Hello, this is a test.", key="1")
    [invocation] = invocations(aws, name, 1)
    [record] = invocation.event["Records"]
    arrived = record["kinesis"]["approximateArrivalTimestamp"]
    assert invocation.event == {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "1",
                    "sequenceNumber": number,
                    "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
                    "approximateArrivalTimestamp": arrived,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard_id(0)}:{number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": aws.role,
                "awsRegion": aws.region,
                "eventSourceARN": stream.arn,
            }
        ]
    }
    assert list(record) == [
        "kinesis", "eventSource", "eventVersion", "eventID", "eventName", "invokeIdentityArn", "awsRegion",
        "eventSourceARN",
    ]  # fmt: skip
    assert list(record["kinesis"]) == [
        "kinesisSchemaVersion", "partitionKey", "sequenceNumber", "data", "approximateArrivalTimestamp",
    ]  # fmt: skip
    # Seconds, with milliseconds.
    assert isinstance(arrived, float) and abs(datetime.now().timestamp() - arrived) < 600
    last_result(aws, mapping, "OK")


def test_records_come_in_order_and_stay_for_others(timed):
    stream = Stream(timed)
    names = [create_worker(timed), create_worker(timed)]
    for name in names:
        map_stream(timed, name, stream, BatchSize=7)
    expected = [str(number) for number in range(40)]
    stream.put_all(("k", text) for text in expected)
    for name in names:
        assert received(timed, name, 40) == expected
        assert max(len(one.records) for one in noted(timed, name)) <= 7
    assert stream.read() == expected


def test_a_record_is_picked_up_though_no_time_passes(timed):
    name, stream = create_worker(timed), Stream(timed)
    map_stream(timed, name, stream)
    for number in range(5):
        stream.put(str(number))
        assert received(timed, name, number + 1)[-1] == str(number)


def test_where_a_mapping_begins(timed):
    stream = Stream(timed)
    stream.put("old")
    timed.advance(100)
    middle = now(timed) - timedelta(seconds=50)
    stream.put("new")
    horizon, latest, timestamp = (create_worker(timed) for _ in range(3))
    map_stream(timed, horizon, stream)
    map_stream(timed, latest, stream, StartingPosition="LATEST")
    map_stream(timed, timestamp, stream, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=middle)
    assert received(timed, horizon, 2) == ["old", "new"]
    assert received(timed, timestamp, 1) == ["new"]
    stream.put("newest")
    assert received(timed, latest, 1) == ["newest"]
    assert received(timed, horizon, 3) == ["old", "new", "newest"]
    assert received(timed, timestamp, 2) == ["new", "newest"]


def test_a_window_collects(timed):
    name, stream = create_worker(timed), Stream(timed)
    map_stream(timed, name, stream, BatchSize=100, MaximumBatchingWindowInSeconds=30)
    stream.put("1", "2")
    timed.advance(20)
    stream.put("3")
    assert noted(timed, name) == []
    timed.advance(11)
    [batch] = invocations(timed, name, 1)
    assert batch.contents == ["1", "2", "3"]
    stream.put_all(("k", str(number)) for number in range(100))
    # A full batch does not wait.
    assert len(invocations(timed, name, 2)[1].records) == 100


def test_a_batch_is_at_most_six_megabytes(timed):
    work = """
        def work(event):
            event["size"] = len(json.dumps(event))
            event["keys"] = [record["kinesis"]["partitionKey"] for record in event.pop("Records")]
    """
    name, stream = create_worker(timed, work, MemorySize=1024), Stream(timed)
    for number in range(8):
        stream.put(b"x" * 1_000_000, key=str(number))
        timed.advance(1)
    map_stream(timed, name, stream)
    found = noted_until(timed, name, lambda found: sum(len(one.event["keys"]) for one in found) == 8)
    assert [key for one in found for key in one.event["keys"]] == [str(number) for number in range(8)]
    assert all(one.event["size"] <= 6_291_456 for one in found)
    assert len(found) < 8, "nothing was put together"


def test_a_failed_batch_is_tried_again_and_blocks_its_shard_alone(timed):
    name, stream = create_worker(timed, PICKY), Stream(timed, shards=2)
    mapping = map_stream(timed, name, stream, BatchSize=1)
    stream.put_in_shard(0, "bad 1", "fine 2")
    stream.put_in_shard(1, "a", "b", "c")

    def of_the_other_shard():
        return [text for text in received(timed, name, 1) if text in "abc"]

    becomes(of_the_other_shard, ["a", "b", "c"])
    timed.advance(LONG_S)
    texts = received(timed, name, 8)
    assert "fine 2" not in texts
    assert texts.count("bad 1") >= 5
    last_result(timed, mapping, "PROBLEM: Function call failed")
    timed.update(name, code=worker_source(NOTHING))
    timed.advance(LONG_S)
    eventually(lambda: "fine 2" in received(timed, name, 1))
    assert received(timed, name, 1)[-2:] == ["bad 1", "fine 2"]
    last_result(timed, mapping, "OK")


def test_retries_are_counted_and_the_record_says_so(timed):
    name, stream, failures = create_worker(timed, PICKY), Stream(timed), Queue(timed)
    map_stream(
        timed, name, stream, MaximumRetryAttempts=2, DestinationConfig={"OnFailure": {"Destination": failures.arn}}
    )
    [first, last] = [number for _, number in stream.put_all([("k", "bad 1"), ("k", "2")])]
    timed.advance(LONG_S)
    record = json.loads(failures.receive()["Body"])
    request_id, moment = record["requestContext"]["requestId"], record["timestamp"]
    info = record["KinesisBatchInfo"]
    assert record == {
        "requestContext": {
            "requestId": request_id,
            "functionArn": timed.arn(name),
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": moment,
        "KinesisBatchInfo": {
            "shardId": shard_id(0),
            "startSequenceNumber": first,
            "endSequenceNumber": last,
            "approximateArrivalOfFirstRecord": info["approximateArrivalOfFirstRecord"],
            "approximateArrivalOfLastRecord": info["approximateArrivalOfLastRecord"],
            "batchSize": 2,
            "streamArn": stream.arn,
        },
    }
    for text in (moment, info["approximateArrivalOfFirstRecord"], info["approximateArrivalOfLastRecord"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert any(request_id in line for line in timed.logged(name, request_id))
    stream.put("after")
    assert received(timed, name, 7) == ["bad 1", "2"] * 3 + ["after"]
    assert failures.receive(wait_s=0) is None


def test_no_retries_at_all_and_a_topic_hears_of_it(timed):
    name, stream, topic = create_worker(timed, PICKY), Stream(timed), Topic(timed)
    map_stream(
        timed, name, stream, MaximumRetryAttempts=0, BatchSize=1,
        DestinationConfig={"OnFailure": {"Destination": topic.arn}},
    )  # fmt: skip
    stream.put("bad", "good")
    record = json.loads(json.loads(topic.queue.receive()["Body"])["Message"])
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["KinesisBatchInfo"]["batchSize"] == 1
    assert received(timed, name, 2) == ["bad", "good"]


def test_records_that_become_too_old_are_given_up(timed):
    name, stream, failures = create_worker(timed, PICKY), Stream(timed), Queue(timed)
    map_stream(
        timed, name, stream, MaximumRecordAgeInSeconds=60, BatchSize=1,
        DestinationConfig={"OnFailure": {"Destination": failures.arn}},
    )  # fmt: skip
    stream.put("bad", "good")
    timed.advance(LONG_S)
    texts = received(timed, name, 2)
    count = len(texts)
    # The one behind it was as old, and was never tried.
    assert texts == ["bad"] * count and count > 1
    records = [json.loads(message["Body"]) for message in failures.receive_all()]
    assert {record["requestContext"]["condition"] for record in records} == {"RecordAgeExceeded"}
    assert all("responseContext" not in record for record in records)
    assert sum(record["KinesisBatchInfo"]["batchSize"] for record in records) == 2
    assert records[0]["requestContext"]["approximateInvokeCount"] == count
    stream.put("young")
    assert received(timed, name, count + 1)[-1] == "young"


def test_records_that_were_too_old_before(timed):
    stream, failures = Stream(timed), Queue(timed)
    stream.put("old")
    timed.advance(120)
    stream.put("young")
    name = create_worker(timed)
    map_stream(
        timed, name, stream, MaximumRecordAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": failures.arn}}
    )
    assert received(timed, name, 1) == ["young"]
    record = json.loads(failures.receive()["Body"])
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert record["KinesisBatchInfo"]["batchSize"] == 1


def test_bisecting_finds_the_poison(timed):
    """And uses up no retries."""
    name, stream, failures = create_worker(timed, PICKY), Stream(timed), Queue(timed)
    map_stream(
        timed, name, stream, BatchSize=16, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": failures.arn}},
    )  # fmt: skip
    texts = [str(number) for number in range(16)]
    texts[11] = "bad 11"
    numbers = [number for _, number in stream.put_all(("k", text) for text in texts)]
    timed.advance(LONG_S)
    info = json.loads(failures.receive()["Body"])["KinesisBatchInfo"]
    assert (info["startSequenceNumber"], info["batchSize"]) == (numbers[11], 1)
    assert failures.receive(wait_s=0) is None
    eventually(lambda: "15" in received(timed, name, 1))
    succeeded = [text for one in noted(timed, name) if one.outcome == "returned" for text in one.contents]
    assert succeeded == texts[:11] + texts[12:], "each once, and in order"


# What a function answers to records 0 to 3, and from which on they come again; None when they do not.
ANSWERS = {
    "an empty list": ('{"batchItemFailures": []}', None),
    "no list": ('{"batchItemFailures": null}', None),
    "an empty object": ("{}", None),
    "null": ("null", None),
    "an empty text": ('""', None),
    "the third": ('{"batchItemFailures": [{"itemIdentifier": "$2"}]}', 2),
    "the lowest wins": ('{"batchItemFailures": [{"itemIdentifier": "$3"}, {"itemIdentifier": "$1"}]}', 1),
    "an empty number": ('{"batchItemFailures": [{"itemIdentifier": ""}]}', 0),
    "no number": ('{"batchItemFailures": [{"itemIdentifier": null}]}', 0),
    "another key": ('{"batchItemFailures": [{"sequenceNumber": "$2"}]}', 0),
    "an unknown number": ('{"batchItemFailures": [{"itemIdentifier": "123"}]}', 0),
}

REPORTING = """
    import base64

    def work(event):
        numbers = [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
        answer = json.loads(base64.b64decode(event["Records"][0]["kinesis"]["data"]))
        if not isinstance(answer, dict) or len(numbers) < 4:
            return None
        text = answer["answer"]
        for position, number in enumerate(numbers):
            text = text.replace(f"${position}", number)
        return json.loads(text)
"""


def test_partial_failures(timed):
    """As in "Configuring partial batch response with Kinesis Data Streams and Lambda" of the developer guide."""
    name = create_worker(timed, REPORTING)
    streams = {}
    for case, (answer, _) in ANSWERS.items():
        stream = streams[case] = Stream(timed)
        data = [json.dumps({"answer": answer}), "1", "2", "3"]
        stream.put_all(("k", text) for text in data)
        map_stream(
            timed, name, stream, MaximumRetryAttempts=1, FunctionResponseTypes=["ReportBatchItemFailures"]
        )
    timed.advance(LONG_S)

    def look():
        found = {case: [] for case in ANSWERS}
        for one in noted(timed, name):
            [case] = [case for case, stream in streams.items() if stream.arn == one.records[0]["eventSourceARN"]]
            found[case].append(len(one.records))
        return found

    becomes(look, {case: [4] if start is None else [4, 4 - start] for case, (_, start) in ANSWERS.items()})


def test_a_reported_batch_is_bisected_at_the_reported_record(timed):
    work = """
        import base64

        def work(event):
            for record in event["Records"]:
                if base64.b64decode(record["kinesis"]["data"]) == b"bad":
                    return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
    """
    name, stream, failures = create_worker(timed, work), Stream(timed), Queue(timed)
    map_stream(
        timed, name, stream, MaximumRetryAttempts=2, BisectBatchOnFunctionError=True,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": failures.arn}},
    )  # fmt: skip
    numbers = [number for _, number in stream.put_all(("k", text) for text in ["0", "1", "bad", "3", "4"])]
    timed.advance(LONG_S)
    info = json.loads(failures.receive()["Body"])["KinesisBatchInfo"]
    assert info["startSequenceNumber"] == numbers[2]
    assert noted(timed, name)[0].contents == ["0", "1", "bad", "3", "4"]
    # What was before the reported record was never given again.
    texts = received(timed, name, 1)
    assert (texts.count("0"), texts.count("1")) == (1, 1)


def test_parallelization_keeps_the_order_of_each_key(timed):
    work = """
        def work(event):
            time.sleep(0.05)
    """
    name, stream = create_worker(timed, work), Stream(timed)
    mapping = map_stream(timed, name, stream, ParallelizationFactor=4, BatchSize=2, Enabled=False)
    keys = [f"key {number}" for number in range(12)]
    stream.put_all((key, f"{key}: {number}") for number in range(8) for key in keys)
    update_mapping(timed, mapping, Enabled=True)
    texts = received(timed, name, 96)
    assert len(texts) == 96
    for key in keys:
        assert [text for text in texts if text.startswith(f"{key}:")] == [f"{key}: {number}" for number in range(8)]
    found = noted(timed, name)
    at_once = max(sum(1 for other in found if other.began <= one.began < other.ended) for one in found)
    assert 1 < at_once <= 4
    for key in keys:
        own = [one for one in found if any(record["kinesis"]["partitionKey"] == key for record in one.records)]
        assert all(before.ended <= after.began for before, after in zip(own, own[1:])), f"{key}: two batches at once"


def test_a_failing_key_blocks_its_slot_alone(timed):
    name, stream = create_worker(timed, PICKY), Stream(timed)
    map_stream(timed, name, stream, ParallelizationFactor=10, BatchSize=1)
    stream.put("bad", key="bad")
    keys = [f"key {number}" for number in range(20)]
    stream.put_all((key, key) for key in keys)
    # Those that share the slot wait; with ten slots they are few.
    assert len({text for text in received(timed, name, 12) if text != "bad"}) >= 10
    timed.update(name, code=worker_source(NOTHING))
    timed.advance(LONG_S)
    eventually(lambda: {*keys, "bad"} <= set(received(timed, name, 1)))


def test_disabled_and_enabled_again_it_goes_on_at_its_checkpoint(timed):
    name, stream = create_worker(timed), Stream(timed, shards=2)
    mapping = map_stream(timed, name, stream)
    stream.put_in_shard(0, "0a")
    stream.put_in_shard(1, "1a")
    received(timed, name, 2)
    update_mapping(timed, mapping, Enabled=False)
    stream.put_in_shard(0, "0b")
    stream.put_in_shard(1, "1b")
    timed.advance(60)
    assert len(received(timed, name, 2)) == 2, "it is disabled"
    update_mapping(timed, mapping, Enabled=True, BatchSize=5)
    stream.put_in_shard(0, "0c")
    texts = received(timed, name, 5)
    assert [text for text in texts if text[0] == "0"] == ["0a", "0b", "0c"]
    assert [text for text in texts if text[0] == "1"] == ["1a", "1b"]


def test_a_new_mapping_knows_nothing_of_the_old_ones_checkpoint(timed):
    name, stream = create_worker(timed), Stream(timed)
    mapping = map_stream(timed, name, stream)
    stream.put("1")
    received(timed, name, 1)
    timed.lambda_.delete_event_source_mapping(UUID=mapping)

    def make():
        try:
            return map_stream(timed, name, stream)
        except timed.lambda_.exceptions.ResourceConflictException:
            return None

    eventually(make)
    assert received(timed, name, 2) == ["1", "1"]


def test_parents_before_children(timed):
    name, stream = create_worker(timed), Stream(timed)
    mapping = map_stream(timed, name, stream, BatchSize=2, Enabled=False)
    stream.put("parent 0", "parent 1", "parent 2")
    stream.split(0)
    stream.put_in_shard(1, "low 0", "low 1")
    stream.put_in_shard(2, "high 0", "high 1")
    stream.merge(1, 2)
    stream.put("grandchild")
    update_mapping(timed, mapping, Enabled=True)
    texts = received(timed, name, 8)
    assert texts[:3] == ["parent 0", "parent 1", "parent 2"]
    assert sorted(texts[3:7]) == ["high 0", "high 1", "low 0", "low 1"]
    assert texts.index("low 0") < texts.index("low 1") and texts.index("high 0") < texts.index("high 1")
    assert texts[7] == "grandchild"
    # Also when it happens while the mapping reads.
    stream.split(3)
    stream.put_in_shard(4, "later")
    assert received(timed, name, 9)[8] == "later"


def test_a_parent_that_fails_holds_up_its_children(timed):
    name, stream = create_worker(timed, PICKY), Stream(timed)
    map_stream(timed, name, stream, BatchSize=1)
    stream.put("bad parent")
    received(timed, name, 1)
    stream.split(0)
    stream.put_in_shard(1, "low")
    stream.put_in_shard(2, "high")
    timed.advance(LONG_S)
    assert set(received(timed, name, 2)) == {"bad parent"}
    timed.update(name, code=worker_source(NOTHING))
    timed.advance(LONG_S)
    eventually(lambda: {"low", "high"} <= set(received(timed, name, 1)))
    texts = received(timed, name, 1)
    assert {texts.index("low"), texts.index("high")} == {len(texts) - 1, len(texts) - 2}


def test_after_latest_children_are_read_from_their_beginning(timed):
    name, stream = create_worker(timed), Stream(timed)
    stream.put("before")
    map_stream(timed, name, stream, StartingPosition="LATEST")
    stream.put("parent")
    received(timed, name, 1)
    stream.split(0)
    stream.put_in_shard(1, "low")
    stream.put_in_shard(2, "high")
    texts = received(timed, name, 3)
    assert (texts[0], sorted(texts[1:])) == ("parent", ["high", "low"])


def test_an_enhanced_fan_out_consumer_as_the_source(timed):
    name, stream = create_worker(timed), Stream(timed)
    kinesis = stream.kinesis
    made = kinesis.register_stream_consumer(StreamARN=stream.arn, ConsumerName="reader")["Consumer"]
    arn = made["ConsumerARN"]

    def is_active():
        told = kinesis.describe_stream_consumer(ConsumerARN=arn)["ConsumerDescription"]
        return told["ConsumerStatus"] == "ACTIVE"

    eventually(is_active)
    map_stream(timed, name, arn)
    stream.put("1", "2")
    assert received(timed, name, 2) == ["1", "2"]
    assert {record["eventSourceARN"] for one in noted(timed, name) for record in one.records} == {arn}


COUNTING = """
    def work(event):
        return {"state": {"count": event["state"].get("count", 0) + len(event["Records"])}}
"""


def test_tumbling_windows(timed):
    """As in "Configuring tumbling windows" of the developer guide."""
    name, stream = create_worker(timed, COUNTING), Stream(timed)
    # To the beginning of a window.
    timed.advance(60 - now(timed).second + 1)
    map_stream(timed, name, stream, TumblingWindowInSeconds=60, BatchSize=10)
    stream.put("1", "2")
    received(timed, name, 2)
    timed.advance(20)
    stream.put("3")
    received(timed, name, 3)
    timed.advance(60)
    stream.put("4")
    timed.advance(LONG_S)
    found = noted_until(timed, name, lambda found: sum(one.event["isFinalInvokeForWindow"] for one in found) == 2)
    for one in found:
        assert one.event.keys() == {
            "Records", "window", "state", "shardId", "eventSourceARN", "isFinalInvokeForWindow",
            "isWindowTerminatedEarly",
        }  # fmt: skip
        assert (one.event["shardId"], one.event["eventSourceARN"]) == (shard_id(0), stream.arn)
        assert one.event["isWindowTerminatedEarly"] is False
    windows = list(dict.fromkeys(json.dumps(one.event["window"]) for one in found))
    assert len(windows) == 2
    for window in windows:
        start, end = (datetime.fromisoformat(json.loads(window)[key].replace("Z", "+00:00")) for key in ("start", "end"))
        assert (end - start).total_seconds() == 60 and start.timestamp() % 60 == 0
    first = [one for one in found if json.dumps(one.event["window"]) == windows[0]]
    second = [one for one in found if json.dumps(one.event["window"]) == windows[1]]
    assert [text for one in first for text in one.contents] == ["1", "2", "3"]
    assert [text for one in second for text in one.contents] == ["4"]
    for calls, count in ((first, 3), (second, 1)):
        assert calls[0].event["state"] == {}
        assert [one.event["isFinalInvokeForWindow"] for one in calls] == [False] * (len(calls) - 1) + [True]
        assert calls[-1].event["state"] == {"count": count - len(calls[-1].records)}


def test_a_window_without_its_state_has_failed(timed):
    name, stream, failures = create_worker(timed), Stream(timed), Queue(timed)
    map_stream(
        timed, name, stream, TumblingWindowInSeconds=60, MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": failures.arn}},
    )  # fmt: skip
    stream.put("x")
    record = json.loads(failures.receive()["Body"])
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"


def test_state_that_is_too_large_ends_the_window_early(timed):
    work = """
        def work(event):
            size = 1_100_000 if any(record["kinesis"]["partitionKey"] == "large" for record in event["Records"]) else 1
            length = len(event["state"].get("text", ""))
            event["state"] = {"length": length}
            return {"state": {"text": "x" * size}}
    """
    name, stream = create_worker(timed, work, MemorySize=512), Stream(timed)
    map_stream(timed, name, stream, TumblingWindowInSeconds=600, BatchSize=1)
    stream.put("1", key="large")
    found = noted_until(timed, name, lambda found: any(one.event["isWindowTerminatedEarly"] for one in found))
    early = [one for one in found if one.event["isWindowTerminatedEarly"]]
    assert early[0].event["isFinalInvokeForWindow"]
    stream.put("2", key="small")
    eventually(lambda: "2" in received(timed, name, 1))
    last = noted(timed, name)[-1]
    assert last.event["state"] == {"length": 0}, "a new state"


def test_an_alias_as_the_target_and_its_arn_in_the_record(timed):
    name, stream, failures = create_worker(timed, PICKY, Publish=True), Stream(timed), Queue(timed)
    timed.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    map_stream(
        timed, f"{name}:live", stream, MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": failures.arn}},
    )  # fmt: skip
    stream.put("bad")
    record = json.loads(failures.receive()["Body"])
    assert record["requestContext"]["functionArn"] == timed.arn(name, "live")
    assert record["responseContext"]["executedVersion"] == "1"
    assert noted(timed, name)[0].arn == timed.arn(name, "live")


def test_throttles_use_up_no_retries(timed):
    name, stream, failures = create_worker(timed), Stream(timed), Queue(timed)
    timed.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    map_stream(
        timed, name, stream, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": failures.arn}}
    )
    stream.put("x")
    timed.advance(LONG_S)
    assert noted(timed, name) == [] and failures.receive(wait_s=0) is None
    timed.lambda_.delete_function_concurrency(FunctionName=name)
    timed.advance(LONG_S)
    assert received(timed, name, 1) == ["x"]


def test_checkpoints_survive_a_kill(tmp_path):
    options = ("--clock", "virtual", "--pool-size", "0")
    with Server(*options, data_dir=tmp_path) as server:
        account = TimedAccount(server)
        name, stream = create_worker(account, PICKY), Stream(account, name="s")
        mapping = map_stream(account, name, stream, BatchSize=1)
        stream.put("1", "2", "3")
        received(account, name, 3)
        # All three are behind the checkpoint once the next one has begun.
        stream.put("bad 4", "5")
        received(account, name, 4)
        server.kill()
    with Server(*options, data_dir=tmp_path) as server:
        again = TimedAccount(server, account.number)
        assert again.lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled"
        before = len(noted(again, name))
        again.update(name, code=worker_source(NOTHING))
        again.advance(LONG_S)
        eventually(lambda: received(again, name, before + 1)[-1] == "5")
        texts = received(again, name, before + 1)[before:]
        assert texts[-2:] == ["bad 4", "5"] and not {"1", "2", "3"} & set(texts)


def test_the_owner_sees_records_of_an_encrypted_and_an_on_demand_stream(timed):
    name = create_worker(timed)
    stream = Stream(timed, shards=None, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    stream.kinesis.start_stream_encryption(StreamName=stream.name, EncryptionType="KMS", KeyId="alias/aws/kinesis")
    stream.wait_active()
    map_stream(timed, name, stream)
    stream.put_all((str(number), str(number)) for number in range(20))
    assert sorted(map(int, received(timed, name, 20))) == list(range(20))


@pytest.mark.parametrize("kind", ["sqs", "sns"])
def test_a_destination_that_is_gone_does_not_block_the_shard(timed, kind):
    """On AWS the record is counted in `DestinationDeliveryFailures` and lost."""
    target = Queue(timed) if kind == "sqs" else Topic(timed)
    name, stream = create_worker(timed, PICKY), Stream(timed)
    map_stream(
        timed, name, stream, MaximumRetryAttempts=0, BatchSize=1,
        DestinationConfig={"OnFailure": {"Destination": target.arn}},
    )  # fmt: skip
    if kind == "sqs":
        target.sqs.delete_queue(QueueUrl=target.url)
    else:
        timed.client("sns").delete_topic(TopicArn=target.arn)
    stream.put("bad", "good")
    timed.advance(LONG_S)
    assert received(timed, name, 2)[-1] == "good"
