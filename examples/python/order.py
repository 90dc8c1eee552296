"""Prices an order: what it has to be paid for."""

import json
import logging
import os

logger = logging.getLogger()

# Read once for each execution environment, not for each order.
with open(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "prices.json")) as file:
    PRICES = json.load(file)


class UnknownArticle(Exception):
    """Nothing can be sold that has no price."""


def handler(event, context):
    total = 0
    for article, number in event["articles"].items():
        if article not in PRICES:
            raise UnknownArticle(article)
        total += PRICES[article] * number
    logger.warning("order %s: %d cents, %d ms left", event["order"], total, context.get_remaining_time_in_millis())
    return {"order": event["order"], "total_cents": total, "currency": os.environ["CURRENCY"]}
