"""CloudWatch metrics: what clients put, and what functions, queues and topics measure."""

import gzip
import json
import re
import shutil
import subprocess
import time
import urllib.parse
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from account import eventually, refused
from lambent import ACCESS_KEY, ROOT, Server, clean_environment
from test_cli import Cli, needs_cli

CLIENTS = ROOT / "target/clients/js"
MINUTE = timedelta(minutes=1)
ALL = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]


@pytest.fixture
def metrics(aws):
    return aws.client("cloudwatch")


def window(**more):
    """The last ten minutes and the current one, as one period."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return {"StartTime": now - 10 * MINUTE, "EndTime": now + MINUTE, "Period": 660, **more}


def dimensions(**names):
    return [{"Name": name, "Value": value} for name, value in names.items()]


def statistics(metrics, namespace, name, **names):
    """All statistics of the last minutes; nothing if there are no values."""
    answer = metrics.get_metric_statistics(
        Namespace=namespace, MetricName=name, Dimensions=dimensions(**names), Statistics=ALL, **window()
    )
    [datapoint] = answer["Datapoints"] or [None]
    return datapoint


def test_values_in_all_forms(metrics):
    now = datetime.now(UTC)
    metrics.put_metric_data(
        Namespace="Shop",
        MetricData=[
            {"MetricName": "Orders", "Value": 11, "Unit": "Count", "Timestamp": now},
            {"MetricName": "Orders", "Values": [1.5, 4.0], "Counts": [2, 1], "Unit": "Count"},
            {
                "MetricName": "Orders",
                "StatisticValues": {"SampleCount": 2, "Sum": 30, "Minimum": 10, "Maximum": 20},
                "Unit": "Count",
            },
        ],
    )
    found = statistics(metrics, "Shop", "Orders")
    begin = found.pop("Timestamp")
    assert begin.second == 0 and now - 12 * MINUTE < begin < now
    assert found == {
        "SampleCount": 6, "Average": 8, "Sum": 48, "Minimum": 1.5, "Maximum": 20, "Unit": "Count",
    }  # fmt: skip


def test_percentiles(metrics):
    metrics.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Latency", "Values": list(range(1, 101)), "Unit": "Milliseconds"}]
    )
    asked = ["p50", "p99", "tm90", "TM(10%:90%)", "IQM", "PR(:30)", "tc90", "ts90"]
    answer = metrics.get_metric_statistics(
        Namespace="Shop", MetricName="Latency", ExtendedStatistics=asked, **window()
    )
    [datapoint] = answer["Datapoints"]
    found = datapoint["ExtendedStatistics"]
    assert found == pytest.approx(
        {
            "p50": 50, "p99": 99, "tm90": 45.5, "TM(10%:90%)": 50.5, "IQM": 50.5, "PR(:30)": 30, "tc90": 90,
            "ts90": 4095,
        }
    )  # fmt: skip
    refused(
        metrics.get_metric_statistics, "InvalidParameterValue", 400, "median",
        Namespace="Shop", MetricName="Latency", ExtendedStatistics=["median"], **window(),
    )  # fmt: skip


def test_metric_math(metrics):
    metrics.put_metric_data(
        Namespace="Shop",
        MetricData=[{"MetricName": "Requests", "Value": 40}, {"MetricName": "Errors", "Value": 10}],
    )

    def metric(id, name):
        stat = {"Metric": {"Namespace": "Shop", "MetricName": name}, "Period": 660, "Stat": "Sum"}
        return {"Id": id, "MetricStat": stat, "ReturnData": False}

    times = {key: value for key, value in window().items() if key != "Period"}
    queries = [
        metric("requests", "Requests"),
        metric("errors", "Errors"),
        {"Id": "share", "Expression": "100 * errors / requests", "Label": "Error rate"},
        {"Id": "found", "Expression": "SUM(SEARCH('{Shop} MetricName=\"Errors\"', 'Sum', 660))"},
    ]
    answer = metrics.get_metric_data(MetricDataQueries=queries, **times)
    shown = [(result["Id"], result["Label"], result["Values"]) for result in answer["MetricDataResults"]]
    assert shown == [("share", "Error rate", [25]), ("found", "found", [10])]
    assert [result["StatusCode"] for result in answer["MetricDataResults"]] == ["Complete"] * 2
    wrong = [{"Id": "e1", "Expression": "FORECAST(m1)"}]
    refused(metrics.get_metric_data, "ValidationError", 400, "FORECAST", MetricDataQueries=wrong, **times)


def test_what_is_put_can_be_listed(metrics):
    for page in ("a", "b"):
        metrics.put_metric_data(
            Namespace="Shop", MetricData=[{"MetricName": "Visits", "Value": 1, "Dimensions": dimensions(Page=page)}]
        )
    listed = metrics.list_metrics(Namespace="Shop", Dimensions=[{"Name": "Page", "Value": "b"}])["Metrics"]
    assert listed == [{"Namespace": "Shop", "MetricName": "Visits", "Dimensions": dimensions(Page="b")}]
    refused(
        metrics.put_metric_data, "InvalidParameterValue", 400, "AWS/",
        Namespace="AWS/Lambda", MetricData=[{"MetricName": "Invocations", "Value": 1}],
    )  # fmt: skip
    with pytest.raises(metrics.exceptions.InvalidParameterCombinationException):
        metrics.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "m", "Value": 1, "Values": [1]}])


def test_long_requests_come_compressed(strict_server):
    """From 10 KiB on boto3 compresses the body, and signs what is compressed."""
    metrics = strict_server.client("cloudwatch", credentials=ACCESS_KEY)
    seen = []
    metrics.meta.events.register("before-send", lambda request, **_: seen.append(request.headers))
    data = [{"MetricName": f"metric-{number}", "Values": [1.0] * 100} for number in range(50)]
    metrics.put_metric_data(Namespace="Long", MetricData=data)
    assert [headers.get("Content-Encoding") for headers in seen] == [b"gzip"]
    assert statistics(metrics, "Long", "metric-49")["SampleCount"] == 100


def test_a_body_that_is_no_gzip(aws):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}
    status, _, body = aws.server.request("POST", "/", b"Action=PutMetricData&Version=2010-08-01", headers)
    assert status == 400
    assert b"not valid gzip" in body


def test_the_older_protocols(aws, metrics):
    """awsJson 1.0, and awsQuery with a compressed form."""
    scope = f"AWS4-HMAC-SHA256 Credential={aws.number}/20260101/{aws.region}/monitoring/aws4_request"
    signed = {"Authorization": f"{scope}, SignedHeaders=host, Signature=0"}
    put = {"Namespace": "Old", "MetricData": [{"MetricName": "m", "Value": 2, "Timestamp": time.time()}]}
    target = "GraniteServiceVersion20100801.PutMetricData"
    as_json = {**signed, "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
    status, _, body = aws.server.request("POST", "/", json.dumps(put), as_json)
    assert status == 200, body
    form = {
        "Action": "PutMetricData", "Version": "2010-08-01", "Namespace": "Old",
        "MetricData.member.1.MetricName": "m", "MetricData.member.1.Value": "5",
    }  # fmt: skip
    body = gzip.compress(urllib.parse.urlencode(form).encode())
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Content-Encoding": "gzip"}
    status, _, body = aws.server.request("POST", "/", body, {**signed, **headers})
    assert status == 200 and b"PutMetricDataResponse" in body, body
    assert statistics(metrics, "Old", "m")["Sum"] == 7
    put["Namespace"] = "AWS/Lambda"
    status, answer, body = aws.server.request("POST", "/", json.dumps(put), as_json)
    assert (status, answer["x-amzn-query-error"]) == (400, "InvalidParameterValue;Sender"), body


@needs_cli
def test_the_cli(server, tmp_path):
    """Debian's speaks awsQuery."""
    cli = Cli(server, tmp_path)
    for value in ("4", "6"):
        cli(
            *("cloudwatch", "put-metric-data", "--namespace", "Cli", "--metric-name", "Depth", "--value", value),
            *("--unit", "Count", "--dimensions", "Queue=q,Stage=test"),
        )
    times = window()
    span = ("--start-time", times["StartTime"].isoformat(), "--end-time", times["EndTime"].isoformat())
    found = cli(
        *("cloudwatch", "get-metric-statistics", "--namespace", "Cli", "--metric-name", "Depth", "--period", "660"),
        *("--dimensions", "Name=Stage,Value=test", "Name=Queue,Value=q", "--statistics", "Average", "Maximum", *span),
    )
    [datapoint] = found["Datapoints"]
    assert (datapoint["Average"], datapoint["Maximum"], datapoint["Unit"]) == (5, 6, "Count")
    [metric] = cli("cloudwatch", "list-metrics", "--namespace", "Cli", "--recently-active", "PT3H")["Metrics"]
    assert metric["MetricName"] == "Depth"
    stat = {"Metric": metric, "Period": 660, "Stat": "p100"}
    query = json.dumps([{"Id": "m1", "MetricStat": stat}])
    [result] = cli("cloudwatch", "get-metric-data", "--metric-data-queries", query, *span)["MetricDataResults"]
    assert (result["Label"], result["Values"], result["StatusCode"]) == ("Depth", [6], "Complete")
    wrong = cli(
        *("cloudwatch", "put-metric-data", "--namespace", "Cli", "--metric-name", "Depth", "--value", "1"),
        *("--timestamp", "2020-01-01T00:00:00Z"),
        fails=True,
    )
    assert "(InvalidParameterValue)" in wrong and "within the past two weeks" in wrong


