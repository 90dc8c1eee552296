"""Versions and aliases."""

import textwrap

import pytest
from botocore.exceptions import ClientError

from account import refused
from packages import package

WHO = """
    import os

    def handler(event, context):
        return {
            "answer": ANSWER,
            "arn": context.invoked_function_arn,
            "version": context.function_version,
            "variable": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
            "stream": context.log_stream_name,
        }
"""


def who(answer):
    return textwrap.dedent(WHO).replace("ANSWER", str(answer))


def publish(aws, name, answer, **settings):
    """Publishes new code; returns the version's number."""
    aws.update(name, who(answer))
    version = aws.lambda_.publish_version(FunctionName=name, **settings)["Version"]
    aws.wait_published(name, version)
    return version


def test_a_version_keeps_what_was_published(aws):
    name = aws.create(who(1), Description="first")
    published = aws.lambda_.publish_version(FunctionName=name)
    assert published["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (published["Version"], published["FunctionArn"]) == ("1", aws.arn(name, 1))
    assert published["Description"] == "first"
    aws.wait_published(name, "1")
    assert publish(aws, name, 2, Description="second") == "2"
    aws.update(name, who(3))
    assert [aws.result(name, Qualifier=qualifier)["answer"] for qualifier in ("1", "2", "$LATEST")] == [1, 2, 3]
    shown = aws.lambda_.get_function_configuration(FunctionName=name, Qualifier="2")
    assert (shown["Description"], shown["Version"]) == ("second", "2")
    result = aws.invoke(name, Qualifier="1")
    assert result.version == "1"
    assert result.payload["arn"] == aws.arn(name, 1)
    assert result.payload["version"] == result.payload["variable"] == "1"
    assert "/[1]" in result.payload["stream"]
    listed = aws.lambda_.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", "1", "2"]


def test_publishing_what_has_not_changed_gives_the_last_version(aws):
    name = aws.create(who(1))
    first = aws.lambda_.publish_version(FunctionName=name)
    again = aws.lambda_.publish_version(FunctionName=name)
    assert (again["Version"], again["RevisionId"]) == (first["Version"], first["RevisionId"])


def test_create_and_update_can_publish(aws):
    name = aws.create(who(1), Publish=True)
    assert aws.invoke(name, Qualifier="1").payload["answer"] == 1
    updated = aws.lambda_.update_function_code(FunctionName=name, ZipFile=package({"index.py": who(2)}), Publish=True)
    assert updated["Version"] == "2"
    aws.wait_published(name, "2")
    assert aws.invoke(name, Qualifier="2").payload["answer"] == 2


def test_publishing_is_guarded(aws):
    name = aws.create(who(1))
    shown = aws.lambda_.get_function_configuration(FunctionName=name)
    refused(
        aws.lambda_.publish_version,
        "InvalidParameterValueException",
        400,
        "is different from current CodeSHA256 in $LATEST (" + shown["CodeSha256"] + ")",
        FunctionName=name,
        CodeSha256="A" * 43 + "=",
    )
    refused(
        aws.lambda_.publish_version,
        "PreconditionFailedException",
        412,
        "The Revision Id provided does not match the latest Revision Id.",
        FunctionName=name,
        RevisionId="00000000-0000-0000-0000-000000000000",
    )
    guarded = {"CodeSha256": shown["CodeSha256"], "RevisionId": shown["RevisionId"]}
    assert aws.lambda_.publish_version(FunctionName=name, **guarded)["Version"] == "1"


def test_a_deleted_version_is_gone_and_its_number_is_not_used_again(aws):
    name = aws.create(who(1))
    publish(aws, name, 2)
    publish(aws, name, 3)
    aws.lambda_.delete_function(FunctionName=name, Qualifier="2")
    refused(
        aws.lambda_.invoke,
        "ResourceNotFoundException",
        404,
        f"Function not found: {aws.arn(name, 2)}",
        FunctionName=name,
        Qualifier="2",
    )
    assert publish(aws, name, 4) == "3"
    text = "$LATEST version cannot be deleted without deleting the function."
    refused(
        aws.lambda_.delete_function, "InvalidParameterValueException", 400, text, FunctionName=name, Qualifier="$LATEST"
    )


def test_an_alias_points_where_it_is_told(aws):
    name = aws.create(who(0))
    first, second = publish(aws, name, 1), publish(aws, name, 2)
    created = aws.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion=first, Description="d")
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (created["AliasArn"], created["Name"]) == (aws.arn(name, "live"), "live")
    result = aws.invoke(name, Qualifier="live")
    assert (result.version, result.payload["answer"], result.payload["arn"]) == ("1", 1, aws.arn(name, "live"))
    updated = aws.lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=second)
    assert updated["RevisionId"] != created["RevisionId"]
    assert updated["Description"] == "d"
    result = aws.invoke(name, Qualifier="live")
    assert (result.version, result.payload["answer"]) == ("2", 2)
    assert [alias["Name"] for alias in aws.lambda_.list_aliases(FunctionName=name)["Aliases"]] == ["live"]
    aws.lambda_.delete_alias(FunctionName=name, Name="live")
    text = f"Cannot find alias arn: {aws.arn(name, 'live')}"
    refused(aws.lambda_.get_alias, "ResourceNotFoundException", 404, text, FunctionName=name, Name="live")


