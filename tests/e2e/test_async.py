"""Asynchronous invocation: accepted with 202, run with retries, and where events go that are given up."""

import json

import pytest

from account import Account, eventually, refused
from lambent import Server
from packages import ECHO, boto3_files, package

FAILING = """
    def handler(event, context):
        raise ValueError(f"no {event}")
"""


def advance(server, seconds):
    """Moves time on; returns once everything that was due has been done."""
    headers = {"content-type": "application/json"}
    status, _, body = server.request(
        "POST", "/_lambent/clock/advance", json.dumps({"seconds": seconds}), headers, timeout=60
    )
    assert status == 200, body


def send(account, name, event, **settings):
    """Sends an event; returns its request id."""
    payload = event if isinstance(event, bytes) else json.dumps(event)
    answer = account.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=payload, **settings)
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    assert not {"ExecutedVersion", "LogResult", "FunctionError"} & answer.keys()
    return answer["ResponseMetadata"]["RequestId"]


def starts(account, name):
    """The request ids of all attempts, in order."""
    return [line.split()[2] for line in account.messages(name) if line.startswith("START ")]


def attempts(account, name, count):
    """Waits until so many attempts are logged: lines come a moment after the attempt. Returns their request ids."""
    return eventually(lambda: len(found := starts(account, name)) >= count and found)


