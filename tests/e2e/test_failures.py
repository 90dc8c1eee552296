"""Functions that fail: the answer is 200, FunctionError is set, and the payload is AWS's, word for word."""

import json
import re

import pytest

from account import refused
from packages import package


def fails(aws, code, event=None, **settings):
    """Invokes a function that fails; returns the invocation."""
    name = aws.create(code, **settings)
    result = aws.invoke(name, event, tail=True)
    result.name = name
    assert (result.status, result.error) == (200, "Unhandled"), (result.raw, result.log)
    assert f"END RequestId: {result.request_id}" in result.log
    assert f"REPORT RequestId: {result.request_id}" in result.log
    return result


def recovers(aws, result, event):
    """The next invocation of the same function is served."""
    after = aws.invoke(result.name, event)
    assert after.error is None, after.raw
    return after.payload


def test_an_exception(aws):
    result = fails(
        aws,
        """
        import os

        def handler(event, context):
            if event == "well":
                return os.getpid()
            raise ValueError("this order has no items: ☃")
        """,
    )
    error = result.payload
    assert set(error) == {"errorMessage", "errorType", "requestId", "stackTrace"}
    assert error["errorMessage"] == "this order has no items: ☃"
    assert error["errorType"] == "ValueError"
    assert error["requestId"] == result.request_id
    task = "/var/task" if aws.server.isolates else ".*"
    raised = re.escape('/index.py", line 7, in handler\n    raise ValueError("this order has no items: ☃")\n')
    [frame] = error["stackTrace"]
    assert re.fullmatch(f'  File "{task}{raised}', frame), frame
    assert "[ERROR] ValueError: this order has no items: ☃\rTraceback (most recent call last):" in result.log
    # An error that the handler reports leaves the environment alive.
    assert recovers(aws, result, "well") == recovers(aws, result, "well")
    assert "Init Duration" not in aws.invoke(result.name, "well", tail=True).log


CRASHES = """
    import os, signal, sys

    def handler(event, context):
        if event == "well":
            return "well"
        print("last words")
        {}
"""

EXITS = {
    "sys.exit(0)": "Runtime exited without providing a reason",
    "os._exit(0)": "Runtime exited without providing a reason",
    "sys.exit(3)": "Runtime exited with error: exit status 3",
    "os._exit(255)": "Runtime exited with error: exit status 255",
    "os.kill(os.getpid(), signal.SIGKILL)": "Runtime exited with error: signal: killed",
    "import ctypes; ctypes.string_at(0)": "Runtime exited with error: signal: segmentation fault",
    "os.abort()": "Runtime exited with error: signal: aborted",
}


@pytest.mark.parametrize("crash", EXITS)
def test_the_runtime_ends(aws, crash):
    result = fails(aws, CRASHES.format(crash), "ill")
    message = f"RequestId: {result.request_id} Error: {EXITS[crash]}"
    assert json.loads(result.raw) == {"errorType": "Runtime.ExitError", "errorMessage": message}
    # Whoever reads the log looks for the order of the fields that AWS has.
    assert result.raw.startswith(b'{"errorType"')
    assert "last words" in result.log
    assert "\tStatus: error\tError Type: Runtime.ExitError" in result.log
    assert recovers(aws, result, "well") == "well"


def test_a_timeout(aws):
    result = fails(
        aws,
        """
        import threading

        def handler(event, context):
            if event == "well":
                return "well"
            print("waiting")
            threading.Event().wait()
        """,
        Timeout=1,
    )
    message = f"RequestId: {result.request_id} Error: Task timed out after 1.00 seconds"
    assert result.raw.decode() == json.dumps(
        {"errorType": "Sandbox.Timedout", "errorMessage": message}, separators=(",", ":")
    )
    assert "waiting" in result.log
    assert "\tStatus: timeout" in result.log
    duration = float(re.search(r"\tDuration: (\d+\.\d\d) ms", result.log)[1])
    assert 1000 <= duration < 1500
    assert recovers(aws, result, "well") == "well"


def test_a_timeout_ends_what_the_function_has_started(open_aws, gate):
    result = fails(
        open_aws,
        """
        import subprocess, sys

        CHILD = '''
        import os, socket, sys
        os.setsid()
        connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
        connection.sendall(b"child\\\\n")
        connection.recv(1)
        '''

        def handler(event, context):
            host, port = event
            subprocess.run([sys.executable, "-c", CHILD.replace("\\n        ", "\\n"), host, str(port)])
        """,
        gate.address,
        Timeout=2,
    )
    assert result.payload["errorType"] == "Sandbox.Timedout"
    child = gate.wait()
    assert child.text == "child", result.log
    child.wait_for_end()


def test_out_of_memory(aws, server):
    if missing := server.lacks("memory"):
        pytest.skip(missing)
    result = fails(
        aws,
        """
        def handler(event, context):
            if event == "well":
                return "well"
            kept = []
            while True:
                kept.append(b"x" * (1 << 20))
        """,
        MemorySize=128,
    )
    message = f"RequestId: {result.request_id} Error: Runtime exited with error: signal: killed"
    assert result.payload == {"errorType": "Runtime.OutOfMemory", "errorMessage": message}
    assert "Max Memory Used: 128 MB" in result.log
    assert "\tStatus: error\tError Type: Runtime.OutOfMemory" in result.log
    assert recovers(aws, result, "well") == "well"


