"""Environments side by side, reservations, provisioned concurrency."""

import pytest

from account import at_once, refused
from packages import ECHO, GATE

WAITS = {
    "gate.py": GATE,
    "index.py": """
        import os
        from gate import pass_gate

        def handler(event, context):
            if "gate" in event:
                pass_gate(event["gate"], context.aws_request_id)
            return {
                "stream": context.log_stream_name,
                "version": context.function_version,
                "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
            }
    """,
}


def test_invocations_at_the_same_time_get_environments_of_their_own(open_aws, gate):
    count = 8
    name = open_aws.create(WAITS)
    running = at_once(count, lambda _: open_aws.invoke(name, {"gate": gate.address}))
    visitors = [gate.wait() for _ in range(count)]
    assert len({visitor.text for visitor in visitors}) == count
    for visitor in visitors:
        visitor.let_go()
    streams = {invocation.result().payload["stream"] for invocation in running}
    assert len(streams) == count
    # One after the other they need one, and it is one of those that are there.
    assert open_aws.result(name, {})["stream"] in streams


def test_a_reservation_is_a_limit(open_aws, gate):
    name = open_aws.create(WAITS)
    open_aws.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert open_aws.lambda_.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 2
    running = at_once(2, lambda _: open_aws.invoke(name, {"gate": gate.address}))
    visitors = [gate.wait(), gate.wait()]
    answer = refused(
        open_aws.lambda_.invoke, "TooManyRequestsException", 429, "Rate Exceeded.", FunctionName=name, Payload=b"{}"
    )
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    # Another function has its own share.
    assert open_aws.result(open_aws.create(ECHO), 1) == 1
    for visitor in visitors:
        visitor.let_go()
    for invocation in running:
        assert invocation.result().error is None
    assert open_aws.result(name, {})


def test_a_hundred_stay_for_all_others(aws):
    name = aws.create(ECHO)
    text = (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
        "its minimum value of [100]."
    )
    refused(
        aws.lambda_.put_function_concurrency,
        "InvalidParameterValueException",
        400,
        text,
        FunctionName=name,
        ReservedConcurrentExecutions=901,
    )
    aws.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=900)


def test_provisioned_concurrency_is_ready_ahead_and_spills_over(open_aws, gate):
    name = open_aws.create(WAITS, Publish=True)
    put = open_aws.lambda_.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=2
    )
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (put["Status"], put["RequestedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 2)
    config = open_aws.provision(name, "1", 2)
    assert config["AvailableProvisionedConcurrentExecutions"] == 2
    assert config["AllocatedProvisionedConcurrentExecutions"] == 2

    running = at_once(3, lambda _: open_aws.invoke(name, {"gate": gate.address}, tail=True, Qualifier="1"))
    for visitor in [gate.wait() for _ in range(3)]:
        visitor.let_go()
    results = [invocation.result() for invocation in running]
    types = sorted(result.payload["type"] for result in results)
    assert types == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]
    # $LATEST is not what was provisioned.
    assert open_aws.result(name, {})["type"] == "on-demand"

    listed = open_aws.lambda_.list_provisioned_concurrency_configs(FunctionName=name)
    [item] = listed["ProvisionedConcurrencyConfigs"]
    assert item["FunctionArn"] == open_aws.arn(name, 1)
    open_aws.lambda_.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    refused(
        open_aws.lambda_.get_provisioned_concurrency_config,
        "ProvisionedConcurrencyConfigNotFoundException",
        404,
        "No Provisioned Concurrency Config found for this function",
        FunctionName=name,
        Qualifier="1",
    )


def test_provisioned_concurrency_of_an_alias(aws):
    name = aws.create(WAITS, Publish=True)
    aws.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    aws.provision(name, "live", 1)
    assert aws.result(name, {}, Qualifier="live")["type"] == "provisioned-concurrency"


def test_what_cannot_be_provisioned_is_refused(aws):
    name = aws.create(ECHO, Publish=True)
    text = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    put = aws.lambda_.put_provisioned_concurrency_config
    latest = {"FunctionName": name, "Qualifier": "$LATEST", "ProvisionedConcurrentExecutions": 1}
    refused(put, "InvalidParameterValueException", 400, text, **latest)
    aws.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    text = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
    more = {"FunctionName": name, "Qualifier": "1", "ProvisionedConcurrentExecutions": 2}
    refused(put, "InvalidParameterValueException", 400, text, **more)


def test_provisioning_a_function_that_cannot_start_fails_and_says_so(aws):
    name = aws.create("import nothing_like_this", Publish=True)
    aws.lambda_.put_provisioned_concurrency_config(FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1)
    with pytest.raises(AssertionError, match="FAILED"):
        aws.provision(name, "1", 1)


def test_what_is_provisioned_is_taken_from_the_reservation(aws):
    name = aws.create(WAITS, Publish=True)
    aws.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    aws.provision(name, "1", 1)
    assert aws.result(name, {}, Qualifier="1")["type"] == "provisioned-concurrency"
    refused(aws.lambda_.invoke, "TooManyRequestsException", 429, "Rate Exceeded.", FunctionName=name, Payload=b"{}")


def test_many_invocations_of_many_functions(aws):
    """More at once than the host has processors: all are served, none is mixed up."""
    names = [aws.create(ECHO) for _ in range(3)]
    numbers = at_once(60, lambda number: (number, aws.result(names[number % 3], number)))
    assert all(sent == got for sent, got in (future.result() for future in numbers))
