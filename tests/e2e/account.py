"""An account of a test's own on a server: its clients, and the few steps that most tests take."""

import base64
import json
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import pytest
from botocore.exceptions import ClientError

from lambent import REGION
from packages import PYTHON, package

# As boto3's own, only that it looks more often.
QUICK = {"Delay": 0.02, "MaxAttempts": 1500}


class Invocation:
    """What came of an invocation."""

    def __init__(self, answer):
        self.status = answer["StatusCode"]
        self.error = answer.get("FunctionError")
        self.version = answer.get("ExecutedVersion")
        self.request_id = answer["ResponseMetadata"]["RequestId"]
        self.headers = answer["ResponseMetadata"]["HTTPHeaders"]
        self.raw = answer["Payload"].read()
        self.log = base64.b64decode(answer.get("LogResult", "")).decode()

    @property
    def payload(self):
        return json.loads(self.raw)


class Account:
    """12 digits that no other test uses."""

    def __init__(self, server, number=None, region=REGION):
        self.server = server
        self.number = number or f"{random.randrange(10**11, 10**12)}"
        self.region = region
        self.functions, self.mappings = [], []
        self.lambda_ = self.client("lambda")

    @cached_property
    def logs(self):
        return self.client("logs")

    @cached_property
    def iam(self):
        return self.client("iam")

    @cached_property
    def sts(self):
        return self.client("sts")

    def client(self, service, **config):
        return self.server.client(service, self.number, self.region, **config)

    @property
    def role(self):
        return f"arn:aws:iam::{self.number}:role/lambda-role"

    def arn(self, name, qualifier=None):
        suffix = f":{qualifier}" if qualifier else ""
        return f"arn:aws:lambda:{self.region}:{self.number}:function:{name}{suffix}"

    def create(self, code, name=None, active=True, **settings):
        """Creates a function of Python source, of {path: content} or of a zip, and waits until it is active."""
        name = name or f"function-{uuid.uuid4().hex[:12]}"
        if isinstance(code, str):
            code = {"index.py": code}
        if isinstance(code, dict):
            code = package(code)
        settings = {"Runtime": PYTHON, "Handler": "index.handler", "Timeout": 30, **settings}
        self.lambda_.create_function(FunctionName=name, Role=self.role, Code={"ZipFile": code}, **settings)
        self.functions.append(name)
        if active:
            self.wait_active(name)
            if settings.get("Publish"):
                self.wait_published(name, "1")
        return name

    def wait_active(self, name):
        self.lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=QUICK)

    def wait_published(self, name, version):
        waiter = self.lambda_.get_waiter("published_version_active")
        waiter.wait(FunctionName=name, Qualifier=version, WaiterConfig=QUICK)

    def wait_updated(self, name):
        self.lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=QUICK)

    def update(self, name, code=None, **settings):
        """Changes code or configuration, and waits until the change is made."""
        if code is not None:
            answer = self.lambda_.update_function_code(FunctionName=name, ZipFile=package({"index.py": code}))
        else:
            answer = self.lambda_.update_function_configuration(FunctionName=name, **settings)
        self.wait_updated(name)
        return answer

    def invoke(self, name, event=None, tail=False, **settings):
        """Invokes a function and reads the answer."""
        if tail:
            settings["LogType"] = "Tail"
        if not isinstance(event, bytes):
            event = json.dumps(event)
        return Invocation(self.lambda_.invoke(FunctionName=name, Payload=event, **settings))

    def result(self, name, event=None, **settings):
        """What a function returns. It must not fail."""
        invocation = self.invoke(name, event, **settings)
        assert invocation.error is None, invocation.raw
        return invocation.payload

    def provision(self, name, qualifier, number):
        """Sets provisioned concurrency and waits until it is there."""
        self.lambda_.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=number
        )

        def ready():
            config = self.lambda_.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
            assert config["Status"] != "FAILED", config
            return config if config["Status"] == "READY" else None

        return eventually(ready)

    def messages(self, name, **settings):
        """All lines of a function's log group."""
        group = f"/aws/lambda/{name}"
        try:
            pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group, **settings)
            return [event["message"] for page in pages for event in page["events"]]
        except self.logs.exceptions.ResourceNotFoundException:
            return []

    def logged(self, name, text):
        """Waits until a line of a function's log group has a text in it; returns all lines."""
        return eventually(lambda: (lines := self.messages(name)) and any(text in line for line in lines) and lines)

    def delete_functions(self):
        self.delete_mappings()
        for name in self.functions:
            try:
                self.lambda_.delete_function(FunctionName=name)
            except self.lambda_.exceptions.ResourceNotFoundException:
                pass

    def delete_mappings(self):
        """So that nothing is polled any more."""
        for mapping in self.mappings:
            try:
                eventually(lambda mapping=mapping: self.delete_mapping(mapping))
            except self.lambda_.exceptions.ResourceNotFoundException:
                pass

    def delete_mapping(self, mapping):
        """Whether it could be: not while it is between two states."""
        try:
            self.lambda_.delete_event_source_mapping(UUID=mapping)
        except self.lambda_.exceptions.ResourceInUseException:
            return False
        return True

    def wait_a_second(self):
        """Real time goes on by itself; whoever asked too often asks again a moment later."""


class TimedAccount(Account):
    """An account on a server whose time moves only when told."""

    def advance(self, seconds):
        """Moves time on; returns once everything that was due has been done, and what that was."""
        body, headers = json.dumps({"seconds": seconds}), {"content-type": "application/json"}
        status, _, answer = self.server.request("POST", "/_lambent/clock/advance", body, headers, timeout=600)
        assert status == 200, answer
        return json.loads(answer)["happened"]

    def wait_a_second(self):
        self.advance(1)


def eventually(look, timeout_s=20):
    """What `look` returns once it is true. For what the APIs can only be asked about, as their waiters do."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"did not come true within {timeout_s} s"
        time.sleep(0.02)
    return found


def becomes(look, expected, timeout_s=20):
    """Waits until `look` returns what is expected; shows what it returned instead."""
    deadline = time.monotonic() + timeout_s
    while (found := look()) != expected:
        if time.monotonic() > deadline:
            assert found == expected
        time.sleep(0.02)


def refused(call, code, status, text=None, **parameters):
    """The call is refused with AWS's code, status and words. Returns the answer."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    error = answer["Error"]
    assert (error["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), answer
    if text is not None:
        assert text in error["Message"], error["Message"]
    return answer


def at_once(count, work):
    """Runs `work(0)`, `work(1)`, ... in threads of their own. Returns futures."""
    with_threads = ThreadPoolExecutor(count)
    futures = [with_threads.submit(work, number) for number in range(count)]
    with_threads.shutdown(wait=False)
    return futures
