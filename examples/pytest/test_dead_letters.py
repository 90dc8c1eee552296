"""On AWS this test takes three minutes: an event that fails is tried again after one and after two more."""

import io
import json
import sys
import zipfile
from datetime import datetime

import pytest

SOURCE = """
def handler(event, context):
    if event["amount"] < 0:
        raise ValueError("nothing to pay")
    return {"paid": event["amount"]}
"""


def package(source):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", source)
    return buffer.getvalue()


@pytest.fixture
def dead_letters(lambent):
    """Creates the function `pay` and its dead-letter queue; returns what reads a message from that."""
    queues, functions = lambent.client("sqs"), lambent.client("lambda")
    url = queues.create_queue(QueueName="lambda-dlq")["QueueUrl"]
    functions.create_function(
        FunctionName="pay",
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": package(SOURCE)},
        DeadLetterConfig={"TargetArn": f"arn:aws:sqs:{lambent.region}:{lambent.account}:lambda-dlq"},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="pay", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
    return lambda: queues.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])


def send(lambent, event):
    answer = lambent.client("lambda").invoke(FunctionName="pay", InvocationType="Event", Payload=json.dumps(event))
    return answer["ResponseMetadata"]["RequestId"]


def test_what_fails_three_times_becomes_a_dead_letter(lambent, dead_letters):
    request_id = send(lambent, {"amount": -1})

    lambent.advance(seconds=179)
    assert dead_letters() == []
    happened = lambent.advance(seconds=1)
    assert ["attempted", 3] in [[step["what"], step.get("attempt")] for step in happened]

    [letter] = dead_letters()
    assert json.loads(letter["Body"]) == {"amount": -1}
    assert letter["MessageAttributes"]["RequestID"]["StringValue"] == request_id
    assert "nothing to pay" in letter["MessageAttributes"]["ErrorMessage"]["StringValue"]


def test_the_attempts_are_one_and_two_minutes_apart(lambent, dead_letters):
    request_id = send(lambent, {"amount": -1})
    lambent.advance(seconds=180)
    attempts = [step for step in lambent.trace(request_id) if step["what"] == "attempted"]
    assert [step["error"]["type"] for step in attempts] == ["ValueError"] * 3
    first, second, third = [datetime.fromisoformat(step["at"].replace("Z", "+00:00")) for step in attempts]
    assert ((second - first).seconds, (third - second).seconds) == (60, 120)


def test_what_succeeds_is_not_tried_again(lambent, dead_letters):
    request_id = send(lambent, {"amount": 12})
    lambent.advance(seconds=180)
    assert [step["attempt"] for step in lambent.trace(request_id) if step["what"] == "attempted"] == [1]
    assert dead_letters() == []
