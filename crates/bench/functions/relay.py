"""Tells a queue when its handler started, and with which records. A record may say how long handling it takes."""
import base64
import http.client
import json
import os
import time
from urllib.parse import urlsplit

ENDPOINT = urlsplit(os.environ["AWS_ENDPOINT_URL"])
QUEUE = f"{os.environ['AWS_ENDPOINT_URL'].rstrip('/')}/111111111111/stamps"
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "AmazonSQS.SendMessage",
    "X-Amz-Security-Token": os.environ["AWS_SESSION_TOKEN"],
    "Authorization": f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/20260101/us-east-1/sqs/aws4_request,"
    " SignedHeaders=host, Signature=0",
}
connection = http.client.HTTPConnection(ENDPOINT.hostname, ENDPOINT.port)


def handler(event, context):
    started_us = time.time_ns() // 1000
    records = [json.loads(text(record)) for record in event["Records"]]
    for record in records:
        time.sleep(record.get("takes_ms", 0) / 1000)
    told = {"started_us": started_us, "ended_us": time.time_ns() // 1000, "records": records}
    connection.request("POST", "/", json.dumps({"QueueUrl": QUEUE, "MessageBody": json.dumps(told)}), HEADERS)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"the queue answers {answer.status}")


def text(record):
    return base64.b64decode(record["kinesis"]["data"]) if "kinesis" in record else record["body"]
