"""Calls the function `lines` and shows what comes when: the AWS CLI cannot read streams, the SDKs can."""

import json
import os
import time

import boto3

client = boto3.client("lambda", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
started = time.monotonic()
answer = client.invoke_with_response_stream(FunctionName="lines", Payload=json.dumps({"lines": 3}))
text = ""
for event in answer["EventStream"]:
    if "PayloadChunk" in event:
        chunk = event["PayloadChunk"]["Payload"].decode()
        print(f"after {(time.monotonic() - started) * 1000:4.0f} ms: {chunk.strip()}")
        text += chunk
    elif "ErrorCode" in event.get("InvokeComplete", {}):
        raise SystemExit(event["InvokeComplete"])
assert text == "line 1 of 3\nline 2 of 3\nline 3 of 3\n", text
