"""Amazon SQS through the AWS CLI v2, as Debian has it: it speaks the API's older form (awsQuery)."""

import json

import pytest

from test_cli import Cli, needs_cli


@pytest.fixture
def cli(server, tmp_path):
    return Cli(server, tmp_path)


@needs_cli
def test_a_life_of_a_queue_and_its_messages(cli):
    def sqs(operation, *arguments, **how):
        return cli("sqs", operation, *arguments, **how)

    attributes = "VisibilityTimeout=5,DelaySeconds=0"
    url = sqs("create-queue", "--queue-name", "q", "--attributes", attributes, "--tags", "k=v")["QueueUrl"]
    assert sqs("get-queue-url", "--queue-name", "q")["QueueUrl"] == url
    assert sqs("list-queues")["QueueUrls"] == [url]
    attributes = sqs("get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]
    assert attributes["VisibilityTimeout"] == "5" and attributes["QueueArn"].endswith(":q")
    assert sqs("list-queue-tags", "--queue-url", url)["Tags"] == {"k": "v"}
    sqs("tag-queue", "--queue-url", url, "--tags", "a=1,b=2")
    sqs("untag-queue", "--queue-url", url, "--tag-keys", "k", "a")
    assert sqs("list-queue-tags", "--queue-url", url)["Tags"] == {"b": "2"}
    values = {"N": {"DataType": "Number", "StringValue": "1"}, "B": {"DataType": "Binary", "BinaryValue": "AP8="}}
    # The CLI compares the digests itself, too.
    body = ["--message-body", "ünï <&>", "--message-attributes", json.dumps(values)]
    sent = sqs("send-message", "--queue-url", url, *body)
    got = sqs(
        "receive-message", "--queue-url", url, "--attribute-names", "All", "--message-attribute-names", "All",
        "--wait-time-seconds", "1",
    )  # fmt: skip
    [message] = got["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "ünï <&>")
    assert message["MessageAttributes"] == values
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    handle = ["--queue-url", url, "--receipt-handle", message["ReceiptHandle"]]
    sqs("change-message-visibility", *handle, "--visibility-timeout", "10")
    sqs("delete-message", *handle)
    entries = [{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2", "DelaySeconds": 0}]
    sent = sqs("send-message-batch", "--queue-url", url, "--entries", json.dumps(entries))
    assert [entry["Id"] for entry in sent["Successful"]] == ["a", "b"]
    got = sqs("receive-message", "--queue-url", url, "--max-number-of-messages", "10")
    handles = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got["Messages"])]
    changes = [{**handle, "VisibilityTimeout": 9} for handle in handles]
    changed = sqs("change-message-visibility-batch", "--queue-url", url, "--entries", json.dumps(changes))
    assert len(changed["Successful"]) == len(handles)
    deleted = sqs("delete-message-batch", "--queue-url", url, "--entries", json.dumps(handles))
    assert len(deleted["Successful"]) == len(handles)
    sqs("purge-queue", "--queue-url", url)
    error = sqs("purge-queue", "--queue-url", url, fails=True)
    assert "AWS.SimpleQueueService.PurgeQueueInProgress" in error
    sqs("delete-queue", "--queue-url", url)
    error = sqs("get-queue-url", "--queue-name", "q", fails=True)
    assert "AWS.SimpleQueueService.NonExistentQueue" in error and "for this wsdl version" in error


@needs_cli
def test_fifo_queues_policies_and_dead_letters(cli):
    def sqs(operation, *arguments):
        return cli("sqs", operation, *arguments)

    def arn(url):
        answer = sqs("get-queue-attributes", "--queue-url", url, "--attribute-names", "QueueArn")
        return answer["Attributes"]["QueueArn"]

    dlq = sqs("create-queue", "--queue-name", "dlq.fifo", "--attributes", "FifoQueue=true")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": arn(dlq), "maxReceiveCount": "3"})
    attributes = json.dumps({"FifoQueue": "true", "ContentBasedDeduplication": "true", "RedrivePolicy": redrive})
    url = sqs("create-queue", "--queue-name", "q.fifo", "--attributes", attributes)["QueueUrl"]
    assert sqs("list-dead-letter-source-queues", "--queue-url", dlq)["queueUrls"] == [url]
    one = sqs("send-message", "--queue-url", url, "--message-body", "x", "--message-group-id", "g")
    two = sqs("send-message", "--queue-url", url, "--message-body", "x", "--message-group-id", "g")
    assert one["SequenceNumber"] == two["SequenceNumber"]
    account = cli.account.number
    sqs("add-permission", "--queue-url", url, "--label", "l", "--aws-account-ids", account, "--actions", "SendMessage")
    got = sqs("get-queue-attributes", "--queue-url", url, "--attribute-names", "Policy", "RedrivePolicy")["Attributes"]
    assert json.loads(got["Policy"])["Statement"][0]["Sid"] == "l"
    assert json.loads(got["RedrivePolicy"]) == {"deadLetterTargetArn": arn(dlq), "maxReceiveCount": 3}
    sqs("remove-permission", "--queue-url", url, "--label", "l")
    sqs("set-queue-attributes", "--queue-url", url, "--attributes", '{"RedrivePolicy": ""}')
    got = sqs("get-queue-attributes", "--queue-url", url, "--attribute-names", "Policy", "RedrivePolicy")
    assert got in (None, {})
