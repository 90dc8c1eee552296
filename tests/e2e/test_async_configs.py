"""How functions want their events handled: `FunctionEventInvokeConfig`, dead-letter queues, loops."""

import pytest
from botocore.exceptions import ClientError

from account import refused
from packages import ECHO


def destinations(failure=None, success=None):
    config = {}
    if failure:
        config["OnFailure"] = {"Destination": failure}
    if success:
        config["OnSuccess"] = {"Destination": success}
    return config


def without_metadata(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_a_configuration_is_made_changed_listed_and_removed(aws):
    name, other = aws.create(ECHO, Publish=True), aws.create(ECHO)
    made = aws.lambda_.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=1,
        MaximumEventAgeInSeconds=3600,
        DestinationConfig=destinations(failure=aws.arn(other)),
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 200
    made = without_metadata(made)
    assert made == {
        "LastModified": made["LastModified"],
        "FunctionArn": aws.arn(name, "$LATEST"),
        "MaximumRetryAttempts": 1,
        "MaximumEventAgeInSeconds": 3600,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": aws.arn(other)}},
    }
    assert without_metadata(aws.lambda_.get_function_event_invoke_config(FunctionName=name)) == made
    changed = aws.lambda_.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (0, 3600)
    assert changed["DestinationConfig"] == made["DestinationConfig"]
    replaced = aws.lambda_.put_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=60)
    assert "MaximumRetryAttempts" not in replaced
    assert replaced["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}

    aws.lambda_.put_function_event_invoke_config(FunctionName=name, Qualifier="1", MaximumRetryAttempts=2)
    pages = aws.lambda_.get_paginator("list_function_event_invoke_configs").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 1}
    )
    arns = [config["FunctionArn"] for page in pages for config in page["FunctionEventInvokeConfigs"]]
    assert arns == [aws.arn(name, "$LATEST"), aws.arn(name, "1")]

    gone = aws.lambda_.delete_function_event_invoke_config(FunctionName=name)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    for call in (aws.lambda_.get_function_event_invoke_config, aws.lambda_.delete_function_event_invoke_config):
        refused(
            call,
            "ResourceNotFoundException",
            404,
            f"The function {aws.arn(name, '$LATEST')} doesn't have an EventInvokeConfig",
            FunctionName=name,
        )


def test_what_is_refused(aws):
    name = aws.create(ECHO)
    put = aws.lambda_.put_function_event_invoke_config
    invalid = ("InvalidParameterValueException", 400)
    refused(
        put,
        *invalid,
        "You must specify at least one of error handling or destination setting.",
        FunctionName=name,
    )
    itself, missing = aws.arn(name), aws.arn("missing")
    stream = f"arn:aws:kinesis:us-east-1:{aws.number}:stream/s"
    for arn, text in [
        (itself, "You can't specify the function as a destination for itself."),
        (missing, f"The destination ARN {missing} is invalid."),
        (
            stream,
            "The provided destination config DestinationConfig(onSuccess=null, "
            f"onFailure=OnFailure(destination={stream})) is invalid.",
        ),
        ("arn:aws:s3:::bucket", "An S3 bucket as destination is not supported by Lambent yet."),
        (
            f"arn:aws:events:us-east-1:{aws.number}:event-bus/default",
            "An EventBridge event bus as destination is not supported by Lambent yet.",
        ),
    ]:
        refused(put, *invalid, text, FunctionName=name, DestinationConfig=destinations(failure=arn))
    for function, qualifier in [("missing", {}), (name, {"Qualifier": "7"}), (name, {"Qualifier": "live"})]:
        refused(
            put,
            "ResourceNotFoundException",
            404,
            "The function doesn't exist.",
            FunctionName=function,
            MaximumRetryAttempts=1,
            **qualifier,
        )


def test_queues_and_topics_must_be_there_and_of_the_standard_kind(aws):
    name = aws.create(ECHO)
    sqs, sns = aws.client("sqs"), aws.client("sns")
    sqs.create_queue(QueueName="there")
    sqs.create_queue(QueueName="there.fifo", Attributes={"FifoQueue": "true"})
    sns.create_topic(Name="there")
    sns.create_topic(Name="there.fifo", Attributes={"FifoTopic": "true"})
    for service in ("sqs", "sns"):
        arn = f"arn:aws:{service}:{aws.region}:{aws.number}:"
        for resource in ("missing", "there.fifo"):
            refused(
                aws.lambda_.put_function_event_invoke_config,
                "InvalidParameterValueException",
                400,
                f"The destination ARN {arn}{resource} is invalid.",
                FunctionName=name,
                DestinationConfig=destinations(success=arn + resource),
            )
        config = destinations(failure=arn + "there", success=arn + "there")
        answer = aws.lambda_.put_function_event_invoke_config(FunctionName=name, DestinationConfig=config)
        assert answer["DestinationConfig"] == config


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "nonsense"}}},
            "Value 'nonsense' at 'destinationConfig.onFailure.destination' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: $|kafka://",
        ),
        (
            {"MaximumRetryAttempts": 3},
            "Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or "
            "equal to 2",
        ),
        (
            {"MaximumEventAgeInSeconds": 59},
            "Value '59' at 'maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value greater "
            "than or equal to 60",
        ),
        (
            {"MaximumEventAgeInSeconds": 21601},
            "Value '21601' at 'maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value less "
            "than or equal to 21600",
        ),
    ],
)
def test_bounds(aws, parameters, text):
    name = aws.create(ECHO)
    # What boto3 would refuse itself is for the server to refuse.
    unchecked = aws.client("lambda", parameter_validation=False)
    with pytest.raises(ClientError) as caught:
        unchecked.put_function_event_invoke_config(FunctionName=name, **parameters)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].startswith(f"1 validation error detected: {text}"), error["Message"]


def test_a_dead_letter_queue_that_cannot_be_one(aws):
    name = aws.create(ECHO)
    start = "Invalid dead letter queue ARN: "
    for arn, text in [
        (
            f"arn:aws:sqs:{aws.region}:{aws.number}:q.fifo",
            "FIFO SQS queue is not supported for dead letter configuration",
        ),
        (
            aws.arn(name),
            "The service specified by the TargetArn is not supported for dead letter configuration.",
        ),
    ]:
        refused(
            aws.lambda_.update_function_configuration,
            "InvalidParameterValueException",
            400,
            start + text,
            FunctionName=name,
            DeadLetterConfig={"TargetArn": arn},
        )
    arn = f"arn:aws:sqs:{aws.region}:{aws.number}:q"
    aws.update(name, DeadLetterConfig={"TargetArn": arn})
    assert aws.lambda_.get_function_configuration(FunctionName=name)["DeadLetterConfig"] == {"TargetArn": arn}


def test_loops_are_stopped_unless_the_function_says_otherwise(aws):
    name = aws.create(ECHO)
    assert aws.lambda_.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    aws.lambda_.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert aws.lambda_.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    refused(
        aws.lambda_.put_function_recursion_config,
        "ResourceNotFoundException",
        404,
        FunctionName="missing",
        RecursiveLoop="Allow",
    )
