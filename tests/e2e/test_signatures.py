"""`--auth sigv4`: who signs rightly is let in, and nobody else."""

import datetime
import json
import subprocess

import boto3
import botocore.auth
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from account import refused
from lambent import ACCESS_KEY, BINARY, clean_environment

PATH = "/2015-03-31/functions/"


@pytest.fixture
def strict(strict_server):
    return strict_server


def sign(server, method="GET", path=PATH, body=None, key=ACCESS_KEY, service="lambda", auth=SigV4Auth, **settings):
    """The headers and the path of a signed request."""
    request = AWSRequest(method, server.endpoint + path, data=body)
    auth(Credentials(*key), service, "us-east-1", **settings).add_auth(request)
    return dict(request.headers), request.url.removeprefix(server.endpoint)


def error(answer):
    status, headers, body = answer
    return status, headers["x-amzn-ErrorType"], json.loads(body)["message"]


def test_a_good_signature(strict):
    headers, path = sign(strict)
    assert strict.request("GET", path, headers=headers)[0] == 200
    client = strict.client("sts", credentials=ACCESS_KEY)
    assert client.get_caller_identity()["Account"] == "000000000000"


def test_a_wrong_secret(strict):
    headers, path = sign(strict, key=(ACCESS_KEY[0], "guessed"))
    status, code, message = error(strict.request("GET", path, headers=headers))
    assert (status, code) == (403, "InvalidSignatureException")
    assert message == (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details."
    )


def test_what_was_changed_after_signing(strict):
    headers, path = sign(strict, "POST", PATH, b'{"FunctionName": "mine"}')
    assert error(strict.request("POST", path, b'{"FunctionName": "evil"}', headers))[:2] == (
        403,
        "InvalidSignatureException",
    )
    headers, _ = sign(strict)
    assert error(strict.request("GET", PATH + "other", headers=headers))[1] == "InvalidSignatureException"
    assert error(strict.request("GET", PATH + "?MaxItems=1", headers=headers))[1] == "InvalidSignatureException"
    assert error(strict.request("DELETE", PATH + "other", headers=headers))[1] == "InvalidSignatureException"


def test_an_unknown_key(strict):
    headers, path = sign(strict, key=("AKIANOBODYNOBODY0001", ACCESS_KEY[1]))
    assert error(strict.request("GET", path, headers=headers)) == (
        403,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


def test_no_signature(strict):
    status, headers, body = strict.request("GET", PATH)
    assert (status, headers["x-amzn-ErrorType"]) == (403, "MissingAuthenticationTokenException")


def test_the_links_of_notifications_need_none(strict):
    sns = strict.client("sns", credentials=ACCESS_KEY)
    topic = sns.create_topic(Name="links")["TopicArn"]
    confirm = f"/?Action=ConfirmSubscription&Version=2010-03-31&TopicArn={topic}&Token=guessed"
    status, _, body = strict.request("GET", confirm)
    assert (status, b"<Code>InvalidParameter</Code>" in body) == (400, True)
    unsubscribe = f"/?Action=Unsubscribe&Version=2010-03-31&SubscriptionArn={topic}:00000000-0000-4000-8000-000000000000"
    assert strict.request("GET", unsubscribe)[0] == 200
    status, _, body = strict.request("GET", "/?Action=ListTopics&Version=2010-03-31")
    assert (status, b"MissingAuthenticationToken" in body) == (403, True)


@pytest.mark.parametrize(
    "header",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=x",
        "AWS4-HMAC-SHA256 Credential=a/b/c/lambda/aws4_request, SignedHeaders=host, Signature=",
        "Bearer token",
        "AWS4-HMAC-SHA256 " + "x" * 5000,
    ],
)
def test_a_header_that_is_none(strict, header):
    status, code, _ = error(strict.request("GET", PATH, headers={"Authorization": header}))
    assert status == 403
    assert code in (
        "IncompleteSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    )


def test_a_clock_that_is_wrong(strict, monkeypatch):
    def at(hours):
        moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
        monkeypatch.setattr(
            botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: moment.replace(tzinfo=None)
        )
        headers, path = sign(strict)
        return error(strict.request("GET", path, headers=headers))

    status, code, message = at(hours=-1)
    assert (status, code) == (403, "InvalidSignatureException")
    assert message.startswith("Signature expired: ")
    status, code, message = at(hours=1)
    assert (status, code) == (403, "InvalidSignatureException")
    assert message.startswith("Signature not yet current: ")


def test_presigned_requests(strict, monkeypatch):
    _, path = sign(strict, auth=SigV4QueryAuth, expires=60)
    assert strict.request("GET", path)[0] == 200
    assert error(strict.request("GET", path + "0"))[0] == 403
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: moment.replace(tzinfo=None))
    _, path = sign(strict, auth=SigV4QueryAuth, expires=60)
    status, code, message = error(strict.request("GET", path))
    assert status == 403
    assert "expired" in message


