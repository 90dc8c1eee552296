// Amazon SQS through the AWS SDK for JavaScript v3, which checks the digests of messages itself.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";

const sqs = new SQSClient({ maxAttempts: 1 });

async function create(attributes = {}, suffix = "") {
  const name = `queue-${randomUUID()}${suffix}`;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  return QueueUrl;
}

test("SQS: a message with attributes is sent, received, hidden and deleted", async () => {
  const QueueUrl = await create();
  const MessageAttributes = {
    Text: { DataType: "String", StringValue: "v" },
    Bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
  };
  const sent = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "Grüße", MessageAttributes }));
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      WaitTimeSeconds: 1,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    }),
  );
  const [message] = Messages;
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.Body, "Grüße");
  assert.equal(message.Attributes.ApproximateReceiveCount, "1");
  assert.equal(message.MessageAttributes.Text.StringValue, "v");
  assert.deepEqual([...message.MessageAttributes.Bytes.BinaryValue], [0, 255]);
  assert.equal(message.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  const { ReceiptHandle } = message;
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
  const again = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again.Messages[0].ReceiptHandle }));
  const none = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  assert.equal(none.Messages, undefined);
});

test("SQS: batches, order and duplicates", async () => {
  const QueueUrl = await create({ FifoQueue: "true", ContentBasedDeduplication: "true" }, ".fifo");
  const Entries = ["a", "b", "a"].map((body, index) => ({
    Id: String(index),
    MessageBody: body,
    MessageGroupId: "g",
  }));
  const sent = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  assert.equal(sent.Successful.length, 3);
  assert.equal(sent.Failed, undefined);
  assert.equal(sent.Successful[0].SequenceNumber, sent.Successful[2].SequenceNumber);
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  assert.deepEqual(
    Messages.map((message) => message.Body),
    ["a", "b"],
  );
  const deleted = await sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl,
      Entries: Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
    }),
  );
  assert.equal(deleted.Successful.length, 2);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["ApproximateNumberOfMessages"] }),
  );
  assert.deepEqual(Attributes, { ApproximateNumberOfMessages: "0" });
});

test("SQS: errors are the SDK's own classes", async () => {
  await assert.rejects(sqs.send(new GetQueueUrlCommand({ QueueName: "none" })), (error) => {
    assert(error instanceof QueueDoesNotExist);
    assert.equal(error.message, "The specified queue does not exist.");
    assert.equal(error.$metadata.httpStatusCode, 400);
    return true;
  });
});
