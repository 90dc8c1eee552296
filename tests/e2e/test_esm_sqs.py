"""Queues as event sources: batches, failures, redrive, concurrency, and what is not lost meanwhile."""

import json
import signal
import textwrap
import time

import pytest

from account import Account, TimedAccount, becomes, eventually
from lambent import Server
from packages import GATE, NODE, boto3_files, package
from sources import (
    NOTHING, PICKY, Queue, create_worker, invocations, last_result, map_source, noted, noted_until,
    queue_with_dead_letters, received, update_mapping, worker_source,
)  # fmt: skip
from test_callbacks import Strict
from test_stop import wait_until_refused


def test_an_event_is_what_aws_documents(aws):
    """As in "Using Lambda with Amazon SQS" of the developer guide."""
    name, queue = create_worker(aws), Queue(aws)
    map_source(aws, name, queue)
    [sent] = queue.send("Test message.")
    [record] = invocations(aws, name, 1)[0].event["Records"]
    attributes = record["attributes"]
    assert record == {
        "messageId": sent,
        "receiptHandle": record["receiptHandle"],
        "body": "Test message.",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": attributes["SentTimestamp"],
            "SenderId": attributes["SenderId"],
            "ApproximateFirstReceiveTimestamp": attributes["ApproximateFirstReceiveTimestamp"],
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": aws.region,
    }
    assert list(record) == [
        "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody", "eventSource",
        "eventSourceARN", "awsRegion",
    ]  # fmt: skip
    # Milliseconds, as text.
    assert 0 <= int(attributes["ApproximateFirstReceiveTimestamp"]) - int(attributes["SentTimestamp"]) < 600_000
    assert attributes["SenderId"]
    eventually(queue.is_empty)


