"""Event source mappings as the API shows them: fields, defaults, ranges, AWS's words, and states."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from account import Account, eventually, refused
from packages import ECHO
from sources import Queue, Stream, map_source, map_stream, update_mapping, wait_state
from test_cli import Cli, needs_cli

INVALID = ("InvalidParameterValueException", 400)


def without_metadata(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def create(account, **settings):
    """Makes a mapping that the test's end deletes; returns the answer."""
    made = account.lambda_.create_event_source_mapping(**settings)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    account.mappings.append(made["UUID"])
    return without_metadata(made)


def test_a_queues_mapping_and_its_defaults(aws):
    name, queue = aws.create(ECHO), Queue(aws)
    began = datetime.now(UTC) - timedelta(seconds=1)
    made = create(aws, FunctionName=name, EventSourceArn=queue.arn)
    assert uuid.UUID(made["UUID"])
    assert began < made["LastModified"] < datetime.now(UTC) + timedelta(seconds=1)
    assert made == {
        "UUID": made["UUID"],
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "EventSourceArn": queue.arn,
        "EventSourceMappingArn": f"arn:aws:lambda:{aws.region}:{aws.number}:event-source-mapping:{made['UUID']}",
        "FunctionArn": aws.arn(name),
        "FunctionResponseTypes": [],
        "LastModified": made["LastModified"],
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
    }
    got = wait_state(aws, made["UUID"], "Enabled")
    changes = {"State", "LastModified", "StateTransitionReason", "LastProcessingResult"}
    assert {key: value for key, value in without_metadata(got).items() if key not in changes} == {
        key: value for key, value in made.items() if key not in changes
    }
    [listed] = aws.lambda_.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert listed == without_metadata(got)


def test_a_streams_mapping_and_its_defaults(aws):
    name, stream = aws.create(ECHO), Stream(aws)
    made = create(aws, FunctionName=aws.arn(name), EventSourceArn=stream.arn, StartingPosition="TRIM_HORIZON")
    assert made == {
        "UUID": made["UUID"],
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": stream.arn,
        "EventSourceMappingArn": f"arn:aws:lambda:{aws.region}:{aws.number}:event-source-mapping:{made['UUID']}",
        "FunctionArn": aws.arn(name),
        "FunctionResponseTypes": [],
        "LastModified": made["LastModified"],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "TRIM_HORIZON",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
    }
    assert wait_state(aws, made["UUID"], "Enabled")["LastProcessingResult"] == "No records processed"


def test_every_field_of_a_queues_mapping(aws):
    name, queue = aws.create(ECHO), Queue(aws, VisibilityTimeout="60")
    pattern = json.dumps({"body": {"kind": ["order"]}})
    settings = {
        "BatchSize": 500,
        "MaximumBatchingWindowInSeconds": 5,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
        "FilterCriteria": {"Filters": [{"Pattern": pattern}]},
        "MetricsConfig": {"Metrics": ["EventCount"]},
    }
    made = create(aws, FunctionName=name, EventSourceArn=queue.arn, Enabled=False, Tags={"a": "1"}, **settings)
    assert made["State"] == "Disabled"
    assert {key: made[key] for key in settings} == settings
    changes = {
        "BatchSize": 1,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "ScalingConfig": {},
        "FilterCriteria": {"Filters": []},
        "MetricsConfig": {"Metrics": []},
    }
    changed = update_mapping(aws, made["UUID"], **changes)
    assert (changed["BatchSize"], changed["MaximumBatchingWindowInSeconds"]) == (1, 0)
    assert changed["FunctionResponseTypes"] == []
    assert "FilterCriteria" not in changed
    assert not changed.get("ScalingConfig") and not changed.get("MetricsConfig", {}).get("Metrics")
    assert changed["State"] == "Disabled", "what is not changed stays"


