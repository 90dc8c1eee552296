//! A service as the gateway sees it.

use std::fmt::Debug;

use futures::future::BoxFuture;

use crate::{Context, Error, Request, Schema, Struct};

/// A wire protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// awsJson 1.0.
    AwsJson10,
    /// awsJson 1.1.
    AwsJson11,
    /// awsQuery.
    AwsQuery,
    /// restJson1.
    RestJson1,
    /// restXml.
    RestXml,
    /// rpcv2Cbor.
    RpcV2Cbor,
    /// awsJson 1.1 with CBOR in place of JSON: what AWS's SDKs for Java speak with Kinesis, older than rpcv2Cbor and in no
    /// specification.
    AwsCbor11,
}

/// A service of the models.
#[derive(Debug)]
pub struct ServiceSchema {
    /// Its short name, such as `lambda`.
    pub name: &'static str,
    /// Its name for people, such as `AWS Lambda`.
    pub title: &'static str,
    /// Its name in rpcv2Cbor paths and in error namespaces.
    pub shape_name: &'static str,
    /// Its name in the credential scope.
    pub signing_name: &'static str,
    /// What stands before the operation in `X-Amz-Target`.
    pub target_prefix: Option<&'static str>,
    /// The `Version` of awsQuery.
    pub api_version: &'static str,
    /// The protocols it is served in, the preferred one first.
    pub protocols: &'static [Protocol],
    /// The namespace of its XML.
    pub xml_namespace: Option<&'static str>,
    /// The error code of input that breaks a constraint.
    pub validation_code: &'static str,
    /// Sends the older awsQuery error codes in `x-amzn-query-error`.
    pub query_compatible: bool,
    /// All operations of the model.
    pub operations: &'static [OperationSchema],
}

/// An operation of the models.
#[derive(Debug)]
pub struct OperationSchema {
    /// Such as `CreateFunction`.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path's segments.
    pub path: &'static [Segment],
    /// Query parameters that must be there with these values.
    pub path_query: &'static [(&'static str, &'static str)],
    /// The status of success.
    pub status: u16,
    /// The input, where there is one.
    pub input: Option<&'static Schema>,
    /// The output, where there is one.
    pub output: Option<&'static Schema>,
    /// The exceptions that the model lists.
    pub errors: &'static [&'static str],
    /// Whether a handler stands behind it.
    pub implemented: bool,
    /// Whether it may be asked for without a signature: the input itself proves the right to it.
    pub unsigned: bool,
}

/// A segment of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// Must be just this.
    Literal(&'static str),
    /// Anything but a slash; the name of the label.
    Label(&'static str),
    /// Anything, slashes too; the name of the label.
    Greedy(&'static str),
}

/// What a handler returned; `None` where the operation has no output.
pub type Reply = Option<Box<dyn Struct>>;

/// A service that answers requests. Generated code implements it over the service's typed trait.
pub trait Service: Send + Sync + Debug {
    /// What it is.
    fn schema(&self) -> &'static ServiceSchema;

    /// Decodes, handles, and returns the output of the request's operation.
    fn call<'a>(&'a self, context: &'a Context, request: &'a Request) -> BoxFuture<'a, Result<Reply, Error>>;
}
