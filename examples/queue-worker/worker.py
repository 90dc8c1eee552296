"""Works through payments. What fails is reported, so that only this comes back, and not the whole batch."""

import json
import logging

logger = logging.getLogger()


def handler(event, context):
    failures = []
    for record in event["Records"]:
        try:
            pay(json.loads(record["body"]))
        except Exception:
            logger.exception("message %s", record["messageId"])
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def pay(payment):
    if payment["amount"] < 0:
        raise ValueError("nothing to pay")
    print("paid", payment["amount"], "for", payment["order"])