def test_every_field_of_a_streams_mapping(aws):
    name, stream, queue = aws.create(ECHO), Stream(aws), Queue(aws)
    settings = {
        "BatchSize": 10_000,
        "MaximumBatchingWindowInSeconds": 300,
        "ParallelizationFactor": 10,
        "DestinationConfig": {"OnFailure": {"Destination": queue.arn}},
        "MaximumRecordAgeInSeconds": 604_800,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 10_000,
        "TumblingWindowInSeconds": 900,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{"Pattern": '{"data": {"a": [1]}}'}]},
    }
    # With a window, there is one batch at a time of each shard.
    del settings["ParallelizationFactor"]
    moment = datetime.now(UTC).replace(microsecond=0)
    made = create(
        aws, FunctionName=name, EventSourceArn=stream.arn, StartingPosition="AT_TIMESTAMP",
        StartingPositionTimestamp=moment, **settings,
    )  # fmt: skip
    assert {key: made[key] for key in settings} == settings
    assert (made["StartingPosition"], made["StartingPositionTimestamp"]) == ("AT_TIMESTAMP", moment)
    wait_state(aws, made["UUID"], "Enabled")
    changed = update_mapping(
        aws, made["UUID"], TumblingWindowInSeconds=0, ParallelizationFactor=10, MaximumRetryAttempts=0,
        MaximumRecordAgeInSeconds=60, BisectBatchOnFunctionError=False,
        DestinationConfig={"OnFailure": {"Destination": ""}},
    )  # fmt: skip
    assert (changed["ParallelizationFactor"], changed["MaximumRetryAttempts"]) == (10, 0)
    assert (changed["MaximumRecordAgeInSeconds"], changed["TumblingWindowInSeconds"]) == (60, 0)
    assert changed["DestinationConfig"] == {"OnFailure": {}}
    assert changed["BisectBatchOnFunctionError"] is False
    back = update_mapping(aws, made["UUID"], MaximumRetryAttempts=-1, MaximumRecordAgeInSeconds=-1)
    assert (back["MaximumRetryAttempts"], back["MaximumRecordAgeInSeconds"]) == (-1, -1)


def test_provisioned_pollers(aws):
    name, queue = aws.create(ECHO), Queue(aws)
    made = create(
        aws, FunctionName=name, EventSourceArn=queue.arn,
        ProvisionedPollerConfig={"MinimumPollers": 3, "MaximumPollers": 10},
    )  # fmt: skip
    assert made["ProvisionedPollerConfig"] == {"MinimumPollers": 3, "MaximumPollers": 10}
    wait_state(aws, made["UUID"], "Enabled")
    refused(
        aws.lambda_.update_event_source_mapping, *INVALID, UUID=made["UUID"], ScalingConfig={"MaximumConcurrency": 5}
    )


def test_the_states_of_a_mapping(aws):
    name, queue = aws.create(ECHO), Queue(aws)
    mapping = create(aws, FunctionName=name, EventSourceArn=queue.arn)["UUID"]
    wait_state(aws, mapping, "Enabled")
    answer = aws.lambda_.update_event_source_mapping(UUID=mapping, Enabled=False)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["State"] == "Disabling"
    wait_state(aws, mapping, "Disabled")
    assert aws.lambda_.update_event_source_mapping(UUID=mapping, Enabled=True)["State"] == "Enabling"
    wait_state(aws, mapping, "Enabled")
    assert aws.lambda_.update_event_source_mapping(UUID=mapping, BatchSize=5)["State"] == "Updating"
    assert wait_state(aws, mapping, "Enabled")["BatchSize"] == 5
    answer = aws.lambda_.delete_event_source_mapping(UUID=mapping)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (answer["State"], answer["UUID"], answer["EventSourceArn"]) == ("Deleting", mapping, queue.arn)

    def is_gone():
        return not aws.lambda_.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]

    eventually(is_gone)
    for call in (
        aws.lambda_.get_event_source_mapping,
        aws.lambda_.update_event_source_mapping,
        aws.lambda_.delete_event_source_mapping,
    ):
        refused(call, "ResourceNotFoundException", 404, "The resource you requested does not exist.", UUID=mapping)


