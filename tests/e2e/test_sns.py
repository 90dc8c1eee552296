"""Amazon SNS with boto3: topics, subscriptions, and deliveries to queues, functions and HTTP endpoints."""

import base64
import http.server
import json
import queue
import shutil
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError

from account import Account
from lambent import Server

RAW = {"RawMessageDelivery": "true"}


class Topics:
    """Topics and queues of one account."""

    def __init__(self, account):
        self.account = account
        self.sns = account.client("sns")
        self.sqs = account.client("sqs")

    def topic(self, name="topic", **attributes):
        return self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]

    def queue(self, name="queue", **attributes):
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return url, arn

    def subscribe(self, topic, protocol, endpoint, **attributes):
        answer = self.sns.subscribe(
            TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True
        )
        return answer["SubscriptionArn"]

    def receive(self, url, wait=5):
        """The next message, which is deleted; None if none comes."""
        answer = self.sqs.receive_message(
            QueueUrl=url, WaitTimeSeconds=wait, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return message
        return None


@pytest.fixture
def topics(aws):
    return Topics(aws)


class Hook:
    """An HTTP endpoint that notes what it gets, and answers as told."""

    def __init__(self, certificate=None):
        self.received = queue.Queue()
        self.statuses = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status = hook.statuses.pop(0) if hook.statuses else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                hook.received.put((dict(self.headers), body))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self):
        headers, body = self.received.get(timeout=20)
        return {name.lower(): value for name, value in headers.items()}, body

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook():
    hook = Hook()
    yield hook
    hook.close()


