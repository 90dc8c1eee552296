"""Functions are created, shown, changed, listed, tagged, guarded and deleted."""

import base64
import hashlib
import json
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError

from account import Account, refused
from packages import ECHO, PYTHON, package

VERSIONED = "def handler(event, context):\n    return {}\n"


def test_a_life(aws):
    zipped = package({"index.py": VERSIONED.format(1)})
    created = aws.lambda_.create_function(
        FunctionName="life", Role=aws.role, Runtime=PYTHON, Handler="index.handler", Code={"ZipFile": zipped}
    )
    aws.functions.append("life")
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert created["State"] in ("Pending", "Active")
    if created["State"] == "Pending":
        assert created["StateReason"] == "The function is being created."
        assert created["StateReasonCode"] == "Creating"

    # The waiters exactly as users have them.
    aws.lambda_.get_waiter("function_active_v2").wait(FunctionName="life")
    aws.lambda_.get_waiter("function_exists").wait(FunctionName="life")
    assert aws.result("life") == 1

    aws.lambda_.update_function_code(FunctionName="life", ZipFile=package({"index.py": VERSIONED.format(2)}))
    aws.lambda_.get_waiter("function_updated_v2").wait(FunctionName="life")
    assert aws.result("life") == 2

    assert aws.lambda_.delete_function(FunctionName="life")["ResponseMetadata"]["HTTPStatusCode"] in (200, 204)
    text = f"Function not found: {aws.arn('life')}"
    for call in (aws.lambda_.get_function, aws.lambda_.get_function_configuration, aws.lambda_.delete_function):
        refused(call, "ResourceNotFoundException", 404, text, FunctionName="life")
    refused(aws.lambda_.invoke, "ResourceNotFoundException", 404, f"{text}:$LATEST", FunctionName="life")


def test_what_is_not_given_has_aws_s_defaults(aws):
    zipped = package({"index.py": ECHO})
    name = aws.create(zipped, Timeout=3)
    shown = aws.lambda_.get_function_configuration(FunctionName=name)
    expected = {
        "FunctionName": name,
        "FunctionArn": aws.arn(name),
        "Runtime": PYTHON,
        "Role": aws.role,
        "Handler": "index.handler",
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "CodeSize": len(zipped),
        "CodeSha256": base64.b64encode(hashlib.sha256(zipped).digest()).decode(),
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
    }
    assert {key: shown.get(key) for key in expected} == expected
    assert uuid.UUID(shown["RevisionId"])
    assert shown["LastModified"].endswith("+0000")
    assert "Environment" not in shown
    assert "Layers" not in shown


def test_the_code_can_be_downloaded_again(aws):
    zipped = package({"index.py": ECHO})
    name = aws.create(zipped)
    code = aws.lambda_.get_function(FunctionName=name)["Code"]
    assert code["RepositoryType"] == "S3"
    with urllib.request.urlopen(code["Location"]) as answer:
        assert answer.read() == zipped


def test_a_configuration_is_changed_in_what_is_given_only(aws):
    name = aws.create(ECHO, Description="before", Environment={"Variables": {"AA": "1"}})
    aws.update(name, MemorySize=256, Timeout=7)
    shown = aws.lambda_.get_function_configuration(FunctionName=name)
    assert (shown["MemorySize"], shown["Timeout"], shown["Description"]) == (256, 7, "before")
    assert shown["Environment"] == {"Variables": {"AA": "1"}}
    aws.update(name, Environment={"Variables": {"BB": "2"}})
    shown = aws.lambda_.get_function_configuration(FunctionName=name)
    assert shown["Environment"] == {"Variables": {"BB": "2"}}


def test_a_function_goes_by_name_by_partial_and_by_full_arn(aws):
    name = aws.create(ECHO, Publish=True)
    for reference in (name, f"{aws.number}:function:{name}", aws.arn(name)):
        assert aws.lambda_.get_function(FunctionName=reference)["Configuration"]["FunctionName"] == name
        assert aws.result(reference, 5) == 5
        assert aws.invoke(f"{reference}:1", 5).version == "1"
    text = "The derived qualifier from the function name does not match the specified qualifier."
    refused(
        aws.lambda_.get_function, "InvalidParameterValueException", 400, text, FunctionName=f"{name}:1", Qualifier="2"
    )


