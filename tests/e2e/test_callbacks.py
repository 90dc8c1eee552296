"""Functions that call AWS's APIs themselves: they reach this server, as their own role."""

import json

import pytest

from account import Account
from identity import TRUST
from lambent import ACCESS_KEY
from packages import ECHO, boto3_files, package

# Signature Version 4 with the standard library alone, from the variables that Lambda sets.
SIGNED = """
import datetime, hashlib, hmac, os, urllib.error, urllib.parse, urllib.request

def call(service, method, path, body=b"", headers=None, sign=True):
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    region = os.environ["AWS_REGION"]
    headers = {
        "host": urllib.parse.urlsplit(endpoint).netloc,
        "x-amz-date": now,
        "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"],
        **(headers or {}),
    }
    names = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}\\n" for name in sorted(headers)]
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\\n".join([method, urllib.parse.quote(path), "", "".join(lines), names, digest])
    scope = f"{now[:8]}/{region}/{service}/aws4_request"
    text = "\\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    for part in (now[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if sign:
        credential = f"Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
        headers["authorization"] = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
    request = urllib.request.Request(endpoint + path, body or None, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
"""

CALLER = {
    "signed.py": SIGNED,
    "index.py": """
        from signed import call

        FORM = {"content-type": "application/x-www-form-urlencoded"}

        def handler(event, context):
            if event["do"] == "identity":
                body = b"Action=GetCallerIdentity&Version=2011-06-15"
                return call("sts", "POST", "/", body, FORM, event.get("sign", True))
            path = f"/2015-03-31/functions/{event['name']}/invocations"
            return call("lambda", "POST", path, b'{"from": "a function"}', None, event.get("sign", True))
    """,
}


class Strict(Account):
    """The account of the server's key."""

    def __init__(self, server):
        super().__init__(server, "000000000000")
        # Who checks signatures checks roles as well.
        try:
            self.iam.create_role(RoleName="lambda-role", AssumeRolePolicyDocument=json.dumps(TRUST))
        except self.iam.exceptions.EntityAlreadyExistsException:
            pass

    def client(self, service, **config):
        return self.server.client(service, region=self.region, credentials=ACCESS_KEY, **config)


@pytest.fixture(params=["off", "sigv4"])
def account(request, server):
    """An account on a server that believes everybody, and on one that believes nobody."""
    if request.param == "off":
        account = Account(server)
    else:
        account = Strict(request.getfixturevalue("strict_server"))
    yield account
    account.delete_functions()


def test_a_function_is_its_role(account):
    name = account.create(CALLER)
    status, body = account.result(name, {"do": "identity"})
    assert status == 200, body
    assert f"<Arn>arn:aws:sts::{account.number}:assumed-role/lambda-role/{name}</Arn>" in body
    assert f"<Account>{account.number}</Account>" in body


def test_a_function_invokes_another(account):
    callee, caller = account.create(ECHO), account.create(CALLER)
    status, body = account.result(caller, {"do": "invoke", "name": callee})
    assert (status, body) == (200, '{"from": "a function"}')


def test_an_unsigned_call_is_the_function_s_account_s_or_nobody_s(account):
    if not account.server.isolates:
        pytest.skip("plain processes have no endpoint of their own that knows whose they are")
    callee, caller = account.create(ECHO), account.create(CALLER)
    status, body = account.result(caller, {"do": "invoke", "name": callee, "sign": False})
    if isinstance(account, Strict):
        assert (status, body) == (403, '{"message":"Request is missing Authentication Token"}')
    else:
        assert (status, body) == (200, '{"from": "a function"}')


def test_a_function_calls_with_boto3_that_a_layer_brings(account):
    files = boto3_files("lambda", "sts")
    arn = account.lambda_.publish_layer_version(LayerName="boto3", Content={"ZipFile": package(files)})[
        "LayerVersionArn"
    ]
    name = account.create(
        """
        import boto3

        def handler(event, context):
            if event:
                return event
            answer = boto3.client("lambda").invoke(FunctionName=context.function_name, Payload=b'"again"')
            return [answer["Payload"].read().decode(), boto3.client("sts").get_caller_identity()["Arn"]]
        """,
        Layers=[arn],
        MemorySize=512,
    )
    answer, identity = account.result(name)
    assert answer == '"again"'
    assert identity == f"arn:aws:sts::{account.number}:assumed-role/lambda-role/{name}"


def test_from_inside_only_the_api_can_be_reached_not_the_server_s_own_paths(aws):
    name = aws.create(
        """
        import os, urllib.error, urllib.request

        def handler(event, context):
            try:
                return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + event).status
            except urllib.error.HTTPError as error:
                return error.code
        """
    )
    assert aws.server.request("GET", "/_lambent/health")[0] == 200
    if aws.server.isolates:
        assert aws.result(name, "/_lambent/health") != 200
