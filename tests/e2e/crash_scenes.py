"""What runs while the server is killed, and what must be true of it afterwards.

A scene has workers, which ask for changes without pause and note in a ledger what they asked for and what of it was
acknowledged; `check_recovered`, for the first moments after a restart; and `check_end`, when everything that was due
has been done. What was asked for and not acknowledged may have happened or not: but not twice, and not in part.
"""

import itertools
import json
import time

from botocore.exceptions import ClientError

# Longer than any run: what a consumer holds stays its own, over every restart.
HOLD_S = 43_200
# Short, as a group is locked for so long where the answer to a receive was lost with the server.
FIFO_HOLD_S = 5
COUNTERS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


class Ledger:
    """What was asked for and what of it was acknowledged, each with the time."""

    def __init__(self):
        self.asked, self.acknowledged, self.answers = {}, {}, {}

    def ask(self, *keys):
        for key in keys:
            self.asked.setdefault(key, time.monotonic())

    def acknowledge(self, key, answer=None):
        self.answers[key] = answer
        self.acknowledged[key] = time.monotonic()

    def __str__(self):
        return f"{len(self.acknowledged)} of {len(self.asked)}"


class Scene:
    """One kind of load. `count` bounds what a worker asks for in one round."""

    count = 400

    def __init__(self):
        self.numbers = itertools.count()

    def start(self, account):
        """Before each round: the same names are at a new address."""
        self.sqs, self.sns, self.lambda_ = account.client("sqs"), account.client("sns"), account.client("lambda")
        self.account = account

    def url(self, name):
        return self.sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def create_queue(self, name, **attributes):
        """Returns the ARN."""
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    def counters(self, name):
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url(name), AttributeNames=COUNTERS)
        return [int(answer["Attributes"][counter]) for counter in COUNTERS]

    def drain(self, name):
        """Receives and deletes everything. The counters must have told how much, and tell that nothing is left."""
        url, messages = self.url(name), []
        expected = sum(self.counters(name))
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            messages += found
            entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(found)]
            answer = self.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
            assert not answer.get("Failed"), answer
        assert len(messages) == expected, f"{name}: {expected} were counted, {len(messages)} were there"
        assert self.counters(name) == [0, 0, 0], f"{name} is empty, but counts {self.counters(name)}"
        return messages

    def check_recovered(self):
        """Right after a restart."""


def named(messages, name_of):
    """Messages by what they are about; each must be there once."""
    found = {}
    for message in messages:
        key = name_of(message)
        assert key not in found, f"{key} is there twice: {found[key]} and {message}"
        found[key] = message
    return found


def check_complete(found, ledger, what):
    """All that was acknowledged is there, and nothing that nobody asked for."""
    lost = ledger.acknowledged.keys() - set(found)
    assert not lost, f"{what}: {len(lost)} of {len(ledger.acknowledged)} were acknowledged and lost: {sorted(lost)[:5]}"
    strange = set(found) - ledger.asked.keys()
    assert not strange, f"{what}: nobody asked for {sorted(strange)[:5]}"


def first_word(message):
    return message["Body"].split()[0]