def test_a_name_is_taken_once(aws):
    name = aws.create(ECHO)
    before = aws.lambda_.get_function_configuration(FunctionName=name)
    with pytest.raises(ClientError) as caught:
        aws.create("def handler(event, context): return 'another'", name=name)
    assert caught.value.response["Error"]["Code"] == "ResourceConflictException"
    assert caught.value.response["Error"]["Message"] == f"Function already exist: {name}"
    after = aws.lambda_.get_function_configuration(FunctionName=name)
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])


def test_changes_are_guarded_by_the_revision_id(aws):
    name = aws.create(ECHO)
    stale = aws.lambda_.get_function_configuration(FunctionName=name)["RevisionId"]
    aws.update(name, Description="changed")
    current = aws.lambda_.get_function_configuration(FunctionName=name)["RevisionId"]
    assert current != stale
    text = (
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
        "retrieve the latest Revision Id"
    )
    code = "PreconditionFailedException"
    guarded = {"FunctionName": name, "RevisionId": stale}
    refused(aws.lambda_.update_function_configuration, code, 412, text, Description="lost", **guarded)
    refused(aws.lambda_.update_function_code, code, 412, text, ZipFile=package({"index.py": "lost = 1"}), **guarded)
    shown = aws.lambda_.get_function_configuration(FunctionName=name)
    assert shown["Description"] == "changed"
    aws.update(name, Description="won", RevisionId=current)


def test_a_dry_run_of_new_code_changes_nothing(aws):
    name = aws.create(VERSIONED.format(1))
    before = aws.lambda_.get_function_configuration(FunctionName=name)
    zipped = package({"index.py": VERSIONED.format(2)})
    answer = aws.lambda_.update_function_code(FunctionName=name, ZipFile=zipped, DryRun=True)
    assert answer["CodeSha256"] == base64.b64encode(hashlib.sha256(zipped).digest()).decode()
    after = aws.lambda_.get_function_configuration(FunctionName=name)
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])
    assert aws.result(name) == 1


