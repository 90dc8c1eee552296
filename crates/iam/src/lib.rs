//! IAM roles and STS
