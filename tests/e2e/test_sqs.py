"""Amazon SQS through boto3 (awsJson), and through requests as older clients and curl send them (awsQuery)."""

import base64
import hashlib
import json
import re
import threading
import time
import urllib.parse
import uuid
import xml.etree.ElementTree as ElementTree

import pytest

from account import Account, eventually, refused
from lambent import Server

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"
MISSING = "AWS.SimpleQueueService.NonExistentQueue"


@pytest.fixture
def sqs(aws):
    client = aws.client("sqs")
    client.arn = lambda name: f"arn:aws:sqs:{aws.region}:{aws.number}:{name}"
    return client


@pytest.fixture
def queue(sqs):
    return sqs.create_queue(QueueName=f"queue-{uuid.uuid4().hex[:8]}")["QueueUrl"]


@pytest.fixture
def fifo(sqs):
    attributes = {"FifoQueue": "true", "VisibilityTimeout": "60"}
    return sqs.create_queue(QueueName=f"queue-{uuid.uuid4().hex[:8]}.fifo", Attributes=attributes)["QueueUrl"]


def receive(sqs, queue, **parameters):
    parameters = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"], **parameters}
    return sqs.receive_message(QueueUrl=queue, **parameters).get("Messages", [])


def attributes(sqs, queue, *names):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(names or ["All"])).get("Attributes")


def depth(sqs, queue):
    return int(attributes(sqs, queue, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"])


def test_a_life_of_a_queue(aws, sqs, server):
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "5"}, tags={"a": "1"})["QueueUrl"]
    assert url == f"{server.endpoint}/{aws.number}/q"
    assert sqs.get_queue_url(QueueName="q")["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix="q")["QueueUrls"] == [url]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "1"}
    sqs.tag_queue(QueueUrl=url, Tags={"b": "2"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0"})
    told = attributes(sqs, url)
    assert told["VisibilityTimeout"] == "5" and told["MaximumMessageSize"] == "1048576"
    assert told["QueueArn"] == sqs.arn("q")
    sqs.purge_queue(QueueUrl=url)
    sqs.delete_queue(QueueUrl=url)
    refused(sqs.get_queue_url, MISSING, 400, "The specified queue does not exist.", QueueName="q")
    recently = "AWS.SimpleQueueService.QueueDeletedRecently"
    refused(sqs.create_queue, recently, 400, QueueName="q")


def test_a_life_of_a_message(sqs, queue):
    body = "Grüße, <world> & \"all\" \U0001f680"
    values = {
        "Text": {"DataType": "String", "StringValue": "v"},
        "Count": {"DataType": "Number.int", "StringValue": "7"},
        "Bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    # boto3 compares the digests itself, too.
    sent = sqs.send_message(
        QueueUrl=queue,
        MessageBody=body,
        MessageAttributes=values,
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}},
    )
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    [message] = receive(sqs, queue)
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], body)
    assert message["MessageAttributes"] == values
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["Attributes"]["AWSTraceHeader"] == "Root=1"
    assert receive(sqs, queue) == []
    told = attributes(sqs, queue)
    assert told["ApproximateNumberOfMessagesNotVisible"] == "1"
    handle = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
    sqs.change_message_visibility(**handle, VisibilityTimeout=0)
    [again] = receive(sqs, queue)
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert depth(sqs, queue) == 0


def test_a_long_poll_answers_the_moment_a_message_arrives(sqs, queue):
    found = []
    def wait():
        found.append((receive(sqs, queue, WaitTimeSeconds=20), time.monotonic()))

    poll = threading.Thread(target=wait)
    poll.start()
    # Long enough for the poll to have begun on any machine that is not down; should it not have, the test still holds.
    poll.join(0.3)
    assert not found
    sent = time.monotonic()
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    poll.join(20)
    [(messages, answered)] = found
    assert [message["Body"] for message in messages] == ["x"]
    assert answered - sent < 5


def test_a_poll_without_messages_ends(sqs, queue):
    began = time.monotonic()
    assert receive(sqs, queue, WaitTimeSeconds=1) == []
    assert 0.9 < time.monotonic() - began < 10


