// The AWS SDK for JavaScript v3 against a running server. AWS_ENDPOINT_URL says where; the access key is an account
// of these tests alone.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import net from "node:net";
import { after, test } from "node:test";
import { deflateRawSync } from "node:zlib";

import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  FilterLogEventsCommand,
  PutLogEventsCommand,
  paginateFilterLogEvents,
} from "@aws-sdk/client-cloudwatch-logs";
import { CreateRoleCommand, GetRoleCommand, IAMClient, NoSuchEntityException } from "@aws-sdk/client-iam";
import {
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  DeleteEventSourceMappingCommand,
  DeleteFunctionCommand,
  GetEventSourceMappingCommand,
  GetFunctionCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  ResourceConflictException,
  ResourceNotFoundException,
  TooManyRequestsException,
  UpdateFunctionCodeCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const account = process.env.AWS_ACCESS_KEY_ID;
const settings = { maxAttempts: 1 };
const lambda = new LambdaClient(settings);
const logs = new CloudWatchLogsClient(settings);
const created = [];

after(async () => {
  for (const FunctionName of created) await lambda.send(new DeleteFunctionCommand({ FunctionName }));
  for (const client of [lambda, logs]) client.destroy();
});

/** A zip of one file. */
function zip(name, text) {
  const content = Buffer.from(text);
  const data = deflateRawSync(content);
  const entry = Buffer.alloc(26);
  entry.writeUInt16LE(20, 0);
  entry.writeUInt16LE(0x800, 2);
  entry.writeUInt16LE(8, 4);
  entry.writeUInt16LE(0x21, 8);
  entry.writeUInt32LE(crc32(content), 10);
  entry.writeUInt32LE(data.length, 14);
  entry.writeUInt32LE(content.length, 18);
  entry.writeUInt16LE(Buffer.byteLength(name), 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), entry, Buffer.from(name), data]);
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE((0o100644 << 16) >>> 0, 6);
  const central = Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), entry, tail, Buffer.from(name)]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, Buffer.from("PK\x05\x06"), end]);
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

async function create(code, more = {}) {
  const FunctionName = `js-${randomUUID()}`;
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: process.env.LAMBENT_E2E_NODE,
      Role: `arn:aws:iam::${account}:role/any`,
      Handler: "index.handler",
      Timeout: 30,
      Code: { ZipFile: zip("index.mjs", code) },
      ...more,
    }),
  );
  created.push(FunctionName);
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 30, minDelay: 1 }, { FunctionName });
  return FunctionName;
}

async function invoke(FunctionName, event, more = {}) {
  const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event), ...more }));
  return { ...answer, result: JSON.parse(answer.Payload.transformToString()) };
}

test("a function is created, invoked, changed and published", async () => {
  const FunctionName = await create("export const handler = async (event) => ({ square: event.number ** 2 });");
  const first = await invoke(FunctionName, { number: 12 }, { LogType: "Tail" });
  assert.equal(first.StatusCode, 200);
  assert.equal(first.ExecutedVersion, "$LATEST");
  assert.deepEqual(first.result, { square: 144 });
  assert.match(Buffer.from(first.LogResult, "base64").toString(), /REPORT RequestId: /);
  const published = await lambda.send(new PublishVersionCommand({ FunctionName }));
  assert.equal(published.Version, "1");
  await lambda.send(
    new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zip("index.mjs", "export const handler = async () => 'new';") }),
  );
  await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 30, minDelay: 1 }, { FunctionName });
  assert.equal((await invoke(FunctionName, {})).result, "new");
  assert.deepEqual((await invoke(FunctionName, { number: 3 }, { Qualifier: "1" })).result, { square: 9 });
});

