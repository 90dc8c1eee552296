"""A disk that fills up, and one that cannot keep what it took: writes are refused, nothing acknowledged is lost."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from account import Account, TimedAccount, eventually
from lambent import Server

# A store of some megabytes, and room for some hundred messages.
SIZE = 32 << 20
BODY = "x" * 50_000
ATTEMPTS_MAX = 2_000


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def mounted(place, *options):
    """A file system, or a skip with the reason why there is none."""
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    try:
        run("mount", *options, str(place))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small disk can be mounted here: {getattr(error, 'stderr', None) or error}")
    try:
        yield place
        # The server's processes end with it, but not before it.
        eventually(lambda: subprocess.run(["umount", str(place)], capture_output=True, check=False).returncode == 0)
    except BaseException:
        subprocess.run(["umount", "--lazy", str(place)], check=False)
        raise


class Filler:
    """A file that takes all the room there is."""

    def __init__(self, disk):
        self.path = disk / "filler"

    def fill(self):
        with open(self.path, "wb", buffering=0) as file:
            for size in (65_536, 4_096):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def free(self):
        self.path.unlink()


class Sender:
    """Sends messages and events with numbers, and knows which were acknowledged."""

    def __init__(self, account):
        self.numbers, self.messages, self.events, self.refused = 0, set(), set(), []
        self.use(account)

    def use(self, account):
        self.sqs, self.lambda_ = account.client("sqs"), account.client("lambda")

    def url(self, name):
        return self.sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def send(self):
        """One message and one event. Returns whether both were acknowledged; refusals are the server's fault."""
        self.numbers += 1
        name = str(self.numbers)
        try:
            self.sqs.send_message(QueueUrl=self.url("queue"), MessageBody=f"{name} {BODY}")
            self.messages.add(name)
            self.lambda_.invoke(FunctionName="echo", InvocationType="Event", Payload=f'"{name}"')
            self.events.add(name)
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500, error
            self.refused.append(name)
            return False
        return True

    def send_until_refused(self):
        assert any(not self.send() for _ in range(ATTEMPTS_MAX)), "the disk never filled up"

    def receive_all(self, name):
        url, bodies = self.url(name), []
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def check_nothing_is_lost(self, data_dir, number):
        with Server("--pool-size", "0", "--clock", "virtual", data_dir=data_dir) as server:
            account = TimedAccount(server, number)
            self.use(account)
            # What was to be tried again has been.
            account.advance(6 * 3_600)
            assert self.receive_all("OnFailure") == [], server.log()
            for name, acknowledged in (("queue", self.messages), ("OnSuccess", self.events)):
                found = [number_of(body) for body in self.receive_all(name)]
                assert len(found) == len(set(found)), f"{name}: twice there: {sorted(found)}"
                lost = acknowledged - set(found)
                assert not lost, f"{name}: lost: {sorted(lost)}\n{server.log()}"
            assert self.send()


def number_of(body):
    """Of a message, or of the record of an event."""
    return json.loads(body)["requestPayload"] if body.startswith("{") else body.split()[0]


def prepare(account):
    sqs = account.client("sqs")
    sqs.create_queue(QueueName="queue", Attributes={"VisibilityTimeout": "43200"})
    arns = {}
    for condition in ("OnSuccess", "OnFailure"):
        url = sqs.create_queue(QueueName=condition)["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arns[condition] = {"Destination": answer["Attributes"]["QueueArn"]}
    account.create("def handler(event, context): return event", "echo")
    account.lambda_.put_function_event_invoke_config(FunctionName="echo", DestinationConfig=arns)


def test_a_full_disk_refuses_writes_until_there_is_room(tmp_path):
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs") as disk:
        filler = Filler(disk)
        server = Server("--pool-size", "0", data_dir=disk / "data")
        try:
            account = Account(server)
            prepare(account)
            sender = Sender(account)
            assert all([sender.send() for _ in range(20)]), server.log()
            filler.fill()
            sender.send_until_refused()
            # It stays in service, and what it says stays true.
            sender.send()
            filler.free()
            eventually(sender.send)
            assert all([sender.send() for _ in range(20)]), server.log()
        finally:
            server.kill()
        sender.check_nothing_is_lost(disk / "data", account.number)


@contextmanager
def disk_on_a_small_disk(tmp_path):
    """A file system that believes to have more room than there is below it: it takes every write, and fails when it is
    to be kept. Yields the small disk, and a way to mount the large one anew, without what the kernel has cached."""
    for tool in ("mkfs.ext4", "losetup", "e2fsck"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not on this host")
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs") as small:
        image = small / "image"
        with open(image, "wb") as file:
            file.truncate(8 * SIZE)
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=1", str(image))

        @contextmanager
        def large(name):
            subprocess.run(["e2fsck", "-fy", str(image)], check=False, capture_output=True)
            with mounted(tmp_path / name, "-o", "loop", str(image)) as place:
                yield place
            # It lives on in the mount namespaces of the server's last processes.
            eventually(lambda: not run("losetup", "-j", str(image)))

        yield small, large


def test_a_failed_sync_is_not_acknowledged_and_a_new_start_has_the_rest(tmp_path):
    with disk_on_a_small_disk(tmp_path) as (small, large):
        filler = Filler(small)
        with large("before") as disk:
            server = Server("--pool-size", "0", data_dir=disk / "data")
            try:
                account = Account(server)
                prepare(account)
                sender = Sender(account)
                assert all([sender.send() for _ in range(20)]), server.log()
                filler.fill()
                sender.send_until_refused()
                filler.free()
                # What the kernel shows may not be what the disk has, so there is no way back but a new start.
                assert not any([sender.send() for _ in range(3)]), "it went on after a failed sync"
                assert "check the disk, then start again" in server.log()
            finally:
                server.kill()
        with large("after") as disk:
            sender.check_nothing_is_lost(disk / "data", account.number)
