// On AWS this test takes three minutes: an event that fails is tried again after one and after two more.
import assert from "node:assert";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { CreateFunctionCommand, InvokeCommand, LambdaClient, waitUntilFunctionActiveV2 } from "@aws-sdk/client-lambda";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

const SOURCE = `
export const handler = async (event) => {
  if (event.amount < 0) throw new RangeError("nothing to pay");
  return { paid: event.amount };
};
`;
// Without `--auth sigv4` an access key of twelve digits is the account.
const ACCOUNT = "100000000000";
const REGION = "eu-central-1";

let server, endpoint, functions, queues, queue;

// Starts a Lambent whose time moves only when told.
before(async () => {
  const options = ["serve", "--listen", "127.0.0.1:0", "--ephemeral", "--clock", "virtual"];
  server = spawn("lambent", options, { stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface(server.stderr);
  const first = await new Promise((resolve) => lines.once("line", resolve));
  endpoint = first.match(/http:\/\/[\d.:]+/)[0];
  const settings = { endpoint, region: REGION, credentials: { accessKeyId: ACCOUNT, secretAccessKey: "any" } };
  functions = new LambdaClient(settings);
  queues = new SQSClient(settings);

  queue = (await queues.send(new CreateQueueCommand({ QueueName: "lambda-dlq" }))).QueueUrl;
  const major = Number(process.versions.node.split(".")[0]);
  await functions.send(new CreateFunctionCommand({
    FunctionName: "pay",
    Runtime: `nodejs${major - (major % 2)}.x`,
    Handler: "index.handler",
    Role: "arn:aws:iam::000000000000:role/any",
    Code: { ZipFile: zip(SOURCE) },
    DeadLetterConfig: { TargetArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:lambda-dlq` },
  }));
  const wait = { client: functions, maxWaitTime: 30, minDelay: 1, maxDelay: 1 };
  await waitUntilFunctionActiveV2(wait, { FunctionName: "pay" });
});

after(() => {
  functions?.destroy();
  queues?.destroy();
  server.kill();
});

// Your build makes this; here it is made by Python to keep the example short.
function zip(source) {
  const folder = mkdtempSync(join(tmpdir(), "pay-"));
  try {
    writeFileSync(join(folder, "index.mjs"), source);
    execFileSync("python3", ["-m", "zipfile", "-c", "function.zip", "index.mjs"], { cwd: folder });
    return readFileSync(join(folder, "function.zip"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function send(event) {
  const command = { FunctionName: "pay", InvocationType: "Event", Payload: JSON.stringify(event) };
  return (await functions.send(new InvokeCommand(command))).$metadata.requestId;
}

// Moves time: { seconds: 120 }, { to: "next" } or { to: "2026-12-01T08:30:00Z" }. Returns what happened meanwhile.
async function advance(how) {
  const answer = await fetch(`${endpoint}/_lambent/clock/advance`, { method: "POST", body: JSON.stringify(how) });
  assert.ok(answer.ok, await answer.clone().text());
  return (await answer.json()).happened;
}

async function deadLetters() {
  const command = { QueueUrl: queue, MessageAttributeNames: ["All"] };
  return (await queues.send(new ReceiveMessageCommand(command))).Messages ?? [];
}

test("what fails three times becomes a dead letter", async () => {
  const requestId = await send({ amount: -1 });

  await advance({ seconds: 179 });
  assert.deepStrictEqual(await deadLetters(), []);
  const happened = await advance({ seconds: 1 });
  assert.ok(happened.some((step) => step.what === "attempted" && step.attempt === 3));

  const [letter] = await deadLetters();
  assert.deepStrictEqual(JSON.parse(letter.Body), { amount: -1 });
  assert.strictEqual(letter.MessageAttributes.RequestID.StringValue, requestId);
  assert.match(letter.MessageAttributes.ErrorMessage.StringValue, /nothing to pay/);
});