def test_a_mapping_outlives_its_function(aws):
    name, queue = aws.create(ECHO), Queue(aws)
    mapping = map_source(aws, name, queue)
    aws.lambda_.delete_function(FunctionName=name)
    assert aws.lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled"
    [listed] = aws.lambda_.list_event_source_mappings(EventSourceArn=queue.arn)["EventSourceMappings"]
    assert listed["UUID"] == mapping


def test_a_source_and_a_function_have_one_mapping(aws):
    name, queue, stream = aws.create(ECHO), Queue(aws), Stream(aws)
    first = map_source(aws, name, queue)
    second = map_stream(aws, name, stream)
    conflict = ("ResourceConflictException", 409)
    text = (
        f'An event source mapping with SQS arn (" {queue.arn} ") and function (" {name} ") already exists. Please update '
        f"or delete the existing mapping with UUID {first}"
    )
    refused(aws.lambda_.create_event_source_mapping, *conflict, text, FunctionName=name, EventSourceArn=queue.arn)
    text = (
        f'The event source arn (" {stream.arn} ") and function (" {name} ") provided mapping already exists. Please update '
        f"or delete the existing mapping with UUID {second}"
    )
    refused(
        aws.lambda_.create_event_source_mapping, *conflict, text, FunctionName=aws.arn(name), EventSourceArn=stream.arn,
        StartingPosition="LATEST",
    )  # fmt: skip
    other = aws.create(ECHO)
    map_source(aws, other, queue)
    map_stream(aws, other, stream)


def test_lists_and_their_pages(aws):
    names, queues = [aws.create(ECHO) for _ in range(2)], [Queue(aws) for _ in range(3)]
    made = {(name, queue.arn): map_source(aws, name, queue) for name in names for queue in queues}

    def listed(**parameters):
        pages = aws.lambda_.get_paginator("list_event_source_mappings").paginate(**parameters)
        found = [mapping["UUID"] for page in pages for mapping in page["EventSourceMappings"]]
        assert len(found) == len(set(found))
        return set(found)

    assert listed() == set(made.values())
    assert listed(PaginationConfig={"PageSize": 2}) == set(made.values())
    assert listed(FunctionName=names[0]) == {uuid for (name, _), uuid in made.items() if name == names[0]}
    assert listed(FunctionName=aws.arn(names[1])) == {uuid for (name, _), uuid in made.items() if name == names[1]}
    assert listed(EventSourceArn=queues[2].arn) == {uuid for (_, arn), uuid in made.items() if arn == queues[2].arn}
    assert listed(FunctionName=names[0], EventSourceArn=queues[0].arn) == {made[names[0], queues[0].arn]}
    page = aws.lambda_.list_event_source_mappings(MaxItems=2)
    assert len(page["EventSourceMappings"]) == 2 and page["NextMarker"]
    missing = f"Function not found: {aws.arn('missing')}"
    refused(
        aws.lambda_.list_event_source_mappings, "ResourceNotFoundException", 404, missing, FunctionName="missing"
    )
    assert Account(aws.server).lambda_.list_event_source_mappings()["EventSourceMappings"] == []
    elsewhere = aws.server.client("lambda", aws.number, "eu-west-3")
    assert elsewhere.list_event_source_mappings()["EventSourceMappings"] == []