class StandardQueue(Scene):
    """SendMessage and its batches, receives, deletions, and messages that are held over restarts."""

    def __init__(self):
        super().__init__()
        self.sent, self.deleted, self.held = Ledger(), Ledger(), {}

    def __str__(self):
        return f"standard queue: sent {self.sent}, deleted {self.deleted}, held {len(self.held)}"

    def create(self):
        self.create_queue("standard", VisibilityTimeout=str(HOLD_S))

    def workers(self):
        return [self.send, self.send, self.consume, self.consume, self.delete_held]

    def send(self, rng):
        url = self.url("standard")
        for _ in range(self.count):
            names = [f"m{next(self.numbers)}" for _ in range(rng.choice([1, 1, 1, 10]))]
            bodies = {name: f"{name} {'x' * rng.randrange(2_000)}" for name in names}
            self.sent.ask(*names)
            if len(names) == 1:
                answers = [self.sqs.send_message(QueueUrl=url, MessageBody=bodies[names[0]]) | {"Id": names[0]}]
            else:
                entries = [{"Id": name, "MessageBody": body} for name, body in bodies.items()]
                answer = self.sqs.send_message_batch(QueueUrl=url, Entries=entries)
                assert not answer.get("Failed"), answer
                answers = answer["Successful"]
            for answer in answers:
                self.sent.acknowledge(answer["Id"], answer["MessageId"])

    def consume(self, rng):
        url = self.url("standard")
        for _ in range(self.count):
            asked_at = time.monotonic()
            answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                name, receipt = first_word(message), message["ReceiptHandle"]
                self.check_received(name, message, asked_at)
                choice = rng.random()
                if choice < 0.75:
                    self.delete(url, name, receipt)
                elif choice < 0.85:
                    self.held[name] = receipt
                else:
                    self.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)

    def check_received(self, name, message, asked_at):
        assert name in self.sent.asked, f"nobody sent {message}"
        assert self.deleted.acknowledged.get(name, asked_at) >= asked_at, f"{name} was deleted and is there"
        assert name not in self.held, f"{name} is held by one consumer and given to another"
        known = self.sent.answers.setdefault(name, message["MessageId"])
        assert known == message["MessageId"], f"{name} is there twice: {known} and {message['MessageId']}"

    def delete(self, url, name, receipt):
        self.deleted.ask(name)
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
        self.deleted.acknowledge(name)

    def delete_held(self, rng):
        """What was received before the restart is deleted after it."""
        url = self.url("standard")
        for name, receipt in list(self.held.items())[: self.count]:
            if rng.random() < 0.5:
                self.delete(url, name, receipt)

    def check_recovered(self):
        visible, invisible, delayed = self.counters("standard")
        least = len(self.sent.acknowledged.keys() - self.deleted.asked.keys())
        most = len(self.sent.asked.keys() - self.deleted.acknowledged.keys())
        assert least <= visible + invisible <= most, f"{visible} + {invisible}, not {least} to {most}"
        held = len(self.held.keys() - self.deleted.asked.keys())
        assert invisible >= held and delayed == 0, f"{invisible} in flight, {held} held, {delayed} delayed"

    def check_end(self):
        found = named(self.drain("standard"), first_word)
        assert not (back := found.keys() & self.deleted.acknowledged.keys()), f"deleted, and there: {sorted(back)[:5]}"
        check_complete(found.keys() | self.deleted.asked.keys(), self.sent, "standard queue")
        for name, message in found.items():
            assert self.sent.answers.get(name, message["MessageId"]) == message["MessageId"], f"{name} is another one"


class Sequence:
    """A message group: numbers that are sent and consumed in order."""

    def __init__(self, name):
        self.name = name
        self.sent, self.deleted = Ledger(), Ledger()
        self.last_sequence = 0
        # By number: until when nobody else may get it.
        self.leased = {}

    def next_number(self):
        """What was not acknowledged is sent again: the deduplication id makes it one message."""
        waiting = self.sent.asked.keys() - self.sent.acknowledged.keys()
        return min(waiting) if waiting else len(self.sent.asked)

    def check_delivered(self, numbers, asked_at, received_at):
        where = f"group {self.name}, delivery of {numbers}"
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"{where}: out of order"
        assert numbers[-1] < len(self.sent.asked), f"{where}: nobody sent that"
        for number in range(numbers[0]):
            asked = self.deleted.asked.get(number)
            assert asked and asked <= received_at, f"{where}: {number} has not been deleted"
        for number in numbers:
            assert self.deleted.acknowledged.get(number, asked_at) >= asked_at, f"{where}: {number} was deleted"
            assert self.leased.get(number, 0) <= received_at, f"{where}: {number} is still held"
            self.leased[number] = asked_at + FIFO_HOLD_S


