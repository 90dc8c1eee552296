"""The execution environment: variables, files, layers, what stays and what does not."""

import re
import socket

import pytest

from account import at_once, eventually
from packages import NODE, PYTHON, package

DUMP = """
    import os
    def handler(event, context):
        return dict(os.environ)
"""


def test_the_variables_are_those_that_aws_documents(aws, sandboxed):
    name = aws.create(DUMP, MemorySize=256, Environment={"Variables": {"MINE": "grüße", "TZ": "Europe/Berlin"}})
    variables = aws.result(name)
    expected = {
        "_HANDLER": "index.handler",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{PYTHON}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "PWD": "/var/task",
        "LANG": "en_US.UTF-8",
        "MINE": "grüße",
        # Not reserved, so what the customer sets wins.
        "TZ": "Europe/Berlin",
    }
    assert {key: variables.get(key) for key in expected} == expected
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", variables["AWS_LAMBDA_LOG_STREAM_NAME"])
    assert re.fullmatch(r"ASIA[A-Z0-9]{16}", variables["AWS_ACCESS_KEY_ID"])
    assert variables["AWS_SECRET_ACCESS_KEY"]
    assert variables["AWS_SESSION_TOKEN"]
    assert re.fullmatch(r"[\w.]+:\d+", variables["AWS_LAMBDA_RUNTIME_API"])
    for key in ("PATH", "LD_LIBRARY_PATH"):
        assert "/var/lang/" in variables[key]
        assert "/opt/" in variables[key]


def test_nothing_of_the_server_s_environment_leaks(server, aws):
    own = set(aws.result(aws.create(DUMP)))
    if not server.isolates:
        own -= {"TMPDIR"}  # Plain processes have no /tmp of their own.
    allowed = re.compile(
        r"_?(AWS|LAMBDA)_.*|_HANDLER|_X_AMZN_TRACE_ID|LANG|LC_CTYPE|TZ|PATH|LD_LIBRARY_PATH|PYTHONPATH|PWD|SHLVL"
    )
    assert [name for name in own if not allowed.fullmatch(name)] == []


def test_a_custom_runtime_has_no_execution_env(aws):
    name = aws.create(
        {
            "bootstrap": """\
            #!/bin/sh
            # One invocation with the tools that every host has: the answer is the environment.
            exec python3 bootstrap.py
            """,
            "bootstrap.py": """
            import json, os, urllib.request
            api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/"
            while True:
                with urllib.request.urlopen(api + "next") as event:
                    request_id = event.headers["Lambda-Runtime-Aws-Request-Id"]
                    event.read()
                body = json.dumps(dict(os.environ)).encode()
                urllib.request.urlopen(api + request_id + "/response", body).read()
            """,
        },
        Runtime="provided.al2023",
        Handler="whatever.it.is",
    )
    variables = aws.result(name)
    assert variables["_HANDLER"] == "whatever.it.is"
    assert "AWS_EXECUTION_ENV" not in variables


STATE = """
    import os, tempfile

    count = 0

    def handler(event, context):
        global count
        count += 1
        path = tempfile.gettempdir() + "/kept"
        kept = open(path).read() if os.path.exists(path) else ""
        with open(path, "a") as file:
            file.write("x")
        return {"count": count, "kept": len(kept), "pid": os.getpid(), "stream": context.log_stream_name}
"""


def test_a_warm_environment_keeps_its_memory_and_its_tmp(aws):
    name = aws.create(STATE)
    first, second, third = (aws.result(name) for _ in range(3))
    assert [result["count"] for result in (first, second, third)] == [1, 2, 3]
    assert [result["kept"] for result in (first, second, third)] == [0, 1, 2]
    assert first["pid"] == third["pid"]
    assert first["stream"] == third["stream"]