class Queue:
    """A queue, and what is in it."""

    def __init__(self, account, name):
        self.sqs = account.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]

    def receive(self, wait_s=20):
        """Takes one message out, if there is one."""
        messages = self.sqs.receive_message(
            QueueUrl=self.url,
            WaitTimeSeconds=wait_s,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return messages[0] if messages else None


def configure(account, name, success=None, failure=None, **settings):
    destinations = {}
    if success:
        destinations["OnSuccess"] = {"Destination": success}
    if failure:
        destinations["OnFailure"] = {"Destination": failure}
    if destinations:
        settings["DestinationConfig"] = destinations
    return account.lambda_.put_function_event_invoke_config(FunctionName=name, **settings)


def test_an_event_is_accepted_and_runs_under_its_request_id(aws):
    name = aws.create("""
        import json

        def handler(event, context):
            assert context.client_context is None
            print("got", json.dumps(event), context.invoked_function_arn)
    """)
    request_id = send(aws, name, {"a": [1, "ä"]}, ClientContext="e30=")
    lines = aws.logged(name, "REPORT")
    assert f"START RequestId: {request_id} Version: $LATEST\n" in lines
    assert f'got {{"a": [1, "\\u00e4"]}} {aws.arn(name)}\n' in lines


def test_without_a_payload_the_event_is_an_empty_object(aws):
    name = aws.create('def handler(event, context): print("got", event)')
    assert aws.lambda_.invoke(FunctionName=name, InvocationType="Event")["StatusCode"] == 202
    assert "got {}\n" in aws.logged(name, "got")


def test_the_older_operation(aws):
    name = aws.create('def handler(event, context): print("got", event)')
    assert aws.lambda_.invoke_async(FunctionName=name, InvokeArgs=b"[7]")["Status"] == 202
    assert "got [7]\n" in aws.logged(name, "got")
    refused(aws.lambda_.invoke_async, "ResourceNotFoundException", 404, FunctionName="missing", InvokeArgs=b"{}")


def test_what_is_checked_before_an_event_is_accepted(aws):
    name = aws.create(ECHO)
    event = {"FunctionName": name, "InvocationType": "Event"}
    refused(
        aws.lambda_.invoke,
        "RequestEntityTooLargeException",
        413,
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
        **event,
        Payload=b'"' + b"x" * 1048575 + b'"',
    )
    send(aws, name, b'"' + b"x" * 1048574 + b'"')
    refused(aws.lambda_.invoke, "InvalidRequestContentException", 400, **event, Payload=b"{")
    for qualifier in ("7", "live"):
        refused(
            aws.lambda_.invoke,
            "ResourceNotFoundException",
            404,
            f"Function not found: {aws.arn(name, qualifier)}",
            **event,
            Qualifier=qualifier,
        )


def test_a_function_that_fails_is_tried_again_after_one_minute_and_after_two(timed):
    name = timed.create(FAILING)
    request_id = send(timed, name, 1)
    assert attempts(timed, name, 1) == [request_id]
    # A minute, and AWS allows for some jitter.
    advance(timed.server, 59)
    assert starts(timed, name) == [request_id]
    advance(timed.server, 31)
    assert attempts(timed, name, 2) == [request_id] * 2
    advance(timed.server, 150)
    assert attempts(timed, name, 3) == [request_id] * 3
    advance(timed.server, 3600)
    send(timed, name, 2)
    assert len(attempts(timed, name, 4)) == 4, "there was a fourth attempt"


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_the_number_of_retries(timed, retries):
    name = timed.create(FAILING)
    queue = Queue(timed, "results")
    configure(timed, name, failure=queue.arn, MaximumRetryAttempts=retries)
    request_id = send(timed, name, 1)
    advance(timed.server, 600)
    record = json.loads(queue.receive()["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == retries + 1
    assert attempts(timed, name, retries + 1) == [request_id] * (retries + 1)


def test_an_event_that_is_too_old_is_given_up(timed):
    name = timed.create(FAILING)
    queue = Queue(timed, "results")
    configure(timed, name, failure=queue.arn, MaximumEventAgeInSeconds=60)
    send(timed, name, 1)
    advance(timed.server, 600)
    record = json.loads(queue.receive()["Body"])
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["responsePayload"]["errorMessage"] == "no 1"


def test_a_throttled_event_waits_and_loses_no_attempt(timed):
    name = timed.create(ECHO)
    queue = Queue(timed, "results")
    configure(timed, name, success=queue.arn, MaximumRetryAttempts=0)
    # A reservation that provisioned concurrency uses up leaves nothing for $LATEST.
    version = timed.lambda_.publish_version(FunctionName=name)["Version"]
    timed.wait_published(name, version)
    timed.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    timed.provision(name, version, 1)
    send(timed, name, 1)
    advance(timed.server, 30)
    assert starts(timed, name) == []
    timed.lambda_.delete_provisioned_concurrency_config(FunctionName=name, Qualifier=version)

    def is_let_in():
        try:
            return not timed.invoke(name, 2).error
        except timed.lambda_.exceptions.TooManyRequestsException:
            return False

    # It is taken back in the background.
    eventually(is_let_in)
    advance(timed.server, 300)
    assert json.loads(queue.receive()["Body"])["responsePayload"] == 1


def test_a_function_that_is_switched_off(timed):
    name = timed.create(ECHO)
    queue = Queue(timed, "results")
    configure(timed, name, failure=queue.arn)
    timed.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    refused(timed.lambda_.invoke, "TooManyRequestsException", 429, FunctionName=name, Payload=b"1")
    request_id = send(timed, name, {"a": 1})
    record = json.loads(queue.receive()["Body"])
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": timed.arn(name, "$LATEST"),
            "condition": "ZeroReservedConcurrency",
            "approximateInvokeCount": 0,
        },
        "requestPayload": {"a": 1},
    }


def test_a_dead_letter_is_the_event_with_what_went_wrong(timed):
    queue = Queue(timed, "lambda-dlq")
    name = timed.create(FAILING, DeadLetterConfig={"TargetArn": queue.arn})
    body = '{ "a":\t1 }'
    request_id = send(timed, name, body.encode())
    advance(timed.server, 600)
    message = queue.receive()
    assert message["Body"] == body, "the event as it came"
    attributes = {
        key: (value["DataType"], value["StringValue"]) for key, value in message["MessageAttributes"].items()
    }
    assert attributes == {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "no {'a': 1}"),
    }