class FifoQueue(Scene):
    """Groups in order, once each, locked while one of their messages is in flight."""

    count = 250
    queue = "ordered.fifo"

    def __init__(self):
        super().__init__()
        self.groups = [Sequence(f"g{number}") for number in range(8)]

    def __str__(self):
        sent = sum(len(group.sent.acknowledged) for group in self.groups)
        return f"FIFO queue: sent {sent}, deleted {sum(len(group.deleted.acknowledged) for group in self.groups)}"

    def create(self):
        self.create_queue(self.queue, FifoQueue="true", VisibilityTimeout=str(FIFO_HOLD_S))

    def workers(self):
        return [lambda rng: self.send(rng, self.groups[:4]), lambda rng: self.send(rng, self.groups[4:]), self.consume,
                self.consume]

    def send(self, rng, groups):
        url = self.url(self.queue)
        for _ in range(self.count):
            group = rng.choice(groups)
            number = group.next_number()
            group.sent.ask(number)
            answer = self.send_one(url, group, number)
            sequence = int(answer["SequenceNumber"])
            is_new = number not in group.sent.acknowledged
            assert sequence > group.last_sequence or not is_new, f"{group.name} {number}: {sequence} goes back"
            group.last_sequence = max(sequence, group.last_sequence)
            group.sent.acknowledge(number, answer["MessageId"])

    def send_one(self, url, group, number):
        return self.sqs.send_message(
            QueueUrl=url,
            MessageBody=f"{group.name} {number}",
            MessageGroupId=group.name,
            MessageDeduplicationId=f"{group.name}-{number}",
        )

    def consume(self, rng):
        url = self.url(self.queue)
        for _ in range(self.count):
            asked_at = time.monotonic()
            answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            received_at = time.monotonic()
            batches = {}
            for message in answer.get("Messages", []):
                name, number = message["Body"].split()
                batches.setdefault(name, []).append((int(number), message["ReceiptHandle"]))
            for name, batch in batches.items():
                group = next(group for group in self.groups if group.name == name)
                group.check_delivered([number for number, _ in batch], asked_at, received_at)
                self.work_through(url, group, batch, rng)

    def work_through(self, url, group, batch, rng):
        """In order, and not always to the end."""
        for number, receipt in batch:
            if rng.random() < 0.05:
                return
            group.deleted.ask(number)
            try:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
            except ClientError as error:
                # It took too long: it is somebody else's again.
                assert "expired" in error.response["Error"]["Message"], error
                return
            group.deleted.acknowledge(number)

    def check_recovered(self):
        total = sum(self.counters(self.queue))
        least = sum(len(group.sent.acknowledged.keys() - group.deleted.asked.keys()) for group in self.groups)
        most = sum(len(group.sent.asked.keys() - group.deleted.acknowledged.keys()) for group in self.groups)
        assert least <= total <= most, f"{total}, not {least} to {most}"

    def check_end(self):
        left = {}
        for message in self.drain(self.queue):
            name, number = message["Body"].split()
            left.setdefault(name, []).append(int(number))
        for group in self.groups:
            numbers = left.get(group.name, [])
            assert numbers == sorted(set(numbers)), f"group {group.name} is out of order: {numbers}"
            assert not (back := set(numbers) & group.deleted.acknowledged.keys()), f"deleted, and there: {back}"
            check_complete(set(numbers) | group.deleted.asked.keys(), group.sent, f"group {group.name}")


