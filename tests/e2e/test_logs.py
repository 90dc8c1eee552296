"""CloudWatch Logs: what functions write arrives, and can be searched, paged and followed."""

import time

import pytest

from account import Account, eventually, refused

NOW_MS = int(time.time() * 1000)


@pytest.fixture(scope="module")
def searched(server):
    """A group with events of all kinds."""
    account = Account(server)
    account.group = "/test/searched"
    account.logs.create_log_group(logGroupName=account.group)
    account.logs.create_log_stream(logGroupName=account.group, logStreamName="stream")
    messages = [
        "ERROR one thing went wrong",
        "WARN another thing",
        "[ERROR] exception: Timeout",
        "all is well",
        '{"level": "error", "latency": 250, "user": {"name": "ann", "roles": ["admin", "dev"]}, "ok": false}',
        '{"level": "info", "latency": 12.5, "user": {"name": "bob"}, "ok": true, "note": null}',
        '127.0.0.1 - ann [10/Oct/2026:13:25:15 -0700] "GET /index.html HTTP/1.0" 200 2326',
        '10.0.0.9 - bob [10/Oct/2026:13:35:22 -0700] "GET /missing.html HTTP/1.0" 404 5324',
    ]
    events = [{"timestamp": NOW_MS + number, "message": text} for number, text in enumerate(messages)]
    answer = account.logs.put_log_events(logGroupName=account.group, logStreamName="stream", logEvents=events)
    assert "rejectedLogEventsInfo" not in answer
    account.sent = messages
    return account


