"""Requests that no SDK would send: AWS's codes, statuses and words, and never anything but an answer."""

import html
import json
import re
import uuid

import pytest

ACCOUNT = "123456789012"


def signed(service):
    """What names the service and the account. Without checks of signatures it need not be right."""
    scope = f"{ACCOUNT}/20261123/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"}


def logs(server, operation, body, **headers):
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"Logs_20140328.{operation}",
        **signed("logs"),
        **headers,
    }
    status, headers, body = server.request("POST", "/", body, headers)
    assert uuid.UUID(headers["x-amzn-RequestId"])
    return status, headers, body


def create(server, document):
    body = document if isinstance(document, (bytes, str)) else json.dumps(document)
    headers = {"Content-Type": "application/json", **signed("lambda")}
    status, headers, body = server.request("POST", "/2015-03-31/functions", body, headers)
    assert uuid.UUID(headers["x-amzn-RequestId"])
    return status, headers["x-amzn-ErrorType"], json.loads(body)


FUNCTION = {
    "FunctionName": "f",
    "Role": "arn:aws:iam::123456789012:role/r",
    "Runtime": "python3.12",
    "Handler": "i.h",
    "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
}


@pytest.mark.parametrize(
    "body", ["{", '{"FunctionName": }', "nonsense", '{"a": 1} trailing', b"\xff\xfe", "[" * 10_000]
)
def test_rest_json_that_is_malformed(server, body):
    status, code, document = create(server, body)
    assert (status, code) == (400, "SerializationException"), document


@pytest.mark.parametrize(
    "member, value, text",
    [
        ("MemorySize", "much", "STRING_VALUE can not be converted to an Integer"),
        ("MemorySize", 128.5, None),
        ("MemorySize", [128], None),
        ("FunctionName", 5, "NUMBER_VALUE can not be converted to a String"),
        ("Publish", "yes", "STRING_VALUE can not be converted to a Boolean"),
        ("Tags", ["a"], None),
        ("Layers", "one", None),
        ("Code", {"ZipFile": "not base64!"}, None),
        ("Environment", {"Variables": {"AA": {"b": 1}}}, None),
    ],
)
def test_rest_json_of_the_wrong_type(server, member, value, text):
    status, code, document = create(server, {**FUNCTION, member: value})
    assert (status, code) == (400, "SerializationException"), document
    if text:
        assert document["message"] == text


@pytest.mark.parametrize(
    "changes, text",
    [
        (
            {"Role": None},
            "1 validation error detected: Value null at 'role' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"FunctionName": None, "Code": None},
            "2 validation errors detected: Value null at 'functionName' failed to satisfy constraint: Member must not "
            "be null; Value null at 'code' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"FunctionName": "no spaces"},
            "1 validation error detected: Value 'no spaces' at 'functionName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: ",
        ),
        (
            {"MemorySize": 1},
            "1 validation error detected: Value '1' at 'memorySize' failed to satisfy constraint: Member must have value "
            "greater than or equal to 128",
        ),
        (
            {"PackageType": "Tar"},
            "1 validation error detected: Value 'Tar' at 'packageType' failed to satisfy constraint: Member must satisfy "
            "enum value set: [",
        ),
        (
            {"Description": "d" * 257},
            f"1 validation error detected: Value '{'d' * 257}' at 'description' failed to satisfy constraint: Member must "
            "have length less than or equal to 256",
        ),
    ],
)
def test_rest_json_that_breaks_constraints(server, changes, text):
    document = {key: value for key, value in {**FUNCTION, **changes}.items() if value is not None}
    status, code, answer = create(server, document)
    assert (status, code) == (400, "ValidationException"), answer
    assert answer["message"].startswith(text), answer["message"]


def test_what_a_model_does_not_know_is_ignored(server):
    """As AWS does: newer clients send members that older services do not know."""
    status, code, document = create(server, {**FUNCTION, "Unheard": {"of": [1]}, "Role": "none"})
    assert (status, code) == (400, "ValidationException")
    assert "'role'" in document["message"]