def test_new_code_and_new_configuration_start_new_environments(aws):
    name = aws.create(STATE)
    before = aws.result(name)
    aws.update(name, STATE_CHANGED)
    after = aws.result(name)
    assert (after["count"], after["kept"]) == (1, 0)
    assert after["stream"] != before["stream"]
    aws.update(name, Environment={"Variables": {"NEW": "1"}})
    assert aws.result(name)["count"] == 1


STATE_CHANGED = "\n".join(line[4:] for line in STATE.splitlines()) + "\n# changed\n"


def test_two_functions_share_no_tmp(aws):
    first, second = aws.create(STATE), aws.create(STATE)
    assert aws.result(first)["kept"] == 0
    assert aws.result(second)["kept"] == 0


def test_the_size_of_tmp_is_what_was_asked_for(aws, sandboxed):
    code = """
        import os
        def handler(event, context):
            disk = os.statvfs("/tmp")
            return disk.f_frsize * disk.f_blocks >> 20
    """
    assert aws.result(aws.create(code)) == 512
    assert aws.result(aws.create(code, EphemeralStorage={"Size": 1024})) == 1024


def test_all_but_tmp_is_read_only(aws, sandboxed):
    name = aws.create(
        """
        import os
        PLACES = ["/", "/var/task", "/var/task/index.py", "/opt", "/var/runtime", "/etc", "/usr", "/var", "/proc/sys", "/dev"]

        def handler(event, context):
            wrote = []
            for place in PLACES:
                path = place if os.path.isfile(place) else place + "/new"
                try:
                    open(path, "a").close()
                    wrote.append(path)
                except OSError:
                    pass
            return wrote
        """
    )
    assert aws.result(name) == []


def test_a_function_sees_neither_the_host_nor_other_functions(aws, sandboxed, tmp_path):
    (tmp_path / "secret").write_text("of the host")
    name = aws.create(
        """
        import glob, os

        def handler(event, context):
            return {
                "host": os.path.exists(event),
                "root": os.path.exists("/root/.cargo") or os.path.exists("/home"),
                "user": os.getuid(),
                "processes": len(glob.glob("/proc/[0-9]*")),
                "shadow": os.access("/etc/shadow", os.R_OK),
            }
        """
    )
    seen = aws.result(name, f"{tmp_path}/secret")
    assert not seen["host"]
    assert not seen["shadow"]
    assert seen["user"] != 0
    assert seen["processes"] <= 4