class PoisonQueue(Scene):
    """Messages that nobody can handle: after two receives each goes to the dead-letter queue."""

    count = 150

    def __init__(self):
        super().__init__()
        self.sent = Ledger()

    def __str__(self):
        return f"dead-letter queue: sent {self.sent}"

    def create(self):
        dead = self.create_queue("poison-dead", VisibilityTimeout=str(HOLD_S))
        policy = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2})
        self.create_queue("poison", VisibilityTimeout=str(HOLD_S), RedrivePolicy=policy)

    def workers(self):
        return [self.send, self.receive]

    def send(self, rng):
        url = self.url("poison")
        for _ in range(self.count):
            name = f"p{next(self.numbers)}"
            self.sent.ask(name)
            self.sqs.send_message(QueueUrl=url, MessageBody=name)
            self.sent.acknowledge(name)

    def receive(self, rng):
        url = self.url("poison")
        for _ in range(self.count):
            self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=1)

    def check_recovered(self):
        total = sum(self.counters("poison")) + sum(self.counters("poison-dead"))
        assert len(self.sent.acknowledged) <= total <= len(self.sent.asked), f"{total} of {self.sent}"

    def check_end(self):
        url = self.url("poison")
        # What was received twice moves on instead of being received again.
        for _ in range(3):
            while self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
                pass
            self.account.advance(HOLD_S + 1)
        assert self.counters("poison") == [0, 0, 0]
        found = named(self.drain("poison-dead"), first_word)
        check_complete(found, self.sent, "dead-letter queue")


HANDLER = """
def handler(event, context):
    if event.get("fails"):
        raise RuntimeError("as it was told")
    return event
"""


class AsynchronousEvents(Scene):
    """Events for functions that succeed, that fail once and for all, and that fail again and again."""

    count = 100

    def __init__(self):
        super().__init__()
        self.sent = {"succeeds": Ledger(), "fails": Ledger(), "retries": Ledger()}

    def __str__(self):
        return "asynchronous events: " + ", ".join(f"{name} {ledger}" for name, ledger in self.sent.items())

    def create(self):
        done, failed = self.create_queue("done"), self.create_queue("failed")
        dead = self.create_queue("dead")
        for name in self.sent:
            settings = {} if name == "succeeds" else {"DeadLetterConfig": {"TargetArn": dead}}
            self.account.create(HANDLER, name, **settings)
            self.lambda_.put_function_event_invoke_config(
                FunctionName=name,
                MaximumRetryAttempts=0 if name == "fails" else 2,
                DestinationConfig={"OnSuccess": {"Destination": done}, "OnFailure": {"Destination": failed}},
            )

    def workers(self):
        return [self.invoke, self.invoke]

    def invoke(self, rng):
        for _ in range(self.count):
            name = rng.choice(["succeeds", "succeeds", "fails", "retries"])
            event = f"e{next(self.numbers)}"
            payload = json.dumps({"name": event, "fails": name != "succeeds"})
            self.sent[name].ask(event)
            answer = self.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=payload)
            assert answer["StatusCode"] == 202, answer
            self.sent[name].acknowledge(event, answer["ResponseMetadata"]["RequestId"])

    def check_end(self):
        done = named(self.drain("done"), lambda message: record(message)["requestPayload"]["name"])
        failed = named(self.drain("failed"), lambda message: record(message)["requestPayload"]["name"])
        dead = named(self.drain_with_attributes("dead"), lambda message: record(message)["name"])
        assert dead.keys() == failed.keys(), f"only in one of both: {sorted(dead.keys() ^ failed.keys())[:5]}"
        assert not (both := done.keys() & failed.keys()), f"done and failed: {sorted(both)[:5]}"
        check_complete(done, self.sent["succeeds"], "successes")
        for name, attempts in (("fails", 1), ("retries", 3)):
            of_this = {event: found for event, found in failed.items() if event in self.sent[name].asked}
            check_complete(of_this, self.sent[name], name)
            for event, found in of_this.items():
                context = record(found)["requestContext"]
                assert context["condition"] == "RetriesExhausted", context
                assert context["approximateInvokeCount"] == attempts, context
                self.check_request_id(name, event, context["requestId"])
                attribute = dead[event]["MessageAttributes"]["RequestID"]["StringValue"]
                assert attribute == context["requestId"], f"{event}: {attribute} and {context}"
        for event, found in done.items():
            self.check_request_id("succeeds", event, record(found)["requestContext"]["requestId"])

    def check_request_id(self, name, event, request_id):
        known = self.sent[name].answers.get(event, request_id)
        assert known == request_id, f"{event} was accepted as {known} and ended as {request_id}"

    def drain_with_attributes(self, name):
        url, messages = self.url(name), []
        settings = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        while found := self.sqs.receive_message(**settings).get("Messages"):
            messages += found
            for message in found:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return messages


