"""The AWS CLI v2, by itself and through `lambent aws`; and the README's own commands."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
from datetime import datetime, timedelta

import pytest

from account import Account
from identity import TRUST
from lambent import BINARY, ROOT, Server, clean_environment
from packages import ECHO, PYTHON, package

ROLE = "arn:aws:iam::000000000000:role/lambda-role"


def find_cli():
    """Debian's, or the first of version 2."""
    for program in filter(None, ("/usr/bin/aws", shutil.which("aws"))):
        if os.path.exists(program):
            version = subprocess.run([program, "--version"], capture_output=True, text=True)
            if version.stdout.startswith("aws-cli/2"):
                return program
    return None


CLI = find_cli()
needs_cli = pytest.mark.skipif(CLI is None, reason="the AWS CLI v2 is not installed: apt-get install awscli")


def environment(server, **more):
    """A shell's environment that finds this server's programs, and the AWS CLI v2 first."""
    folders = [str(BINARY.parent), os.path.dirname(CLI or "/usr/bin"), os.environ["PATH"]]
    return {
        **clean_environment(),
        "PATH": ":".join(folders),
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "",
        **more,
    }


class Cli:
    """The AWS CLI in a folder of its own, as an account of its own."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.account = Account(server)
        self.environment = environment(server, AWS_ACCESS_KEY_ID=self.account.number)

    def __call__(self, *arguments, through="--endpoint-url", fails=False):
        if through == "lambent":
            command = [BINARY, "aws", *arguments]
        else:
            command = [CLI, "--endpoint-url", self.server.endpoint, *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else json.loads(done.stdout or "null")

    def create(self, name, code=ECHO):
        (self.folder / f"{name}.zip").write_bytes(package({"index.py": code}))
        made = self(
            *("lambda", "create-function", "--function-name", name, "--runtime", PYTHON, "--role", ROLE),
            *("--handler", "index.handler", "--zip-file", f"fileb://{name}.zip"),
        )
        self.account.functions.append(name)
        self("lambda", "wait", "function-active-v2", "--function-name", name)
        return made


@pytest.fixture
def cli(server, tmp_path):
    cli = Cli(server, tmp_path)
    yield cli
    cli.account.delete_functions()


@needs_cli
def test_the_commands_of_the_guide(cli):
    """As in "Using Lambda with the AWS CLI" of the developer guide."""
    identity = cli("sts", "get-caller-identity")
    assert identity["Account"] == cli.account.number
    role = cli(
        *("iam", "create-role", "--role-name", "lambda-ex"),
        *("--assume-role-policy-document", json.dumps(TRUST)),
    )["Role"]
    assert role["Arn"] == f"arn:aws:iam::{cli.account.number}:role/lambda-ex"
    policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    cli("iam", "attach-role-policy", "--role-name", "lambda-ex", "--policy-arn", policy)

    (cli.folder / "function.zip").write_bytes(package({"index.py": ECHO}))
    cli.account.functions.append("lambda-function")
    created = cli(
        *("lambda", "create-function", "--function-name", "lambda-function", "--zip-file", "fileb://function.zip"),
        *("--handler", "index.handler", "--runtime", PYTHON, "--role", role["Arn"]),
    )
    assert created["Role"] == role["Arn"]
    cli("lambda", "wait", "function-active-v2", "--function-name", "lambda-function")
    answer = cli(
        *("lambda", "invoke", "--function-name", "lambda-function", "--cli-binary-format", "raw-in-base64-out"),
        *("--payload", '{"key1": "value1"}', "--log-type", "Tail", "response.json"),
    )
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert json.loads((cli.folder / "response.json").read_text()) == {"key1": "value1"}
    names = [item["FunctionName"] for item in cli("lambda", "list-functions")["Functions"]]
    assert names == ["lambda-function"]
    cli("lambda", "delete-function", "--function-name", "lambda-function")
    missing = cli("lambda", "get-function", "--function-name", "lambda-function", fails=True)
    assert "ResourceNotFoundException" in missing
    assert "Function not found" in missing


@needs_cli
def test_lambent_calls_the_cli(cli):
    """Without any setting but the endpoint; it passes on what the CLI says, and its status."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        del cli.environment[name]
    assert cli("sts", "get-caller-identity", through="lambent")["Account"] == "000000000000"
    missing = cli("lambda", "get-function", "--function-name", "no-such-function", through="lambent", fails=True)
    assert "ResourceNotFoundException" in missing