def test_the_record_of_a_failure(timed):
    dead_letters, records = Queue(timed, "dead-letters"), Queue(timed, "records")
    name = timed.create(FAILING, DeadLetterConfig={"TargetArn": dead_letters.arn})
    configure(timed, name, failure=records.arn, MaximumRetryAttempts=0)
    request_id = send(timed, name, 1)
    message = records.receive()
    record = json.loads(message["Body"])
    assert record.pop("timestamp").endswith("Z")
    response = record.pop("responsePayload")
    assert (response["errorType"], response["errorMessage"]) == ("ValueError", "no 1")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": timed.arn(name, "$LATEST"),
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1,
        },
        "requestPayload": 1,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    }
    assert message["Attributes"]["AWSTraceHeader"].startswith("Root=1-")
    assert dead_letters.receive()["Body"] == "1", "both get it"


def test_the_record_of_a_success_goes_through_a_topic(timed):
    queue = Queue(timed, "records")
    sns = timed.client("sns")
    topic = sns.create_topic(Name="results")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    name = timed.create(ECHO, Publish=True)
    configure(timed, name, success=topic, Qualifier="1")
    request_id = send(timed, name, ["x"], Qualifier="1")
    record = json.loads(json.loads(queue.receive()["Body"])["Message"])
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": timed.arn(name, "1"),
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": ["x"],
        "responseContext": {"statusCode": 200, "executedVersion": "1"},
        "responsePayload": ["x"],
    }


def test_a_record_goes_to_a_function(timed):
    name = timed.create(ECHO)
    other = timed.create("""
        def handler(event, context):
            print("condition", event["requestContext"]["condition"], "payload", event["responsePayload"])
    """)
    configure(timed, name, success=timed.arn(other))
    send(timed, name, 5)
    assert "condition Success payload 5\n" in timed.logged(other, "REPORT")


def test_an_event_runs_on_the_code_of_when_it_runs(timed):
    name = timed.create(FAILING)
    request_id = send(timed, name, 1)
    attempts(timed, name, 1)
    timed.update(name, 'def handler(event, context): print("the new code has", event)')
    advance(timed.server, 90)
    assert "the new code has 1\n" in timed.logged(name, "the new code")
    assert attempts(timed, name, 2) == [request_id] * 2


def test_an_accepted_event_survives_a_kill(tmp_path):
    options = ("--clock", "virtual", "--pool-size", "0")
    with Server(*options, data_dir=tmp_path) as server:
        account = Account(server)
        queue = Queue(account, "results")
        name = account.create(FAILING)
        configure(account, name, failure=queue.arn, MaximumRetryAttempts=1)
        request_id = send(account, name, 1)
        attempts(account, name, 1)
        server.kill()
    with Server(*options, data_dir=tmp_path) as server:
        again = Account(server, account.number)
        advance(server, 600)
        again_queue = Queue(again, "results")
        record = json.loads(again_queue.receive()["Body"])
    assert record["requestContext"]["requestId"] == request_id
    assert record["requestContext"]["condition"] == "RetriesExhausted"


LOOP = """
    import boto3

    def handler(event, context):
        print("time", event)
        boto3.client("lambda").invoke(
            FunctionName=context.function_name, InvocationType="Event", Payload=str(event + 1).encode()
        )
"""


def test_a_function_that_invokes_itself_is_stopped_after_sixteen_times(timed):
    layer = timed.lambda_.publish_layer_version(
        LayerName="boto3", Content={"ZipFile": package(boto3_files("lambda"))}
    )["LayerVersionArn"]
    name = timed.create(LOOP, Layers=[layer], MemorySize=1769, Timeout=60)
    stopped = timed.create("""
        def handler(event, context):
            print("stopped before time", event["requestPayload"])
    """)
    configure(timed, name, failure=timed.arn(stopped))
    send(timed, name, 1)
    # What the seventeenth invocation would have been.
    lines = eventually(
        lambda: (found := timed.messages(stopped)) and any("REPORT" in line for line in found) and found, timeout_s=90
    )
    assert "stopped before time 17\n" in lines
    assert len(attempts(timed, name, 16)) == 16
