//! AWS Lambda
