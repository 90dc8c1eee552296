"""Clients that wait for something, and go away."""

import json
import socket

from lambent import REGION

WAIT = {"WaitTimeSeconds": 20, "MessageSystemAttributeNames": ["All"]}


def make_queue(aws):
    sqs = aws.client("sqs")
    return sqs, sqs.create_queue(QueueName="q")["QueueUrl"]


def begin_long_poll(aws, url):
    """Asks for messages on a connection of its own, and does not wait."""
    body = json.dumps({"QueueUrl": url, **WAIT})
    connection = aws.server.connect()
    connection.sendall(
        (
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\n"
            "X-Amz-Target: AmazonSQS.ReceiveMessage\r\n"
            f"Authorization: AWS4-HMAC-SHA256 Credential={aws.number}/20260101/{REGION}/sqs/aws4_request, "
            "SignedHeaders=host, Signature=0\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
    )
    return connection


def settle(sqs, url):
    """Lets the server do what it has begun."""
    for _ in range(5):
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])


def test_a_long_poll_takes_nothing_for_a_client_that_is_gone(aws):
    sqs, url = make_queue(aws)
    connection = begin_long_poll(aws, url)
    settle(sqs, url)
    connection.close()
    settle(sqs, url)
    sqs.send_message(QueueUrl=url, MessageBody="for somebody")
    [message] = sqs.receive_message(QueueUrl=url, **WAIT)["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_a_long_poll_of_a_client_that_only_stops_sending_is_answered_at_once(aws):
    sqs, url = make_queue(aws)
    connection = begin_long_poll(aws, url)
    connection.settimeout(10)
    connection.shutdown(socket.SHUT_WR)
    answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"{}"), answer
    # What is there is given to it.
    sqs.send_message(QueueUrl=url, MessageBody="at hand")
    connection = begin_long_poll(aws, url)
    connection.shutdown(socket.SHUT_WR)
    assert b"at hand" in connection.makefile("rb").read()
