"""Following an event: what is due, what happened while time moved, stories, failed events, and running them again."""

import json
import subprocess
from datetime import datetime

import pytest

from account import Account, eventually
from lambent import BINARY, REGION, Server, clean_environment

FAILING = """
    def handler(event, context):
        print("asked for", event["amount"])
        if event["amount"] < 0:
            raise ValueError("nothing\\nto pay")
        return {"paid": event["amount"]}
"""


@pytest.fixture(scope="module")
def timed_server():
    """Its time moves only when told."""
    with Server("--clock", "virtual", "--pool-size", "2") as server:
        yield server


@pytest.fixture
def timed(timed_server):
    """An account of the test's own on that server."""
    account = Account(timed_server)
    yield account
    account.delete_functions()


def ask(server, method, path, body=None, status=200):
    found, _, answer = server.request(method, f"/_lambent/{path}", body and json.dumps(body), timeout=60)
    assert found == status, answer
    return json.loads(answer)


def advance(server, **how):
    return ask(server, "POST", "clock/advance", how)


def lambent(server, *arguments, fails=False):
    """What the command prints, and on which stream it complains."""
    done = subprocess.run(
        [BINARY, *arguments],
        env={**clean_environment(), "AWS_ENDPOINT_URL": server.endpoint},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode != 0) == fails, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def send(account, name, event):
    answer = account.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
    return answer["ResponseMetadata"]["RequestId"]


def story(account, id):
    return ask(account.server, "GET", f"trace/{id}")["steps"]


def whats(steps):
    return [step["what"] for step in steps]


class Queue:
    def __init__(self, account, name):
        self.sqs = account.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{REGION}:{account.number}:{name}"

    def receive(self):
        found = self.sqs.receive_message(QueueUrl=self.url, MessageAttributeNames=["All"], WaitTimeSeconds=5)
        return found.get("Messages", [])


@pytest.fixture
def failing(timed):
    """A function with a dead-letter queue."""
    queue = Queue(timed, "lambda-dlq")
    return timed.create(FAILING, DeadLetterConfig={"TargetArn": queue.arn}), queue


def test_the_story_of_an_event_that_fails(timed, failing):
    name, queue = failing
    request_id = send(timed, name, {"amount": -1})
    happened = advance(timed.server, seconds=180)["happened"]
    assert [3, "ValueError"] in [[step["attempt"], step["error"]["type"]] for step in happened if "attempt" in step]
    [letter] = queue.receive()
    queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=letter["ReceiptHandle"])

    # From both of its ends.
    steps = story(timed, request_id)
    assert steps == story(timed, letter["MessageId"])
    assert whats(steps)[0] == "accepted" and whats(steps)[-1] == "deleted"
    assert {step["subject"] for step in steps} == {request_id, letter["MessageId"]}

    attempts = [step for step in steps if step["what"] == "attempted"]
    assert [(step["attempt"], step["version"]) for step in attempts] == [(number, "$LATEST") for number in (1, 2, 3)]
    assert attempts[0]["error"] == {"type": "ValueError", "message": "nothing\nto pay"}
    start, *later = [datetime.fromisoformat(step["at"].replace("Z", "+00:00")) for step in attempts]
    assert [(moment - start).seconds for moment in later] == [60, 180]
    for step in attempts:
        lines = [line["message"] for line in step["log_lines"]]
        assert lines.count("asked for -1") == 1
        assert sum(line.startswith(f"START RequestId: {request_id}") for line in lines) == 1
        assert sum(line.startswith(f"REPORT RequestId: {request_id}") for line in lines) == 1
        assert step["environment"] in step["log_stream"]

    [sent] = [step for step in steps if step["what"] == "sent"]
    assert (sent["to"], sent["id"]) == (queue.arn, letter["MessageId"])
    [ended] = [step for step in steps if step["what"] == "ended"]
    assert ended["condition"] == "RetriesExhausted"
    [arrived] = [step for step in steps if step["what"] == "accepted" and step["subject"] == letter["MessageId"]]
    assert (arrived["from"], arrived["resource"]) == (request_id, queue.arn)


