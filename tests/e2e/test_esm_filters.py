"""Filters of mappings: the documented cases, and what becomes of what matches none."""

import json

import pytest

from account import becomes, eventually, refused
from sources import Queue, Stream, create_worker, map_source, map_stream, noted, received, update_mapping

# "Control which events Lambda sends to your function" of the developer guide: a pattern for the body, what it wants, and
# what it does not.
CASES = {
    "equals": ({"kind": ["a"]}, [{"kind": "a"}, {"kind": "a", "more": 1}], [{"kind": "b"}, {}, {"kind": "A"}]),
    "one of": ({"kind": ["a", "b"]}, [{"kind": "a"}, {"kind": "b"}], [{"kind": "c"}]),
    "and": ({"kind": ["a"], "size": [1]}, [{"kind": "a", "size": 1}], [{"kind": "a"}, {"kind": "a", "size": 2}]),
    "nested": ({"a": {"b": {"c": [1]}}}, [{"a": {"b": {"c": 1}}}], [{"a": {"b": 1}}, {"a": {"c": 1}}]),
    "null": ({"kind": [None]}, [{"kind": None}], [{"kind": ""}, {"kind": 0}]),
    "empty": ({"kind": [""]}, [{"kind": ""}], [{"kind": None}, {}]),
    "a list": ({"kinds": ["a"]}, [{"kinds": ["b", "a"]}], [{"kinds": ["b"]}, {"kinds": []}]),
    "numbers by text": ({"size": [300]}, [{"size": 300}], [{"size": 301}, {"size": "300"}]),
    "truth": ({"on": [True]}, [{"on": True}], [{"on": False}, {"on": "true"}]),
    "not": ({"kind": [{"anything-but": ["a"]}]}, [{"kind": "b"}], [{"kind": "a"}]),
    "numeric =": ({"size": [{"numeric": ["=", 300]}]}, [{"size": 300}, {"size": 300.0}], [{"size": 301}, {"size": "300"}]),
    "numeric range": (
        {"size": [{"numeric": [">", 10, "<=", 20]}]}, [{"size": 11}, {"size": 20}], [{"size": 10}, {"size": 20.5}],
    ),
    "exists": ({"kind": [{"exists": True}]}, [{"kind": 1}, {"kind": None}], [{"other": 1}]),
    "does not exist": ({"kind": [{"exists": False}]}, [{"other": 1}], [{"kind": 1}]),
    "begins with": ({"kind": [{"prefix": "us-"}]}, [{"kind": "us-east-1"}], [{"kind": "eu-us-"}, {"kind": 5}]),
    "ends with": ({"kind": [{"suffix": ".png"}]}, [{"kind": "a.png"}], [{"kind": "a.png.txt"}]),
    "ignoring case": ({"kind": [{"equals-ignore-case": "Alice"}]}, [{"kind": "aLICE"}], [{"kind": "bob"}]),
    "or": (
        {"$or": [{"kind": ["a"]}, {"size": [{"numeric": [">", 5]}]}]},
        [{"kind": "a"}, {"kind": "b", "size": 6}],
        [{"kind": "b", "size": 5}],
    ),
}  # fmt: skip


def test_the_table_of_patterns(timed):
    """One queue and one mapping for each case; what a mapping did not want is deleted."""
    name = create_worker(timed)
    queues = {case: Queue(timed) for case in CASES}
    for case, (pattern, wanted, unwanted) in CASES.items():
        queues[case].send_all(json.dumps(body) for body in [*unwanted, *wanted])
        filters = {"Filters": [{"Pattern": json.dumps({"body": pattern})}]}
        map_source(timed, name, queues[case], FilterCriteria=filters)

    def look():
        found = {case: [] for case in CASES}
        for one in noted(timed, name):
            for record in one.records:
                [case] = [case for case, queue in queues.items() if queue.arn == record["eventSourceARN"]]
                found[case].append(record["body"])
        return {case: sorted(bodies) for case, bodies in found.items()}

    becomes(look, {case: sorted(map(json.dumps, wanted)) for case, (_, wanted, _) in CASES.items()}, timeout_s=30)
    becomes(lambda: {case: queue.counters() for case, queue in queues.items()}, {case: (0, 0) for case in CASES})


# Of the same page: (body, pattern, whether it is wanted).
BODIES = [
    ("plain text", {"body": ["plain text"]}, True),
    ("other text", {"body": ["plain text"]}, False),
    ("plain text", {"body": {"a": [1]}}, False),
    ('{"a": 1}', {"body": ["plain text"]}, False),
    ('{"a": 1}', {"body": {"a": [1]}}, True),
    ("plain text", {"messageAttributes": {"kind": {"stringValue": ["x"]}}}, True),
    ('{"a": 1}', {"messageAttributes": {"kind": {"stringValue": ["x"]}}}, True),
    ("plain text", {"messageAttributes": {"kind": {"stringValue": ["y"]}}}, False),
]


