import threading


def handler(event, context):
    print("waiting for something that never comes")
    threading.Event().wait()