def test_tags(aws):
    name, queue = aws.create(ECHO), Queue(aws)
    made = create(aws, FunctionName=name, EventSourceArn=queue.arn, Tags={"a": "1"})
    arn = made["EventSourceMappingArn"]
    assert aws.lambda_.list_tags(Resource=arn)["Tags"] == {"a": "1"}
    aws.lambda_.tag_resource(Resource=arn, Tags={"b": "2"})
    aws.lambda_.untag_resource(Resource=arn, TagKeys=["a"])
    assert aws.lambda_.list_tags(Resource=arn)["Tags"] == {"b": "2"}


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"BatchSize": 0}, "Value '0' at 'batchSize' failed to satisfy constraint: Member must have value greater than"),
        ({"BatchSize": 10_001}, "Value '10001' at 'batchSize' failed to satisfy constraint: Member must have value less"),
        ({"MaximumBatchingWindowInSeconds": 301}, "at 'maximumBatchingWindowInSeconds' failed to satisfy constraint"),
        ({"ParallelizationFactor": 0}, "at 'parallelizationFactor' failed to satisfy constraint"),
        ({"ParallelizationFactor": 11}, "at 'parallelizationFactor' failed to satisfy constraint"),
        ({"MaximumRetryAttempts": -2}, "at 'maximumRetryAttempts' failed to satisfy constraint"),
        ({"MaximumRetryAttempts": 10_001}, "at 'maximumRetryAttempts' failed to satisfy constraint"),
        ({"MaximumRecordAgeInSeconds": 604_801}, "at 'maximumRecordAgeInSeconds' failed to satisfy constraint"),
        ({"TumblingWindowInSeconds": 901}, "at 'tumblingWindowInSeconds' failed to satisfy constraint"),
        ({"ScalingConfig": {"MaximumConcurrency": 1}}, "at 'scalingConfig.maximumConcurrency' failed to satisfy constraint"),
        (
            {"ScalingConfig": {"MaximumConcurrency": 1001}},
            "at 'scalingConfig.maximumConcurrency' failed to satisfy constraint",
        ),
        (
            {"StartingPosition": "invalid"},
            "Value 'invalid' at 'startingPosition' failed to satisfy constraint: Member must satisfy enum value set: [",
        ),
        ({"FunctionResponseTypes": ["Everything"]}, "at 'functionResponseTypes' failed to satisfy constraint"),
        ({"MetricsConfig": {"Metrics": ["Everything"]}}, "at 'metricsConfig.metrics' failed to satisfy constraint"),
    ],
)
def test_values_out_of_range(aws, parameters, text):
    # What boto3 would refuse itself is for the server to refuse.
    unchecked = aws.client("lambda", parameter_validation=False)
    answer = refused(
        unchecked.create_event_source_mapping, "ValidationException", 400, text,
        FunctionName="f", EventSourceArn=f"arn:aws:kinesis:{aws.region}:{aws.number}:stream/s",
        **{"StartingPosition": "LATEST", **parameters},
    )  # fmt: skip
    assert answer["Error"]["Message"].startswith("1 validation error detected: ")


def test_what_a_queue_cannot_have(aws):
    name, queue = aws.create(ECHO), Queue(aws)
    fifo = Queue(aws, FifoQueue="true")
    create = aws.lambda_.create_event_source_mapping
    for settings, text in [
        (
            {"BatchSize": 11},
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": queue.arn}}},
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
        ({"StartingPosition": "LATEST"}, None),
        ({"ParallelizationFactor": 2}, None),
        ({"BisectBatchOnFunctionError": True}, None),
        ({"MaximumRetryAttempts": 1}, None),
        ({"MaximumRecordAgeInSeconds": 60}, None),
        ({"TumblingWindowInSeconds": 10}, None),
        ({"Topics": ["topic"]}, None),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition."),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"a": "no list"}}'}]}}, "Invalid filter pattern definition."),
        (
            {
                "ScalingConfig": {"MaximumConcurrency": 5},
                "ProvisionedPollerConfig": {"MinimumPollers": 2, "MaximumPollers": 5},
            },
            None,
        ),
        ({"ProvisionedPollerConfig": {"MinimumPollers": 9, "MaximumPollers": 5}}, None),
    ]:
        refused(create, *INVALID, text, FunctionName=name, EventSourceArn=queue.arn, **settings)
    for settings in ({"BatchSize": 11}, {"MaximumBatchingWindowInSeconds": 1}):
        refused(create, *INVALID, FunctionName=name, EventSourceArn=fifo.arn, **settings)
    six = [{"Pattern": '{"body": ["x"]}'}] * 6
    refused(create, *INVALID, FunctionName=name, EventSourceArn=queue.arn, FilterCriteria={"Filters": six})
    assert aws.lambda_.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []


def test_what_a_stream_cannot_have(aws):
    name, stream = aws.create(ECHO), Stream(aws)
    create = aws.lambda_.create_event_source_mapping
    base = {"FunctionName": name, "EventSourceArn": stream.arn}
    refused(
        create, *INVALID,
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be "
        "null.",
        **base,
    )  # fmt: skip
    base["StartingPosition"] = "TRIM_HORIZON"
    missing = f"arn:aws:sqs:{aws.region}:{aws.number}:missing"
    function, bucket = aws.create(ECHO), "arn:aws:s3:::bucket"
    for settings, text in [
        ({"StartingPosition": "AT_TIMESTAMP"}, None),
        ({"StartingPositionTimestamp": datetime.now(UTC)}, None),
        ({"ScalingConfig": {"MaximumConcurrency": 5}}, None),
        ({"MaximumRecordAgeInSeconds": 59}, None),
        ({"DestinationConfig": {"OnFailure": {"Destination": missing}}}, None),
        ({"DestinationConfig": {"OnFailure": {"Destination": aws.arn(function)}}}, None),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": bucket}}},
            "is not supported by Lambent yet",
        ),
        ({"DestinationConfig": {"OnSuccess": {"Destination": Queue(aws).arn}}}, None),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"data": ["plain text"]}'}]}}, None),
    ]:
        refused(create, *INVALID, text, **{**base, **settings})
    assert aws.lambda_.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []


