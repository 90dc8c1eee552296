"""External extensions, brought by a layer."""

import json

from packages import ECHO, package

OBSERVER = """\
#!/usr/bin/env python3
import http.client, json, os, sys

def say(**what):
    print("observer " + json.dumps(what), flush=True)

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, path, body=None, headers={}):
    api.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = api.getresponse()
    return answer.status, answer.headers, json.loads(answer.read() or "null")

status, headers, registered = call(
    "POST", "register", json.dumps({"events": ["INVOKE", "SHUTDOWN"]}),
    {"Lambda-Extension-Name": "observer", "Lambda-Extension-Accept-Feature": "accountId"},
)
say(status=status, registered=registered, reserved=sorted(n for n in os.environ if n.startswith("_HANDLER")))
me = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
while True:
    status, headers, event = call("GET", "event/next", headers=me)
    say(event=event)
    if event["eventType"] == "SHUTDOWN":
        sys.exit(0)
"""


SUBSCRIBER = """\
#!/usr/bin/env python3
import http.client, http.server, json, os, threading

seen = threading.Event()

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for event in events:
            if event["type"] in ("function", "platform.start", "platform.report"):
                print("telemetry " + json.dumps(event), flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, path, body=None, headers={}):
    api.request(method, path, body, headers)
    answer = api.getresponse()
    text = answer.read().decode()
    return answer.headers, text

headers, _ = call("POST", "/2020-01-01/extension/register", json.dumps({"events": ["INVOKE", "SHUTDOWN"]}), {"Lambda-Extension-Name": "observer"})
me = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
subscription = {
    "schemaVersion": "2022-07-01",
    "types": ["platform", "function"],
    "buffering": {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 25},
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:%d" % server.server_port},
}
_, text = call("PUT", "/2022-07-01/telemetry", json.dumps(subscription), me)
print("subscribed " + text, flush=True)
while True:
    _, text = call("GET", "/2020-01-01/extension/event/next", headers=me)
    if json.loads(text)["eventType"] == "SHUTDOWN":
        break
"""


def observed(lines):
    return [json.loads(line.removeprefix("observer ")) for line in lines if line.startswith("observer ")]


def layer(aws, program):
    content = {"ZipFile": package({"extensions/observer": program})}
    return aws.lambda_.publish_layer_version(LayerName="observer", Content=content)["LayerVersionArn"]


def test_an_extension_sees_invocations_and_the_shutdown(aws):
    name = aws.create(ECHO, Layers=[layer(aws, OBSERVER)])
    first, second = aws.invoke(name, 1), aws.invoke(name, 2)
    assert (first.payload, second.payload) == (1, 2)
    lines = aws.logged(name, second.request_id)
    registered, *_ = observed(lines)
    assert registered["status"] == 200
    assert registered["registered"] == {
        "functionName": name,
        "functionVersion": "$LATEST",
        "handler": "index.handler",
        "accountId": aws.number,
    }
    assert registered["reserved"] == []
    # A new configuration ends the environments of the old one.
    aws.update(name, Description="changed")
    aws.invoke(name, 3)
    lines = aws.logged(name, "SHUTDOWN")
    events = [what["event"] for what in observed(lines) if "event" in what]
    invocations = [event for event in events if event["eventType"] == "INVOKE"]
    assert [event["requestId"] for event in invocations[:2]] == [first.request_id, second.request_id]
    assert invocations[0]["invokedFunctionArn"] == aws.arn(name)
    assert invocations[0]["deadlineMs"] > 1_700_000_000_000
    [shutdown] = [event for event in events if event["eventType"] == "SHUTDOWN"]
    assert shutdown["shutdownReason"].upper() == "SPINDOWN"


def test_an_extension_hears_that_the_function_timed_out(aws):
    code = "import threading\ndef handler(event, context): threading.Event().wait()"
    name = aws.create(code, Layers=[layer(aws, OBSERVER)], Timeout=1)
    assert aws.invoke(name).payload["errorType"] == "Sandbox.Timedout"
    lines = aws.logged(name, '"SHUTDOWN"')
    [shutdown] = [w["event"] for w in observed(lines) if w.get("event", {}).get("eventType") == "SHUTDOWN"]
    assert shutdown["shutdownReason"].upper() == "TIMEOUT"


def test_an_extension_hears_that_the_function_crashed(aws):
    name = aws.create("import os\ndef handler(event, context): os._exit(1)", Layers=[layer(aws, OBSERVER)])
    assert aws.invoke(name).payload["errorType"] == "Runtime.ExitError"
    lines = aws.logged(name, '"SHUTDOWN"')
    [shutdown] = [w["event"] for w in observed(lines) if w.get("event", {}).get("eventType") == "SHUTDOWN"]
    assert shutdown["shutdownReason"].upper() == "FAILURE"


def test_telemetry_reaches_an_extension(open_aws):
    """With `--network host`: into a network of the function's own the platform cannot connect."""
    aws = open_aws
    name = aws.create("def handler(event, context): print('from the function', event)", Layers=[layer(aws, SUBSCRIBER)])
    first = aws.invoke(name, 1)
    assert first.error is None, first.raw
    aws.invoke(name, 2)
    lines = aws.logged(name, "platform.start")
    assert [line.strip() for line in lines if line.startswith("subscribed")][0] == "subscribed OK"
    # What was buffered when the environment was frozen comes with the next invocation.
    aws.update(name, Description="changed")
    aws.invoke(name, 3)
    lines = aws.logged(name, "platform.report")
    events = [json.loads(line.removeprefix("telemetry ")) for line in lines if line.startswith("telemetry ")]
    starts = [event["record"]["requestId"] for event in events if event["type"] == "platform.start"]
    assert first.request_id in starts
    assert any(event["type"] == "function" and "from the function" in event["record"] for event in events)


def test_telemetry_that_cannot_be_delivered_is_refused(aws, sandboxed):
    """Into the function's own network, which is the default."""
    name = aws.create(ECHO, Layers=[layer(aws, SUBSCRIBER)])
    assert aws.result(name, 1) == 1
    [line] = [line for line in aws.logged(name, "subscribed") if line.startswith("subscribed")]
    assert "Telemetry.NotSupported" in line