def test_functions_are_listed_page_by_page(aws):
    assert aws.lambda_.list_functions()["Functions"] == []
    names = sorted(aws.create(ECHO) for _ in range(5))
    pages = list(aws.lambda_.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Functions"]) for page in pages] == [2, 2, 1]
    assert sorted(item["FunctionName"] for page in pages for item in page["Functions"]) == names


def test_accounts_and_regions_do_not_see_one_another(server, aws):
    name = aws.create("def handler(event, context): return context.invoked_function_arn")
    elsewhere = Account(server, aws.number, "eu-central-1")
    stranger = Account(server)
    try:
        for other in (elsewhere, stranger):
            assert other.lambda_.list_functions()["Functions"] == []
            refused(other.lambda_.get_function, "ResourceNotFoundException", 404, FunctionName=name)
        elsewhere.create("def handler(event, context): return context.invoked_function_arn", name=name)
        assert aws.result(name) == f"arn:aws:lambda:us-east-1:{aws.number}:function:{name}"
        assert elsewhere.result(name) == f"arn:aws:lambda:eu-central-1:{aws.number}:function:{name}"
    finally:
        elsewhere.delete_functions()


def test_tags(aws):
    name = aws.create(ECHO, Tags={"team": "blue", "stage": "test"})
    assert aws.lambda_.list_tags(Resource=aws.arn(name))["Tags"] == {"team": "blue", "stage": "test"}
    aws.lambda_.tag_resource(Resource=aws.arn(name), Tags={"team": "green", "cost": "1"})
    aws.lambda_.untag_resource(Resource=aws.arn(name), TagKeys=["stage"])
    expected = {"team": "green", "cost": "1"}
    assert aws.lambda_.list_tags(Resource=aws.arn(name))["Tags"] == expected
    assert aws.lambda_.get_function(FunctionName=name)["Tags"] == expected
    refused(aws.lambda_.list_tags, "ResourceNotFoundException", 404, Resource=aws.arn("missing"))


def test_a_resource_policy(aws):
    name = aws.create(ECHO)
    text = "The resource you requested does not exist."
    refused(aws.lambda_.get_policy, "ResourceNotFoundException", 404, text, FunctionName=name)
    allow = {"FunctionName": name, "Action": "lambda:InvokeFunction"}
    answer = aws.lambda_.add_permission(
        StatementId="bucket",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::pictures",
        SourceAccount=aws.number,
        **allow,
    )
    statement = {
        "Sid": "bucket",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": aws.arn(name),
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": aws.number},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::pictures"},
        },
    }
    assert json.loads(answer["Statement"]) == statement
    text = (
        "The statement id (bucket) provided already exists. Please provide a new statement id, or remove the "
        "existing statement."
    )
    again = {"StatementId": "bucket", "Principal": "s3.amazonaws.com", **allow}
    refused(aws.lambda_.add_permission, "ResourceConflictException", 409, text, **again)
    aws.lambda_.add_permission(StatementId="friend", Principal="111122223333", **allow)
    policy = json.loads(aws.lambda_.get_policy(FunctionName=name)["Policy"])
    assert (policy["Version"], policy["Id"], policy["Statement"][0]) == ("2012-10-17", "default", statement)
    assert policy["Statement"][1]["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    aws.lambda_.remove_permission(FunctionName=name, StatementId="bucket")
    text = "Statement bucket is not found in resource policy."
    refused(
        aws.lambda_.remove_permission,
        "ResourceNotFoundException",
        404,
        text,
        FunctionName=name,
        StatementId="bucket",
    )


def test_account_settings(aws):
    def used():
        return aws.lambda_.get_account_settings()["AccountUsage"]

    assert used() == {"TotalCodeSize": 0, "FunctionCount": 0}
    zipped = package({"index.py": ECHO})
    name = aws.create(zipped)
    assert used() == {"TotalCodeSize": len(zipped), "FunctionCount": 1}
    limit = aws.lambda_.get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (1000, 1000)
    assert (limit["CodeSizeUnzipped"], limit["CodeSizeZipped"]) == (262144000, 52428800)
    aws.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=100)
    limit = aws.lambda_.get_account_settings()["AccountLimit"]
    assert limit["UnreservedConcurrentExecutions"] == 900


RESERVED = ["_HANDLER", "AWS_REGION", "AWS_LAMBDA_RUNTIME_API", "AWS_SECRET_ACCESS_KEY", "LAMBDA_TASK_ROOT"]


# Names that begin with an underscore break the model's pattern before they are known to be reserved.
@pytest.mark.parametrize("key", RESERVED[1:])
def test_reserved_variables_are_refused(aws, key):
    text = (
        "Lambda was unable to configure your environment variables because the environment variables you have "
        "provided contains reserved keys that are currently not supported for modification. Reserved keys used in "
        f"this request: {key}"
    )
    with pytest.raises(ClientError) as caught:
        aws.create(ECHO, Environment={"Variables": {key: "mine", "FINE": "1"}})
    assert caught.value.response["Error"] == {"Code": "InvalidParameterValueException", "Message": text}
    assert aws.lambda_.list_functions()["Functions"] == []


def test_more_than_4_kb_of_variables_are_refused(aws):
    name = aws.create(ECHO, Environment={"Variables": {"A1": "x" * 4000}})
    text = "because the environment variables you have provided exceeded the 4KB limit. String measured: {"
    refused(
        aws.lambda_.update_function_configuration,
        "InvalidParameterValueException",
        400,
        text,
        FunctionName=name,
        Environment={"Variables": {"A1": "x" * 4100}},
    )


CREATE = {"Runtime": PYTHON, "Handler": "index.handler", "Role": "arn:aws:iam::000000000000:role/any"}

