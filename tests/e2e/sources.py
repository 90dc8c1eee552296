"""What mappings read from, and what functions saw of it."""

import base64
import json
import textwrap
import uuid

from botocore.exceptions import ClientError

from account import QUICK, eventually

# A handler that notes what it was given, and when it began and ended by a clock that all sandboxes of a host share. What
# it does with it is `work`, which each test writes.
NOTING = """
import json, time

def handler(event, context):
    began = time.monotonic_ns()
    outcome = "returned"
    try:
        return work(event)
    except BaseException:
        outcome = "raised"
        raise
    finally:
        noted = [began, time.monotonic_ns(), outcome, context.invoked_function_arn, event]
        # One line in one write: a log may be read at any time.
        print("NOTED " + json.dumps(noted) + "\\n", end="", flush=True)
"""

NOTHING = """
    def work(event):
        return None
"""

# Fails when a record says so.
PICKY = """
    import base64

    def content(record):
        return record["body"] if "body" in record else base64.b64decode(record["kinesis"]["data"]).decode()

    def work(event):
        bad = [record for record in event["Records"] if content(record).startswith("bad")]
        if bad:
            raise ValueError(f"{len(bad)} of {len(event['Records'])} are bad")
"""


class Noted:
    """One invocation."""

    def __init__(self, began, ended, outcome, arn, event):
        self.began, self.ended, self.outcome, self.arn, self.event = began, ended, outcome, arn, event

    @property
    def records(self):
        return self.event["Records"]

    @property
    def contents(self):
        """Bodies of messages, data of records."""
        return [content(record) for record in self.records]

    def __repr__(self):
        return f"{self.outcome} {self.contents if 'Records' in self.event else self.event}"


def content(record):
    return record["body"] if "body" in record else base64.b64decode(record["kinesis"]["data"]).decode()


def create_worker(account, work=NOTHING, **settings):
    """A function that notes its events and does `work(event)` with them. Returns its name."""
    return account.create({"index.py": worker_source(work)}, **settings)


def worker_source(work):
    return NOTING + textwrap.dedent(work)


def noted(account, function):
    """All invocations so far, in the order in which they began."""
    lines = [line[len("NOTED "):] for line in account.messages(function) if line.startswith("NOTED ")]
    return sorted((Noted(*json.loads(line)) for line in lines), key=lambda invocation: invocation.began)


def invocations(account, function, count, timeout_s=30):
    """Waits until there were so many invocations; returns all."""
    return noted_until(account, function, lambda found: len(found) >= count, timeout_s)


def noted_until(account, function, is_enough, timeout_s=30):
    """Waits until the invocations are such; returns all."""
    return eventually(lambda: is_enough(found := noted(account, function)) and found, timeout_s)


def received(account, function, count, timeout_s=30):
    """Waits until so many records were given to the function; returns the contents of all, in order."""

    def look():
        found = [text for invocation in noted(account, function) for text in invocation.contents]
        return len(found) >= count and found

    return eventually(look, timeout_s)


def map_source(account, function, source, wait=True, **settings):
    """Makes a mapping, waits until it polls, and returns its UUID."""
    arn = source if isinstance(source, str) else source.arn
    made = account.lambda_.create_event_source_mapping(FunctionName=function, EventSourceArn=arn, **settings)
    account.mappings.append(made["UUID"])
    if wait:
        wait_state(account, made["UUID"], "Enabled" if settings.get("Enabled", True) else "Disabled")
    return made["UUID"]


def map_stream(account, function, source, **settings):
    """As `map_source`, from the oldest record unless told otherwise."""
    return map_source(account, function, source, **{"StartingPosition": "TRIM_HORIZON", **settings})


def wait_state(account, mapping, state):
    def look():
        found = account.lambda_.get_event_source_mapping(UUID=mapping)
        return found["State"] == state and found

    return eventually(look)


def update_mapping(account, mapping, **settings):
    """Changes a mapping and waits until it is changed."""
    account.lambda_.update_event_source_mapping(UUID=mapping, **settings)

    def look():
        found = account.lambda_.get_event_source_mapping(UUID=mapping)
        return found["State"] in ("Enabled", "Disabled") and found

    return eventually(look)


def last_result(account, mapping, expected):
    """Waits until `LastProcessingResult` is the expected one."""

    def look():
        return account.lambda_.get_event_source_mapping(UUID=mapping)["LastProcessingResult"] == expected

    eventually(look)


