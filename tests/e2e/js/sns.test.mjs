// Amazon SNS through the AWS SDK for JavaScript v3.

import assert from "node:assert/strict";
import { X509Certificate, createVerify, randomUUID } from "node:crypto";
import { test } from "node:test";

import {
  CreateTopicCommand,
  GetTopicAttributesCommand,
  NotFoundException,
  PublishBatchCommand,
  PublishCommand,
  SNSClient,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

const sns = new SNSClient({ maxAttempts: 1 });
const sqs = new SQSClient({ maxAttempts: 1 });

async function subscribed(attributes = {}) {
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: `topic-${randomUUID()}` }));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: `queue-${randomUUID()}` }));
  const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
  const { Attributes } = await sqs.send(asked);
  const subscribe = { TopicArn, Protocol: "sqs", Endpoint: Attributes.QueueArn, Attributes: attributes };
  await sns.send(new SubscribeCommand(subscribe));
  return { TopicArn, QueueUrl };
}

async function receive(QueueUrl) {
  const command = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5, MessageAttributeNames: ["All"] });
  const { Messages = [] } = await sqs.send(command);
  return Messages[0];
}

test("SNS: a notification reaches a queue, and its signature is good", async () => {
  const { TopicArn, QueueUrl } = await subscribed();
  const sent = await sns.send(new PublishCommand({ TopicArn, Message: "Grüße", Subject: "Hallo" }));
  const message = JSON.parse((await receive(QueueUrl)).Body);
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.Message, "Grüße");
  const names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
  const text = names.map((name) => `${name}\n${message[name]}\n`).join("");
  const certificate = await (await fetch(message.SigningCertURL)).text();
  const verify = createVerify("RSA-SHA1").update(text, "utf8");
  assert.ok(verify.verify(new X509Certificate(certificate).publicKey, message.Signature, "base64"));
});

test("SNS: raw delivery of a batch, with attributes", async () => {
  const { TopicArn, QueueUrl } = await subscribed({ RawMessageDelivery: "true" });
  const MessageAttributes = { n: { DataType: "Number", StringValue: "1" } };
  const PublishBatchRequestEntries = [{ Id: "a", Message: "one", MessageAttributes }];
  const answer = await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }));
  assert.equal(answer.Successful[0].Id, "a");
  const message = await receive(QueueUrl);
  assert.equal(message.Body, "one");
  assert.equal(message.MessageAttributes.n.StringValue, "1");
});

test("SNS: errors are the SDK's own", async () => {
  const TopicArn = `arn:aws:sns:us-east-1:${process.env.AWS_ACCESS_KEY_ID}:missing`;
  await assert.rejects(sns.send(new PublishCommand({ TopicArn, Message: "m" })), NotFoundException);
  await assert.rejects(sns.send(new GetTopicAttributesCommand({ TopicArn })), /Topic does not exist/);
});
