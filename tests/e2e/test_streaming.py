"""InvokeWithResponseStream."""

import base64
import json

import pytest

from account import at_once
from packages import ECHO, NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")

GATED = """
    import net from "node:net";

    const passGate = ([host, port]) =>
      new Promise((resolve, reject) => {
        const socket = net.connect(port, host, () => socket.write("here\\n"));
        socket.on("data", () => socket.end());
        socket.on("close", resolve);
        socket.on("error", reject);
      });

    export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
      stream.setContentType("text/plain");
      stream.write("first");
      await passGate(event.gate);
      stream.write("second");
      stream.end();
    });
"""


def content_type(answer):
    """What the function says its stream is. The answer itself is always an event stream."""
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-type"] == "application/vnd.amazon.eventstream"
    return headers["x-amzn-remapped-content-type"]


def read(answer):
    """All of an event stream: the bytes, and what InvokeComplete says."""
    body, complete = b"", None
    for event in answer["EventStream"]:
        if "PayloadChunk" in event:
            assert complete is None
            body += event["PayloadChunk"]["Payload"]
        else:
            complete = event["InvokeComplete"]
    return body, complete


def test_the_first_chunk_arrives_while_the_function_still_runs(open_aws, gate):
    name = open_aws.create({"index.mjs": GATED}, Runtime=NODE)
    answer = open_aws.lambda_.invoke_with_response_stream(
        FunctionName=name, Payload=json.dumps({"gate": gate.address}), LogType="Tail"
    )
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert content_type(answer) == "text/plain"
    events = iter(answer["EventStream"])
    assert next(events)["PayloadChunk"]["Payload"] == b"first"
    # It waits here until it is let go, so what came has come before its end.
    gate.wait().let_go()
    rest = list(events)
    assert b"".join(event["PayloadChunk"]["Payload"] for event in rest[:-1]) == b"second"
    complete = rest[-1]["InvokeComplete"]
    assert "ErrorCode" not in complete
    assert "REPORT RequestId" in base64.b64decode(complete["LogResult"]).decode()


def test_an_error_in_the_middle_of_a_stream(aws):
    code = """
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          stream.write("half of");
          throw new RangeError("no more");
        });
    """
    name = aws.create({"index.mjs": code}, Runtime=NODE)
    body, complete = read(aws.lambda_.invoke_with_response_stream(FunctionName=name))
    assert body == b"half of"
    assert complete["ErrorCode"]
    assert "no more" in complete["ErrorDetails"]


def test_an_error_before_the_stream_begins(aws):
    code = "export const handler = awslambda.streamifyResponse(async () => { throw new Error('at once'); });"
    name = aws.create({"index.mjs": code}, Runtime=NODE)
    body, complete = read(aws.lambda_.invoke_with_response_stream(FunctionName=name))
    assert complete["ErrorCode"]
    assert "at once" in complete["ErrorDetails"] + body.decode()


def test_a_crash_in_the_middle_of_a_stream(aws):
    code = """
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          await new Promise((resolve) => stream.write("half of", resolve));
          process.exit(3);
        });
    """
    name = aws.create({"index.mjs": code}, Runtime=NODE)
    body, complete = read(aws.lambda_.invoke_with_response_stream(FunctionName=name))
    assert complete["ErrorCode"]
    assert aws.lambda_.get_function(FunctionName=name)["Configuration"]["State"] == "Active"


def test_a_time_out_in_the_middle_of_a_stream(aws):
    code = """
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          stream.write("half of");
          await new Promise(() => setInterval(() => {}, 1000));
        });
    """
    name = aws.create({"index.mjs": code}, Runtime=NODE, Timeout=1)
    body, complete = read(aws.lambda_.invoke_with_response_stream(FunctionName=name))
    assert body == b"half of"
    assert "Task timed out after 1.00 seconds" in complete["ErrorDetails"]


def test_more_than_6_mb_can_be_streamed(aws):
    code = """
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          const part = Buffer.alloc(1 << 20, 7);
          for (let number = 0; number < 7; number++) {
            if (!stream.write(part)) await new Promise((resolve) => stream.once("drain", resolve));
          }
          stream.end();
        });
    """
    name = aws.create({"index.mjs": code}, Runtime=NODE, MemorySize=512)
    body, complete = read(aws.lambda_.invoke_with_response_stream(FunctionName=name))
    assert len(body) == 7 << 20
    assert set(body) == {7}
    assert "ErrorCode" not in complete


def test_a_buffered_function_can_be_streamed_and_a_streaming_one_buffered(aws):
    name = aws.create(ECHO)
    body, complete = read(aws.lambda_.invoke_with_response_stream(FunctionName=name, Payload=b'{"a": 1}'))
    assert json.loads(body) == {"a": 1}
    assert "ErrorCode" not in complete
    code = """
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          stream.write("in ");
          stream.end("parts");
        });
    """
    name = aws.create({"index.mjs": code}, Runtime=NODE)
    assert aws.invoke(name, {}).raw == b"in parts"


def test_the_prelude_of_http_responses(aws):
    code = """
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          const prelude = { statusCode: 201, headers: { "x-a": "b" }, cookies: ["c=d"] };
          stream = awslambda.HttpResponseStream.from(stream, prelude);
          stream.write("made");
          stream.end();
        });
    """
    name = aws.create({"index.mjs": code}, Runtime=NODE)
    answer = aws.lambda_.invoke_with_response_stream(FunctionName=name)
    assert content_type(answer) == "application/vnd.awslambda.http-integration-response"
    prelude, body = read(answer)[0].split(bytes(8))
    assert json.loads(prelude) == {"statusCode": 201, "headers": {"x-a": "b"}, "cookies": ["c=d"]}
    assert body == b"made"


def test_many_streams_at_once(open_aws, gate):
    name = open_aws.create({"index.mjs": GATED}, Runtime=NODE)

    def stream(_):
        return read(
            open_aws.lambda_.invoke_with_response_stream(FunctionName=name, Payload=json.dumps({"gate": gate.address}))
        )

    streams = at_once(4, stream)
    for visitor in [gate.wait() for _ in range(4)]:
        visitor.let_go()
    assert {future.result()[0] for future in streams} == {b"firstsecond"}


def test_a_client_that_leaves_in_the_middle_does_no_harm(open_aws, gate):
    name = open_aws.create({"index.mjs": GATED}, Runtime=NODE)
    answer = open_aws.lambda_.invoke_with_response_stream(FunctionName=name, Payload=json.dumps({"gate": gate.address}))
    next(iter(answer["EventStream"]))
    visitor = gate.wait()
    answer["EventStream"].close()
    visitor.let_go()
    # The invocation goes on to its end, as on AWS.
    lines = open_aws.logged(name, "REPORT RequestId")
    assert not any("Status: error" in line for line in lines)
