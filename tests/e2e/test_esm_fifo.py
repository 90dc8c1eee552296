"""FIFO queues as event sources: order within a group, and groups that do not wait for one another."""

from account import eventually
from sources import (
    NOTHING, PICKY, Queue, create_worker, invocations, map_source, noted, queue_with_dead_letters, received,
    update_mapping, worker_source,
)  # fmt: skip

SLOW = """
    def work(event):
        time.sleep(0.05)
"""


def group_of(invocation):
    """The one group that a batch is from."""
    [group] = {record["attributes"]["MessageGroupId"] for record in invocation.records}
    return group


def test_what_a_fifo_message_looks_like(aws):
    name, queue = create_worker(aws), Queue(aws, FifoQueue="true")
    map_source(aws, name, queue)
    sent = queue.sqs.send_message(
        QueueUrl=queue.url, MessageBody="x", MessageGroupId="group-1", MessageDeduplicationId="d"
    )
    [record] = invocations(aws, name, 1)[0].records
    attributes = record["attributes"]
    assert attributes.keys() == {
        "ApproximateReceiveCount", "SentTimestamp", "SequenceNumber", "MessageGroupId", "SenderId",
        "MessageDeduplicationId", "ApproximateFirstReceiveTimestamp",
    }  # fmt: skip
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == ("group-1", "d")
    assert attributes["SequenceNumber"] == sent["SequenceNumber"]
    eventually(queue.is_empty)


def test_order_within_each_group(timed):
    name, queue = create_worker(timed, SLOW), Queue(timed, FifoQueue="true", VisibilityTimeout="60")
    groups = [f"g{number}" for number in range(5)]
    mapping = map_source(timed, name, queue, BatchSize=3, Enabled=False)
    for number in range(8):
        for group in groups:
            queue.send_in_group(group, f"{group} {number}")
    update_mapping(timed, mapping, Enabled=True)
    received(timed, name, 40)
    eventually(queue.is_empty)
    found = noted(timed, name)
    for group in groups:
        texts = [text for one in found for text in one.contents if text.startswith(group)]
        assert texts == [f"{group} {number}" for number in range(8)]
        own = [one for one in found if any(text.startswith(group) for text in one.contents)]
        assert all(before.ended <= after.began for before, after in zip(own, own[1:])), f"{group}: two batches at once"


def test_a_failing_group_does_not_hold_up_another(timed):
    name, queue = create_worker(timed, PICKY), Queue(timed, FifoQueue="true", VisibilityTimeout="60")
    map_source(timed, name, queue, BatchSize=1)
    queue.send_in_group("bad", "bad 1", "fine 2", "fine 3")
    for group in ("a", "b", "c"):
        queue.send_in_group(group, *[f"{group} {number}" for number in range(4)])
    # No time passes: the bad group waits, and the others are done.
    texts = received(timed, name, 13)
    eventually(lambda: sum(queue.counters()) == 3)
    assert [text for text in texts if text.split()[0] in ("bad", "fine")] == ["bad 1"]
    for group in ("a", "b", "c"):
        assert [text for text in texts if text.startswith(group + " ")] == [f"{group} {number}" for number in range(4)]
    timed.update(name, code=worker_source(NOTHING))
    timed.advance(61)
    texts = received(timed, name, 16)
    assert texts[-3:] == ["bad 1", "fine 2", "fine 3"], "its order is kept"
    eventually(queue.is_empty)


def test_a_poisoned_group_goes_on_when_its_poison_is_gone(timed):
    queue, dead = queue_with_dead_letters(timed, 2, FifoQueue="true", VisibilityTimeout="60")
    name = create_worker(timed, PICKY)
    map_source(timed, name, queue, BatchSize=1)
    queue.send_in_group("g", "good 1", "bad 2", "good 3")
    timed.advance(300)
    assert received(timed, name, 4) == ["good 1", "bad 2", "bad 2", "good 3"]
    letter = dead.receive()
    assert (letter["Body"], letter["Attributes"]["MessageGroupId"]) == ("bad 2", "g")
    eventually(queue.is_empty)


def test_one_batch_of_a_group_at_a_time(timed):
    """And as many at a time as there are groups."""
    work = """
        def work(event):
            time.sleep(0.2)
    """
    name, queue = create_worker(timed, work), Queue(timed, FifoQueue="true", VisibilityTimeout="60")
    mapping = map_source(timed, name, queue, BatchSize=1, Enabled=False)
    for number in range(3):
        for group in ("a", "b", "c"):
            queue.send_in_group(group, f"{group} {number}")
    update_mapping(timed, mapping, Enabled=True)
    found = invocations(timed, name, 9)
    for one in found:
        same = [other for other in found if other is not one and group_of(other) == group_of(one)]
        assert all(other.ended <= one.began or one.ended <= other.began for other in same)
    first = [next(one for one in found if group_of(one) == group) for group in ("a", "b", "c")]
    # Each group's last came after its own two before, and not after all others'.
    assert max(one.began for one in first) < max(one.ended for one in found)
    assert [sorted(text for text in (one.contents[0] for one in found) if text[0] == group) for group in "abc"] == [
        [f"{group} {number}" for number in range(3)] for group in "abc"
    ]


def test_partial_failures_of_a_group(timed):
    """A function that stops at the first failure reports it and all that follow: nothing changes places."""
    work = """
        def work(event):
            for position, record in enumerate(event["Records"]):
                if record["body"].startswith("bad") and record["attributes"]["ApproximateReceiveCount"] == "1":
                    rest = event["Records"][position:]
                    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in rest]}
    """
    name, queue = create_worker(timed, work), Queue(timed, FifoQueue="true", VisibilityTimeout="60")
    mapping = map_source(timed, name, queue, Enabled=False, FunctionResponseTypes=["ReportBatchItemFailures"])
    queue.send_in_group("g", "1", "2", "bad 3", "4", "5")
    update_mapping(timed, mapping, Enabled=True)
    [first] = invocations(timed, name, 1)
    assert first.contents == ["1", "2", "bad 3", "4", "5"]
    eventually(lambda: sum(queue.counters()) == 3)
    timed.advance(61)
    [_, second] = invocations(timed, name, 2)
    assert second.contents == ["bad 3", "4", "5"]
    eventually(queue.is_empty)
