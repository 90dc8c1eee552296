import base64
import json


def handler(event, context):
    """Adds up the clicks of each page within a window of time."""
    clicks = event["state"]
    for record in event["Records"]:
        page = json.loads(base64.b64decode(record["kinesis"]["data"]))["page"]
        clicks[page] = clicks.get(page, 0) + 1
    if event["isFinalInvokeForWindow"]:
        print("window closed:", json.dumps(clicks, sort_keys=True))
    return {"state": clicks}