def test_what_only_other_sources_have(aws):
    """Nothing is taken and then ignored."""
    name, queue, stream = aws.create(ECHO), Queue(aws), Stream(aws)
    secret = f"arn:aws:secretsmanager:{aws.region}:{aws.number}:secret:s"
    for settings in (
        {"SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": secret}]},
        {"DocumentDBEventSourceConfig": {"DatabaseName": "d"}},
        {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "g"}},
        {"SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "g"}},
        {"Queues": ["queue"]},
        {"MetricsConfig": {"Metrics": ["ErrorCount"]}},
    ):
        for source in ({"EventSourceArn": queue.arn}, {"EventSourceArn": stream.arn, "StartingPosition": "LATEST"}):
            refused(aws.lambda_.create_event_source_mapping, *INVALID, FunctionName=name, **source, **settings)


def test_encrypted_filters_are_not_listed(aws):
    name, key = aws.create(ECHO), f"arn:aws:kms:{aws.region}:{aws.number}:key/12345678-1234-1234-1234-123456789012"
    filters = {"Filters": [{"Pattern": '{"body": ["x"]}'}]}
    made = create(aws, FunctionName=name, EventSourceArn=Queue(aws).arn, FilterCriteria=filters, KMSKeyArn=key)
    assert (made["FilterCriteria"], made["KMSKeyArn"]) == (filters, key)
    assert aws.lambda_.get_event_source_mapping(UUID=made["UUID"])["FilterCriteria"] == filters
    [listed] = aws.lambda_.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert "FilterCriteria" not in listed


def test_sources_that_are_not_there(aws):
    name = aws.create(ECHO)
    create = aws.lambda_.create_event_source_mapping
    queue = f"arn:aws:sqs:{aws.region}:{aws.number}:missing"
    text = (
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: "
        "The specified queue does not exist."
    )
    refused(create, *INVALID, text, FunctionName=name, EventSourceArn=queue)
    stream = f"arn:aws:kinesis:{aws.region}:{aws.number}:stream/missing"
    refused(
        create, *INVALID, f"Stream not found: {stream}", FunctionName=name, EventSourceArn=stream,
        StartingPosition="LATEST",
    )  # fmt: skip
    refused(create, *INVALID, "Unrecognized event source", FunctionName=name, EventSourceArn="arn:aws:s3:::bucket")
    refused(create, *INVALID, "Unrecognized event source", FunctionName=name)
    there = Queue(aws)
    for qualifier in ("", ":7", ":live"):
        missing = ("missing" if not qualifier else name) + qualifier
        answer = pytest.raises(aws.lambda_.exceptions.ClientError, create, FunctionName=missing, EventSourceArn=there.arn)
        error = answer.value.response
        assert error["Error"]["Code"] in ("InvalidParameterValueException", "ResourceNotFoundException")
        assert error["Error"]["Message"].startswith("Function"), error


