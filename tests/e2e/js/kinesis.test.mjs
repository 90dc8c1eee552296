// Amazon Kinesis through the AWS SDK for JavaScript v3, which speaks HTTP/2 with it from the first byte on.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";

import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeStreamConsumerCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  SplitShardCommand,
  SubscribeToShardCommand,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";

const kinesis = new KinesisClient({ maxAttempts: 1 });
const { AWS_ENDPOINT_URL: Endpoint, AWS_ACCESS_KEY_ID: Account } = process.env;
// An open connection keeps the process alive.
after(() => kinesis.destroy());

const bytes = (text) => new TextEncoder().encode(text);
const text = (data) => new TextDecoder().decode(data);

async function create(ShardCount = 1) {
  const StreamName = `stream-${randomUUID()}`;
  await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount }));
  const { reason } = await waitUntilStreamExists({ client: kinesis, maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.2 }, { StreamName });
  return { StreamName, StreamARN: reason.StreamDescription.StreamARN };
}

async function register(StreamARN) {
  const { Consumer } = await kinesis.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "reader" }));
  assert.equal(Consumer.ConsumerStatus, "CREATING");
  const { ConsumerARN } = Consumer;
  for (;;) {
    const { ConsumerDescription } = await kinesis.send(new DescribeStreamConsumerCommand({ ConsumerARN }));
    if (ConsumerDescription.ConsumerStatus === "ACTIVE") return ConsumerARN;
  }
}

function subscribe(ConsumerARN, StartingPosition, ShardId = "shardId-000000000000") {
  return kinesis.send(new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition }));
}

const put = (StreamName, Data) =>
  kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: "k", Data: bytes(Data) }));

test("Kinesis: records are put and got", async () => {
  assert.equal(kinesis.config.requestHandler.metadata.handlerProtocol, "h2");
  assert.match(Endpoint, /^http:/);
  const { StreamName, StreamARN } = await create(2);
  assert.equal(StreamARN, `arn:aws:kinesis:us-east-1:${Account}:stream/${StreamName}`);
  const data = new Uint8Array([0, 1, 254, 255]);
  const { FailedRecordCount, Records } = await kinesis.send(
    new PutRecordsCommand({ StreamName, Records: [1, 2, 3].map((n) => ({ PartitionKey: `${n}`, Data: data })) }),
  );
  assert.equal(FailedRecordCount, 0);
  const got = [];
  const { Shards } = await kinesis.send(new ListShardsCommand({ StreamName }));
  for (const { ShardId } of Shards) {
    const start = { StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" };
    const { ShardIterator } = await kinesis.send(new GetShardIteratorCommand(start));
    const answer = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
    assert.equal(answer.MillisBehindLatest, 0);
    got.push(...answer.Records);
  }
  assert.deepEqual(got.map((record) => record.SequenceNumber).sort(), Records.map((put) => put.SequenceNumber).sort());
  assert.ok(got.every((record) => record.ApproximateArrivalTimestamp instanceof Date));
  assert.ok(got.every((record) => Buffer.from(data).equals(record.Data)));
});

test("Kinesis: records are pushed over HTTP/2 as they come, to one subscription at a time", async () => {
  const { StreamName, StreamARN } = await create();
  const ConsumerARN = await register(StreamARN);
  await put(StreamName, "one");
  await put(StreamName, "two");
  const { EventStream } = await subscribe(ConsumerARN, { Type: "TRIM_HORIZON" });
  await assert.rejects(subscribe(ConsumerARN, { Type: "LATEST" }), ResourceInUseException);
  const seen = [];
  let last;
  await assert.rejects(async () => {
    for await (const { SubscribeToShardEvent: event } of EventStream) {
      last = event.ContinuationSequenceNumber;
      seen.push(...event.Records.map((record) => text(record.Data)));
      if (seen.length === 2) await put(StreamName, "three");
      if (seen.length === 3) await kinesis.send(new DeregisterStreamConsumerCommand({ ConsumerARN }));
    }
  }, ResourceNotFoundException);
  assert.deepEqual(seen, ["one", "two", "three"]);
  assert.match(last, /^49\d{54}$/);
});

test("Kinesis: a subscription ends with the shard, and names those that go on", async () => {
  const { StreamName, StreamARN } = await create();
  const ConsumerARN = await register(StreamARN);
  await put(StreamName, "old");
  const { EventStream } = await subscribe(ConsumerARN, { Type: "LATEST" });
  await put(StreamName, "last");
  const NewStartingHashKey = `${1n << 127n}`;
  await kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: "shardId-000000000000", NewStartingHashKey }));
  const events = [];
  for await (const { SubscribeToShardEvent: event } of EventStream) events.push(event);
  assert.deepEqual(events.flatMap((event) => event.Records.map((record) => text(record.Data))), ["last"]);
  const end = events.at(-1);
  assert.equal(end.ContinuationSequenceNumber, undefined);
  assert.deepEqual(
    end.ChildShards.map((shard) => [shard.ShardId, shard.ParentShards, shard.HashKeyRange.StartingHashKey]),
    [
      ["shardId-000000000001", ["shardId-000000000000"], "0"],
      ["shardId-000000000002", ["shardId-000000000000"], NewStartingHashKey],
    ],
  );
});

test("Kinesis: a subscription ends with its stream", async () => {
  const { StreamName, StreamARN } = await create();
  const ConsumerARN = await register(StreamARN);
  const { EventStream } = await subscribe(ConsumerARN, { Type: "LATEST" });
  await assert.rejects(kinesis.send(new DeleteStreamCommand({ StreamName })), ResourceInUseException);
  await kinesis.send(new DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }));
  await assert.rejects(async () => {
    for await (const _ of EventStream);
  }, ResourceNotFoundException);
  await assert.rejects(subscribe(ConsumerARN, { Type: "LATEST" }), ResourceNotFoundException);
});