test("failures are told as the SDK knows them", async () => {
  const FunctionName = await create("export const handler = async () => { throw new RangeError('too far'); };");
  const failed = await invoke(FunctionName, {});
  assert.equal(failed.StatusCode, 200);
  assert.equal(failed.FunctionError, "Unhandled");
  assert.equal(failed.result.errorType, "RangeError");
  await assert.rejects(lambda.send(new GetFunctionCommand({ FunctionName: "missing" })), (error) => {
    assert.ok(error instanceof ResourceNotFoundException);
    assert.equal(error.$metadata.httpStatusCode, 404);
    return true;
  });
  await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
  await assert.rejects(lambda.send(new InvokeCommand({ FunctionName })), (error) => {
    assert.ok(error instanceof TooManyRequestsException);
    assert.equal(error.Reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
    return true;
  });
});

test("a response is streamed while the function still writes it", async () => {
  const gate = net.createServer().listen(0, "127.0.0.1");
  const visitor = new Promise((resolve) => gate.once("connection", resolve));
  await new Promise((resolve) => gate.once("listening", resolve));
  const FunctionName = await create(`
    import net from "node:net";
    export const handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.write("first ");
      await new Promise((resolve) => net.connect(event.port, "127.0.0.1").on("data", resolve));
      stream.write("second");
      stream.end();
    });`);
  const { EventStream } = await lambda.send(
    new InvokeWithResponseStreamCommand({ FunctionName, Payload: JSON.stringify({ port: gate.address().port }) }),
  );
  const text = [];
  let complete;
  for await (const event of EventStream) {
    if (event.PayloadChunk) {
      text.push(Buffer.from(event.PayloadChunk.Payload).toString());
      if (text.length === 1) {
        assert.equal(text[0], "first ");
        (await visitor).end("go");
      }
    }
    if (event.InvokeComplete) complete = event.InvokeComplete;
  }
  gate.close();
  assert.equal(text.join(""), "first second");
  assert.equal(complete.ErrorCode, undefined);
});

test("logs are written, filtered and paged", async () => {
  const logGroupName = `/js/${randomUUID()}`;
  await logs.send(new CreateLogGroupCommand({ logGroupName }));
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: "stream" }));
  const now = Date.now();
  const logEvents = [..."abcdef"].map((letter, number) => ({
    timestamp: now + number,
    message: JSON.stringify({ letter, number }),
  }));
  await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName: "stream", logEvents }));
  const found = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: "{ $.number >= 4 }" }));
  assert.deepEqual(found.events.map(({ message }) => JSON.parse(message).letter), ["e", "f"]);
  const letters = [];
  for await (const page of paginateFilterLogEvents({ client: logs, pageSize: 4 }, { logGroupName })) {
    letters.push(...page.events.map(({ message }) => JSON.parse(message).letter));
  }
  assert.equal(letters.join(""), "abcdef");
});

test("identity and roles", async () => {
  const sts = new STSClient(settings);
  assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, account);
  const iam = new IAMClient(settings);
  const RoleName = `js-${randomUUID()}`;
  const AssumeRolePolicyDocument = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
  });
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  assert.equal(Role.Arn, `arn:aws:iam::${account}:role/${RoleName}`);
  assert.equal((await iam.send(new GetRoleCommand({ RoleName }))).Role.RoleId, Role.RoleId);
  await assert.rejects(iam.send(new GetRoleCommand({ RoleName: "missing" })), NoSuchEntityException);
});

test("Lambda: a queue's mapping", async () => {
  const FunctionName = await create(
    "export const handler = async (event) => console.log(`got ${event.Records[0].body} by ${event.Records[0].eventSource}`);",
  );
  const sqs = new SQSClient(settings);
  const QueueName = `queue-${randomUUID()}`;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
  const EventSourceArn = `arn:aws:sqs:us-east-1:${account}:${QueueName}`;
  const { UUID, State } = await lambda.send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn }));
  assert.equal(State, "Creating");
  await assert.rejects(
    lambda.send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn })),
    ResourceConflictException,
  );
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "this" }));
  const logGroupName = `/aws/lambda/${FunctionName}`;
  await eventually(async () => {
    const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: '"got this by aws:sqs"' }));
    return events.length === 1;
  });
  await eventually(async () => {
    const mapping = await lambda.send(new GetEventSourceMappingCommand({ UUID }));
    return mapping.State === "Enabled" && mapping.LastProcessingResult === "OK";
  });
  assert.equal((await lambda.send(new DeleteEventSourceMappingCommand({ UUID }))).State, "Deleting");
  await eventually(async () => {
    try {
      await lambda.send(new GetEventSourceMappingCommand({ UUID }));
    } catch (error) {
      return error instanceof ResourceNotFoundException;
    }
  });
  sqs.destroy();
});

/** Asks until it is true; an error counts as not yet. */
async function eventually(look) {
  for (const deadline = Date.now() + 20_000; ; ) {
    if (await look().catch(() => false)) return;
    assert.ok(Date.now() < deadline, "it did not come true");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