def test_attributes_of_messages(aws):
    name, queue = create_worker(aws), Queue(aws)
    map_source(aws, name, queue)
    sent = queue.sqs.send_message(
        QueueUrl=queue.url,
        MessageBody="ünï <&>\n\U0001f680",
        MessageAttributes={
            "Text": {"DataType": "String", "StringValue": "v"},
            "Count": {"DataType": "Number.int", "StringValue": "7"},
            "Bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
        MessageSystemAttributes={
            "AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}
        },
    )
    [record] = invocations(aws, name, 1)[0].event["Records"]
    assert record["body"] == "ünï <&>\n\U0001f680"
    empty = {"stringListValues": [], "binaryListValues": []}
    assert record["messageAttributes"] == {
        "Text": {"stringValue": "v", **empty, "dataType": "String"},
        "Count": {"stringValue": "7", **empty, "dataType": "Number.int"},
        "Bytes": {"binaryValue": "AP8=", **empty, "dataType": "Binary"},
    }
    assert record["md5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert record["md5OfBody"] == sent["MD5OfMessageBody"]
    assert record["attributes"]["AWSTraceHeader"] == "Root=1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_a_function_of_node(aws):
    code = """
        export const handler = async (event) => {
          for (const record of event.Records) console.log("node got", record.body, record.eventSource);
          return { batchItemFailures: [] };
        };
    """
    name = aws.create({"index.mjs": code}, Runtime=NODE)
    queue = Queue(aws)
    map_source(aws, name, queue, FunctionResponseTypes=["ReportBatchItemFailures"])
    queue.send("one")
    assert any("node got one aws:sqs" in line for line in aws.logged(name, "node got one"))
    eventually(queue.is_empty)


def test_a_message_is_picked_up_though_no_time_passes(timed):
    """The source wakes the poller: nothing waits for a tick of the platform's clock, which stands still here."""
    name, queue = create_worker(timed), Queue(timed)
    mapping = map_source(timed, name, queue)
    for number in range(5):
        queue.send(str(number))
        assert received(timed, name, number + 1)[-1] == str(number)
        eventually(queue.is_empty)
    last_result(timed, mapping, "OK")


def test_batches_are_no_larger_than_asked_for(timed):
    name, queue = create_worker(timed), Queue(timed)
    queue.send_all(str(number) for number in range(25))
    map_source(timed, name, queue, BatchSize=4)
    assert sorted(map(int, received(timed, name, 25))) == list(range(25))
    assert max(len(found.records) for found in noted(timed, name)) == 4
    eventually(queue.is_empty)


def test_a_window_collects_more_than_one_receive(timed):
    name, queue = create_worker(timed), Queue(timed, VisibilityTimeout="180")
    map_source(timed, name, queue, BatchSize=1000, MaximumBatchingWindowInSeconds=20)
    queue.send_all(str(number) for number in range(35))
    # All of them are in the poller's hands.
    eventually(lambda: queue.counters() == (0, 35))
    timed.advance(15)
    assert noted(timed, name) == [], "the window was not over"
    timed.advance(30)
    [batch] = invocations(timed, name, 1)
    assert sorted(map(int, batch.contents)) == list(range(35))
    eventually(queue.is_empty)


def test_a_full_batch_does_not_wait_for_its_window(timed):
    name, queue = create_worker(timed), Queue(timed, VisibilityTimeout="600")
    map_source(timed, name, queue, BatchSize=12, MaximumBatchingWindowInSeconds=300)
    queue.send_all(str(number) for number in range(12))
    [batch] = invocations(timed, name, 1)
    assert len(batch.records) == 12


def test_a_batch_is_at_most_six_megabytes(timed):
    work = """
        def work(event):
            size = len(json.dumps(event))
            bodies = [record["body"] for record in event["Records"]]
            event.clear()
            event["size"], event["bodies"] = size, [body[:2] for body in bodies]
    """
    name, queue = create_worker(timed, work, MemorySize=1024), Queue(timed, VisibilityTimeout="300")
    for number in range(8):
        queue.send(f"{number}:" + "x" * 1_000_000)
    map_source(timed, name, queue, BatchSize=100, MaximumBatchingWindowInSeconds=10)
    eventually(lambda: timed.advance(11) is not None and queue.is_empty())
    found = noted_until(timed, name, lambda found: sum(len(one.event["bodies"]) for one in found) >= 8)
    assert sorted(body for one in found for body in one.event["bodies"]) == [f"{number}:" for number in range(8)]
    assert all(one.event["size"] <= 6_291_456 for one in found), [one.event["size"] for one in found]
    assert len(found) < 8, "nothing was put together"


def test_a_failed_batch_comes_back_when_its_visibility_ends(timed):
    name, queue = create_worker(timed, PICKY), Queue(timed, VisibilityTimeout="60")
    mapping = map_source(timed, name, queue)
    queue.send("bad")
    [first] = invocations(timed, name, 1)
    assert first.outcome == "raised"
    last_result(timed, mapping, "PROBLEM: Function call failed")
    assert queue.counters() == (0, 1), "it is still in flight"
    timed.advance(59)
    assert len(noted(timed, name)) == 1
    timed.advance(2)
    [_, second] = invocations(timed, name, 2)
    assert second.records[0]["attributes"]["ApproximateReceiveCount"] == "2"
    timed.update(name, code=worker_source(NOTHING))
    timed.advance(61)
    assert [found.outcome for found in invocations(timed, name, 3)] == ["raised", "raised", "returned"]
    eventually(queue.is_empty)
    last_result(timed, mapping, "OK")


def test_poison_goes_to_the_dead_letter_queue(timed):
    queue, dead = queue_with_dead_letters(timed, 3, VisibilityTimeout="60")
    name = create_worker(timed, PICKY)
    map_source(timed, name, queue, BatchSize=1)
    [good], [bad] = queue.send("good"), queue.send("bad apple")
    timed.advance(600)
    letter = dead.receive()
    assert (letter["MessageId"], letter["Body"]) == (bad, "bad apple")
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == queue.arn
    assert queue.is_empty() and dead.receive(wait_s=0) is None
    found = invocations(timed, name, 4)
    assert sorted(text for one in found for text in one.contents) == ["bad apple"] * 3 + ["good"]
    assert good != bad


PARTIAL = """
    def work(event):
        template = next(record["body"] for record in event["Records"] if record["body"].startswith("{"))
        second = next(record["messageId"] for record in event["Records"] if not record["body"].startswith("{"))
        return json.loads(json.loads(template)["answer"].replace("$second", second))
"""

# What a function answers to two messages, and how many of them come back.
ANSWERS = {
    "an empty list": ('{"batchItemFailures": []}', 0),
    "no list": ('{"batchItemFailures": null}', 0),
    "an empty object": ("{}", 0),
    "null": ("null", 0),
    "one of them": ('{"batchItemFailures": [{"itemIdentifier": "$second"}]}', 1),
    "one of them twice": ('{"batchItemFailures": [{"itemIdentifier": "$second"}, {"itemIdentifier": "$second"}]}', 1),
    "an empty id": ('{"batchItemFailures": [{"itemIdentifier": ""}]}', 2),
    "no id": ('{"batchItemFailures": [{"itemIdentifier": null}]}', 2),
    "another key": ('{"batchItemFailures": [{"id": "$second"}]}', 2),
    "an item without anything": ('{"batchItemFailures": [{}]}', 2),
    "somebody else's id": ('{"batchItemFailures": [{"itemIdentifier": "0"}]}', 2),
    "one right and one wrong id": (
        '{"batchItemFailures": [{"itemIdentifier": "$second"}, {"itemIdentifier": "0"}]}',
        2,
    ),
}


def test_partial_failures(timed):
    """As in "Implementing partial batch responses" of the developer guide."""
    name = create_worker(timed, PARTIAL)
    queues = {case: Queue(timed, VisibilityTimeout="600") for case in ANSWERS}
    for case, (answer, _) in ANSWERS.items():
        queue = queues[case]
        queue.send(json.dumps({"answer": answer}), "the second")
        # Two messages make it full, so they come as one.
        map_source(
            timed, name, queue, BatchSize=2, MaximumBatchingWindowInSeconds=60,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )  # fmt: skip
    invocations(timed, name, len(ANSWERS))
    expected = {case: (0, back) for case, (_, back) in ANSWERS.items()}
    becomes(lambda: {case: queue.counters() for case, queue in queues.items()}, expected)
    assert len(noted(timed, name)) == len(ANSWERS)


def test_only_what_failed_comes_back(timed):
    name, queue = create_worker(timed, PARTIAL), Queue(timed, VisibilityTimeout="90")
    answer = json.dumps({"answer": ANSWERS["one of them"][0]})
    first, second = queue.send(answer, "the second")
    map_source(
        timed, name, queue, BatchSize=2, MaximumBatchingWindowInSeconds=30,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )  # fmt: skip
    invocations(timed, name, 1)
    eventually(lambda: queue.counters() == (0, 1))
    timed.update(name, code=worker_source(NOTHING))
    timed.advance(150)
    [_, again] = invocations(timed, name, 2)
    assert [record["messageId"] for record in again.records] == [second]
    eventually(queue.is_empty)


def test_answers_mean_nothing_without_the_response_type(timed):
    name, queue = create_worker(timed, PARTIAL), Queue(timed)
    queue.send(json.dumps({"answer": ANSWERS["one of them"][0]}), "the second")
    map_source(timed, name, queue, BatchSize=2, MaximumBatchingWindowInSeconds=60)
    invocations(timed, name, 1)
    eventually(queue.is_empty)


def test_disabled_and_enabled_again_nothing_is_lost(timed):
    name, queue = create_worker(timed), Queue(timed)
    mapping = map_source(timed, name, queue, BatchSize=1)
    queue.send("before")
    received(timed, name, 1)
    assert update_mapping(timed, mapping, Enabled=False)["State"] == "Disabled"
    queue.send("meanwhile 1", "meanwhile 2")
    timed.advance(60)
    assert queue.counters() == (2, 0), "it is disabled"
    assert len(noted(timed, name)) == 1
    assert update_mapping(timed, mapping, Enabled=True)["State"] == "Enabled"
    queue.send("after")
    assert sorted(received(timed, name, 4)) == ["after", "before", "meanwhile 1", "meanwhile 2"]
    eventually(queue.is_empty)


def test_made_disabled_it_does_not_poll(timed):
    name, queue = create_worker(timed), Queue(timed)
    mapping = map_source(timed, name, queue, Enabled=False)
    queue.send("x")
    timed.advance(10)
    assert queue.counters() == (1, 0)
    update_mapping(timed, mapping, Enabled=True)
    assert received(timed, name, 1) == ["x"]


def test_a_deleted_mapping_takes_nothing_more(timed):
    name, queue = create_worker(timed), Queue(timed)
    mapping = map_source(timed, name, queue)
    queue.send("x")
    received(timed, name, 1)
    assert timed.lambda_.delete_event_source_mapping(UUID=mapping)["State"] == "Deleting"

    def is_gone():
        try:
            timed.lambda_.get_event_source_mapping(UUID=mapping)
        except timed.lambda_.exceptions.ResourceNotFoundException:
            return True

    eventually(is_gone)
    queue.send("y")
    timed.advance(10)
    assert queue.counters() == (1, 0)


def test_throttled_batches_wait_and_are_not_lost(timed):
    name, queue = create_worker(timed), Queue(timed, VisibilityTimeout="60")
    timed.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    map_source(timed, name, queue)
    queue.send("x", "y")
    timed.advance(30)
    assert noted(timed, name) == []
    timed.lambda_.delete_function_concurrency(FunctionName=name)
    timed.advance(180)
    assert sorted(received(timed, name, 2)) == ["x", "y"]
    timed.advance(60)
    eventually(queue.is_empty)


def test_maximum_concurrency(aws):
    work = """
        def work(event):
            time.sleep(0.15)
    """
    name, queue = create_worker(aws, work), Queue(aws)
    queue.send_all(str(number) for number in range(12))
    map_source(aws, name, queue, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    found = invocations(aws, name, 12)
    assert most_at_once(found) == 2
    eventually(queue.is_empty)


def test_five_batches_run_at_once_to_begin_with(open_aws, gate):
    """Whatever they take. More come with time: 300 a minute."""
    work = textwrap.dedent(GATE) + textwrap.dedent("""
        def work(event):
            pass_gate(json.loads(event["Records"][0]["body"]))
    """)
    name, queue = create_worker(open_aws, work), Queue(open_aws)
    queue.send_all([json.dumps(gate.address)] * 20)
    map_source(open_aws, name, queue, BatchSize=1)
    visitors = [gate.wait() for _ in range(5)]
    for visitor in visitors:
        visitor.let_go()
    for _ in range(15):
        gate.wait().let_go()
    found = invocations(open_aws, name, 20)
    elapsed_s = (found[-1].began - found[0].began) / 1e9
    assert most_at_once(found) <= 5 + 5 * elapsed_s + 1
    eventually(queue.is_empty)


def most_at_once(found):
    """How many of the invocations ran at the same time."""
    moments = sorted([(one.began, 1) for one in found] + [(one.ended, -1) for one in found])
    running = most = 0
    for _, change in moments:
        running += change
        most = max(most, running)
    return most


def test_an_alias_and_a_version_as_targets(aws):
    name = create_worker(aws, Publish=True)
    aws.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for qualifier in ("live", "1"):
        queue = Queue(aws)
        mapping = map_source(aws, f"{name}:{qualifier}", queue)
        made = aws.lambda_.get_event_source_mapping(UUID=mapping)
        assert made["FunctionArn"] == aws.arn(name, qualifier)
        queue.send(qualifier)
    found = {one.contents[0]: one.arn for one in invocations(aws, name, 2)}
    assert found == {qualifier: aws.arn(name, qualifier) for qualifier in ("live", "1")}


def test_where_everybody_signs(strict_server):
    """The poller acts as the function's role, and needs nobody's key."""
    account = Strict(strict_server)
    try:
        name, queue = create_worker(account), Queue(account)
        map_source(account, name, queue)
        queue.send("x")
        assert received(account, name, 1) == ["x"]
        eventually(queue.is_empty)
    finally:
        account.delete_functions()


def test_two_functions_share_a_queue(aws):
    """Each message goes to one of them."""
    queue = Queue(aws)
    names = [create_worker(aws), create_worker(aws)]
    for name in names:
        map_source(aws, name, queue, BatchSize=1)
    queue.send_all(str(number) for number in range(20))

    def all_of_them():
        found = [text for name in names for one in noted(aws, name) for text in one.contents]
        return len(found) >= 20 and found

    assert sorted(map(int, eventually(all_of_them))) == list(range(20))


def test_a_function_that_is_changed_to_another(timed):
    first, second, queue = create_worker(timed), create_worker(timed), Queue(timed)
    mapping = map_source(timed, first, queue)
    queue.send("1")
    received(timed, first, 1)
    changed = update_mapping(timed, mapping, FunctionName=second, BatchSize=7)
    assert (changed["FunctionArn"], changed["BatchSize"]) == (timed.arn(second), 7)
    queue.send("2")
    assert received(timed, second, 1) == ["2"]


def test_messages_wait_while_the_function_is_gone(timed):
    name, queue = create_worker(timed), Queue(timed, VisibilityTimeout="60")
    mapping = map_source(timed, name, queue)
    timed.lambda_.delete_function(FunctionName=name)
    queue.send("x")
    timed.advance(5)
    assert timed.lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled", "AWS keeps it, too"
    assert sum(queue.counters()) == 1
    timed.create({"index.py": worker_source(NOTHING)}, name)
    timed.advance(300)
    assert received(timed, name, 1) == ["x"]
    timed.advance(60)
    eventually(queue.is_empty)


LOOP = """
    import boto3, os

    def work(event):
        [record] = event["Records"]
        url = os.environ["QUEUE"]
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody=str(int(record["body"]) + 1))
"""


def test_a_function_that_sends_to_its_own_queue_is_stopped(timed):
    """After some 16 rounds: "Use Lambda recursive loop detection to prevent infinite loops", developer guide."""
    layer = timed.lambda_.publish_layer_version(LayerName="boto3", Content={"ZipFile": package(boto3_files("sqs"))})
    queue, dead = queue_with_dead_letters(timed, 1, VisibilityTimeout="60")
    name = create_worker(
        timed, LOOP, Layers=[layer["LayerVersionArn"]], MemorySize=1769, Timeout=60,
        Environment={"Variables": {"QUEUE": queue.url}},
    )  # fmt: skip
    map_source(timed, name, queue, BatchSize=1)
    queue.send("1")
    received(timed, name, 16, timeout_s=90)

    def is_stopped():
        timed.advance(61)
        return dead.receive(wait_s=0)

    assert eventually(is_stopped)["Body"] == "17"
    assert [int(text) for text in received(timed, name, 16)] == list(range(1, 17))
    assert queue.is_empty()


def test_what_was_in_flight_survives_a_kill(tmp_path):
    options = ("--clock", "virtual", "--pool-size", "0")
    with Server(*options, data_dir=tmp_path) as server:
        account = TimedAccount(server)
        name, queue = create_worker(account, PICKY), Queue(account, "q", VisibilityTimeout="60")
        mapping = map_source(account, name, queue)
        queue.send("bad")
        invocations(account, name, 1)
        server.kill()
    with Server(*options, data_dir=tmp_path) as server:
        again = TimedAccount(server, account.number)
        assert again.lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled"
        again.update(name, code=worker_source(NOTHING))
        again.advance(120)
        # What the killed server logged last may be lost; what it did is not.
        found = noted_until(again, name, lambda found: any(one.outcome == "returned" for one in found))
        assert found[-1].contents == ["bad"]
        eventually(Queue(again, "q").is_empty)
        queue = Queue(again, "q")
        queue.send("new")
        assert eventually(lambda: [one for one in noted(again, name) if one.contents == ["new"]])


def test_a_batch_that_runs_when_the_server_stops_is_done(gate, tmp_path):
    """And is not given again when it starts again."""
    work = textwrap.dedent(GATE) + textwrap.dedent("""
        def work(event):
            pass_gate(json.loads(event["Records"][0]["body"]))
    """)
    options = ("--network", "host", "--pool-size", "0")
    with Server(*options, data_dir=tmp_path) as server:
        account = Account(server)
        name, queue = create_worker(account, work), Queue(account, "q")
        map_source(account, name, queue)
        queue.send(json.dumps(gate.address))
        visitor = gate.wait()
        server.send(signal.SIGTERM)
        wait_until_refused(server.address)
        visitor.let_go()
        assert server.wait() == 0, server.log()
    with Server(*options, data_dir=tmp_path) as server:
        again = Account(server, account.number)
        assert Queue(again, "q").is_empty()
        assert [one.outcome for one in invocations(again, name, 1)] == ["returned"]


def test_a_new_message_is_with_its_function_at_once(aws):
    """Not at the next tick: twenty messages, one after another, in less time than twenty polls of a second would take."""
    name, queue = create_worker(aws), Queue(aws)
    map_source(aws, name, queue)
    queue.send("warm")
    received(aws, name, 1)
    began = time.monotonic()
    for number in range(20):
        queue.send(str(number))
        eventually(queue.is_empty)
    assert time.monotonic() - began < 15
    assert len(received(aws, name, 21)) == 21


def test_the_story_of_a_message(timed):
    """Each batch it was in, what that logged, and where it went."""
    queue, dead = queue_with_dead_letters(timed, 2, VisibilityTimeout="60")
    name = create_worker(timed, PICKY)
    map_source(timed, name, queue)
    [message] = queue.send("bad")
    timed.advance(150)

    def steps():
        _, _, answer = timed.server.request("GET", f"/_lambent/trace/{message}")
        found = json.loads(answer)["steps"]
        attempts = [step for step in found if step["what"] == "attempted"]
        # Lines of the log come a moment later.
        return len(attempts) == 2 and all(step["log_lines"] for step in attempts) and found

    found = eventually(steps)
    assert [step["what"] for step in found if step["subject"] == message][:4] == ["accepted", "received", "sent", "returned"]
    for step in found:
        if step["what"] == "attempted":
            assert (step["error"]["type"], step["resource"]) == ("ValueError", timed.arn(name))
    assert {step["to"] for step in found if step["what"] == "sent"} == {timed.arn(name), dead.arn}