def click(url):
    """Somebody opens a link, without any credentials."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def test_a_queue_gets_the_envelope_or_the_message_itself(topics):
    topic = topics.topic()
    (plain, plain_arn), (raw, raw_arn) = topics.queue("plain"), topics.queue("raw")
    subscription = topics.subscribe(topic, "sqs", plain_arn)
    topics.subscribe(topic, "sqs", raw_arn, **RAW)
    attributes = {
        "colour": {"DataType": "String", "StringValue": "rot"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x02\x03\x04"},
    }
    sent = topics.sns.publish(TopicArn=topic, Message="Grüße", Subject="Hallo", MessageAttributes=attributes)
    envelope = json.loads(topics.receive(plain)["Body"])
    assert (envelope["Type"], envelope["MessageId"], envelope["TopicArn"]) == ("Notification", sent["MessageId"], topic)
    assert (envelope["Subject"], envelope["Message"], envelope["SignatureVersion"]) == ("Hallo", "Grüße", "1")
    assert envelope["UnsubscribeURL"].endswith(f"/?Action=Unsubscribe&SubscriptionArn={subscription}")
    assert envelope["MessageAttributes"]["bytes"] == {"Type": "Binary", "Value": "AgME"}
    message = topics.receive(raw)
    assert message["Body"] == "Grüße"
    assert message["MessageAttributes"]["colour"] == {"DataType": "String", "StringValue": "rot"}
    assert message["MessageAttributes"]["bytes"]["BinaryValue"] == b"\x02\x03\x04"


def test_a_signature_can_be_verified(topics, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    topic = topics.topic(SignatureVersion="2")
    url, arn = topics.queue()
    topics.subscribe(topic, "sqs", arn)
    topics.sns.publish(TopicArn=topic, Message="line\nline", Subject="s")
    message = json.loads(topics.receive(url)["Body"])
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    (tmp_path / "text").write_text("".join(f"{name}\n{message[name]}\n" for name in names))
    (tmp_path / "certificate").write_text(click(message["SigningCertURL"]))
    (tmp_path / "signature").write_bytes(base64.b64decode(message["Signature"]))
    key = subprocess.run(
        ["openssl", "x509", "-in", "certificate", "-pubkey", "-noout"], cwd=tmp_path, capture_output=True, check=True
    )
    (tmp_path / "key").write_bytes(key.stdout)
    verify = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "text"]
    done = subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "Verified OK\n", done.stderr


def test_filter_policies_choose(topics):
    topic = topics.topic()
    (red, red_arn), (body, body_arn) = topics.queue("red"), topics.queue("body")
    topics.subscribe(topic, "sqs", red_arn, **RAW, FilterPolicy='{"colour":["red"],"size":[{"numeric":[">",5]}]}')
    policy = '{"order":{"state":[{"anything-but":"open"}]}}'
    topics.subscribe(topic, "sqs", body_arn, **RAW, FilterPolicyScope="MessageBody", FilterPolicy=policy)

    def publish(message, colour, size):
        attributes = {
            "colour": {"DataType": "String", "StringValue": colour},
            "size": {"DataType": "Number", "StringValue": size},
        }
        topics.sns.publish(TopicArn=topic, Message=message, MessageAttributes=attributes)

    publish('{"order":{"state":"open"}}', "red", "6")
    publish('{"order":{"state":"paid"}}', "blue", "6")
    publish("no JSON", "red", "5")
    assert json.loads(topics.receive(red)["Body"])["order"]["state"] == "open"
    assert json.loads(topics.receive(body)["Body"])["order"]["state"] == "paid"
    assert topics.receive(red, wait=0) is None and topics.receive(body, wait=0) is None


def test_fifo_topics_keep_order_and_leave_out_duplicates(topics):
    topic = topics.topic("t.fifo", FifoTopic="true", ContentBasedDeduplication="true")
    url, arn = topics.queue("q.fifo", FifoQueue="true")
    topics.subscribe(topic, "sqs", arn, **RAW)
    numbers = []
    for message in ("one", "two", "one", "three"):
        answer = topics.sns.publish(TopicArn=topic, Message=message, MessageGroupId="g")
        numbers.append(int(answer["SequenceNumber"]))
    assert numbers[2] == numbers[0] < numbers[1] < numbers[3]
    entries = [{"Id": str(n), "Message": f"batch {n}", "MessageGroupId": "g"} for n in range(3)]
    assert len(topics.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]) == 3
    received = [topics.receive(url) for _ in range(6)]
    assert [message["Body"] for message in received] == ["one", "two", "three", "batch 0", "batch 1", "batch 2"]
    assert received[0]["Attributes"]["MessageGroupId"] == "g"
    with pytest.raises(ClientError) as refused:
        topics.sns.publish(TopicArn=topic, Message="m")
    assert refused.value.response["Error"] == {
        "Type": "Sender",
        "Code": "InvalidParameter",
        "Message": "Invalid parameter: The MessageGroupId parameter is required for FIFO topics",
    }


def test_errors_are_those_of_aws(topics):
    def refused(operation, **arguments):
        with pytest.raises(ClientError) as error:
            getattr(topics.sns, operation)(**arguments)
        return error.value.response["ResponseMetadata"]["HTTPStatusCode"], error.value.response["Error"]["Code"]

    topic = topics.topic()
    assert refused("publish", TopicArn=topic + "x", Message="m") == (404, "NotFound")
    assert refused("publish", TopicArn="x", Message="m") == (400, "InvalidParameter")
    attribute = {"a": {"DataType": "Str", "StringValue": "x"}}
    wrong = refused("publish", TopicArn=topic, Message="m", MessageAttributes=attribute)
    assert wrong == (400, "ParameterValueInvalid")
    entries = [{"Id": "1", "Message": "m"}] * 2
    twice = refused("publish_batch", TopicArn=topic, PublishBatchRequestEntries=entries)
    assert twice == (400, "BatchEntryIdsNotDistinct")
    assert refused("list_tags_for_resource", ResourceArn=topic + "x") == (404, "ResourceNotFound")
    assert refused("create_platform_application", Name="a", Platform="GCM", Attributes={}) == (501, "NotImplemented")
    other = Topics(Account(topics.account.server))
    with pytest.raises(ClientError) as error:
        other.sns.publish(TopicArn=topic, Message="m")
    assert error.value.response["Error"]["Code"] == "AuthorizationError"


def test_a_function_gets_the_event(topics, aws):
    aws.create("import json\ndef handler(event, context): print(json.dumps(event))", "listens")
    topic = topics.topic()
    subscription = topics.subscribe(topic, "lambda", aws.arn("listens"))
    sent = topics.sns.publish(TopicArn=topic, Message="hello")
    [line] = [line for line in aws.logged("listens", '"Records"') if '"Records"' in line]
    [record] = json.loads(line)["Records"]
    assert (record["EventSource"], record["EventVersion"]) == ("aws:sns", "1.0")
    assert record["EventSubscriptionArn"] == subscription
    assert (record["Sns"]["MessageId"], record["Sns"]["Message"]) == (sent["MessageId"], "hello")
    assert record["Sns"]["Subject"] is None and record["Sns"]["MessageAttributes"] == {}


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue(topics):
    topic = topics.topic()
    gone, gone_arn = topics.queue("gone")
    dead, dead_arn = topics.queue("dead")
    topics.subscribe(topic, "sqs", gone_arn, **RAW, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn}))
    topics.sqs.delete_queue(QueueUrl=gone)
    topics.sns.publish(TopicArn=topic, Message="lost?")
    assert topics.receive(dead)["Body"] == "lost?"


def test_an_http_endpoint_confirms_with_a_click_and_leaves_with_one(topics, hook):
    topic = topics.topic()
    answer = topics.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    headers, body = hook.next()
    asked = json.loads(body)
    assert headers["x-amz-sns-message-type"] == asked["Type"] == "SubscriptionConfirmation"
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert "<SubscriptionArn>" in click(asked["SubscribeURL"])
    [listed] = topics.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"].startswith(topic + ":")
    topics.sns.publish(TopicArn=topic, Message="hello")
    headers, body = hook.next()
    notified = json.loads(body)
    assert headers["x-amz-sns-subscription-arn"] == listed["SubscriptionArn"]
    assert (notified["Type"], notified["Message"]) == ("Notification", "hello")
    click(notified["UnsubscribeURL"])
    _, body = hook.next()
    assert json.loads(body)["Type"] == "UnsubscribeConfirmation"
    topics.sns.publish(TopicArn=topic, Message="into the void")
    click(json.loads(body)["SubscribeURL"])
    topics.sns.publish(TopicArn=topic, Message="back again")
    assert json.loads(hook.next()[1])["Message"] == "back again"


def test_retries_happen_in_virtual_time(hook):
    with Server("--clock", "virtual", "--pool-size", "0") as server:
        topics = Topics(Account(server))
        topic = topics.topic()
        dead, dead_arn = topics.queue("dead")
        redrive = json.dumps({"deadLetterTargetArn": dead_arn})
        topics.subscribe(topic, "http", hook.url, RedrivePolicy=redrive)
        topics.sns.confirm_subscription(TopicArn=topic, Token=json.loads(hook.next()[1])["Token"])
        hook.statuses = [500, 500, 500, 500]
        topics.sns.publish(TopicArn=topic, Message="hello")
        headers = {"Content-Type": "application/json"}
        begun = time.monotonic()
        status, _, _ = server.request("POST", "/_lambent/clock/advance", '{"seconds": 60}', headers)
        assert status == 200 and time.monotonic() - begun < 10
        assert hook.received.qsize() == 4
        assert json.loads(topics.receive(dead)["Body"])["Message"] == "hello"


CERTIFICATE = """[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = 127.0.0.1
[extensions]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1
"""


def make_certificate(folder, name):
    (folder / "config").write_text(CERTIFICATE)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", "config"]
    subprocess.run([*command, "-keyout", "key", "-out", "certificate"], cwd=folder, check=True, capture_output=True)
    (folder / name).write_text((folder / "key").read_text() + (folder / "certificate").read_text())
    return folder / name


@pytest.mark.parametrize("trusted", [True, False])
def test_an_https_endpoint_is_believed_if_the_host_trusts_it(trusted, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    own, other = make_certificate(tmp_path, "own.pem"), make_certificate(tmp_path, "other.pem")
    hook = Hook(own)
    trust = {"SSL_CERT_FILE": str(own if trusted else other)}
    try:
        with Server("--clock", "virtual", "--pool-size", "0", environment=trust) as server:
            topics = Topics(Account(server))
            topic = topics.topic()
            topics.subscribe(topic, "https", hook.url)
            if trusted:
                assert json.loads(hook.next()[1])["Type"] == "SubscriptionConfirmation"
            status, _, answer = server.request("POST", "/_lambent/clock/advance", '{"seconds": 1}')
            assert status == 200, answer
            assert (json.loads(answer)["next_due"] is None) == trusted
            assert hook.received.empty()
    finally:
        hook.close()


def test_what_was_acknowledged_survives_a_kill(hook, tmp_path):
    hook.statuses = [200] + [503] * 3
    with Server("--pool-size", "0", data_dir=tmp_path) as server:
        topics = Topics(Account(server, "123456789012"))
        topic = topics.topic()
        topics.subscribe(topic, "http", hook.url)
        topics.sns.confirm_subscription(TopicArn=topic, Token=json.loads(hook.next()[1])["Token"])
        policy = {"healthyRetryPolicy": {"numRetries": 9, "minDelayTarget": 1, "maxDelayTarget": 1}}
        [listed] = topics.sns.list_subscriptions()["Subscriptions"]
        topics.sns.set_subscription_attributes(
            SubscriptionArn=listed["SubscriptionArn"], AttributeName="DeliveryPolicy", AttributeValue=json.dumps(policy)
        )
        url, arn = topics.queue()
        topics.subscribe(topic, "sqs", arn, **RAW)
        topics.sns.publish(TopicArn=topic, Message="hello")
        hook.next()
        server.kill()
    with Server("--pool-size", "0", data_dir=tmp_path) as server:
        topics = Topics(Account(server, "123456789012"))
        assert topics.receive(url)["Body"] == "hello"
        while hook.statuses:
            hook.next()
        assert json.loads(hook.next()[1])["Message"] == "hello"


def test_emails_and_text_messages_are_in_the_outbox(topics):
    topic = topics.topic(DisplayName="Shop")
    topics.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="somebody@example.com")
    sent = topics.sns.publish(PhoneNumber="+4915112345678", Message="Code 123")

    def outbox():
        _, _, body = topics.account.server.request("GET", "/_lambent/outbox?limit=1000")
        return json.loads(body)["messages"]

    [asked] = [message for message in outbox() if message["topic"] == topic]
    assert asked["to"] == "somebody@example.com"
    [text] = [message for message in outbox() if message["id"] == sent["MessageId"]]
    assert (text["protocol"], text["to"], text["body"]) == ("sms", "+4915112345678", "Code 123")
    click(asked["subscribe_url"])
    topics.sns.publish(TopicArn=topic, Message="Sale", Subject="Today")
    [email] = [message for message in outbox() if message["topic"] == topic and message["subject"] == "Today"]
    assert (email["body"], email["from"]) == ("Sale", "Shop")


def test_a_hundred_and_one_are_two_pages(topics):
    names = [topics.topic(f"t{number:03}") for number in range(101)]
    pages = list(topics.sns.get_paginator("list_topics").paginate())
    assert [len(page["Topics"]) for page in pages] == [100, 1]
    assert sorted(topic["TopicArn"] for page in pages for topic in page["Topics"]) == sorted(names)