def test_the_words_of_the_other_protocols(strict):
    wrong = (ACCESS_KEY[0], "guessed")
    refused(
        strict.client("logs", credentials=wrong).describe_log_groups,
        "InvalidSignatureException",
        400,
        "The request signature we calculated does not match the signature you provided.",
    )
    refused(strict.client("sts", credentials=wrong).get_caller_identity, "SignatureDoesNotMatch", 403)
    nobody = ("AKIANOBODYNOBODY0001", "x")
    refused(strict.client("sts", credentials=nobody).get_caller_identity, "InvalidClientTokenId", 403)
    refused(strict.client("logs", credentials=nobody).describe_log_groups, "UnrecognizedClientException", 400)


def test_session_credentials(strict):
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
        ],
    }
    strict.client("iam", credentials=ACCESS_KEY).create_role(
        RoleName="visitor", AssumeRolePolicyDocument=json.dumps(trust)
    )
    answer = strict.client("sts", credentials=ACCESS_KEY).assume_role(
        RoleArn="arn:aws:iam::000000000000:role/visitor", RoleSessionName="session"
    )["Credentials"]

    def client(token):
        return boto3.client(
            "sts",
            endpoint_url=strict.endpoint,
            region_name="us-east-1",
            aws_access_key_id=answer["AccessKeyId"],
            aws_secret_access_key=answer["SecretAccessKey"],
            aws_session_token=token,
        )

    identity = client(answer["SessionToken"]).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::000000000000:assumed-role/visitor/session"
    token = answer["SessionToken"]
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    for wrong in (forged, "short", None):
        refused(client(wrong).get_caller_identity, "InvalidClientTokenId", 403)


def test_many_wrong_guesses_do_not_shut_out_who_is_right(strict):
    wrong, path = sign(strict, key=(ACCESS_KEY[0], "guessed"))
    for _ in range(50):
        assert strict.request("GET", path, headers=wrong)[0] == 403
    headers, path = sign(strict)
    assert strict.request("GET", path, headers=headers)[0] == 200


def serve(*options):
    """Runs a server that is not to start; returns its status and what it says."""
    command = [BINARY, "serve", "--ephemeral", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=clean_environment())
    return done.returncode, done.stderr


def test_a_server_that_everybody_reaches_must_check_signatures():
    status, said = serve("--listen", "0.0.0.0:0")
    assert status != 0
    assert "--auth off would let anyone who reaches 0.0.0.0:0 run code on this host" in said
    assert "--auth sigv4" in said


def test_a_server_that_nobody_could_sign_in_to_does_not_start():
    status, said = serve("--listen", "127.0.0.1:0", "--auth", "sigv4")
    assert status != 0
    assert "--access-key" in said
    status, said = serve("--listen", "127.0.0.1:0", "--auth", "sigv4", "--access-key", "no-secret")
    assert status != 0
    assert "ID:SECRET" in said


def test_an_address_that_is_taken(strict):
    host, port = strict.address
    status, said = serve("--listen", f"{host}:{port}")
    assert status != 0
    assert "another server has this port" in said