def test_a_path_that_is_no_operation(server):
    status, headers, body = server.request("GET", "/2015-03-31/unheard-of", headers=signed("lambda"))
    assert (status, headers["x-amzn-ErrorType"]) == (404, "UnknownOperationException")
    assert "message" in json.loads(body)
    status, headers, _ = server.request("PATCH", "/2015-03-31/functions", headers=signed("lambda"))
    assert status in (403, 404, 405)
    assert headers["x-amzn-ErrorType"]


def test_an_operation_that_is_not_there_yet_names_itself(server):
    path = "/2020-04-22/code-signing-configs"
    body = json.dumps({"AllowedPublishers": {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:123456789012:/p/v"]}})
    status, headers, body = server.request("POST", path, body, {"Content-Type": "application/json", **signed("lambda")})
    assert status == 501
    assert "CreateCodeSigningConfig is not implemented by Lambent yet" in json.loads(body)["message"]


def test_awsjson(server):
    for body in ("{", "[]", '"text"', '{"logGroupName": 5}', '{"limit": "many"}'):
        status, headers, body = logs(server, "DescribeLogGroups" if "limit" in body else "CreateLogGroup", body)
        assert (status, json.loads(body)["__type"]) == (400, "SerializationException"), body
    status, headers, body = logs(server, "CreateLogGroup", "{}")
    assert status == 400
    document = json.loads(body)
    assert document["__type"] in ("InvalidParameterException", "ValidationException")
    assert document["message"] == (
        "1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: Member must not be null"
    )
    status, headers, body = logs(server, "InventLogGroup", "{}")
    assert (status, json.loads(body)["__type"]) == (400, "UnknownOperationException")
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    # An empty body is an empty document.
    status, _, body = logs(server, "DescribeLogGroups", "")
    assert (status, json.loads(body)) == (200, {"logGroups": []})


def query(server, form, service="sts"):
    headers = {"Content-Type": "application/x-www-form-urlencoded", **signed(service)}
    status, headers, body = server.request("POST", "/", form, headers)
    text = html.unescape(body.decode())
    code = re.search("<Code>(.*?)</Code>", text)
    return status, code and code[1], text


def test_awsquery(server):
    status, _, text = query(server, "Action=GetCallerIdentity&Version=2011-06-15")
    assert status == 200
    assert f"<Account>{ACCOUNT}</Account>" in text
    assert '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' in text
    status, code, text = query(server, "Action=Invent&Version=2011-06-15")
    assert (status, code) == (400, "InvalidAction")
    assert "<Type>Sender</Type>" in text
    assert "Could not find operation Invent for version 2011-06-15" in text
    status, code, text = query(server, "Action=GetRole&Version=2010-05-08", "iam")
    assert (status, code) == (400, "ValidationError")
    assert "Value null at 'roleName' failed to satisfy constraint: Member must not be null" in text


def test_services_that_are_not_there_say_so(server):
    headers = {"X-Amz-Target": "AWSEvents.ListRules", "Content-Type": "application/x-amz-json-1.1", **signed("events")}
    status, _, body = server.request("POST", "/", "{}", headers)
    assert status in (400, 501)
    assert "not implemented by Lambent yet" in json.loads(body)["message"]
    status, _, body = server.request("GET", "/bucket?list-type=2", headers=signed("s3"))
    assert status == 501
    assert b"<Code>NotImplemented</Code>" in body


def test_no_request_at_all(server):
    status, headers, body = server.request("GET", "/")
    assert status in (403, 404)
    assert json.loads(body)["message"]


def test_a_web_page_of_another_origin_is_refused(server):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://evil.example"}
    status, _, body = server.request("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", headers)
    assert status == 403
    assert b"AccessDenied" in body


def test_a_name_that_was_rebound_is_refused(server):
    status, _, _ = server.request("GET", "/2015-03-31/functions", headers={"Host": "evil.example", **signed("lambda")})
    assert status == 403
