// CloudWatch metrics with the AWS SDK for JavaScript v3, which speaks CBOR and compresses what is long.
// AWS_ENDPOINT_URL says where; the access key is an account of this test alone.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  CloudWatchClient,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  InvalidParameterValueException,
  PutMetricDataCommand,
  paginateListMetrics,
} from "@aws-sdk/client-cloudwatch";

const cloudwatch = new CloudWatchClient({ maxAttempts: 1 });
const MINUTE_MS = 60_000;

test("metrics", async () => {
  const Dimensions = [{ Name: "Page", Value: "/a?b=\"c\" & d" }];
  const MetricData = Array.from({ length: 600 }, (_, number) => ({
    MetricName: `metric-${number}`,
    Dimensions,
    Unit: "Milliseconds",
    Timestamp: new Date(),
    Values: [1, 2, 3.5],
    Counts: [number + 1, 1, 1],
  }));
  await cloudwatch.send(new PutMetricDataCommand({ Namespace: "Js", MetricData }));

  const EndTime = new Date(Date.now() + MINUTE_MS);
  const StartTime = new Date(EndTime - 10 * MINUTE_MS);
  const metric = { Namespace: "Js", MetricName: "metric-7", Dimensions };
  const { Datapoints, Label } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      ...metric,
      StartTime,
      EndTime,
      Period: 600,
      Statistics: ["SampleCount", "Sum", "Minimum", "Maximum"],
    }),
  );
  assert.equal(Label, "metric-7");
  assert.equal(Datapoints.length, 1);
  const [{ SampleCount, Sum, Minimum, Maximum, Unit, Timestamp }] = Datapoints;
  assert.deepEqual([SampleCount, Sum, Minimum, Maximum, Unit], [10, 13.5, 1, 3.5, "Milliseconds"]);
  assert.ok(Timestamp instanceof Date && Timestamp >= StartTime - MINUTE_MS && Timestamp < EndTime, `${Timestamp}`);

  const { MetricDataResults } = await cloudwatch.send(
    new GetMetricDataCommand({
      StartTime,
      EndTime,
      MetricDataQueries: [
        { Id: "m1", MetricStat: { Metric: metric, Period: 600, Stat: "p50" }, ReturnData: false },
        { Id: "e1", Expression: "m1 * 10", Label: "tenfold" },
      ],
    }),
  );
  assert.deepEqual(MetricDataResults.map(({ Id, Label, Values }) => [Id, Label, Values]), [["e1", "tenfold", [10]]]);

  const names = [];
  for await (const page of paginateListMetrics({ client: cloudwatch }, { Namespace: "Js" })) {
    names.push(...page.Metrics.map(({ MetricName }) => MetricName));
  }
  assert.equal(new Set(names).size, 600);

  await assert.rejects(
    cloudwatch.send(new PutMetricDataCommand({ Namespace: "AWS/Lambda", MetricData: MetricData.slice(0, 1) })),
    (error) => {
      assert.ok(error instanceof InvalidParameterValueException, error.name);
      assert.equal(error.$metadata.httpStatusCode, 400);
      return true;
    },
  );
});