class Queue:
    """A queue of a test's own."""

    def __init__(self, account, name=None, **attributes):
        name = name or f"queue-{uuid.uuid4().hex[:8]}" + (".fifo" if "FifoQueue" in attributes else "")
        self.account, self.sqs = account, account.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{account.region}:{account.number}:{name}"

    def send(self, *bodies, **parameters):
        """Sends messages one by one; returns their ids."""
        return [
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **parameters)["MessageId"] for body in bodies
        ]

    def send_all(self, bodies):
        """Sends messages in batches of ten."""
        bodies = list(bodies)
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + 10])]
            answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            assert not answer.get("Failed"), answer

    def send_in_group(self, group, *bodies):
        for body in bodies:
            self.sqs.send_message(
                QueueUrl=self.url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=uuid.uuid4().hex
            )

    def attributes(self):
        return self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]

    def counters(self):
        """How many messages are visible, and how many in flight."""
        found = self.attributes()
        return tuple(int(found[f"ApproximateNumberOfMessages{kind}"]) for kind in ("", "NotVisible"))

    def is_empty(self):
        return self.counters() == (0, 0)

    def receive(self, wait_s=20):
        """Takes one message out, if one comes."""
        settings = {"WaitTimeSeconds": wait_s, "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
        messages = self.sqs.receive_message(QueueUrl=self.url, **settings).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return messages[0] if messages else None

    def receive_all(self):
        """Takes all visible messages out."""
        found = []
        while message := self.receive(wait_s=0):
            found.append(message)
        return found


def queue_with_dead_letters(account, receives, **attributes):
    """A queue and its dead-letter queue."""
    fifo = {"FifoQueue": "true"} if "FifoQueue" in attributes else {}
    dead = Queue(account, **fifo)
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": receives})
    return Queue(account, RedrivePolicy=policy, **attributes), dead


class Stream:
    """A stream of a test's own."""

    def __init__(self, account, shards=1, name=None, **settings):
        self.account, self.kinesis = account, account.client("kinesis")
        self.name = name or f"stream-{uuid.uuid4().hex[:8]}"
        if shards:
            settings["ShardCount"] = shards
        self.kinesis.create_stream(StreamName=self.name, **settings)
        self.wait_active()
        self.arn = f"arn:aws:kinesis:{account.region}:{account.number}:stream/{self.name}"

    def wait_active(self):
        self.kinesis.get_waiter("stream_exists").wait(StreamName=self.name, WaiterConfig=QUICK)

    def put(self, *data, key="k", **parameters):
        """Puts records one by one; returns their sequence numbers."""
        return [
            self.kinesis.put_record(StreamName=self.name, Data=item, PartitionKey=key, **parameters)["SequenceNumber"]
            for item in data
        ]

    def put_all(self, pairs):
        """Puts records of (key, data) at once; returns (shard, sequence number) of each."""
        records = [{"PartitionKey": key, "Data": data} for key, data in pairs]
        answer = self.kinesis.put_records(StreamName=self.name, Records=records)
        assert answer["FailedRecordCount"] == 0, answer
        return [(record["ShardId"], record["SequenceNumber"]) for record in answer["Records"]]

    def put_in_shard(self, number, *data, key="k"):
        """Puts records into the open shard of this number."""
        [shard] = [shard for shard in self.shards() if shard["ShardId"] == shard_id(number)]
        return self.put(*data, key=key, ExplicitHashKey=shard["HashKeyRange"]["StartingHashKey"])

    def shards(self, **parameters):
        return self.kinesis.list_shards(StreamName=self.name, **parameters)["Shards"]

    def split(self, number=0):
        """Splits a shard in the middle."""
        [shard] = [shard for shard in self.shards() if shard["ShardId"] == shard_id(number)]
        keys = shard["HashKeyRange"]
        middle = (int(keys["StartingHashKey"]) + int(keys["EndingHashKey"])) // 2 + 1
        self.kinesis.split_shard(
            StreamName=self.name, ShardToSplit=shard_id(number), NewStartingHashKey=str(middle)
        )
        self.wait_active()
        return middle

    def merge(self, number, adjacent):
        self.kinesis.merge_shards(
            StreamName=self.name, ShardToMerge=shard_id(number), AdjacentShardToMerge=shard_id(adjacent)
        )
        self.wait_active()

    def iterator(self, number=0, kind="TRIM_HORIZON", **parameters):
        answer = self.patiently(
            self.kinesis.get_shard_iterator, StreamName=self.name, ShardId=shard_id(number), ShardIteratorType=kind,
            **parameters,
        )  # fmt: skip
        return answer["ShardIterator"]

    def get(self, iterator, **parameters):
        return self.patiently(self.kinesis.get_records, ShardIterator=iterator, **parameters)

    def read(self, number=0, kind="TRIM_HORIZON", **parameters):
        """All data of a shard from there to the tip."""
        iterator, found = self.iterator(number, kind, **parameters), []
        while iterator:
            answer = self.get(iterator)
            found += [record["Data"].decode(errors="replace") for record in answer["Records"]]
            iterator = answer.get("NextShardIterator") if answer["Records"] or answer["MillisBehindLatest"] else None
        return found

    def patiently(self, call, **parameters):
        """A shard answers five times a second."""

        def ask():
            try:
                return call(**parameters)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ProvisionedThroughputExceededException":
                    raise
                self.account.wait_a_second()
                return None

        return eventually(ask)


def shard_id(number):
    return f"shardId-{number:012}"


class Topic:
    """A topic, and a queue that hears it."""

    def __init__(self, account):
        sns = account.client("sns")
        self.arn = sns.create_topic(Name=f"topic-{uuid.uuid4().hex[:8]}")["TopicArn"]
        self.queue = Queue(account)
        sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=self.queue.arn)
