"""Servers and accounts for the tests.

A test takes an account of its own, so tests do not see one another and may run in any order, or at the same time.
"""

import os

import pytest

from account import Account, TimedAccount
from gate import Gate
from lambent import ACCESS_KEY, BINARY, Server

# What the session's shell has set must not lead boto3 to another server, nor to AWS.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: cargo build --package lambent", returncode=1)


@pytest.fixture(scope="session")
def server():
    """As `lambent` alone starts it, on another port."""
    with Server() as server:
        yield server


@pytest.fixture(scope="session")
def timed_server():
    """Its time moves only when told."""
    with Server("--clock", "virtual", "--pool-size", "2") as server:
        yield server


@pytest.fixture(scope="session")
def open_server():
    """Its functions reach the test's gate on the host's loopback."""
    with Server("--network", "host", "--pool-size", "2") as server:
        yield server


@pytest.fixture(scope="session")
def strict_server():
    """It lets in only who signs with ACCESS_KEY, or with credentials it has issued."""
    with Server("--auth", "sigv4", "--access-key", ":".join(ACCESS_KEY), "--pool-size", "1") as server:
        yield server


@pytest.fixture
def aws(server):
    """An account of the test's own."""
    account = Account(server)
    yield account
    account.delete_functions()


@pytest.fixture
def timed(timed_server):
    """An account of the test's own, whose time moves only when told."""
    account = TimedAccount(timed_server)
    yield account
    account.delete_functions()


@pytest.fixture
def open_aws(open_server):
    """An account of the test's own, whose functions reach the gate."""
    account = Account(open_server)
    yield account
    account.delete_functions()


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture
def sandboxed(server):
    """Skips what needs the sandbox where the host has none: AWS's paths (`/var/task`, `/opt`), and walls."""
    if not server.isolates:
        pytest.skip("functions are plain processes on this host")