@needs_cli
def test_logs_are_followed(cli):
    cli.create("talks", 'def handler(event, context): print("heard", event)')
    command = [CLI, "--endpoint-url", cli.server.endpoint, "logs", "tail", "/aws/lambda/talks", "--format", "short"]
    cli.account.invoke("talks", 1)
    cli.account.logged("talks", "REPORT")
    follow = subprocess.Popen(
        [*command, "--follow"], env={**cli.environment, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(30, follow.kill)
    watchdog.start()
    try:
        seen = []
        for line in follow.stdout:
            seen.append(line)
            if "heard 1" in line:
                # It is following by now: what comes from here on is news.
                cli.account.invoke("talks", 2)
            if "heard 2" in line:
                break
        assert any("heard 2" in line for line in seen), seen
    finally:
        watchdog.cancel()
        follow.terminate()
        follow.wait()
        follow.stdout.close()


def block_of_the_readme():
    """The shell commands below "60 seconds" that follow the start of a server."""
    text = (ROOT / "README.md").read_text()
    section = text.split("## 60 seconds")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    [block] = [block for block in blocks if "lambent env" in block]
    return block


@needs_cli
@pytest.mark.skipif(not shutil.which("zip"), reason="zip is not installed")
def test_the_readme_s_60_seconds(tmp_path):
    """With a server of their own: they are an account's first commands."""
    with Server() as server:
        if BINARY.name != "lambent":
            pytest.skip(f"the program is not called lambent: {BINARY}")
        found = subprocess.run(
            [BINARY, "doctor", "--json", "--listen", "127.0.0.1:0"], cwd=tmp_path, capture_output=True, text=True
        )
        assert found.returncode in (0, 1), found.stderr
        # A new shell of somebody who has set nothing but the endpoint, since the usual port may be taken here.
        script = "set -euo pipefail\n" + block_of_the_readme()
        shell = {"PATH": environment(server)["PATH"], "HOME": str(tmp_path), "AWS_ENDPOINT_URL": server.endpoint}
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=shell, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert (tmp_path / "response.json").read_text() == '{"hello": "world"}'
        assert '{"hello": "world"}' in done.stdout
        assert "hello" in done.stdout.split('{"hello": "world"}')[1], "lambent cost shows the function"


@pytest.mark.parametrize(
    "shell, expected", [("sh", "export AWS_ENDPOINT_URL='{}'"), ("fish", "set -gx AWS_ENDPOINT_URL '{}'")]
)
def test_env_prints_what_a_shell_evaluates(server, shell, expected):
    command = [BINARY, "env", "--endpoint", server.endpoint, "--shell", shell]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert expected.format(server.endpoint) in lines
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        assert any(name in line for line in lines), lines


def test_doctor_tells_about_the_host(server, tmp_path):
    command = [BINARY, "doctor", "--json", "--listen", "127.0.0.1:0", "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60)
    report = json.loads(done.stdout)
    assert report, done.stderr
    assert not (tmp_path / "data").exists() or not any((tmp_path / "data").iterdir())


def test_cost_says_what_a_month_would_have_cost(server):
    account = Account(server)
    try:
        name = account.create(ECHO)
        for _ in range(3):
            account.invoke(name)
        command = [BINARY, "cost", "--endpoint", server.endpoint, "--json"]
        done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)
    finally:
        account.delete_functions()


def test_a_command_without_a_server_says_what_to_do():
    with socket.socket() as taken:
        # Bound and not listening: nobody else can have this port meanwhile, and nobody answers.
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        command = [BINARY, "cost", "--endpoint", endpoint]
        done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True)
    assert done.returncode == 1
    assert f"no answer from {endpoint}" in done.stderr
    assert "start a server with `lambent`" in done.stderr


def test_a_virtual_clock_is_turned():
    with Server("--clock", "virtual", "--pool-size", "0") as server:

        def clock(*arguments):
            command = [BINARY, "clock", *arguments, "--endpoint", server.endpoint, "--json"]
            done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
            return json.loads(done.stdout)

        hour = datetime.fromisoformat(clock("show")["now"].replace("Z", "+00:00")) + timedelta(hours=1)
        assert clock("advance", "1h")["happened"] == []
        assert datetime.fromisoformat(clock("show")["now"].replace("Z", "+00:00")) == hour
