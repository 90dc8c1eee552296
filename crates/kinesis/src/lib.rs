//! Amazon Kinesis Data Streams.
