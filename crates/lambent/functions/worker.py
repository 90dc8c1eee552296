import json


def handler(event, context):
    """Packs orders; one that cannot be packed is named, and the others are done with."""
    failed = []
    for message in event["Records"]:
        order = json.loads(message["body"])
        if order.get("items"):
            print("packed order", order["order"])
        else:
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}
