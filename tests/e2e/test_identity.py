"""IAM roles and STS."""

import json

import boto3
import pytest

from account import refused
from identity import TRUST

BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def test_who_am_i(aws):
    identity = aws.sts.get_caller_identity()
    assert identity["Account"] == aws.number
    assert identity["Arn"].startswith(f"arn:aws:iam::{aws.number}:")


def test_a_life_of_a_role(aws):
    created = aws.iam.create_role(
        RoleName="lambda-role",
        AssumeRolePolicyDocument=json.dumps(TRUST),
        Description="d",
        Tags=[{"Key": "a", "Value": "b"}],
    )["Role"]
    assert created["Arn"] == f"arn:aws:iam::{aws.number}:role/lambda-role"
    assert created["Path"] == "/"
    assert created["RoleId"].startswith("AROA")
    assert created["AssumeRolePolicyDocument"] == TRUST
    role = aws.iam.get_role(RoleName="lambda-role")["Role"]
    assert (role["RoleId"], role["Description"], role["CreateDate"]) == (
        created["RoleId"],
        "d",
        created["CreateDate"],
    )
    refused(
        aws.iam.create_role,
        "EntityAlreadyExists",
        409,
        "Role with name lambda-role already exists.",
        RoleName="lambda-role",
        AssumeRolePolicyDocument=json.dumps(TRUST),
    )
    aws.iam.attach_role_policy(RoleName="lambda-role", PolicyArn=BASIC)
    attached = aws.iam.list_attached_role_policies(RoleName="lambda-role")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    aws.iam.put_role_policy(RoleName="lambda-role", PolicyName="queues", PolicyDocument=json.dumps(document))
    assert aws.iam.list_role_policies(RoleName="lambda-role")["PolicyNames"] == ["queues"]
    inline = aws.iam.get_role_policy(RoleName="lambda-role", PolicyName="queues")
    assert inline["PolicyDocument"] == document
    # A role that is in use stays.
    refused(aws.iam.delete_role, "DeleteConflict", 409, RoleName="lambda-role")
    aws.iam.delete_role_policy(RoleName="lambda-role", PolicyName="queues")
    aws.iam.detach_role_policy(RoleName="lambda-role", PolicyArn=BASIC)
    aws.iam.delete_role(RoleName="lambda-role")
    text = "The role with name lambda-role cannot be found."
    refused(aws.iam.get_role, "NoSuchEntity", 404, text, RoleName="lambda-role")


def test_a_policy_that_is_no_json_is_refused(aws):
    refused(aws.iam.create_role, "MalformedPolicyDocument", 400, RoleName="r", AssumeRolePolicyDocument='{"Version": ')
    refused(aws.iam.create_role, "ValidationError", 400, RoleName="bad name!", AssumeRolePolicyDocument="{}")


def test_roles_are_listed_page_by_page(aws):
    for number in range(5):
        aws.iam.create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument=json.dumps(TRUST))
    pages = list(aws.iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    assert names == [f"role-{number}" for number in range(5)]
    assert len(pages) == 3


def test_an_assumed_role_is_somebody_else(aws, server):
    role = aws.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    answer = aws.sts.assume_role(RoleArn=role["Arn"], RoleSessionName="session-1", DurationSeconds=900)
    credentials = answer["Credentials"]
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{aws.number}:assumed-role/worker/session-1"
    client = boto3.client(
        "sts",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    identity = client.get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{aws.number}:assumed-role/worker/session-1"
    assert identity["Account"] == aws.number


@pytest.mark.parametrize("operation", ["list_users", "create_user", "create_policy"])
def test_what_is_not_there_yet_says_so(aws, operation):
    parameters = {
        "list_users": {},
        "create_user": {"UserName": "ann"},
        "create_policy": {"PolicyName": "p", "PolicyDocument": json.dumps(TRUST)},
    }[operation]
    refused(getattr(aws.iam, operation), "NotImplemented", 501, "is not implemented by Lambent yet", **parameters)
