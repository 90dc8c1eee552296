"""Queues and streams that are worked through by functions while the server is killed.

Functions say what they were given by sending it on to a FIFO queue: that is on disk before they return, and in the order
in which they worked. So at the end everything can be counted: what was accepted was worked through at least once, in
order, or is where it belongs when it could not be.
"""

import itertools
import json

from botocore.exceptions import ClientError

from account import eventually
from crash_scenes import Ledger, Scene, Sequence, check_complete, named

# As long as a function may run: what was in flight when the server was killed comes back after it.
VISIBILITY_S = 5
BATCH = 10

# Sends the contents of its records on, in order; what is bad it cannot handle.
WORKER = """
import base64, http.client, json, os, urllib.parse, uuid

def content(record):
    return record["body"] if "body" in record else base64.b64decode(record["kinesis"]["data"]).decode()

def send_on(context, contents):
    account = context.invoked_function_arn.split(":")[4]
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    entries = [
        {
            "Id": str(number),
            "MessageBody": text,
            "MessageGroupId": text.split()[0] if ORDERED else "all",
            "MessageDeduplicationId": uuid.uuid4().hex,
        }
        for number, text in enumerate(contents)
    ]
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(endpoint).netloc, timeout=20)
    connection.request(
        "POST",
        "/",
        json.dumps({"QueueUrl": f"{endpoint}/{account}/{RESULTS}", "Entries": entries}),
        {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS.SendMessageBatch",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/sqs/aws4_request, "
            "SignedHeaders=host, Signature=00",
        },
    )
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    if response.status != 200 or answer.get("Failed"):
        raise RuntimeError(str(answer))

def is_bad(record):
    return " bad" in content(record)

def handler(event, context):
    records = event["Records"]
    if REPORTS:
        good = [content(record) for record in records if not is_bad(record)]
        if good:
            send_on(context, good)
        bad = [record["messageId"] for record in records if is_bad(record)]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in bad]}
    if any(is_bad(record) for record in records):
        raise ValueError("bad")
    send_on(context, [content(record) for record in records])
"""


class MappedScene(Scene):
    """Something that a function works through."""

    results = None

    def create_worker(self, name, ordered, reports=False):
        """A function that sends on what it is given, and the queue that gets it."""
        self.create_queue(self.results, FifoQueue="true")
        settings = f"RESULTS, ORDERED, REPORTS = {self.results!r}, {ordered}, {reports}\n"
        self.account.create(settings + WORKER, name, Timeout=VISIBILITY_S)

    def map_source(self, name, source, **settings):
        self.lambda_.create_event_source_mapping(
            FunctionName=name, EventSourceArn=source, BatchSize=BATCH, **settings
        )

    def drain_results(self):
        return [message["Body"] for message in self.drain(self.results)]


class MappedQueue(MappedScene):
    """Messages of a standard queue, some of them bad: these are reported one by one and go to the dead-letter queue."""

    count = 200
    results = "worked-queue.fifo"

    def __init__(self):
        super().__init__()
        self.sent = Ledger()

    def __str__(self):
        return f"mapped queue: sent {self.sent}"

    def create(self):
        dead = self.create_queue("mapped-dead")
        # So many that only what is bad gets there, unless it was in flight at several kills.
        policy = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 4})
        source = self.create_queue("mapped", VisibilityTimeout=str(VISIBILITY_S), RedrivePolicy=policy)
        self.create_worker("works-queue", ordered=False, reports=True)
        self.map_source("works-queue", source, FunctionResponseTypes=["ReportBatchItemFailures"])

    def workers(self):
        return [self.send, self.send]

    def send(self, rng):
        url = self.url("mapped")
        for _ in range(self.count):
            names = [f"q{next(self.numbers)}{' bad' if rng.random() < 0.05 else ''}" for _ in range(rng.choice([1, 10]))]
            self.sent.ask(*names)
            entries = [{"Id": str(number), "MessageBody": name} for number, name in enumerate(names)]
            answer = self.sqs.send_message_batch(QueueUrl=url, Entries=entries)
            assert not answer.get("Failed"), answer
            for name in names:
                self.sent.acknowledge(name)

    def check_end(self):
        assert self.counters("mapped") == [0, 0, 0], f"not worked through: {self.counters('mapped')}"
        worked = set(self.drain_results())
        dead = named(self.drain("mapped-dead"), lambda message: message["Body"])
        check_complete(worked | dead.keys(), self.sent, "mapped queue")
        bad = {name for name in self.sent.asked if name.endswith(" bad")}
        assert not worked & bad, "what is bad was worked through"
        assert bad & self.sent.acknowledged.keys() <= dead.keys(), "what is bad is not in the dead-letter queue"


