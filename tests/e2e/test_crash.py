"""`kill -9` of the server at any instant: what was acknowledged is there afterwards, and no process is left behind."""

import itertools
import os
import select
import threading
import uuid
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from account import Account, at_once
from gate import Gate
from lambent import Server
from packages import GATE, PYTHON, package

MARKER = "LAMBENT_E2E_MARKER"
ACKNOWLEDGED_MIN = 60
ROUNDS = 3


def code(number):
    return package({"index.py": f"def handler(event, context): return {number}"})


class Load:
    """Changes without pause, and what the server has acknowledged of them."""

    def __init__(self, account, marker):
        self.account, self.marker = account, marker
        self.functions, self.versions, self.aliases, self.results = {}, {}, {}, {}
        self.count = 0
        self.enough = threading.Event()
        self._lock = threading.Lock()

    def acknowledged(self, store, key, answer):
        with self._lock:
            store[key] = answer
            self.count += 1
            if self.count >= ACKNOWLEDGED_MIN:
                self.enough.set()

    def run(self, worker):
        """Until the server is gone."""
        lambda_ = self.account.client("lambda")
        try:
            for number in itertools.count():
                self.step(lambda_, f"f-{self.marker[:8]}-{worker}-{number}", number)
        except BotoCoreError:
            return

    def step(self, lambda_, name, number):
        created = lambda_.create_function(
            FunctionName=name,
            Role=self.account.role,
            Runtime=PYTHON,
            Handler="index.handler",
            Code={"ZipFile": code(number)},
            Environment={"Variables": {MARKER: self.marker}},
            Timeout=30,
        )
        self.acknowledged(self.functions, name, created)
        self.account.wait_active(name)
        published = lambda_.publish_version(FunctionName=name)
        self.acknowledged(self.versions, (name, published["Version"]), published)
        alias = lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion=published["Version"])
        self.acknowledged(self.aliases, name, alias)
        self.account.wait_published(name, published["Version"])
        answer = lambda_.invoke(FunctionName=name, Qualifier="live")
        self.acknowledged(self.results, name, answer["Payload"].read())
        assert self.results[name] == str(number).encode()


class Family:
    """A server's processes, held so that their ends can be waited for, and the control groups they have made."""

    def __init__(self, server):
        parents = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
        self.processes, waiting = [], [server.process.pid]
        while waiting:
            number = waiting.pop()
            waiting += parents.get(number, [])
            if number != server.process.pid:
                self.hold(number)
        owners = tuple(f"lambent-{number}-" for number, _, _ in self.processes)
        self.groups = [path for path in Path("/sys/fs/cgroup").rglob("lambent-*") if path.name.startswith(owners)]

    def hold(self, number):
        try:
            command = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            self.processes.append((number, os.pidfd_open(number), command))
        except (FileNotFoundError, ProcessLookupError):
            pass

    def wait_for_end(self, timeout_s=20):
        for number, process, command in self.processes:
            ended, _, _ = select.select([process], [], [], timeout_s)
            os.close(process)
            assert ended, f"process {number} outlives the server: {command}"


def processes_with(marker):
    """Processes that were started with the marker in their environment: of a family that may have grown meanwhile."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass
    return found


def mounts_below(folder):
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if str(folder) in line]


def test_nothing_that_was_acknowledged_is_lost(tmp_path):
    data_dir = tmp_path / "data"
    number = f"{uuid.uuid4().int % 9 * 10**11 + 10**11}"
    loads = []
    for _ in range(ROUNDS):
        marker = uuid.uuid4().hex
        server = Server("--pool-size", "2", data_dir=data_dir, environment={MARKER: marker})
        try:
            account = Account(server, number)
            check(account, loads)
            load = Load(account, marker)
            workers = at_once(4, load.run)
            assert load.enough.wait(60)
            family = Family(server)
            assert family.processes
        finally:
            server.kill()
        for worker in workers:
            worker.result()
        family.wait_for_end()
        assert processes_with(marker) == []
        assert mounts_below(data_dir) == []
        loads.append(load)
    with Server("--pool-size", "0", data_dir=data_dir) as server:
        check(Account(server, number), loads)


def check(account, loads):
    """All that was acknowledged is there as it was, and can be used at once."""
    lambda_ = account.lambda_
    guarded = ("CodeSha256", "Version", "FunctionArn")
    for load in loads:
        for name, created in load.functions.items():
            shown = lambda_.get_function_configuration(FunctionName=name)
            assert {key: shown[key] for key in guarded} == {key: created[key] for key in guarded}
        for (name, version), published in load.versions.items():
            shown = lambda_.get_function_configuration(FunctionName=name, Qualifier=version)
            keys = (*guarded, "RevisionId")
            assert {key: shown[key] for key in keys} == {key: published[key] for key in keys}
        for name, alias in load.aliases.items():
            shown = lambda_.get_alias(FunctionName=name, Name="live")
            shown.pop("ResponseMetadata")
            assert shown == {key: value for key, value in alias.items() if key != "ResponseMetadata"}
        # What ran before runs at once.
        for name, result in list(load.results.items())[:5]:
            assert account.invoke(name, Qualifier="live").raw == result


def test_a_running_function_ends_with_the_server(tmp_path):
    """Also one that ignores what it is told, and what it has started."""
    marker = uuid.uuid4().hex
    gate = Gate()
    stubborn = {
        "gate.py": GATE,
        "index.py": """
        import os, signal, subprocess, sys
        from gate import pass_gate

        def handler(event, context):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
                signal.signal(number, signal.SIG_IGN)
            if os.fork() == 0:
                os.setsid()
                pass_gate(event, "child")
                os._exit(0)
            pass_gate(event, "parent")
        """,
    }
    server = Server("--network", "host", "--pool-size", "1", data_dir=tmp_path / "data", environment={MARKER: marker})
    try:
        if not server.isolates:
            pytest.skip("only a sandbox ends with its server, whatever the function does")
        account = Account(server)
        name = account.create(stubborn, Environment={"Variables": {MARKER: marker}})
        [running] = at_once(1, lambda _: account.invoke(name, gate.address))
        visitors = [gate.wait(), gate.wait()]
        assert sorted(visitor.text for visitor in visitors) == ["child", "parent"]
        family = Family(server)
        # The launcher, the jail's first process, parent and child.
        assert len(family.processes) >= 4
        if not server.lacks("memory"):
            assert family.groups
    finally:
        server.kill()
    for visitor in visitors:
        visitor.wait_for_end()
    with pytest.raises((BotoCoreError, ClientError)):
        running.result()
    family.wait_for_end()
    assert processes_with(marker) == []
    # The next server clears away what the killed one could not.
    with Server("--pool-size", "0", data_dir=tmp_path / "data"):
        assert [group for group in family.groups if group.exists()] == []
    gate.close()


def test_a_second_server_on_the_same_data_is_refused(tmp_path):
    with Server("--pool-size", "0", data_dir=tmp_path):
        with pytest.raises(AssertionError, match="is another server using this --data-dir"):
            Server("--pool-size", "0", data_dir=tmp_path)
