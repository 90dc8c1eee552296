#!/usr/bin/env bash
# Deploys the worker, gives it a queue with a dead-letter queue, sends five payments, and waits for the one that cannot be made.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The Python of this host.
runtime=$(python3 -c 'import sys; print("python3.%d" % sys.version_info[1])')
arns=arn:aws:sqs:${AWS_REGION:-us-east-1}:000000000000

# A message that was received twice and is still there goes to the dead-letter queue. It comes back two seconds after it
# failed: in earnest that would be longer, and at least six times the function's timeout.
dead=$(lambent aws sqs create-queue --queue-name payments-dead --query QueueUrl --output text)
cat >"$work/attributes.json" <<JSON
{"VisibilityTimeout": "2", "RedrivePolicy": "{\"deadLetterTargetArn\": \"$arns:payments-dead\", \"maxReceiveCount\": \"2\"}"}
JSON
queue=$(lambent aws sqs create-queue --queue-name payments --attributes "file://$work/attributes.json" \
  --query QueueUrl --output text)

python3 -m zipfile -c "$work/function.zip" worker.py
if lambent aws lambda get-function --function-name pay-worker >/dev/null 2>&1; then
  lambent aws lambda update-function-code --function-name pay-worker --zip-file "fileb://$work/function.zip" >/dev/null
  lambent aws lambda wait function-updated-v2 --function-name pay-worker
else
  lambent aws lambda create-function --function-name pay-worker --runtime "$runtime" --handler worker.handler --timeout 2 \
    --role arn:aws:iam::000000000000:role/worker --zip-file "fileb://$work/function.zip" >/dev/null
  lambent aws lambda wait function-active-v2 --function-name pay-worker
  lambent aws lambda create-event-source-mapping --function-name pay-worker --event-source-arn "$arns:payments" \
    --batch-size 10 --function-response-types ReportBatchItemFailures >/dev/null
fi

cat >"$work/entries.json" <<'JSON'
[
  {"Id": "1", "MessageBody": "{\"order\": 1, \"amount\": 12}"},
  {"Id": "2", "MessageBody": "{\"order\": 2, \"amount\": 7}"},
  {"Id": "3", "MessageBody": "{\"order\": 3, \"amount\": -5}"},
  {"Id": "4", "MessageBody": "{\"order\": 4, \"amount\": 30}"},
  {"Id": "5", "MessageBody": "{\"order\": 5, \"amount\": 1}"}
]
JSON
lambent aws sqs send-message-batch --queue-url "$queue" --entries "file://$work/entries.json" >/dev/null

# A long poll, which answers the moment the message arrives.
lambent aws sqs receive-message --queue-url "$dead" --wait-time-seconds 20 >"$work/dead.json"
python3 - "$work/dead.json" <<'PY'
import json, sys
[message] = json.load(open(sys.argv[1]))["Messages"]
print("in the dead-letter queue:", message["Body"])
assert json.loads(message["Body"])["order"] == 3
PY
receipt=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["Messages"][0]["ReceiptHandle"])' "$work/dead.json")
lambent aws sqs delete-message --queue-url "$dead" --receipt-handle "$receipt"
left=$(lambent aws sqs get-queue-attributes --queue-url "$queue" --output text --attribute-names \
  ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible --query 'sum(Attributes.*.to_number(@))')
echo "left in the queue: $left"
test "$left" = 0 || test "$left" = 0.0
lambent aws logs filter-log-events --log-group-name /aws/lambda/pay-worker --filter-pattern paid \
  --query 'events[].message' --output text
