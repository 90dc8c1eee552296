import os


def handler(event, context):
    print("hello from", context.function_name)
    return {"message": f"Hello, {event['name']}!", "invocation": count()}


def count():
    """Counts what this environment has served: /tmp is kept between warm invocations."""
    path = "/tmp/count"
    number = int(open(path).read()) + 1 if os.path.exists(path) else 1
    with open(path, "w") as file:
        file.write(str(number))
    return number