PATTERNS = {
    "": [0, 1, 2, 3, 4, 5, 6, 7],
    "ERROR": [0, 2],
    "error": [4],
    "thing wrong": [0],
    "?ERROR ?WARN": [0, 1, 2],
    "ERROR -Timeout": [0],
    '"[ERROR]"': [2],
    '"one thing"': [0],
    "thing": [0, 1],
    "%ERR.R%": [0, 2],
    '{ $.level = "error" }': [4],
    '{ $.level = "*o*" }': [4, 5],
    "{ $.latency > 100 }": [4],
    "{ $.latency = 12.5 }": [5],
    '{ $.user.roles[0] = "admin" }': [4],
    '{ ($.user.name = "bob") && ($.latency < 100) }': [5],
    '{ $.level = "error" || $.level = "info" }': [4, 5],
    "{ $.ok IS TRUE }": [5],
    "{ $.note IS NULL }": [5],
    "{ $.note NOT EXISTS }": [4],
    "[ip, id, user, timestamp, request, status_code=4*, size]": [7],
    "[ip, id, user=ann, ..., status_code, size > 1000]": [6],
    "nothing_like_this": [],
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_filter_patterns(searched, pattern):
    pages = searched.logs.get_paginator("filter_log_events").paginate(
        logGroupName=searched.group, filterPattern=pattern
    )
    found = [event["message"] for page in pages for event in page["events"]]
    assert found == [searched.sent[number] for number in PATTERNS[pattern]]


@pytest.mark.parametrize("pattern", ["{ $.a = }", "{ $.a", "[ip, id", '"open'])
def test_a_pattern_that_is_none_is_refused(searched, pattern):
    refused(
        searched.logs.filter_log_events,
        "InvalidParameterException",
        400,
        logGroupName=searched.group,
        filterPattern=pattern,
    )


def test_events_are_filtered_by_time_and_stream(searched):
    def found(**settings):
        answer = searched.logs.filter_log_events(logGroupName=searched.group, **settings)
        return [searched.sent.index(event["message"]) for event in answer["events"]]

    assert found(startTime=NOW_MS + 2, endTime=NOW_MS + 4)[:2] == [2, 3]
    assert found(logStreamNames=["stream"], startTime=NOW_MS + 6) == [6, 7]
    assert found(logStreamNamePrefix="other") == []
    event = searched.logs.filter_log_events(logGroupName=searched.group, limit=1)["events"][0]
    assert set(event) == {"logStreamName", "timestamp", "message", "ingestionTime", "eventId"}


def test_pages_forward_and_backward(aws):
    aws.logs.create_log_group(logGroupName="paged")
    aws.logs.create_log_stream(logGroupName="paged", logStreamName="stream")
    events = [{"timestamp": NOW_MS + number, "message": f"event {number}"} for number in range(25)]
    aws.logs.put_log_events(logGroupName="paged", logStreamName="stream", logEvents=events)
    get = {"logGroupName": "paged", "logStreamName": "stream", "limit": 10}

    def numbers(answer):
        return [int(event["message"].split()[1]) for event in answer["events"]]

    page = aws.logs.get_log_events(startFromHead=True, **get)
    seen = numbers(page)
    while True:
        following = aws.logs.get_log_events(startFromHead=True, nextToken=page["nextForwardToken"], **get)
        seen += numbers(following)
        # The same token again says that there is nothing after it.
        if following["nextForwardToken"] == page["nextForwardToken"]:
            break
        page = following
    assert seen == list(range(25))

    newest = aws.logs.get_log_events(**get)
    assert numbers(newest) == list(range(15, 25))
    older = aws.logs.get_log_events(nextToken=newest["nextBackwardToken"], **get)
    assert numbers(older) == list(range(5, 15))
    assert newest["nextForwardToken"].startswith("f/")
    assert newest["nextBackwardToken"].startswith("b/")

    # What comes later is found from where the reader stopped.
    late = [{"timestamp": NOW_MS + 100, "message": "event 100"}]
    aws.logs.put_log_events(logGroupName="paged", logStreamName="stream", logEvents=late)
    assert numbers(aws.logs.get_log_events(nextToken=page["nextForwardToken"], **get)) == [100]


def test_a_function_s_log(aws):
    name = aws.create('def handler(event, context): print("number", event)')
    results = [aws.invoke(name, number) for number in range(3)]
    lines = aws.logged(name, f"REPORT RequestId: {results[-1].request_id}")
    expected = []
    for number, result in enumerate(results):
        expected += [
            f"START RequestId: {result.request_id} Version: $LATEST",
            f"number {number}",
            f"END RequestId: {result.request_id}",
        ]
    shown = [line.rstrip("\n") for line in lines]
    assert [line for line in shown if line.startswith(("START", "number", "END"))] == expected
    assert shown[0].startswith("INIT_START Runtime Version: python:")
    reports = [line for line in shown if line.startswith("REPORT")]
    assert "\tInit Duration: " in reports[0]
    assert "\tInit Duration: " not in reports[1]
    # One stream per environment, named as the context says.
    [stream] = aws.logs.describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    assert "/[$LATEST]" in stream["logStreamName"]
    assert stream["firstEventTimestamp"] <= stream["lastEventTimestamp"]


def test_a_function_can_log_to_a_group_of_its_choice(aws):
    name = aws.create('def handler(event, context): print("elsewhere")', LoggingConfig={"LogGroup": "/my/own"})
    aws.invoke(name)
    groups = eventually(lambda: aws.logs.describe_log_groups()["logGroups"])
    assert [group["logGroupName"] for group in groups] == ["/my/own"]
    [group] = groups
    assert group["arn"] == f"arn:aws:logs:us-east-1:{aws.number}:log-group:/my/own:*"
    assert group["logGroupArn"] == f"arn:aws:logs:us-east-1:{aws.number}:log-group:/my/own"


def test_a_life_of_a_group(aws):
    logs = aws.logs
    logs.create_log_group(logGroupName="mine", tags={"a": "b"})
    text = "The specified log group already exists"
    refused(logs.create_log_group, "ResourceAlreadyExistsException", 400, text, logGroupName="mine")
    logs.put_retention_policy(logGroupName="mine", retentionInDays=7)
    [group] = logs.describe_log_groups(logGroupNamePrefix="mi")["logGroups"]
    assert group["retentionInDays"] == 7
    refused(logs.put_retention_policy, "InvalidParameterException", 400, logGroupName="mine", retentionInDays=8)
    assert logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"] == {"a": "b"}
    logs.delete_retention_policy(logGroupName="mine")
    logs.create_log_stream(logGroupName="mine", logStreamName="one")
    text = "The specified log stream already exists"
    refused(
        logs.create_log_stream, "ResourceAlreadyExistsException", 400, text, logGroupName="mine", logStreamName="one"
    )
    logs.delete_log_stream(logGroupName="mine", logStreamName="one")
    logs.delete_log_group(logGroupName="mine")
    text = "The specified log group does not exist."
    refused(logs.filter_log_events, "ResourceNotFoundException", 400, text, logGroupName="mine")


def test_events_that_are_too_old_or_too_new_are_told(aws):
    aws.logs.create_log_group(logGroupName="times")
    aws.logs.create_log_stream(logGroupName="times", logStreamName="s")
    day = 86_400_000
    put = {"logGroupName": "times", "logStreamName": "s"}
    old = aws.logs.put_log_events(logEvents=[{"timestamp": NOW_MS - 15 * day, "message": "old"}], **put)
    assert old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    new = [{"timestamp": NOW_MS, "message": "now"}, {"timestamp": NOW_MS + day // 8, "message": "new"}]
    assert aws.logs.put_log_events(logEvents=new, **put)["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    refused(
        aws.logs.put_log_events,
        "InvalidParameterException",
        400,
        logEvents=[{"timestamp": NOW_MS, "message": "b"}, {"timestamp": NOW_MS - 1, "message": "a"}],
        **put,
    )
    found = aws.logs.filter_log_events(logGroupName="times")["events"]
    assert [event["message"] for event in found] == ["now"]


def test_a_deleted_group_is_made_anew_by_the_next_invocation(aws):
    name = aws.create('def handler(event, context): print("event", event)')
    aws.invoke(name, 1)
    aws.logged(name, "event 1")
    eventually(lambda: any("REPORT" in line for line in aws.messages(name)))
    aws.logs.delete_log_group(logGroupName=f"/aws/lambda/{name}")
    aws.invoke(name, 2)
    lines = aws.logged(name, "event 2")
    assert not any("event 1" in line for line in lines)