def test_what_is_due_and_going_there(timed, failing):
    name, _ = failing
    request_id = send(timed, name, {"amount": -1})
    # Nothing moves before the first attempt is over.
    advance(timed.server, seconds=1)
    clock = ask(timed.server, "GET", "clock")
    assert clock["kind"] == "virtual"
    [mine] = [due for due in clock["due"] if due["id"] == request_id]
    assert (mine["resource"], mine["what"]) == (timed.arn(name), "retry of an event")
    answer = advance(timed.server, to=mine["at"])
    assert answer["now"] == mine["at"]
    assert [2] == [step["attempt"] for step in answer["happened"] if step["subject"] == request_id and "attempt" in step]
    due = ask(timed.server, "GET", "clock")["next_due"]
    assert advance(timed.server, to="next")["now"] == due


def test_what_waits_in_a_queue_is_due(timed):
    queue = Queue(timed, "delays")
    sent = queue.sqs.send_message(QueueUrl=queue.url, MessageBody="later", DelaySeconds=600)["MessageId"]
    [due] = [due for due in ask(timed.server, "GET", "clock?limit=1000")["due"] if due["id"] == sent]
    assert due["resource"] == queue.arn
    advance(timed.server, seconds=600)
    [message] = queue.receive()
    assert message["MessageId"] == sent
    assert whats(story(timed, sent)) == ["accepted", "received"]
    # Nobody deletes it: it comes back.
    advance(timed.server, seconds=30)
    assert whats(story(timed, sent)) == ["accepted", "received", "returned"]
    assert queue.receive()[0]["MessageId"] == sent


def test_what_follows_is_told_after_what_it_follows_from(timed):
    queue, sns = Queue(timed, "subscribed"), timed.client("sns")
    topic = sns.create_topic(Name="told")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    published = sns.publish(TopicArn=topic, Message="x")["MessageId"]
    steps = story(timed, published)
    sent = [step["id"] for step in steps if step["what"] == "sent"]
    assert [(step["subject"], step["what"]) for step in steps] == [
        (published, "accepted"),
        (published, "sent"),
        (published, "ended"),
        (sent[0], "accepted"),
    ]


def test_a_failed_event_runs_again(timed, failing):
    name, queue = failing
    request_id = send(timed, name, {"amount": -1})
    advance(timed.server, seconds=180)
    failed = ask(timed.server, "GET", f"events?failed=true&function={name}")["events"]
    assert [(event["id"], event["condition"], event["replayed_as"]) for event in failed] == [
        (request_id, "RetriesExhausted", None)
    ]
    assert failed[0]["size_bytes"] == len('{"amount": -1}')

    # By the message that it became.
    [letter] = queue.receive()
    timed.update(name, FAILING.replace("< 0", "> 100"))
    again = ask(timed.server, "POST", "replay", {"id": letter["MessageId"]})
    assert (again["id"], again["function"]) == (request_id, timed.arn(name))
    advance(timed.server, seconds=180)
    steps = story(timed, again["request_id"])
    ends = {step["subject"]: step["condition"] for step in steps if step["what"] == "ended"}
    assert ends == {request_id: "RetriesExhausted", again["request_id"]: "Success"}
    assert {request_id, again["request_id"]} <= {step["subject"] for step in steps}
    [accepted] = [step for step in steps if step["what"] == "accepted" and step["subject"] == again["request_id"]]
    assert accepted["from"] == request_id
    [event] = ask(timed.server, "GET", f"events?failed=true&function={timed.arn(name)}")["events"]
    assert event["replayed_as"] == again["request_id"]


def test_what_is_asked_wrongly_is_answered_with_what_is_right(timed, server):
    assert "trace" not in ask(timed.server, "GET", "trace/nobody", status=404)["message"]
    assert "events --failed" in ask(timed.server, "POST", "replay", {"id": "nobody"}, status=404)["remedy"]
    ask(timed.server, "POST", "replay", {"request": "nobody"}, status=400)
    ask(timed.server, "GET", "events?since=2026-01-01T00:00:00Z", status=400)
    ask(timed.server, "GET", "clock?limt=1", status=400)
    ask(timed.server, "POST", "clock/advance", {"to": "2020-01-01T00:00:00Z"}, status=400)
    ask(timed.server, "DELETE", "events", status=405)
    assert "--clock virtual" in ask(server, "POST", "clock/advance", {"seconds": 1}, status=409)["remedy"]
    assert ask(server, "GET", "clock")["kind"] == "real"


