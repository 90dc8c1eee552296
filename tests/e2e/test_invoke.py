"""Synchronous invocation: what goes in, what comes out, and what the answer says beside it."""

import base64
import json
import re

import pytest

from account import Account, refused
from packages import ECHO

REPORT = re.compile(
    r"^REPORT RequestId: (?P<id>[0-9a-f-]{36})\tDuration: (?P<duration>\d+\.\d\d) ms\tBilled Duration: (?P<billed>\d+) ms"
    r"\tMemory Size: (?P<size>\d+) MB\tMax Memory Used: (?P<used>\d+) MB\t(Init Duration: (?P<init>\d+\.\d\d) ms\t)?$",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def shared_echo(server):
    """One function for all the events: they do not disturb one another."""
    account = Account(server)
    account.echo = account.create(ECHO)
    yield account
    account.delete_functions()


@pytest.mark.parametrize(
    "event",
    [None, True, 0, -1.5, "", 'grüße ☃ \U0001f40d \\ " \n', [], {}, {"a": [1, {"b": None}]}, [[[[[]]]]], "x" * 100_000],
    ids=lambda event: repr(event)[:20],
)
def test_events_and_results_are_any_json(shared_echo, event):
    result = shared_echo.invoke(shared_echo.echo, event)
    assert (result.status, result.error, result.version) == (200, None, "$LATEST")
    assert result.payload == event


def test_no_event_is_an_empty_object_and_no_result_is_null(aws):
    name = aws.create("def handler(event, context): pass")
    assert aws.invoke(name).raw == b"null"
    echo = aws.create(ECHO)
    answer = aws.lambda_.invoke(FunctionName=echo)
    assert json.loads(answer["Payload"].read()) == {}


def test_an_event_that_is_no_json_is_refused(aws):
    name = aws.create(ECHO)
    for event in (b"{", b"hello", b'{"a": 1} extra', b"\xff"):
        text = "Could not parse request body into json: "
        refused(aws.lambda_.invoke, "InvalidRequestContentException", 400, text, FunctionName=name, Payload=event)


def test_six_megabytes_go_in_and_come_out_and_no_more(aws):
    name = aws.create(ECHO, MemorySize=512)
    most = json.dumps("x" * (6_291_456 - 2)).encode()
    assert len(most) == 6_291_456
    assert aws.invoke(name, most).raw == most
    text = "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"
    more = json.dumps("x" * (6_291_456 - 1)).encode()
    refused(aws.lambda_.invoke, "RequestEntityTooLargeException", 413, text, FunctionName=name, Payload=more)


def test_the_context_tells_about_the_invocation(aws):
    name = aws.create(
        """
        import json, os, time

        def handler(event, context):
            return {
                "id": context.aws_request_id,
                "name": context.function_name,
                "memory": context.memory_limit_in_mb,
                "group": context.log_group_name,
                "stream": context.log_stream_name,
                "arn": context.invoked_function_arn,
                "left": context.get_remaining_time_in_millis(),
                "client": context.client_context and context.client_context.custom,
                "trace": os.environ.get("_X_AMZN_TRACE_ID"),
            }
        """,
        MemorySize=192,
        Timeout=9,
    )
    context = base64.b64encode(json.dumps({"custom": {"screen": "wide ☃"}, "env": {"locale": "de"}}).encode()).decode()
    result = aws.invoke(name, ClientContext=context)
    got = result.payload
    assert got["id"] == result.request_id
    assert (got["name"], got["memory"], got["arn"]) == (name, "192", aws.arn(name))
    assert got["group"] == f"/aws/lambda/{name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", got["stream"])
    assert 5_000 < got["left"] <= 9_000
    assert got["client"] == {"screen": "wide ☃"}
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01](;.*)?", got["trace"])


