//! Functions that are fed by a queue and by a stream.

use serde_json::json;

use super::{Walk, check};
use crate::failure::Failure;

impl Walk {
    pub(super) fn queue(&self) -> Result<(), Failure> {
        self.step("A queue of orders, with a dead-letter queue for what fails twice");
        let redrive = json!({
            "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:orders-dlq", "maxReceiveCount": 2
        });
        let attributes =
            json!({ "RedrivePolicy": redrive.to_string(), "VisibilityTimeout": "30" }).to_string();
        let dead = self.json(&["sqs", "create-queue", "--queue-name", "orders-dlq"])?;
        let create = ["sqs", "create-queue", "--queue-name", "orders", "--attributes", &attributes];
        let orders = self.json(&create)?["QueueUrl"].as_str().unwrap_or_default().to_owned();

        self.step("A worker that is fed by it, and says which messages of a batch have failed");
        self.create("worker", self.python, "worker.handler", &[])?;
        let map = ["lambda", "create-event-source-mapping", "--function-name", "worker"];
        let source = ["--event-source-arn", "arn:aws:sqs:us-east-1:000000000000:orders"];
        let rest = ["--function-response-types", "ReportBatchItemFailures"];
        let mapping = self.json(&[&map[..], &source[..], &rest[..]].concat())?;
        self.enabled(mapping["UUID"].as_str().unwrap_or_default())?;

        self.step("Two good orders and a bad one");
        let entries = json!([
            { "Id": "1", "MessageBody": r#"{"order": 1, "items": ["tea"]}"# },
            { "Id": "2", "MessageBody": r#"{"order": 2, "items": []}"# },
            { "Id": "3", "MessageBody": r#"{"order": 3, "items": ["cup"]}"# },
        ]);
        let send = ["sqs", "send-message-batch", "--queue-url", &orders, "--entries", &entries.to_string()];
        self.run(&send)?;
        // Turning the clock waits for all that is under way.
        self.lambent(&["clock", "advance", "1s"])?;
        let packed = self.lines("worker", "packed order")?;
        check(
            packed.contains("packed order 1") && packed.contains("packed order 3"),
            "the good ones are packed",
        )?;

        self.step(
            "The bad one comes back when its visibility timeout ends, and then goes to the dead-letter queue",
        );
        self.lambent(&["clock", "advance", "1m"])?;
        let url = dead["QueueUrl"].as_str().unwrap_or_default();
        let received = self.json(&["sqs", "receive-message", "--queue-url", url])?;
        check(
            received["Messages"][0]["Body"] == r#"{"order": 2, "items": []}"#,
            "orders-dlq has it, and nothing else",
        )
    }

    pub(super) fn stream(&self) -> Result<(), Failure> {
        self.step("A stream of clicks, and a function that counts them in windows of thirty seconds");
        self.run(&["kinesis", "create-stream", "--stream-name", "clicks", "--shard-count", "1"])?;
        self.run(&["kinesis", "wait", "stream-exists", "--stream-name", "clicks"])?;
        self.create("counter", self.python, "counter.handler", &[])?;
        let map = ["lambda", "create-event-source-mapping", "--function-name", "counter"];
        let source = ["--event-source-arn", "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"];
        let rest = ["--starting-position", "TRIM_HORIZON", "--tumbling-window-in-seconds", "30"];
        let mapping = self.json(&[&map[..], &source[..], &rest[..]].concat())?;
        self.enabled(mapping["UUID"].as_str().unwrap_or_default())?;

        self.step("Three clicks; when their window is over, the function is called a last time for it");
        for page in ["home", "cart", "home"] {
            let data = json!({ "page": page }).to_string();
            let put = [
                "kinesis",
                "put-record",
                "--stream-name",
                "clicks",
                "--partition-key",
                page,
                "--data",
                &data,
            ];
            self.run(&[&put[..], self.client.raw_payload()].concat())?;
        }
        self.lambent(&["clock", "advance", "1m"])?;
        let counted = self.lines("counter", "window closed")?;
        check(counted.contains(r#"{"cart": 1, "home": 2}"#), "the window's clicks are counted")
    }

    /// Until a mapping polls.
    fn enabled(&self, uuid: &str) -> Result<(), Failure> {
        let get =
            ["lambda", "get-event-source-mapping", "--uuid", uuid, "--query", "State", "--output", "text"];
        // It takes milliseconds, and a call of the CLI takes longer.
        for _ in 0..100 {
            if self.run(&get)?.trim() == "Enabled" {
                return Ok(());
            }
        }
        check(false, "the mapping is enabled")
    }

    /// What a function printed, where it has this in it.
    fn lines(&self, function: &str, text: &str) -> Result<String, Failure> {
        let group = format!("/aws/lambda/{function}");
        let pattern = format!("\"{text}\"");
        let filter = ["logs", "filter-log-events", "--log-group-name", &group, "--filter-pattern", &pattern];
        self.run(&[&filter[..], &["--query", "events[].message", "--output", "text"]].concat())
    }
}
