"""What event source mappings and streams measure."""

from datetime import timedelta

from account import eventually
from sources import PICKY, Queue, Stream, create_worker, invocations, map_source, map_stream, received
from test_esm_kinesis import now
from test_metrics import dimensions, statistics

COUNTED = {"MetricsConfig": {"Metrics": ["EventCount"]}}
FILTER = {"FilterCriteria": {"Filters": [{"Pattern": '{"body": [{"anything-but": ["unwanted"]}]}'}]}}


def counts(account, mapping, expected):
    """Waits until the mapping's figures are the expected ones."""
    metrics = account.client("cloudwatch")

    def look():
        found = {}
        for name in expected:
            value = statistics(metrics, "AWS/Lambda", name, EventSourceMappingUUID=mapping)
            found[name] = value["Sum"] if value else 0
        return found == expected or None

    eventually(look)


def test_a_queues_events_are_counted(aws):
    name, queue = create_worker(aws, PICKY), Queue(aws, VisibilityTimeout="600")
    mapping = map_source(aws, name, queue, BatchSize=1, **COUNTED, **FILTER)
    queue.send("1", "2", "3", "unwanted", "bad")
    invocations(aws, name, 4)
    counts(
        aws, mapping,
        {
            "PolledEventCount": 5, "FilteredOutEventCount": 1, "InvokedEventCount": 4, "FailedInvokeEventCount": 1,
            "DeletedEventCount": 3,
        },
    )  # fmt: skip


def test_what_a_poller_takes_and_deletes_counts_for_its_queue(aws):
    name, queue = create_worker(aws), Queue(aws)
    map_source(aws, name, queue)
    queue.send("1", "2", "3")
    received(aws, name, 3)
    metrics, queue_name = aws.client("cloudwatch"), queue.arn.rsplit(":", 1)[1]

    def look():
        names = ["NumberOfMessagesReceived", "NumberOfMessagesDeleted"]
        found = [statistics(metrics, "AWS/SQS", metric, QueueName=queue_name) for metric in names]
        return all(found) and [value["Sum"] for value in found] == [3, 3]

    eventually(look)


def test_a_streams_events_are_counted(aws):
    name, stream, failures = create_worker(aws, PICKY), Stream(aws), Queue(aws)
    mapping = map_stream(
        aws, name, stream, BatchSize=1, MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": failures.arn}},
        FilterCriteria={"Filters": [{"Pattern": '{"data": {"kind": ["wanted"]}}'}]}, **COUNTED,
    )  # fmt: skip
    stream.put_all(("k", text) for text in ['{"kind": "wanted"}', '{"kind": "unwanted"}', "neither"])
    received(aws, name, 1)
    counts(
        aws, mapping,
        {"PolledEventCount": 3, "FilteredOutEventCount": 2, "InvokedEventCount": 1, "FailedInvokeEventCount": 0},
    )  # fmt: skip


def test_events_that_are_given_up_are_counted(aws):
    name, failures = create_worker(aws, PICKY), Queue(aws)
    there, nowhere = Stream(aws), Stream(aws)
    sent = map_stream(
        aws, name, there, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": failures.arn}}, **COUNTED
    )
    dropped = map_stream(aws, name, nowhere, MaximumRetryAttempts=0, **COUNTED)
    for stream in (there, nowhere):
        stream.put_all([("k", "bad"), ("k", "x")])
    counts(
        aws, sent,
        {"InvokedEventCount": 2, "FailedInvokeEventCount": 2, "OnFailureDestinationDeliveredEventCount": 2},
    )  # fmt: skip
    counts(aws, dropped, {"InvokedEventCount": 2, "FailedInvokeEventCount": 2, "DroppedEventCount": 2})


def test_nothing_is_counted_unless_asked_for(aws):
    name, queue = create_worker(aws), Queue(aws)
    mapping = map_source(aws, name, queue)
    queue.send("x")
    received(aws, name, 1)
    eventually(queue.is_empty)
    metrics = aws.client("cloudwatch")
    eventually(lambda: statistics(metrics, "AWS/Lambda", "Invocations", FunctionName=name))
    assert statistics(metrics, "AWS/Lambda", "PolledEventCount", EventSourceMappingUUID=mapping) is None


def test_the_age_of_what_a_stream_is_read_at(timed):
    name, stream = create_worker(timed), Stream(timed)
    stream.put("x")
    timed.advance(100)
    map_stream(timed, name, stream)
    received(timed, name, 1)
    metrics = timed.client("cloudwatch")

    def age():
        answer = metrics.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName="IteratorAge", Dimensions=dimensions(FunctionName=name),
            Statistics=["Maximum"], StartTime=now(timed) - timedelta(hours=1), EndTime=now(timed) + timedelta(minutes=5),
            Period=3600,
        )  # fmt: skip
        return answer["Datapoints"]

    [found] = eventually(age)
    assert found["Unit"] == "Milliseconds" and 100_000 <= found["Maximum"] < 102_000


def test_what_streams_measure(aws):
    stream = Stream(aws)
    stream.put("1234")
    stream.put_all([("k", "5678"), ("k", "90")])
    stream.read()
    metrics = aws.client("cloudwatch")
    for metric, expected in [
        ("IncomingRecords", 3), ("IncomingBytes", 13), ("PutRecord.Success", 1), ("PutRecords.Success", 1),
        ("PutRecords.TotalRecords", 2), ("PutRecords.SuccessfulRecords", 2), ("GetRecords.Records", 3),
        ("GetRecords.Bytes", 13),
    ]:  # fmt: skip
        def value(metric=metric):
            return statistics(metrics, "AWS/Kinesis", metric, StreamName=stream.name)

        found = eventually(value)
        assert found["Sum"] in (expected, expected - 3), f"{metric}: {found}"