def record(message):
    return json.loads(message["Body"])


class Topics(Scene):
    """Publish to queues, with and without a filter, to a function, and in order through a FIFO topic."""

    count = 60

    def __init__(self):
        super().__init__()
        self.published, self.red = Ledger(), set()
        self.groups = [Sequence(f"t{number}") for number in range(4)]

    def __str__(self):
        ordered = sum(len(group.sent.acknowledged) for group in self.groups)
        return f"topics: published {self.published}, of them {len(self.red)} red; in order {ordered}"

    def create(self):
        topic = self.sns.create_topic(Name="news")["TopicArn"]
        ordered = self.sns.create_topic(Name="news.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
        raw = {"RawMessageDelivery": "true"}
        self.subscribe_queue(topic, "all", raw)
        self.subscribe_queue(topic, "red", raw | {"FilterPolicy": json.dumps({"colour": ["red"]})})
        self.subscribe_queue(ordered, "all.fifo", raw, FifoQueue="true")
        heard = self.create_queue("heard")
        self.account.create(HANDLER, "listens")
        self.lambda_.put_function_event_invoke_config(
            FunctionName="listens", DestinationConfig={"OnSuccess": {"Destination": heard}}
        )
        self.lambda_.add_permission(
            FunctionName="listens",
            StatementId="sns",
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=topic,
        )
        self.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=self.account.arn("listens"))

    def subscribe_queue(self, topic, name, attributes, **settings):
        allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [allow | {"Resource": "*"}]}
        queue = self.create_queue(name, Policy=json.dumps(policy), **settings)
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=attributes)

    def topic(self, name):
        return f"arn:aws:sns:{self.account.region}:{self.account.number}:{name}"

    def workers(self):
        return [self.publish, self.publish_in_order]

    def publish(self, rng):
        for _ in range(self.count):
            name, colour = f"n{next(self.numbers)}", rng.choice(["red", "blue"])
            self.published.ask(name)
            if colour == "red":
                self.red.add(name)
            attributes = {"colour": {"DataType": "String", "StringValue": colour}}
            self.sns.publish(TopicArn=self.topic("news"), Message=name, MessageAttributes=attributes)
            self.published.acknowledge(name)

    def publish_in_order(self, rng):
        for _ in range(self.count):
            group = rng.choice(self.groups)
            number = group.next_number()
            group.sent.ask(number)
            self.sns.publish(
                TopicArn=self.topic("news.fifo"),
                Message=f"{group.name} {number}",
                MessageGroupId=group.name,
                MessageDeduplicationId=f"{group.name}-{number}",
            )
            group.sent.acknowledge(number)

    def check_end(self):
        everything = named(self.drain("all"), first_word)
        check_complete(everything, self.published, "subscribed queue")
        heard = named(self.drain("heard"), lambda message: record(message)["requestPayload"]["Records"][0]["Sns"]["Message"])
        check_complete(heard, self.published, "subscribed function")
        red = named(self.drain("red"), first_word)
        # A publication is in all places or in none.
        assert everything.keys() == heard.keys(), f"only in one: {sorted(everything.keys() ^ heard.keys())[:5]}"
        assert red.keys() == everything.keys() & self.red, f"filter: {sorted(red.keys() ^ (everything.keys() & self.red))[:5]}"
        left = {}
        for message in self.drain("all.fifo"):
            name, number = message["Body"].split()
            left.setdefault(name, []).append(int(number))
        for group in self.groups:
            numbers = left.get(group.name, [])
            assert numbers == list(range(len(numbers))), f"group {group.name} is out of order: {numbers}"
            check_complete(set(numbers), group.sent, f"topic's group {group.name}")


ALL = [StandardQueue, FifoQueue, PoisonQueue, AsynchronousEvents, Topics]