def test_the_aws_sdk_for_javascript(aws):
    if not (CLIENTS / "node_modules/@aws-sdk/client-cloudwatch").exists():
        pytest.skip("the AWS SDK for JavaScript is not installed")
    # ES modules are looked for beside the file that asks for them.
    script = shutil.copy(Path(__file__).parent / "js/metrics.mjs", CLIENTS)
    environment = {
        **clean_environment(),
        "AWS_ENDPOINT_URL": aws.server.endpoint,
        "AWS_ACCESS_KEY_ID": aws.number,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": aws.region,
    }
    done = subprocess.run(
        ["node", "--test", script], cwd=CLIENTS, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_values_survive_a_restart_and_a_kill(tmp_path):
    """What was acknowledged is on disk."""
    for end in ("stop", "kill"):
        server = Server("--pool-size", "0", data_dir=tmp_path)
        metrics = server.client("cloudwatch")
        metrics.put_metric_data(Namespace="Kept", MetricData=[{"MetricName": "m", "Value": 3}])
        getattr(server, end)()
    with Server("--pool-size", "0", data_dir=tmp_path) as server:
        found = statistics(server.client("cloudwatch"), "Kept", "m")
    assert (found["SampleCount"], found["Sum"]) == (2, 6)


FAILS_AT_TWO = """
def handler(event, context):
    if event == 2:
        raise ValueError("two")
"""


def test_invocations_are_measured(aws, metrics):
    name = aws.create(FAILS_AT_TWO)
    for event in (1, 2, 3):
        aws.invoke(name, event)
    found = eventually(
        lambda: (invocations := statistics(metrics, "AWS/Lambda", "Invocations", FunctionName=name))
        and invocations["Sum"] == 3
        and invocations
    )
    assert found["Unit"] == "Count"
    assert statistics(metrics, "AWS/Lambda", "Errors", FunctionName=name)["Sum"] == 1
    duration = statistics(metrics, "AWS/Lambda", "Duration", FunctionName=name)
    assert (duration["SampleCount"], duration["Unit"]) == (3, "Milliseconds")
    assert 0 < duration["Minimum"] <= duration["Average"] <= duration["Maximum"] < 30_000
    assert statistics(metrics, "AWS/Lambda", "ConcurrentExecutions", FunctionName=name)["Maximum"] == 1
    assert statistics(metrics, "AWS/Lambda", "Invocations")["Sum"] == 3, "of the whole account"

    status, headers, body = aws.server.request("GET", "/_lambent/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    labels = f'account="{aws.number}",region="{aws.region}",function_name="{name}"'
    text = body.decode()
    assert f"aws_lambda_invocations_total{{{labels}}} 3\n" in text, text
    assert f"aws_lambda_errors_total{{{labels}}} 1\n" in text
    assert f"aws_lambda_duration_seconds_count{{{labels}}} 3\n" in text


def test_prometheus_understands_the_exposition(aws):
    aws.invoke(aws.create("def handler(event, context): pass"), 1)
    text = aws.server.request("GET", "/_lambent/metrics")[2].decode()
    sample = re.compile(r'[a-z_]+(\{([a-z_]+="([^"\\\n]|\\.)*",?)*\})? -?[0-9.e+-]+')
    lines = text.splitlines()
    assert len(lines) > 5
    for line in lines:
        assert re.fullmatch(r"# TYPE [a-z_]+ (counter|gauge|summary)", line) or sample.fullmatch(line), line
    families = [line.split()[2] for line in lines if line.startswith("#")]
    assert len(families) == len(set(families))


def test_queues_are_measured(aws, metrics):
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName="measured")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody="12345")
    sent = statistics(metrics, "AWS/SQS", "NumberOfMessagesSent", QueueName="measured")
    assert (sent["Sum"], sent["Unit"]) == (3, "Count")
    assert statistics(metrics, "AWS/SQS", "SentMessageSize", QueueName="measured")["Maximum"] == 5
    visible = statistics(metrics, "AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName="measured")
    assert visible["Maximum"] == 3


def test_topics_are_measured(aws, metrics):
    sns = aws.client("sns")
    topic = sns.create_topic(Name="measured")["TopicArn"]
    sns.publish(TopicArn=topic, Message="hello")
    published = statistics(metrics, "AWS/SNS", "NumberOfMessagesPublished", TopicName="measured")
    assert published["Sum"] == 1
