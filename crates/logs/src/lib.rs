//! Amazon CloudWatch Logs
