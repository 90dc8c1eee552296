"""Custom runtimes through the Runtime API: AWS's tutorial in bash, a program without dependencies, AWS's own client."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lambent import ROOT
from packages import files_below, package

CUSTOM = {"Runtime": "provided.al2023", "Handler": "function.handler"}

# From the AWS Lambda developer guide, "Tutorial: Building a custom runtime".
TUTORIAL = {
    "bootstrap": """\
#!/bin/sh

set -euo pipefail

# Initialization - load function handler
source $LAMBDA_TASK_ROOT/"$(echo $_HANDLER | cut -d. -f1).sh"

# Processing
while true
do
  HEADERS="$(mktemp)"
  # Get an event. The HTTP request will block until one is received
  EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")

  # Extract request ID by scraping response headers received above
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)

  # Run the handler function from the script
  RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT_DATA")

  # Send the response
  curl "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response"  -d "$RESPONSE"
done
""".replace("#!/bin/sh", "#!/bin/bash"),  # On Amazon Linux sh is bash.
    "function.sh": """\
function handler () {
  EVENT_DATA=$1
  echo "$EVENT_DATA" 1>&2;
  RESPONSE="Echoing request: '$EVENT_DATA'"

  echo $RESPONSE
}
""",
}


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="curl or bash is not installed")
def test_the_tutorial_s_bash_runtime(aws):
    name = aws.create(TUTORIAL, **CUSTOM)
    for text in ("first", "second"):
        result = aws.invoke(name, {"text": text}, tail=True)
        assert result.error is None, result.raw + result.log.encode()
        assert result.raw.decode() == f'Echoing request: \'{{"text": "{text}"}}\''
        assert f'{{"text": "{text}"}}' in result.log


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The bootstrap of the demo, compiled."""
    if not shutil.which("rustc"):
        pytest.skip("rustc is not installed")
    program = tmp_path_factory.mktemp("bootstrap") / "bootstrap"
    source = ROOT / "crates/lambent/functions/bootstrap.rs"
    subprocess.run(["rustc", "--edition", "2024", "-o", program, source], check=True)
    return program.read_bytes()


def test_a_compiled_runtime(aws, compiled):
    name = aws.create({"bootstrap": compiled}, **CUSTOM)
    for event in ({"key": "value"}, [1, 2], "x" * 100_000):
        assert aws.result(name, event) == {"echo": event}


def test_a_bootstrap_in_a_layer(aws, compiled):
    arn = aws.lambda_.publish_layer_version(LayerName="runtime", Content={"ZipFile": package({"bootstrap": compiled})})
    name = aws.create({"data": "no program"}, Layers=[arn["LayerVersionArn"]], **CUSTOM)
    assert aws.result(name, 1) == {"echo": 1}


def system_python():
    """The python3 that a custom runtime finds on its PATH, and why AWS's client cannot run on it."""
    program = Path("/usr/bin/python3")
    if not program.exists():
        return None, "there is no /usr/bin/python3 for a custom runtime to use"
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = subprocess.run([program, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    if version != "%d.%d" % sys.version_info[:2]:
        return None, f"awslambdaric was built for {sys.version_info[:2]}, and /usr/bin/python3 is {version}"
    return program, None


def test_aws_s_runtime_client_for_python_unchanged(aws):
    program, reason = system_python()
    if not program:
        pytest.skip(reason)
    site = Path(importlib.util.find_spec("awslambdaric").origin).parents[1]
    files = {
        "bootstrap": f"#!/bin/sh\nexec {program} -m awslambdaric index.handler\n",
        "index.py": """
        import logging

        def handler(event, context):
            if event == "fail":
                raise LookupError("not there")
            print("printed")
            logging.getLogger().warning("logged")
            return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn}
        """,
    }
    for module in ("awslambdaric", "simplejson", "snapshot_restore_py"):
        files |= files_below(site / module, f"{module}/")
    files |= {path.name: path.read_bytes() for path in site.glob("runtime_client*.so")}
    name = aws.create(files, MemorySize=512, **CUSTOM)
    result = aws.invoke(name, {"a": "ü"}, tail=True)
    assert result.error is None, result.raw
    assert result.payload == {"event": {"a": "ü"}, "id": result.request_id, "arn": aws.arn(name)}
    assert "printed" in result.log
    assert f"{result.request_id}\tlogged" in result.log
    failed = aws.invoke(name, "fail")
    assert failed.error == "Unhandled"
    assert (failed.payload["errorType"], failed.payload["errorMessage"]) == ("LookupError", "not there")


RAW = {
    "bootstrap": "#!/bin/sh\nexec python3 -u runtime.py\n",
    "runtime.py": """
    import http.client, json, os

    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(method, path, body=None, headers={}):
        api.request(method, "/2018-06-01/runtime/" + path, body, headers)
        answer = api.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()

    while True:
        _, headers, event = call("GET", "invocation/next")
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        wrong = [
            call("POST", "invocation/00000000-0000-0000-0000-000000000000/response", "1"),
            call("POST", f"invocation/{request_id}/unknown", "1"),
        ]
        if event == '"error"':
            body = json.dumps({"errorType": "Mine", "errorMessage": "my own", "extra": [1]})
            call("POST", f"invocation/{request_id}/error", body, {"Lambda-Runtime-Function-Error-Type": "Mine"})
        elif event == '"big"':
            status, _, text = call("POST", f"invocation/{request_id}/response", "x" * 6291557)
            print("too big:", status, text)
        else:
            call("POST", f"invocation/{request_id}/response", json.dumps({"headers": headers, "wrong": wrong}))
            again = call("POST", f"invocation/{request_id}/response", "2")
            print("again:", again[0], again[2])
    """,
}


def test_the_runtime_api_itself(aws):
    name = aws.create(RAW, **CUSTOM)
    result = aws.invoke(name, "well")
    got = result.payload
    assert got["headers"]["Lambda-Runtime-Aws-Request-Id"] == result.request_id
    assert got["headers"]["Lambda-Runtime-Invoked-Function-Arn"] == aws.arn(name)
    assert int(got["headers"]["Lambda-Runtime-Deadline-Ms"]) > 1_700_000_000_000
    assert got["headers"]["Lambda-Runtime-Trace-Id"].startswith("Root=1-")
    assert "Lambda-Runtime-Client-Context" not in got["headers"]
    status, _, body = got["wrong"][0]
    assert (status, json.loads(body)["errorType"]) == (400, "InvalidRequestID")
    assert got["wrong"][1][0] == 404
    lines = aws.logged(name, "again:")
    assert any(line.startswith("again: 400") and "InvalidRequestID" in line for line in lines), lines

    failed = aws.invoke(name, "error")
    assert failed.error == "Unhandled"
    # A custom runtime's error goes to the caller as it is.
    assert failed.payload == {"errorType": "Mine", "errorMessage": "my own", "extra": [1]}

    big = aws.invoke(name, "big")
    assert big.payload["errorType"] == "Function.ResponseSizeTooLarge"
    lines = aws.logged(name, "too big:")
    assert any(line.startswith("too big: 413") and "RequestEntityTooLarge" in line for line in lines), lines