def test_the_tail_has_the_lines_in_order_and_the_report_its_figures(aws):
    name = aws.create(
        """
        import sys
        print("while it starts")

        def handler(event, context):
            print("to stdout")
            print("to stderr", file=sys.stderr)
            sys.stdout.write("no line end")
        """,
        MemorySize=256,
    )
    cold = aws.invoke(name, tail=True)
    expected = [
        f"START RequestId: {cold.request_id} Version: $LATEST\n",
        "to stdout\n",
        "to stderr\n",
        "no line end",
        f"END RequestId: {cold.request_id}\n",
    ]
    assert "".join(expected) in cold.log
    # As events they are apart, also without a line end between.
    assert [line for line in aws.logged(name, "REPORT") if line in expected] == expected
    report = REPORT.search(cold.log)
    assert report, cold.log
    assert (report["id"], report["size"]) == (cold.request_id, "256")
    assert 0 < int(report["used"]) <= 256
    assert int(report["billed"]) == -(-(float(report["duration"]) + float(report["init"])) // 1)
    warm = aws.invoke(name, tail=True)
    assert "while it starts" not in warm.log
    report = REPORT.search(warm.log)
    assert report["init"] is None
    assert int(report["billed"]) == max(1, -(-float(report["duration"]) // 1))


def test_the_tail_is_the_last_4_kb(aws):
    name = aws.create('def handler(event, context):\n    for number in range(1000): print("line", number)')
    log = aws.invoke(name, tail=True).log
    assert len(log.encode()) == 4096
    assert "line 999" in log
    assert "REPORT RequestId" in log
    assert "line 0\n" not in log


def test_without_the_tail_there_is_no_log(aws):
    name = aws.create('def handler(event, context): print("x")')
    assert "x-amz-log-result" not in aws.invoke(name).headers


def test_a_dry_run_runs_nothing(aws):
    name = aws.create('def handler(event, context): print("it ran")')
    answer = aws.lambda_.invoke(FunctionName=name, InvocationType="DryRun")
    assert (answer["StatusCode"], answer["Payload"].read()) == (204, b"")
    refused(aws.lambda_.invoke, "ResourceNotFoundException", 404, FunctionName="missing", InvocationType="DryRun")
    aws.invoke(name)
    lines = aws.logged(name, "REPORT RequestId")
    assert sum("it ran" in line for line in lines) == 1


def test_log_lines_of_python_logging_carry_the_request_id(aws):
    name = aws.create(
        """
        import logging

        def handler(event, context):
            logging.getLogger().setLevel(logging.INFO)
            logging.info("counted %d", 3)
            logging.warning("two\\nlines")
        """
    )
    result = aws.invoke(name, tail=True)
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.search(rf"^\[INFO\]\t{stamp}\t{result.request_id}\tcounted 3$", result.log, re.MULTILINE), result.log
    assert re.search(rf"^\[WARNING\]\t{stamp}\t{result.request_id}\ttwo\rlines", result.log, re.MULTILINE)


def test_json_logs(aws):
    name = aws.create(
        """
        import logging

        def handler(event, context):
            logging.getLogger().warning("careful", extra={"order": 7})
            logging.getLogger().debug("not wanted")
        """,
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"},
    )
    result = aws.invoke(name, tail=True)
    lines = [json.loads(line) for line in result.log.splitlines()]
    kinds = [line.get("type") for line in lines]
    assert kinds.index("platform.start") < kinds.index(None) < kinds.index("platform.report")
    app = [line for line in lines if "type" not in line]
    assert [(line["level"], line["message"], line["order"], line["requestId"]) for line in app] == [
        ("WARN", "careful", 7, result.request_id)
    ] or [(line["level"], line["message"], line["order"], line["requestId"]) for line in app] == [
        ("WARNING", "careful", 7, result.request_id)
    ]
    report = lines[kinds.index("platform.report")]["record"]
    assert (report["requestId"], report["status"]) == (result.request_id, "success")
    assert report["metrics"]["memorySizeMB"] == 128