class MappedFifoQueue(MappedScene):
    """Groups that are worked through in order, though batches are given again after a kill."""

    count = 120
    results = "worked-fifo.fifo"
    queue = "mapped.fifo"

    def __init__(self):
        super().__init__()
        self.groups = [Sequence(f"f{number}") for number in range(6)]

    def __str__(self):
        return f"mapped FIFO queue: sent {sum(len(group.sent.acknowledged) for group in self.groups)}"

    def create(self):
        source = self.create_queue(self.queue, FifoQueue="true", VisibilityTimeout=str(VISIBILITY_S))
        self.create_worker("works-fifo", ordered=True)
        self.map_source("works-fifo", source)

    def workers(self):
        return [lambda rng: self.send(rng, self.groups[:3]), lambda rng: self.send(rng, self.groups[3:])]

    def send(self, rng, groups):
        url = self.url(self.queue)
        for _ in range(self.count):
            group = rng.choice(groups)
            number = group.next_number()
            group.sent.ask(number)
            self.sqs.send_message(
                QueueUrl=url, MessageBody=f"{group.name} {number}", MessageGroupId=group.name,
                MessageDeduplicationId=f"{group.name}-{number}",
            )  # fmt: skip
            group.sent.acknowledge(number)

    def check_end(self):
        assert self.counters(self.queue) == [0, 0, 0], f"not worked through: {self.counters(self.queue)}"
        worked = in_groups(self.drain_results())
        for group in self.groups:
            numbers = worked.get(group.name, [])
            check_order(f"group {group.name}", numbers, again=BATCH)
            check_complete(set(numbers), group.sent, f"group {group.name}")


def in_groups(texts):
    """Numbers by the word before them."""
    found = {}
    for text in texts:
        name, number = text.split()[:2]
        found.setdefault(name, []).append(int(number))
    return found


def check_order(what, numbers, again=None):
    """In order, but that what was done last may be done once more, from some point on: at most `again` numbers."""
    newest = last = -1
    for number in numbers:
        assert number <= newest + 1, f"{what}: {number} came after {newest}"
        assert again is None or number > newest - again, f"{what}: {number} came again after {newest}"
        assert number == last + 1 or number <= last, f"{what}: {number} came after {last}"
        newest, last = max(newest, number), number


