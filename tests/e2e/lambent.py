"""A Lambent server of a test's own, and clients of it."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import urllib.parse
from functools import cached_property
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("LAMBENT_BINARY", ROOT / "target/debug/lambent"))
READY = "Lambent is ready at "
START_TIMEOUT_S = 30
REGION = "us-east-1"

# Of the server that checks signatures.
ACCESS_KEY = ("AKIALAMBENTTEST00001", "a-secret-that-only-the-tests-know")

# A test sees the first answer, whatever it is; and no connection waits for another.
PLAIN = Config(
    retries={"total_max_attempts": 1, "mode": "standard"}, max_pool_connections=64, read_timeout=60, connect_timeout=5
)


class Server:
    """`lambent serve` on a port of its own."""

    def __init__(self, *options, data_dir=None, environment=None):
        place = ["--data-dir", str(data_dir)] if data_dir else ["--ephemeral"]
        command = [str(BINARY), "serve", "--listen", "127.0.0.1:0", *place, *options]
        self.output = []
        self.endpoint = None
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            command,
            env={**clean_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(START_TIMEOUT_S) or not self.endpoint:
            self.process.kill()
            raise AssertionError(f"the server did not start:\n{self.log()}")

    def _read(self):
        for line in self.process.stderr:
            self.output.append(line)
            if READY in line and not self.endpoint:
                self.endpoint = uncolored(line).split(READY)[1].strip()
            # The isolation is told right after the endpoint.
            if "isolation:" in line:
                self._ready.set()
        self._ready.set()

    def log(self):
        return "".join(self.output)

    @cached_property
    def isolation(self):
        """What keeps functions apart, as the server tells it."""
        status, _, body = self.request("GET", "/_lambent/isolation")
        assert status == 200, body
        return json.loads(body)

    @property
    def isolates(self):
        """Whether functions run in the sandbox, not as plain processes."""
        return self.isolation["level"] != "process"

    def lacks(self, feature):
        """Why this host does not have a fence of the sandbox, or None if it has."""
        [found] = [item for item in self.isolation["features"] if item["name"] == feature]
        return None if found["active"] else f"{feature} is missing: {found['detail']}"

    @property
    def address(self):
        parts = urllib.parse.urlsplit(self.endpoint)
        return parts.hostname, parts.port

    def client(self, service, account=None, region=REGION, credentials=None, **config):
        """A boto3 client. An access key of 12 digits is the account."""
        key, secret = credentials or (account or "test", "test")
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=PLAIN.merge(Config(**config)),
        )

    def request(self, method, path, body=None, headers=None, timeout=30):
        """One HTTP request as it is. Returns status, headers and body."""
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def connect(self):
        """A bare TCP connection."""
        return socket.create_connection(self.address, timeout=30)

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=60):
        """Waits for the end; returns the exit status."""
        status = self.process.wait(timeout)
        self._reader.join(timeout)
        return status

    def stop(self):
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
            try:
                self.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.wait()
                raise AssertionError(f"the server did not stop:\n{self.log()}") from None

    def kill(self):
        """Ends it as a power failure would."""
        self.process.kill()
        self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def clean_environment():
    """The environment without what would lead a client, or the server, elsewhere. LAMBENT_SANDBOX stays, to run all of
    this with plain processes."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "LAMBENT_")) or name == "LAMBENT_SANDBOX"
    }


def uncolored(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
