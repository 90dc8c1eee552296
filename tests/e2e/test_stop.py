"""SIGTERM: what runs is finished first."""

import signal
import socket

import pytest
from botocore.exceptions import BotoCoreError

from account import Account, at_once, eventually
from lambent import Server
from packages import GATE
from sources import Stream, shard_id

WAITS = {
    "gate.py": GATE,
    "index.py": """
        from gate import pass_gate

        def handler(event, context):
            print("waiting")
            return pass_gate(event)
    """,
}


def test_a_running_invocation_is_finished_and_answered(gate, tmp_path):
    server = Server("--network", "host", "--pool-size", "1", data_dir=tmp_path)
    account = Account(server)
    name = account.create(WAITS)
    [running] = at_once(1, lambda _: account.invoke(name, gate.address))
    visitor = gate.wait()
    server.send(signal.SIGTERM)
    # It takes no new connections from now on; refused is refused, whatever it was in the middle of.
    wait_until_refused(server.address)
    visitor.let_go("done")
    result = running.result()
    assert (result.status, result.error, result.payload) == (200, None, "done")
    assert server.wait() == 0, server.log()
    # Its log was kept, too.
    with Server("--pool-size", "0", data_dir=tmp_path) as server:
        lines = Account(server, account.number).messages(name)
        assert any("waiting" in line for line in lines)
        assert any(line.startswith(f"REPORT RequestId: {result.request_id}") for line in lines), lines


def wait_until_refused(address):
    while True:
        try:
            with socket.create_connection(address, timeout=10) as connection:
                # Accepted before the listener was closed: the server ends it.
                assert connection.recv(1) == b""
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass


def test_asked_twice_it_stops_at_once(gate):
    server = Server("--network", "host", "--pool-size", "0")
    account = Account(server)
    name = account.create(WAITS)
    [running] = at_once(1, lambda _: account.invoke(name, gate.address))
    visitor = gate.wait()
    server.send(signal.SIGTERM)
    wait_until_refused(server.address)
    server.send(signal.SIGTERM)
    assert server.wait() != 0
    visitor.wait_for_end()
    with pytest.raises(BotoCoreError):
        running.result()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_stops_quickly_with_open_connections(number):
    server = Server("--pool-size", "1")
    account = Account(server)
    account.result(account.create("def handler(event, context): pass"))
    with server.connect():
        server.send(number)
        assert server.wait(timeout=15) == 0


def test_a_subscription_ends_when_the_server_stops():
    with Server("--pool-size", "0") as server:
        stream = Stream(Account(server))
        name = {"StreamARN": stream.arn, "ConsumerName": "c"}
        consumer = stream.kinesis.register_stream_consumer(**name)["Consumer"]["ConsumerARN"]
        described = stream.kinesis.describe_stream_consumer
        eventually(lambda: described(**name)["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE")
        events = stream.kinesis.subscribe_to_shard(
            ConsumerARN=consumer, ShardId=shard_id(0), StartingPosition={"Type": "LATEST"}
        )["EventStream"]
        server.send(signal.SIGTERM)
        assert list(events) == []
        assert server.wait(10) == 0, server.log()


def test_an_ephemeral_server_leaves_no_files(tmp_path):
    with Server("--pool-size", "1", environment={"TMPDIR": str(tmp_path)}) as server:
        account = Account(server)
        account.result(account.create("def handler(event, context): pass"))
        assert list(tmp_path.iterdir()) != []
    assert list(tmp_path.iterdir()) == []