def test_text_and_json_bodies(timed):
    name = create_worker(timed)
    queues = []
    for body, pattern, _ in BODIES:
        queue = Queue(timed)
        queue.send(body, MessageAttributes={"kind": {"DataType": "String", "StringValue": "x"}})
        map_source(timed, name, queue, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
        queues.append(queue)
    becomes(lambda: [queue.counters() for queue in queues], [(0, 0)] * len(queues))
    wanted = {queue.arn for queue, (_, _, is_wanted) in zip(queues, BODIES) if is_wanted}

    def look():
        return {record["eventSourceARN"] for one in noted(timed, name) for record in one.records}

    becomes(look, wanted)


def test_several_filters_are_alternatives(timed):
    name, queue = create_worker(timed), Queue(timed)
    filters = [{"Pattern": json.dumps({"body": {"kind": [kind]}})} for kind in "abcde"]
    mapping = map_source(timed, name, queue, FilterCriteria={"Filters": filters})
    for kind in "abxcdeyz":
        queue.send(json.dumps({"kind": kind}))
    assert sorted(json.loads(text)["kind"] for text in received(timed, name, 5)) == list("abcde")
    eventually(queue.is_empty)
    changed = update_mapping(timed, mapping, FilterCriteria={"Filters": [{"Pattern": '{"body": {"kind": ["z"]}}'}]})
    assert len(changed["FilterCriteria"]["Filters"]) == 1
    queue.send('{"kind": "a"}', '{"kind": "z"}')
    assert json.loads(received(timed, name, 6)[-1]) == {"kind": "z"}
    eventually(queue.is_empty)
    assert len(received(timed, name, 6)) == 6


def test_filtered_messages_do_not_fill_a_batch(timed):
    name, queue = create_worker(timed), Queue(timed, VisibilityTimeout="120")
    pattern = json.dumps({"body": {"kind": ["a"]}})
    map_source(
        timed, name, queue, BatchSize=12, MaximumBatchingWindowInSeconds=60,
        FilterCriteria={"Filters": [{"Pattern": pattern}]},
    )  # fmt: skip
    queue.send_all(json.dumps({"kind": "b"}) for _ in range(20))
    queue.send_all(json.dumps({"kind": "a", "number": number}) for number in range(12))
    [batch] = invocations_of(timed, name)
    assert len(batch.records) == 12
    eventually(queue.is_empty)


def invocations_of(account, name):
    return eventually(lambda: noted(account, name))


def test_records_of_streams(timed):
    """Their data is looked at as what it says, not as base64."""
    name, stream = create_worker(timed), Stream(timed)
    pattern = json.dumps({"data": {"kind": ["a"], "size": [{"numeric": [">", 5]}]}})
    mapping = map_stream(timed, name, stream, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    wanted = [json.dumps({"kind": "a", "size": size}) for size in (6, 7, 8)]
    stream.put_all(
        ("k", data)
        for data in [wanted[0], "plain text", '{"kind": "b", "size": 9}', b"\xff\xfe", wanted[1], '{"kind": "a"}', wanted[2]]
    )
    assert received(timed, name, 3) == wanted
    # What nobody wanted is passed over, also behind what was wanted.
    stream.put("nobody wants this")
    timed.advance(1)
    update_mapping(timed, mapping, FilterCriteria={"Filters": []})
    stream.put("but this")
    assert received(timed, name, 4) == [*wanted, "but this"]
    assert len(stream.read()) == 9, "all stay for other consumers"


@pytest.mark.parametrize(
    "pattern",
    [
        "", "text", "[]", '{"body": []}', '{"body": {"a": 1}}', '{"body": {"a": [{"prefix": 1}]}}',
        '{"body": {"a": [{"numeric": [">"]}]}}', '{"body": {"a": [{"numeric": ["~", 1]}]}}',
        '{"body": {"a": [{"exists": "yes"}]}}', '{"body": {"a": [{"unheard-of": 1}]}}', '{"$or": []}',
    ],
)  # fmt: skip
def test_patterns_that_are_none(aws, pattern):
    name = aws.create("def handler(event, context): pass")
    refused(
        aws.client("lambda", parameter_validation=False).create_event_source_mapping,
        "InvalidParameterValueException", 400, "Invalid filter pattern definition.",
        FunctionName=name, EventSourceArn=Queue(aws).arn, FilterCriteria={"Filters": [{"Pattern": pattern}]},
    )  # fmt: skip


@pytest.mark.parametrize("pattern", ['{"data": ["text"]}', '{"$or": [{"data": ["x"]}, {"data": ["y"]}]}'])
def test_the_data_of_a_stream_is_not_filtered_as_text(aws, pattern):
    name = aws.create("def handler(event, context): pass")
    refused(
        aws.client("lambda").create_event_source_mapping,
        "InvalidParameterValueException", 400, "Invalid filter pattern definition.",
        FunctionName=name, EventSourceArn=Stream(aws).arn, StartingPosition="LATEST",
        FilterCriteria={"Filters": [{"Pattern": pattern}]},
    )  # fmt: skip