WRONG = {
    "memory too small": (
        {"MemorySize": 127},
        "ValidationException",
        "1 validation error detected: Value '127' at 'memorySize' failed to satisfy constraint: Member must have "
        "value greater than or equal to 128",
    ),
    "no time": (
        {"Timeout": 0},
        "ValidationException",
        "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ),
    # The model allows more, for what is no ordinary function.
    "too much time": (
        {"Timeout": 901},
        "ValidationException",
        "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900",
    ),
    "too much memory": ({"MemorySize": 10241}, None, "10240"),
    "two things": (
        {"MemorySize": 127, "Timeout": 0},
        "ValidationException",
        "2 validation errors detected: ",
    ),
    "a role that is none": (
        {"Role": "administrator"},
        "ValidationException",
        "Value 'administrator' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern",
    ),
    "a runtime that is none": (
        {"Runtime": "cobol85"},
        "InvalidParameterValueException",
        "Value cobol85 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [",
    ),
    "a deprecated runtime": (
        {"Runtime": "python2.7"},
        "InvalidParameterValueException",
        "The runtime parameter of python2.7 is no longer supported for creating or updating AWS Lambda functions. "
        "We recommend you use a supported runtime while creating or updating functions.",
    ),
    "no zip": (
        {"Code": {"ZipFile": b"this is no zip"}},
        "InvalidParameterValueException",
        "Could not unzip uploaded file. Please check your file, then try to upload again.",
    ),
    "a layer of nobody": (
        {"Layers": ["arn:aws:lambda:us-east-1:ACCOUNT:layer:nothing:1"]},
        "InvalidParameterValueException",
        "Layer version arn:aws:lambda:us-east-1:ACCOUNT:layer:nothing:1 does not exist.",
    ),
    # What would have to be honoured and is not yet is refused, never accepted and ignored.
    "a VPC": ({"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, None, "not supported"),
    "code in S3": ({"Code": {"S3Bucket": "bucket", "S3Key": "key"}}, None, "not supported"),
    "tracing": ({"TracingConfig": {"Mode": "Active"}}, None, "not supported"),
    "SnapStart": ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, None, "not supported"),
    "a Java runtime": ({"Runtime": "java21"}, None, "java21"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_refused_in_aws_s_words(aws, what):
    settings, code, text = json.loads(json.dumps(WRONG[what], default=bytes.decode).replace("ACCOUNT", aws.number))
    parameters = {"Code": {"ZipFile": package({"index.py": ECHO})}, **CREATE, **settings}
    # boto3 itself would find some of it first.
    unchecked = aws.client("lambda", parameter_validation=False)
    with pytest.raises(ClientError) as caught:
        unchecked.create_function(FunctionName="wrong", **parameters)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["Error"]["Code"] == (code or "InvalidParameterValueException")
    assert text in answer["Error"]["Message"]
    assert aws.lambda_.list_functions()["Functions"] == []


def test_a_zip_that_unpacks_to_more_than_250_mb_is_refused(aws):
    bomb = package({"index.py": ECHO, "zeros": bytes(262_144_001)})
    refused(
        aws.lambda_.create_function,
        "InvalidParameterValueException",
        400,
        "Unzipped size must be smaller than 262144000 bytes",
        FunctionName="bomb",
        Code={"ZipFile": bomb},
        **CREATE,
    )


def test_a_package_that_reaches_outside_is_refused_or_kept_inside(aws, tmp_path):
    outside = f"../../../../../..{tmp_path}/escaped"
    try:
        name = aws.create(package({"index.py": ECHO, outside: "out"}))
        aws.result(name, 1)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidParameterValueException"
    assert list(tmp_path.iterdir()) == []


def test_an_update_that_fails_leaves_the_function_as_it_was(aws):
    name = aws.create(VERSIONED.format(1))
    text = "Could not unzip uploaded file. Please check your file, then try to upload again."
    refused(
        aws.lambda_.update_function_code,
        "InvalidParameterValueException",
        400,
        text,
        FunctionName=name,
        ZipFile=b"PK\x03\x04 broken",
    )
    assert aws.result(name) == 1


def test_a_deleted_name_can_be_taken_again(aws):
    name = aws.create(VERSIONED.format(1))
    assert aws.result(name) == 1
    aws.lambda_.delete_function(FunctionName=name)
    aws.create(VERSIONED.format(2), name=name)
    assert aws.result(name) == 2
