"""The AWS SDK for Java and the Kinesis Client Library: their tests are in java/, and are run from their sources."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from account import Account
from lambent import ROOT, clean_environment
from packages import PYTHON

SOURCES = Path(__file__).parent / "java"
LIBRARIES = ROOT / "target/clients/java"
# The consumer library waits for up to half a minute before it makes its first lease.
TIMEOUT_S = 120

pytestmark = [
    pytest.mark.skipif(shutil.which("javac") is None, reason="a Java development kit is not installed"),
    pytest.mark.skipif(not LIBRARIES.exists(), reason="the AWS SDK for Java is not installed"),
]


class Program:
    """A Java program that runs."""

    def __init__(self, server, name):
        self.source = SOURCES / f"{name}.java"
        environment = {
            **clean_environment(),
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_ACCESS_KEY_ID": Account(server).number,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "LAMBENT_E2E_PYTHON": PYTHON,
            # DynamoDB local would tell AWS that it runs.
            "DDB_LOCAL_TELEMETRY": "0",
        }
        native = f"-Dsqlite4java.library.path={LIBRARIES}"
        self.process = subprocess.Popen(
            ["java", native, "-cp", f"{LIBRARIES}/*", str(self.source)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def assert_passes(self):
        """Each of its tests has said that it is over, and well."""
        try:
            output, _ = self.process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, _ = self.process.communicate()
            pytest.fail(f"it takes too long:\n{output}")
        assert self.process.returncode == 0, output
        tests = re.findall(r'run\("(.*)",|println\("ok (.*)"\)', self.source.read_text())
        names = [one or other for one, other in tests]
        assert re.findall(r"^ok (.*)$", output, re.MULTILINE) == names, output

    def stop(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def start(open_server):
    programs = {}

    def start(name):
        programs.setdefault(name, Program(open_server, name))
        return programs[name]

    # Most of its time it waits: that can be while the others run.
    start("ConsumerLibrary")
    yield start
    for program in programs.values():
        program.stop()


@pytest.mark.parametrize("name", ["Kinesis", "Mappings", "ConsumerLibrary"])
def test_the_aws_sdk_for_java(start, name):
    start(name).assert_passes()