def test_aliases_are_guarded(aws):
    name = aws.create(who(0))
    publish(aws, name, 1)
    alias = aws.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    text = f"Alias already exists: {aws.arn(name, 'live')}"
    again = {"FunctionName": name, "Name": "live", "FunctionVersion": "1"}
    refused(aws.lambda_.create_alias, "ResourceConflictException", 409, text, **again)
    stale = "00000000-0000-0000-0000-000000000000"
    refused(aws.lambda_.update_alias, "PreconditionFailedException", 412, RevisionId=stale, **again)
    missing = {"FunctionName": name, "Name": "other", "FunctionVersion": "7"}
    refused(aws.lambda_.create_alias, "ResourceNotFoundException", 404, aws.arn(name, 7), **missing)
    assert aws.lambda_.get_alias(FunctionName=name, Name="live")["RevisionId"] == alias["RevisionId"]
    # A version that an alias points to stays.
    refused(aws.lambda_.delete_function, "ResourceConflictException", 409, FunctionName=name, Qualifier="1")


def test_a_weighted_alias_runs_both_versions(aws):
    name = aws.create(who(0))
    publish(aws, name, 1)
    publish(aws, name, 2)
    aws.lambda_.create_alias(
        FunctionName=name,
        Name="canary",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    results = [aws.invoke(name, Qualifier="canary") for _ in range(60)]
    # All of one version: once in 2^59 runs.
    assert {result.version for result in results} == {"1", "2"}
    assert all(result.version == str(result.payload["answer"]) for result in results)
    aws.lambda_.update_alias(FunctionName=name, Name="canary", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    assert {aws.invoke(name, Qualifier="canary").version for _ in range(10)} == {"2"}
    aws.lambda_.update_alias(FunctionName=name, Name="canary", RoutingConfig={"AdditionalVersionWeights": {}})
    assert {aws.invoke(name, Qualifier="canary").version for _ in range(10)} == {"1"}


@pytest.mark.parametrize(
    "version, weights",
    [("$LATEST", {"1": 0.5}), ("1", {"$LATEST": 0.5}), ("1", {"1": 0.5}), ("1", {"9": 0.5}), ("1", {"2": 1.5})],
)
def test_weights_that_make_no_sense_are_refused(aws, version, weights):
    name = aws.create(who(0))
    publish(aws, name, 1)
    publish(aws, name, 2)
    with pytest.raises(ClientError) as caught:
        aws.lambda_.create_alias(
            FunctionName=name,
            Name="odd",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404)
    assert aws.lambda_.list_aliases(FunctionName=name)["Aliases"] == []


def test_a_policy_belongs_to_the_qualifier(aws):
    name = aws.create(who(0))
    publish(aws, name, 1)
    aws.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    aws.lambda_.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="topic",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
    )
    assert aws.arn(name, "live") in aws.lambda_.get_policy(FunctionName=name, Qualifier="live")["Policy"]
    refused(aws.lambda_.get_policy, "ResourceNotFoundException", 404, FunctionName=name)
