"""A Lambent of the tests' own, whose clock they turn. Copy this into your suite."""

import itertools
import json
import re
import subprocess
import urllib.request

import boto3
import pytest

# Without `--auth sigv4` an access key of twelve digits is the account, so every test has one of its own.
accounts = itertools.count(100000000000)


class Lambent:
    """A server that a test sees as an account of its own."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.account = str(next(accounts))
        self.region = "eu-central-1"

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.account,
            aws_secret_access_key="any",
        )

    def advance(self, **how):
        """Moves time: seconds=120, to="next" or to="2026-12-01T08:30:00Z". Returns what happened meanwhile."""
        body = json.dumps(how).encode()
        with urllib.request.urlopen(f"{self.endpoint}/_lambent/clock/advance", body) as answer:
            return json.load(answer)["happened"]

    def trace(self, id):
        """All that happened to an event or a message, and to what came of it."""
        with urllib.request.urlopen(f"{self.endpoint}/_lambent/trace/{id}") as answer:
            return json.load(answer)["steps"]


@pytest.fixture(scope="session")
def server():
    command = ["lambent", "serve", "--listen", "127.0.0.1:0", "--ephemeral", "--clock", "virtual"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        yield re.search(r"http://[\d.:]+", process.stderr.readline()).group()
        process.terminate()
        process.stderr.read()


@pytest.fixture
def lambent(server):
    return Lambent(server)
