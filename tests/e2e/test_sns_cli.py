"""Amazon SNS through the AWS CLI v2, as Debian has it."""

import json

import pytest

from test_cli import Cli, needs_cli


@pytest.fixture
def cli(server, tmp_path):
    return Cli(server, tmp_path)


@needs_cli
def test_the_tutorial_of_fanning_out_to_queues(cli):
    def sns(operation, *arguments, **how):
        return cli("sns", operation, *arguments, **how)

    topic = sns("create-topic", "--name", "t", "--attributes", "DisplayName=Shop", "--tags", "Key=k,Value=v")["TopicArn"]
    assert topic == f"arn:aws:sns:us-east-1:{cli.account.number}:t"
    assert sns("list-topics")["Topics"] == [{"TopicArn": topic}]
    assert sns("list-tags-for-resource", "--resource-arn", topic)["Tags"] == [{"Key": "k", "Value": "v"}]
    url = cli("sqs", "create-queue", "--queue-name", "q")["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{cli.account.number}:q"
    subscription = sns(
        "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", queue,
        "--attributes", json.dumps({"FilterPolicy": '{"event":["order_placed"]}'}),
    )["SubscriptionArn"]  # fmt: skip
    sns(
        "set-subscription-attributes", "--subscription-arn", subscription,
        "--attribute-name", "RawMessageDelivery", "--attribute-value", "true",
    )  # fmt: skip
    shown = sns("get-subscription-attributes", "--subscription-arn", subscription)["Attributes"]
    assert (shown["RawMessageDelivery"], shown["FilterPolicyScope"]) == ("true", "MessageAttributes")
    for event in ("order_placed", "order_cancelled"):
        attributes = {"event": {"DataType": "String", "StringValue": event}}
        sns("publish", "--topic-arn", topic, "--message", event, "--message-attributes", json.dumps(attributes))
    got = cli("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "5", "--max-number-of-messages", "10")
    assert [message["Body"] for message in got["Messages"]] == ["order_placed"]
    entries = [{"Id": "a", "Message": "1"}, {"Id": "b", "Message": "2"}]
    sent = sns("publish-batch", "--topic-arn", topic, "--publish-batch-request-entries", json.dumps(entries))
    assert [entry["Id"] for entry in sent["Successful"]] == ["a", "b"]
    attributes = sns("get-topic-attributes", "--topic-arn", topic)["Attributes"]
    assert (attributes["DisplayName"], attributes["SubscriptionsConfirmed"]) == ("Shop", "1")
    sns("unsubscribe", "--subscription-arn", subscription)
    sns("delete-topic", "--topic-arn", topic)
    error = sns("publish", "--topic-arn", topic, "--message", "m", fails=True)
    assert "(NotFound)" in error and "Topic does not exist" in error