def test_batches(sqs, queue):
    entries = [{"Id": f"m{number}", "MessageBody": f"body {number}"} for number in range(9)]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=[*entries, {"Id": "bad", "MessageBody": "\x00"}])
    assert [entry["Id"] for entry in answer["Successful"]] == [entry["Id"] for entry in entries]
    [failed] = answer["Failed"]
    assert (failed["Id"], failed["SenderFault"], failed["Code"]) == ("bad", True, "InvalidMessageContents")
    messages = receive(sqs, queue)
    handles = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=queue, Entries=[{**handle, "VisibilityTimeout": 60} for handle in handles]
    )
    assert len(changed["Successful"]) == 9 and "Failed" not in changed
    deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=handles)
    assert len(deleted["Successful"]) == 9 and "Failed" not in deleted
    many = [{"Id": str(number), "MessageBody": "x"} for number in range(11)]
    text = "Maximum number of entries per request are 10. You have sent 11."
    code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
    refused(sqs.send_message_batch, code, 400, text, QueueUrl=queue, Entries=many)


def test_fifo_order_groups_and_duplicates(sqs, fifo):
    for number in range(3):
        for group in "ab":
            name = f"{group}{number}"
            sent = sqs.send_message(
                QueueUrl=fifo, MessageBody=name, MessageGroupId=group, MessageDeduplicationId=name
            )
    twice = sqs.send_message(QueueUrl=fifo, MessageBody="other", MessageGroupId="b", MessageDeduplicationId="b2")
    assert (twice["MessageId"], twice["SequenceNumber"]) == (sent["MessageId"], sent["SequenceNumber"])
    seen = {"a": [], "b": []}
    while messages := receive(sqs, fifo):
        for message in messages:
            seen[message["Attributes"]["MessageGroupId"]].append(message["Body"])
            sqs.delete_message(QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
    assert seen == {"a": ["a0", "a1", "a2"], "b": ["b0", "b1", "b2"]}
    text = "The request must contain the parameter MessageGroupId."
    answer = refused(sqs.send_message, "MissingParameter", 400, text, QueueUrl=fifo, MessageBody="x")
    assert answer["Error"]["QueryErrorCode"] == "MissingRequiredParameterException"


def test_a_group_waits_for_its_message_in_flight(sqs, fifo):
    for number in range(2):
        sqs.send_message(QueueUrl=fifo, MessageBody=str(number), MessageGroupId="g", MessageDeduplicationId=str(number))
    [first] = receive(sqs, fifo, MaxNumberOfMessages=1)
    assert receive(sqs, fifo) == []
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"])
    assert [message["Body"] for message in receive(sqs, fifo)] == ["1"]


def test_dead_letters_and_back(sqs):
    dlq = sqs.create_queue(QueueName="dlq")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": sqs.arn("dlq"), "maxReceiveCount": 1})
    source = sqs.create_queue(QueueName="source", Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "0"})
    source = source["QueueUrl"]
    assert sqs.list_dead_letter_source_queues(QueueUrl=dlq)["queueUrls"] == [source]
    sqs.send_message(QueueUrl=source, MessageBody="poison")
    assert len(receive(sqs, source)) == 1
    assert receive(sqs, source) == []
    assert depth(sqs, dlq) == 1
    sqs.start_message_move_task(SourceArn=sqs.arn("dlq"))

    def ended():
        [task] = sqs.list_message_move_tasks(SourceArn=sqs.arn("dlq"))["Results"]
        return task["Status"] != "RUNNING" and task

    task = eventually(ended)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    assert (depth(sqs, dlq), depth(sqs, source)) == (0, 1)
    invalid = "Value for parameter TaskHandle is invalid."
    refused(sqs.cancel_message_move_task, "InvalidParameterValue", 400, invalid, TaskHandle="x")


def test_permissions(aws, sqs, queue):
    sqs.add_permission(QueueUrl=queue, Label="l", AWSAccountIds=[aws.number], Actions=["SendMessage"])
    policy = json.loads(attributes(sqs, queue, "Policy")["Policy"])
    assert policy["Statement"][0]["Action"] == "SQS:SendMessage"
    sqs.remove_permission(QueueUrl=queue, Label="l")
    assert attributes(sqs, queue, "Policy") is None


