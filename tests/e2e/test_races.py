"""Many at the same time: one wins, the others are told, nothing is torn."""

import threading

from botocore.exceptions import ClientError

from account import at_once
from packages import ECHO, GATE, package


def outcomes(futures):
    """The answers, and the codes of the errors."""
    answers, codes = [], []
    for future in futures:
        try:
            answers.append(future.result())
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    return answers, codes


def test_one_of_many_creates_a_function(aws):
    answers, codes = outcomes(
        at_once(8, lambda number: aws.create(f"def handler(event, context): return {number}", name="one", active=False))
    )
    assert len(answers) == 1
    assert set(codes) == {"ResourceConflictException"}
    aws.wait_active("one")
    assert aws.result("one") in range(8)


def test_one_of_many_changes_a_revision(aws):
    name = aws.create(ECHO)
    revision = aws.lambda_.get_function_configuration(FunctionName=name)["RevisionId"]

    def change(number):
        return aws.lambda_.update_function_configuration(
            FunctionName=name, Description=f"by {number}", RevisionId=revision
        )

    answers, codes = outcomes(at_once(8, change))
    assert len(answers) == 1
    assert set(codes) <= {"PreconditionFailedException", "ResourceConflictException"}
    aws.wait_updated(name)
    assert aws.lambda_.get_function_configuration(FunctionName=name)["Description"] == answers[0]["Description"]


def test_many_publish_the_same_and_get_one_version(aws):
    name = aws.create(ECHO)
    answers, codes = outcomes(at_once(8, lambda _: aws.lambda_.publish_version(FunctionName=name)))
    assert set(codes) <= {"ResourceConflictException"}
    assert {answer["Version"] for answer in answers} == {"1"}
    versions = aws.lambda_.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]


def test_one_of_many_points_an_alias(aws):
    name = aws.create(ECHO, Publish=True)
    revision = aws.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["RevisionId"]

    def change(number):
        return aws.lambda_.update_alias(FunctionName=name, Name="live", Description=str(number), RevisionId=revision)

    answers, codes = outcomes(at_once(8, change))
    assert len(answers) == 1
    assert set(codes) <= {"PreconditionFailedException", "ResourceConflictException"}
    assert aws.lambda_.get_alias(FunctionName=name, Name="live")["RevisionId"] == answers[0]["RevisionId"]


def test_a_new_code_comes_without_a_gap(aws):
    """While it is deployed the old code serves; afterwards only the new one does."""
    name = aws.create("def handler(event, context): return 0")
    stop = threading.Event()

    def keep_invoking(_):
        seen = []
        while not stop.is_set():
            seen.append(aws.result(name))
        return seen

    callers = at_once(3, keep_invoking)
    try:
        for number in range(1, 6):
            aws.update(name, f"def handler(event, context): return {number}")
            assert aws.result(name) == number
    finally:
        stop.set()
    for caller in callers:
        seen = caller.result()
        assert seen == sorted(seen), "old code ran after the new one"
        assert len(seen) > 5


def test_a_function_that_is_deleted_while_it_runs_is_finished(open_aws, gate):
    code = {
        "gate.py": GATE,
        "index.py": "from gate import pass_gate\ndef handler(event, context): return pass_gate(event)",
    }
    name = open_aws.create(code)
    [running] = at_once(1, lambda _: open_aws.result(name, gate.address))
    visitor = gate.wait()
    open_aws.lambda_.delete_function(FunctionName=name)
    visitor.let_go("finished")
    assert running.result() == "finished"


def test_new_code_does_not_disturb_what_runs(open_aws, gate):
    code = {
        "gate.py": GATE,
        "index.py": "from gate import pass_gate\ndef handler(event, context): return pass_gate(event)",
    }
    name = open_aws.create(code)
    [running] = at_once(1, lambda _: open_aws.result(name, gate.address))
    visitor = gate.wait()
    open_aws.update(name, "def handler(event, context): return 'new'")
    assert open_aws.result(name) == "new"
    visitor.let_go("old")
    assert running.result() == "old"


def test_a_caller_that_leaves_does_not_stop_the_function(open_aws, gate):
    """As on AWS: the invocation goes on, and its log is kept."""
    code = {
        "gate.py": GATE,
        "index.py": """
        from gate import pass_gate

        def handler(event, context):
            print("got", pass_gate(event))
        """,
    }
    name = open_aws.create(package(code))
    body = str(gate.address).replace("'", '"').encode()
    with open_aws.server.connect() as connection:
        scope = f"Credential={open_aws.number}/20261123/us-east-1/lambda/aws4_request"
        head = (
            f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        visitor = gate.wait()
    visitor.let_go("through")
    lines = open_aws.logged(name, "REPORT RequestId")
    assert any("got through" in line for line in lines), lines