def test_a_function_reaches_only_the_endpoint(aws, sandboxed):
    """With the default `--network endpoint`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        name = aws.create(
            """
            import socket

            def handler(event, context):
                try:
                    socket.create_connection(tuple(event), timeout=5).close()
                    return "connected"
                except OSError as error:
                    return type(error).__name__
            """
        )
        assert aws.result(name, list(listener.getsockname())) != "connected"


def test_on_the_host_s_network_a_function_still_calls_lambent_and_not_aws(open_server, open_aws):
    name = open_aws.create(
        """
        import os, urllib.request

        def handler(event, context):
            url = os.environ["AWS_ENDPOINT_URL"]
            return url, urllib.request.urlopen(url + "/_lambent/health").status
        """
    )
    assert open_aws.result(name) == [open_server.endpoint, 200]
    own = open_aws.create(
        "import os\ndef handler(event, context): return os.environ['AWS_ENDPOINT_URL']",
        Environment={"Variables": {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}},
    )
    assert open_aws.result(own) == "http://127.0.0.1:1"


def test_layers_are_merged_below_opt_in_their_order(aws, sandboxed):
    def layer(name, files):
        answer = aws.lambda_.publish_layer_version(
            LayerName=name, Content={"ZipFile": package(files)}, CompatibleRuntimes=[PYTHON]
        )
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
        return answer["LayerVersionArn"]

    first = layer("first", {"python/helper.py": "def name(): return 'first'", "data/one": "1", "both": "first"})
    second = layer("second", {"data/two": "2", "both": "second"})
    assert first == f"arn:aws:lambda:us-east-1:{aws.number}:layer:first:1"
    code = """
        import helper

        def read(path):
            with open(path) as file:
                return file.read()

        def handler(event, context):
            return [helper.name(), read("/opt/data/one"), read("/opt/data/two"), read("/opt/both")]
    """
    name = aws.create(code, Layers=[first, second])
    assert aws.result(name) == ["first", "1", "2", "second"]
    shown = aws.lambda_.get_function_configuration(FunctionName=name)["Layers"]
    assert [layer["Arn"] for layer in shown] == [first, second]
    # What a function uses stays, also when the layer's version is deleted.
    aws.lambda_.delete_layer_version(LayerName="first", VersionNumber=1)
    aws.update(name, Layers=[second])
    assert aws.invoke(name).payload["errorType"] == "Runtime.ImportModuleError"


def test_a_deleted_layer_goes_on_working_in_functions_that_have_it(aws, sandboxed):
    arn = aws.lambda_.publish_layer_version(LayerName="kept", Content={"ZipFile": package({"data": "still here"})})[
        "LayerVersionArn"
    ]
    name = aws.create('def handler(event, context): return open("/opt/data").read()', Layers=[arn])
    aws.lambda_.delete_layer_version(LayerName="kept", VersionNumber=1)
    assert aws.result(name) == "still here"
    assert aws.lambda_.list_layers()["Layers"] == []


def test_files_of_the_package_keep_their_modes(aws, sandboxed):
    name = aws.create(
        package(
            {
                "index.py": """
                import os, subprocess

                def handler(event, context):
                    return [subprocess.check_output(["./tool"], text=True), os.getcwd(), sorted(os.listdir())]
                """,
                "tool": "#!/bin/sh\necho it runs\n",
            },
            executable=["tool"],
        )
    )
    answer, folder, files = aws.result(name)
    assert (answer, folder, files) == ("it runs\n", "/var/task", ["index.py", "tool"])


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_node_finds_what_a_layer_brings(aws):
    arn = aws.lambda_.publish_layer_version(
        LayerName="modules",
        Content={
            "ZipFile": package(
                {
                    "nodejs/node_modules/helper/package.json": '{"name": "helper", "main": "index.js"}',
                    "nodejs/node_modules/helper/index.js": "exports.name = () => 'from the layer';",
                }
            )
        },
    )["LayerVersionArn"]
    code = {"index.mjs": "import helper from 'helper';\nexport const handler = async () => helper.name();"}
    assert aws.result(aws.create(code, Runtime=NODE, Layers=[arn])) == "from the layer"
    code = {"index.js": "const helper = require('helper');\nexports.handler = async () => helper.name();"}
    assert aws.result(aws.create(code, Runtime=NODE, Layers=[arn])) == "from the layer"


def test_between_invocations_nothing_runs(open_aws, gate):
    """A thread that an invocation leaves behind stands still until the next one."""
    name = open_aws.create(
        """
        import socket, threading

        def answer(address):
            connection = socket.create_connection(address)
            while connection.recv(1):
                connection.sendall(b"!")

        def handler(event, context):
            if "answer" in event:
                threading.Thread(target=answer, args=[tuple(event["answer"])], daemon=True).start()
            if "gate" in event:
                with socket.create_connection(tuple(event["gate"])) as connection:
                    connection.sendall(b"here\\n")
                    connection.recv(1)
        """
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        open_aws.result(name, {"answer": listener.getsockname()})
        thread, _ = listener.accept()

    def answers(within_s):
        thread.settimeout(within_s)
        try:
            thread.sendall(b"?")
            return thread.recv(16)
        except TimeoutError:
            return b""

    eventually(lambda: not answers(within_s=0.5))
    [second] = at_once(1, lambda _: open_aws.result(name, {"gate": gate.address}))
    visitor = gate.wait()
    assert answers(within_s=10)
    visitor.let_go()
    second.result()