def test_errors_are_those_of_aws(sqs, queue):
    answer = refused(sqs.send_message, MISSING, 400, QueueUrl=queue + "x", MessageBody="x")
    assert answer["Error"]["QueryErrorCode"] == "QueueDoesNotExist"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-query-error"] == f"{MISSING};Sender"
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=queue + "x", MessageBody="x")
    refused(sqs.delete_message, "ReceiptHandleIsInvalid", 404, QueueUrl=queue, ReceiptHandle="x")
    unknown = "Unknown Attribute Colour."
    refused(sqs.set_queue_attributes, "InvalidAttributeName", 400, unknown, QueueUrl=queue, Attributes={"Colour": "x"})
    name = queue.rsplit("/", 1)[1]
    exists = "A queue already exists with the same name and a different value for attribute DelaySeconds"
    refused(sqs.create_queue, "QueueAlreadyExists", 400, exists, QueueName=name, Attributes={"DelaySeconds": "1"})
    long = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."
    refused(sqs.send_message, "InvalidParameterValue", 400, long, QueueUrl=queue, MessageBody="x" * 1_048_577)
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1_048_576)
    assert len(receive(sqs, queue)[0]["Body"]) == 1_048_576
    sqs.purge_queue(QueueUrl=queue)
    refused(sqs.purge_queue, "AWS.SimpleQueueService.PurgeQueueInProgress", 403, QueueUrl=queue)


def test_queues_are_an_accounts_and_regions_own(aws, sqs, queue, server):
    name = queue.rsplit("/", 1)[1]
    other = Account(server)
    refused(other.client("sqs").get_queue_url, MISSING, 400, QueueName=name)
    refused(other.client("sqs").send_message, "AccessDenied", 403, QueueUrl=queue, MessageBody="x")
    elsewhere = server.client("sqs", aws.number, "eu-west-3")
    refused(elsewhere.send_message, MISSING, 400, QueueUrl=queue, MessageBody="x")


class Query:
    """Requests of the API's older form."""

    def __init__(self, server, account):
        scope = f"{account}/20261123/us-east-1/sqs/aws4_request"
        self.server = server
        self.headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"}

    def __call__(self, path, method="POST", status=200, **parameters):
        form = urllib.parse.urlencode(
            {"Version": "2012-11-05", **{name.replace("_", "."): value for name, value in parameters.items()}}
        )
        headers = dict(self.headers)
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            answer = self.server.request("POST", path, form, headers)
        else:
            answer = self.server.request(method, f"{path}?{form}", None, headers)
        assert answer[0] == status, answer
        assert answer[1]["Content-Type"] == "text/xml"
        return ElementTree.fromstring(answer[2])


@pytest.fixture
def query(aws, server):
    return Query(server, aws.number)


def texts(document, path):
    return [element.text for element in document.findall("/".join(NAMESPACE + step for step in path.split("/")))]


def test_the_older_form_of_the_api(aws, query, server):
    created = query(
        "/", Action="CreateQueue", QueueName="q", Attribute_1_Name="VisibilityTimeout", Attribute_1_Value="0",
        Tag_1_Key="k", Tag_1_Value="v",
    )  # fmt: skip
    [url] = texts(created, "CreateQueueResult/QueueUrl")
    assert url == f"{server.endpoint}/{aws.number}/q"
    path = urllib.parse.urlsplit(url).path
    # To the queue's own URL, without a QueueUrl.
    sent = query(
        path, Action="SendMessage", MessageBody="<a> & b", MessageAttribute_1_Name="N",
        MessageAttribute_1_Value_DataType="String", MessageAttribute_1_Value_StringValue="v", MessageAttribute_2_Name="B",
        MessageAttribute_2_Value_DataType="Binary",
        MessageAttribute_2_Value_BinaryValue=base64.b64encode(b"\x00").decode(),
        MessageSystemAttribute_1_Name="AWSTraceHeader", MessageSystemAttribute_1_Value_DataType="String",
        MessageSystemAttribute_1_Value_StringValue="Root=1",
    )  # fmt: skip
    assert texts(sent, "SendMessageResult/MD5OfMessageBody") == [hashlib.md5(b"<a> & b").hexdigest()]
    got = query(path, Action="ReceiveMessage", AttributeName_1="All", MessageAttributeName_1="All")
    message = "ReceiveMessageResult/Message"
    assert texts(got, f"{message}/Body") == ["<a> & b"]
    names = dict(zip(texts(got, f"{message}/Attribute/Name"), texts(got, f"{message}/Attribute/Value"), strict=True))
    assert names["AWSTraceHeader"] == "Root=1" and names["ApproximateReceiveCount"] == "1"
    assert texts(got, f"{message}/MessageAttribute/Name") == ["B", "N"]
    assert texts(got, f"{message}/MessageAttribute/Value/StringValue") == ["v"]
    assert texts(got, f"{message}/MessageAttribute/Value/BinaryValue") == ["AA=="]
    [receipt] = texts(got, f"{message}/ReceiptHandle")
    deleted = query("/", Action="DeleteMessage", QueueUrl=url, ReceiptHandle=receipt)
    assert re.fullmatch(r"\{.*\}DeleteMessageResponse", deleted.tag)
    told = query(path, method="GET", Action="GetQueueAttributes", AttributeName_1="QueueArn")
    assert texts(told, "GetQueueAttributesResult/Attribute/Name") == ["QueueArn"]
    tags = query(path, Action="ListQueueTags")
    assert texts(tags, "ListQueueTagsResult/Tag/Key") == ["k"]
    assert texts(query("/", Action="ListQueues"), "ListQueuesResult/QueueUrl") == [url]


