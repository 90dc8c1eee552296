"""Layers and their versions."""

import base64
import hashlib
import urllib.request

from account import Account, refused
from packages import PYTHON, package


def publish(account, name, text, **settings):
    content = {"ZipFile": package({"data": text})}
    return account.lambda_.publish_layer_version(LayerName=name, Content=content, **settings)


READ = 'def handler(event, context): return open("/opt/data").read()'


def test_a_life_of_a_layer(aws):
    zipped = package({"data": "one"})
    first = publish(aws, "mine", "one", Description="d", CompatibleRuntimes=[PYTHON], LicenseInfo="MIT")
    assert (first["Version"], first["LayerArn"]) == (1, f"arn:aws:lambda:us-east-1:{aws.number}:layer:mine")
    assert first["LayerVersionArn"] == first["LayerArn"] + ":1"
    assert (first["Description"], first["CompatibleRuntimes"], first["LicenseInfo"]) == ("d", [PYTHON], "MIT")
    content = first["Content"]
    assert content["CodeSha256"] == base64.b64encode(hashlib.sha256(zipped).digest()).decode()
    assert content["CodeSize"] == len(zipped)
    with urllib.request.urlopen(content["Location"]) as answer:
        assert answer.read() == zipped
    assert publish(aws, "mine", "two")["Version"] == 2
    versions = aws.lambda_.list_layer_versions(LayerName="mine")["LayerVersions"]
    assert [version["Version"] for version in versions] == [2, 1]
    [layer] = aws.lambda_.list_layers()["Layers"]
    assert (layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) == ("mine", 2)
    by_arn = aws.lambda_.get_layer_version_by_arn(Arn=first["LayerVersionArn"])
    assert by_arn["Content"]["CodeSha256"] == content["CodeSha256"]
    aws.lambda_.delete_layer_version(LayerName="mine", VersionNumber=2)
    refused(aws.lambda_.get_layer_version, "ResourceNotFoundException", 404, LayerName="mine", VersionNumber=2)
    # A number is not given twice.
    assert publish(aws, "mine", "three")["Version"] == 3


def test_another_account_s_layer_needs_a_permission(server, aws, sandboxed):
    owner = Account(server)
    arn = publish(owner, "shared", "from the other account")["LayerVersionArn"]
    create = {"Runtime": PYTHON, "Handler": "index.handler", "Role": aws.role, "Layers": [arn]}
    code = {"ZipFile": package({"index.py": READ})}
    refused(aws.lambda_.create_function, "AccessDeniedException", 403, FunctionName="f", Code=code, **create)
    owner.lambda_.add_layer_version_permission(
        LayerName="shared", VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion", Principal=aws.number
    )
    assert aws.number in owner.lambda_.get_layer_version_policy(LayerName="shared", VersionNumber=1)["Policy"]
    name = aws.create(READ, Layers=[arn])
    assert aws.result(name) == "from the other account"


def test_layers_that_do_not_go_together_are_refused(aws):
    arns = [publish(aws, f"layer-{number}", str(number))["LayerVersionArn"] for number in range(6)]
    second = publish(aws, "layer-0", "again")["LayerVersionArn"]
    name = aws.create(READ)
    update = aws.lambda_.update_function_configuration
    text = "Cannot reference more than 5 layers."
    refused(update, "InvalidParameterValueException", 400, text, FunctionName=name, Layers=arns)
    refused(update, "InvalidParameterValueException", 400, FunctionName=name, Layers=[arns[0], second])
    elsewhere = arns[0].replace("us-east-1", "eu-west-1")
    assert refused(update, "InvalidParameterValueException", 400, FunctionName=name, Layers=[elsewhere])
