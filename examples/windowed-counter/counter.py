"""Counts visits by page, in windows of a few seconds. The count of a window is not kept here, but in its state."""

import base64
import json


def handler(event, context):
    visits = event["state"]
    for record in event["Records"]:
        page = json.loads(base64.b64decode(record["kinesis"]["data"]))["page"]
        visits[page] = visits.get(page, 0) + 1
    if event["isFinalInvokeForWindow"]:
        print(json.dumps({"window": event["window"]["start"], "visits": visits}))
    return {"state": visits}
