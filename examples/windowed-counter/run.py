"""Deploys the counter, sends visits, and waits until the windows have told their sums. Needs boto3."""

import io
import json
import random
import sys
import time
import uuid
import zipfile
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

WINDOW_S = 3
PAGES = ["home", "cart", "help"]
functions, streams, logs = (boto3.client(service) for service in ("lambda", "kinesis", "logs"))


def deploy():
    """Makes the stream, the function and the mapping, unless they are there."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(Path(__file__).parent / "counter.py", "counter.py")
    try:
        functions.update_function_code(FunctionName="counter", ZipFile=buffer.getvalue())
        functions.get_waiter("function_updated_v2").wait(FunctionName="counter", WaiterConfig={"Delay": 1})
        return
    except functions.exceptions.ResourceNotFoundException:
        pass
    functions.create_function(
        FunctionName="counter",
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="counter.handler",
        Role="arn:aws:iam::000000000000:role/counter",
        Code={"ZipFile": buffer.getvalue()},
    )
    streams.create_stream(StreamName="visits", ShardCount=1)
    streams.get_waiter("stream_exists").wait(StreamName="visits", WaiterConfig={"Delay": 1})
    functions.get_waiter("function_active_v2").wait(FunctionName="counter", WaiterConfig={"Delay": 1})
    functions.create_event_source_mapping(
        FunctionName="counter",
        EventSourceArn=streams.describe_stream_summary(StreamName="visits")["StreamDescriptionSummary"]["StreamARN"],
        StartingPosition="TRIM_HORIZON",
        TumblingWindowInSeconds=WINDOW_S,
        # Whoever cannot be counted must not stop the counting.
        MaximumRetryAttempts=2,
        BisectBatchOnFunctionError=True,
    )


def send(pages):
    records = [{"PartitionKey": page, "Data": json.dumps({"page": page})} for page in pages]
    streams.put_records(StreamName="visits", Records=records)


def sums():
    """What all windows so far have told, by page."""
    found = {}
    try:
        lines = logs.filter_log_events(logGroupName="/aws/lambda/counter", filterPattern='"visits"')["events"]
    except ClientError:
        return found
    for line in lines:
        for page, count in json.loads(line["message"])["visits"].items():
            found[page] = found.get(page, 0) + count
    return found


def main():
    deploy()
    # So that this run's visits can be told from those of another.
    run = uuid.uuid4().hex[:6]
    visits = [f"{run}/{random.choice(PAGES)}" for _ in range(100)]
    send(visits)
    expected = {page: visits.count(page) for page in visits}
    deadline = time.monotonic() + 120
    while not expected.items() <= (found := sums()).items():
        assert time.monotonic() < deadline, f"{found}, not {expected}"
        # A window ends when a record of the next one comes, or after a while when there is none.
        send([f"{run}/later"])
        time.sleep(0.5)
    for page, count in sorted(expected.items()):
        print(f"{count:3} visits of {page}")


if __name__ == "__main__":
    main()