def test_sources_that_are_not_here_yet_say_so(aws):
    name = aws.create(ECHO)
    for arn in (
        f"arn:aws:dynamodb:{aws.region}:{aws.number}:table/t/stream/2026-01-01T00:00:00.000",
        f"arn:aws:kafka:{aws.region}:{aws.number}:cluster/c/0",
        f"arn:aws:mq:{aws.region}:{aws.number}:broker:b:b-0",
    ):
        refused(
            aws.lambda_.create_event_source_mapping, *INVALID, "as an event source is not supported by Lambent yet.",
            FunctionName=name, EventSourceArn=arn, StartingPosition="LATEST",
        )  # fmt: skip


def test_a_queue_must_hide_messages_for_as_long_as_the_function_may_run(aws):
    name, queue = aws.create(ECHO, Timeout=60), Queue(aws, VisibilityTimeout="30")
    refused(
        aws.lambda_.create_event_source_mapping, *INVALID,
        "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",
        FunctionName=name, EventSourceArn=queue.arn,
    )  # fmt: skip
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "60"})
    map_source(aws, name, queue)


def test_what_can_not_be_changed(aws):
    name, stream = aws.create(ECHO), Stream(aws)
    mapping = map_stream(aws, name, stream)
    # What the operation does not know it does not take, either.
    changed = update_mapping(aws, mapping, BatchSize=3)
    assert (changed["StartingPosition"], changed["EventSourceArn"]) == ("TRIM_HORIZON", stream.arn)
    refused(aws.lambda_.update_event_source_mapping, *INVALID, UUID=mapping, MaximumRecordAgeInSeconds=30)
    kept = aws.lambda_.get_event_source_mapping(UUID=mapping)
    assert kept["MaximumRecordAgeInSeconds"] == -1


def test_paths_with_a_slash_at_the_end(aws):
    """As older SDKs ask."""
    headers = {"Authorization": authorization(aws)}
    status, _, body = aws.server.request("GET", "/2015-03-31/event-source-mappings/", headers=headers)
    assert (status, json.loads(body)["EventSourceMappings"]) == (200, [])
    status, _, body = aws.server.request("GET", "/2015-03-31/event-source-mappings", headers=headers)
    assert (status, json.loads(body)["EventSourceMappings"]) == (200, [])


def authorization(account):
    scope = f"{account.number}/20261123/{account.region}/lambda/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"


@needs_cli
def test_the_commands_of_the_cli(server, tmp_path):
    cli = Cli(server, tmp_path)
    cli.create("f")
    queue = Queue(cli.account, "q")
    made = cli("lambda", "create-event-source-mapping", "--function-name", "f", "--event-source-arn", queue.arn,
               "--batch-size", "5", "--function-response-types", "ReportBatchItemFailures",
               "--scaling-config", "MaximumConcurrency=2")  # fmt: skip
    mapping = made["UUID"]
    cli.account.mappings.append(mapping)
    assert made["BatchSize"] == 5
    wait_state(cli.account, mapping, "Enabled")
    assert cli("lambda", "get-event-source-mapping", "--uuid", mapping)["State"] == "Enabled"
    cli("lambda", "update-event-source-mapping", "--uuid", mapping, "--no-enabled")
    wait_state(cli.account, mapping, "Disabled")
    [listed] = cli("lambda", "list-event-source-mappings", "--function-name", "f")["EventSourceMappings"]
    assert listed["UUID"] == mapping
    assert cli("lambda", "delete-event-source-mapping", "--uuid", mapping)["State"] == "Deleting"
    error = cli("lambda", "get-event-source-mapping", "--uuid", str(uuid.uuid4()), fails=True)
    assert "ResourceNotFoundException" in error
    cli.account.delete_functions()