def test_mail_is_kept_in_the_outbox(timed):
    sns = timed.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    address = f"{timed.number}@example.com"
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)

    def mine():
        return [mail for mail in ask(timed.server, "GET", "outbox")["messages"] if mail["to"] == address]

    [confirm] = eventually(mine)
    assert confirm["subscribe_url"] and confirm["token"]
    sns.confirm_subscription(TopicArn=topic, Token=confirm["token"])
    sns.publish(TopicArn=topic, Subject="today", Message="nothing new")
    news = eventually(lambda: [mail for mail in mine() if mail["subject"] == "today"])
    assert "nothing new" in news[0]["body"]
    printed = lambent(timed.server, "outbox")
    assert address in printed and "subject: today" in printed


def test_figures_for_prometheus(timed, failing):
    name, _ = failing
    timed.invoke(name, {"amount": 1})
    status, headers, body = timed.server.request("GET", "/_lambent/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in body.decode().splitlines() if timed.number in line and name in line]
    assert any(line.startswith("aws_lambda_invocations_total{") and line.endswith(" 1") for line in lines), lines


def test_the_commands(timed, failing):
    name, queue = failing
    request_id = send(timed, name, {"amount": -1})
    lambent(timed.server, "clock", "advance", "59s")
    shown = lambent(timed.server, "clock", "show")
    assert "(virtual)" in shown and "retry of an event" in shown and request_id in shown
    told = lambent(timed.server, "clock", "advance", "2m30s")
    assert f"{request_id}  lambda:{name}  attempt 3 failed" in told
    assert told.count("ValueError: nothing\n") >= 2

    told = lambent(timed.server, "trace", request_id)
    for text in ("attempt 1 failed", "+1m00.000s", "+3m00.000s", "| asked for -1", "given up: RetriesExhausted"):
        assert text in told
    assert f"sent to {queue.arn}" in told and "sqs:lambda-dlq" in told
    assert "| asked for" not in lambent(timed.server, "trace", "--no-logs", request_id)
    assert json.loads(lambent(timed.server, "trace", "--json", request_id))["steps"] == story(timed, request_id)

    listed = lambent(timed.server, "events", "--failed", "--function", name, "--since", "1h")
    assert request_id in listed and "RetriesExhausted" in listed
    assert "no failed events" in lambent(timed.server, "events", "--failed", "--function", "missing")
    assert request_id in lambent(timed.server, "events", "--limit", "10000")

    again = lambent(timed.server, "replay", "--function", name)
    assert again.startswith(f"{request_id} runs again on lambda:{name} as ")
    assert lambent(timed.server, "replay", "--function", name) == ""
    assert "run again as" in lambent(timed.server, "events", "--failed", "--function", name)
    moved = json.loads(lambent(timed.server, "clock", "advance", "next", "--json"))
    assert moved["kind"] == "virtual"


def test_commands_that_cannot_be_say_why_and_what_to_do(timed, server):
    for arguments, cause in [
        (["trace", "no-body"], "nothing is known of no-body"),
        (["replay", "no-body"], "no failed event no-body is kept"),
        (["clock", "advance", "soon"], "soon"),
        (["clock", "advance", "until"], "until when?"),
        (["clock", "advance", "until", "tomorrow"], "tomorrow"),
        (["clock", "advance", "2m", "3m"], "3m"),
        (["events", "--failed", "--since", "lately"], "lately"),
    ]:
        complaint = lambent(timed.server, *arguments, fails=True)
        assert cause in complaint and "hint: " in complaint, complaint
    assert "--clock virtual" in lambent(server, "clock", "advance", "1s", fails=True)
    assert "(real)" in lambent(server, "clock", "show")


def test_stories_and_failed_events_survive_a_kill(tmp_path):
    with Server("--clock", "virtual", data_dir=tmp_path) as server:
        account = Account(server)
        name = account.create(FAILING)
        request_id = send(account, name, {"amount": -1})
        advance(server, seconds=180)
        # Who asks sees what is on disk.
        before = story(account, request_id)
        server.kill()
    with Server("--clock", "virtual", data_dir=tmp_path) as server:
        account.server = server
        assert story(account, request_id) == before
        assert [event["id"] for event in ask(server, "GET", "events?failed=true")["events"]] == [request_id]
        again = ask(server, "POST", "replay", {"id": request_id})["request_id"]
        advance(server, seconds=180)
        assert whats(story(account, again)).count("attempted") == 6