class MappedStream(MappedScene):
    """Records that are worked through in the order of their keys while shards are split and merged; what is bad is bisected
    out, and recorded once."""

    count = 150
    results = "worked-stream.fifo"
    stream = "mapped"

    def __init__(self):
        super().__init__()
        # Only ever put by one worker each.
        self.keys = {f"k{number}": itertools.count() for number in range(8)}
        self.put = Ledger()

    def __str__(self):
        return f"mapped stream: put {self.put}, shards {len(self.kinesis.list_shards(StreamName=self.stream)['Shards'])}"

    def start(self, account):
        super().start(account)
        self.kinesis = account.client("kinesis")

    def create(self):
        self.kinesis.create_stream(StreamName=self.stream, ShardCount=2)
        arn = self.describe()["StreamARN"]
        eventually(lambda: self.describe()["StreamStatus"] == "ACTIVE")
        failures = self.create_queue("mapped-failures")
        self.create_worker("works-stream", ordered=True)
        self.map_source(
            "works-stream", arn, StartingPosition="TRIM_HORIZON", ParallelizationFactor=2, MaximumRetryAttempts=1,
            BisectBatchOnFunctionError=True, DestinationConfig={"OnFailure": {"Destination": failures}},
        )  # fmt: skip

    def describe(self):
        return self.kinesis.describe_stream_summary(StreamName=self.stream)["StreamDescriptionSummary"]

    def workers(self):
        names = sorted(self.keys)
        return [lambda rng: self.put_records(rng, names[:4]), lambda rng: self.put_records(rng, names[4:]), self.reshard]

    def put_records(self, rng, keys):
        for _ in range(self.count):
            records = []
            for _ in range(rng.choice([1, 1, 5])):
                key = rng.choice(keys)
                bad = " bad" if rng.random() < 0.01 else ""
                records.append({"PartitionKey": key, "Data": f"{key} {next(self.keys[key])}{bad}"})
            self.put.ask(*(record["Data"] for record in records))
            try:
                answer = self.kinesis.put_records(StreamName=self.stream, Records=records)
            except ClientError as error:
                # While it starts, or ends.
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500, error
                continue
            for record, placed in zip(records, answer["Records"]):
                if "SequenceNumber" in placed:
                    self.put.acknowledge(record["Data"], placed["SequenceNumber"])
                else:
                    assert placed["ErrorCode"] == "ProvisionedThroughputExceededException", placed

    def reshard(self, rng):
        """Splits and merges while records come and go."""
        for _ in range(rng.randrange(60)):
            self.describe()
        shards = self.kinesis.list_shards(StreamName=self.stream, ShardFilter={"Type": "AT_LATEST"})["Shards"]
        shards.sort(key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))
        if len(shards) < 4:
            shard = rng.choice(shards)
            start, end = (int(shard["HashKeyRange"][key]) for key in ("StartingHashKey", "EndingHashKey"))
            self.kinesis.split_shard(
                StreamName=self.stream, ShardToSplit=shard["ShardId"], NewStartingHashKey=str((start + end) // 2)
            )
        else:
            position = rng.randrange(len(shards) - 1)
            self.kinesis.merge_shards(
                StreamName=self.stream, ShardToMerge=shards[position]["ShardId"],
                AdjacentShardToMerge=shards[position + 1]["ShardId"],
            )  # fmt: skip

    def check_end(self):
        records = named(self.read(), lambda record: record["Data"].decode())
        check_complete(records, self.put, "stream")
        for text, number in self.put.answers.items():
            assert records[text]["SequenceNumber"] == number, f"{text} was put as {number}"
        failed = named(
            [json.loads(message["Body"])["KinesisBatchInfo"] for message in self.drain("mapped-failures")],
            lambda info: info["startSequenceNumber"],
        )
        bad = {record["SequenceNumber"]: text for text, record in records.items() if text.endswith(" bad")}
        assert failed.keys() == bad.keys(), f"given up: {len(failed)}, bad: {len(bad)}"
        assert all(info["batchSize"] == 1 for info in failed.values()), "a good record was given up"
        self.check_worked(records)

    def check_worked(self, records):
        worked = in_groups(self.drain_results())
        expected = in_groups(text for text in records if not text.endswith(" bad"))
        assert worked.keys() == expected.keys()
        for key, numbers in expected.items():
            positions = {number: position for position, number in enumerate(numbers)}
            strange = [number for number in worked[key] if number not in positions]
            assert not strange, f"{key}: nobody put {strange[:5]}, or it is bad"
            check_order(f"key {key}", [positions[number] for number in worked[key]])
            assert set(worked[key]) == set(numbers), f"{key}: not worked through: {set(numbers) - set(worked[key])}"

    def read(self):
        """All records, of each shard in order."""
        found = []
        # Parents first.
        shards = sorted(self.kinesis.list_shards(StreamName=self.stream)["Shards"], key=lambda shard: shard["ShardId"])
        for shard in shards:
            iterator = self.kinesis.get_shard_iterator(
                StreamName=self.stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while True:
                answer = self.kinesis.get_records(ShardIterator=iterator)
                found += answer["Records"]
                iterator = answer.get("NextShardIterator")
                if not iterator or not answer["Records"] and not answer["MillisBehindLatest"]:
                    break
                self.account.advance(1)
            self.account.advance(1)
        return found


SOURCES = [MappedQueue, MappedFifoQueue, MappedStream]
