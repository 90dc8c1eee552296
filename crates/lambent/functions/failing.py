def handler(event, context):
    raise ValueError("this order has no items")