INIT_ERRORS = {
    "handler missing": (
        {"index.py": "x = 1"},
        {},
        "Runtime.HandlerNotFound",
        "Handler 'handler' missing on module 'index'",
    ),
    "module missing": (
        {"other.py": "x = 1"},
        {},
        "Runtime.ImportModuleError",
        "Unable to import module 'index': No module named 'index'",
    ),
    "import error": (
        {"index.py": "import nothing_like_this"},
        {},
        "Runtime.ImportModuleError",
        "Unable to import module 'index': No module named 'nothing_like_this'",
    ),
    "syntax error": (
        {"index.py": "def handler(event, context:\n    return 1\n"},
        {},
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'index': ",
    ),
    "bad handler name": (
        {"index.py": "x = 1"},
        {"Handler": "index"},
        "Runtime.MalformedHandlerName",
        "Bad handler 'index': ",
    ),
    "exception": (
        {"index.py": "raise KeyError('no configuration')"},
        {},
        "KeyError",
        "'no configuration'",
    ),
}


@pytest.mark.parametrize("what", INIT_ERRORS)
def test_a_function_that_cannot_be_loaded(aws, what):
    files, settings, error_type, message = INIT_ERRORS[what]
    result = fails(aws, files, **settings)
    assert result.payload["errorType"] == error_type
    assert result.payload["errorMessage"].startswith(message)
    assert result.payload["requestId"] == ""
    # It is tried anew each time, and fails the same way.
    assert aws.invoke(result.name).payload["errorType"] == error_type


def test_a_crash_while_it_loads(aws):
    result = fails(aws, 'print("loading")\nimport os; os._exit(7)\ndef handler(event, context): pass')
    message = f"RequestId: {result.request_id} Error: Runtime exited with error: exit status 7"
    assert result.payload == {"errorType": "Runtime.ExitError", "errorMessage": message}
    lines = aws.logged(result.name, "REPORT RequestId")
    assert any(line.startswith("INIT_REPORT Init Duration: ") and "Status: error" in line for line in lines), lines


def test_results_that_are_no_json(aws):
    result = fails(aws, "def handler(event, context): return {1, 2}")
    assert result.payload["errorType"] == "Runtime.MarshalError"
    assert result.payload["errorMessage"] == ("Unable to marshal response: Object of type set is not JSON serializable")


def test_a_result_over_6_mb(aws):
    result = fails(aws, 'def handler(event, context): return "x" * event', 7_000_000, MemorySize=256)
    assert result.payload == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    assert recovers(aws, result, 10) == "x" * 10


def test_a_custom_runtime_without_a_bootstrap(aws):
    result = fails(aws, {"README": "nothing to run"}, Runtime="provided.al2023", Handler="any")
    assert result.payload["errorType"] == "Runtime.InvalidEntrypoint"


def test_a_bootstrap_that_is_not_executable(aws):
    zipped = package({"bootstrap": "#!/bin/sh\n"}).replace(b"\xed\x81", b"\xa4\x81")
    result = fails(aws, zipped, Runtime="provided.al2023", Handler="any")
    assert result.payload["errorType"] == "Runtime.InvalidEntrypoint"


def test_a_bootstrap_that_does_nothing(aws):
    result = fails(aws, {"bootstrap": "#!/bin/sh\nexit 0\n"}, Runtime="provided.al2023", Handler="any")
    message = f"RequestId: {result.request_id} Error: Runtime exited without providing a reason"
    assert result.payload == {"errorType": "Runtime.ExitError", "errorMessage": message}


def test_an_exec_wrapper_that_is_not_there(aws):
    result = fails(
        aws, "def handler(event, context): pass", Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/none"}}
    )
    message = f"RequestId: {result.request_id} Error: Runtime exited with error: exit status 127"
    assert result.payload == {"errorType": "Runtime.ExitError", "errorMessage": message}


def test_a_function_that_floods_its_log_is_stopped_in_time(aws):
    result = fails(
        aws,
        """
        def handler(event, context):
            while True:
                print("x" * 1000)
        """,
        Timeout=1,
    )
    assert result.payload["errorType"] == "Sandbox.Timedout"


def test_a_function_that_fills_its_disk_is_told_so(aws, sandboxed):
    name = aws.create(
        """
        import errno

        def handler(event, context):
            try:
                with open("/tmp/big", "wb") as file:
                    while True:
                        file.write(bytes(1 << 20))
            except OSError as error:
                return errno.errorcode[error.errno]
        """,
        MemorySize=1024,
    )
    assert aws.result(name) == "ENOSPC"


def test_reserved_concurrency_of_zero_throttles_all(aws):
    name = aws.create("def handler(event, context): pass")
    aws.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    answer = refused(aws.lambda_.invoke, "TooManyRequestsException", 429, "Rate Exceeded.", FunctionName=name)
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert answer["Type"] == "User"
    aws.lambda_.delete_function_concurrency(FunctionName=name)
    assert aws.result(name) is None