def test_batches_in_the_older_form(query, aws):
    query("/", Action="CreateQueue", QueueName="q")
    path = f"/{aws.number}/q"
    entry = "SendMessageBatchRequestEntry"
    first = {f"{entry}_1_Id": "a", f"{entry}_1_MessageBody": "x"}
    second = {f"{entry}_2_Id": "b", f"{entry}_2_MessageBody": "\x00"}
    sent = query(path, Action="SendMessageBatch", **first, **second)
    assert texts(sent, "SendMessageBatchResult/SendMessageBatchResultEntry/Id") == ["a"]
    assert texts(sent, "SendMessageBatchResult/BatchResultErrorEntry/Id") == ["b"]
    assert texts(sent, "SendMessageBatchResult/BatchResultErrorEntry/SenderFault") == ["true"]
    [receipt] = texts(query(path, Action="ReceiveMessage"), "ReceiveMessageResult/Message/ReceiptHandle")
    entry = "DeleteMessageBatchRequestEntry"
    deleted = query(path, Action="DeleteMessageBatch", **{f"{entry}_1_Id": "a", f"{entry}_1_ReceiptHandle": receipt})
    assert texts(deleted, "DeleteMessageBatchResult/DeleteMessageBatchResultEntry/Id") == ["a"]


def test_errors_in_the_older_form(query, aws):
    error = query(f"/{aws.number}/none", status=400, Action="ReceiveMessage")
    assert texts(error, "Error/Code") == [MISSING]
    assert texts(error, "Error/Message") == ["The specified queue does not exist for this wsdl version."]
    assert texts(error, "Error/Type") == ["Sender"]
    error = query("/", status=400, Action="ReceiveMessage")
    assert texts(error, "Error/Code") == ["MissingParameter"]
    assert texts(error, "Error/Message") == ["The request must contain the parameter QueueUrl."]


def test_queues_and_messages_survive_the_server(tmp_path):
    number = "123456789012"
    with Server("--pool-size", "0", data_dir=tmp_path) as server:
        sqs = server.client("sqs", number)
        sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "77"})
        url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        for name in "ab":
            sqs.send_message(QueueUrl=url, MessageBody=name, MessageGroupId="g", MessageDeduplicationId=name)
        server.kill()
    with Server("--pool-size", "0", data_dir=tmp_path) as server:
        sqs = server.client("sqs", number)
        # The URL has another port now: its path is what counts.
        assert [message["Body"] for message in receive(sqs, url)] == ["a", "b"]
        twice = sqs.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g", MessageDeduplicationId="a")
        assert twice["SequenceNumber"]
        assert receive(sqs, url) == []
        assert attributes(sqs, sqs.get_queue_url(QueueName="q")["QueueUrl"])["VisibilityTimeout"] == "77"


def test_a_server_that_stops_lets_no_client_wait(tmp_path):
    with Server("--pool-size", "0", data_dir=tmp_path) as server:
        url = server.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        connection = server.connect()
        body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20})
        head = f"Host: localhost\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(f"POST / HTTP/1.1\r\n{head}Expect: 100-continue\r\n\r\n".encode())
        # Once it asks for the body, the request is under way.
        assert b"100 Continue" in connection.recv(1000)
        connection.sendall(body.encode())
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
