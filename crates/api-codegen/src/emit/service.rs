//! `service.rs`: the service's schema, its typed trait, and the dispatch between them.

use std::fmt::Write;

use anyhow::{Result, bail};

use super::{Emitter, HEADER};
use crate::model::{Http, Operation};
use crate::names;

impl Emitter<'_> {
    pub(super) fn service(&self) -> Result<String> {
        let name = &self.source.overlay.trait_name;
        let mut out = format!(
            "{HEADER}use std::fmt::Debug;\nuse std::future::Future;\n\nuse futures::future::BoxFuture;\nuse wire::{{\n    \
             Context, Error, OperationSchema, Protocol, Reply, Request, Segment, Service, ServiceSchema,\n}};\n\n\
             use crate::schema;\nuse crate::types::*;\n\n"
        );
        self.service_schema(&mut out)?;
        self.typed_trait(&mut out, name)?;
        self.dispatch(&mut out, name)?;
        Ok(out)
    }

    fn service_schema(&self, out: &mut String) -> Result<()> {
        let metadata = &self.source.model.metadata;
        let mut protocols = Vec::new();
        let listed = if metadata.protocols.is_empty() {
            std::slice::from_ref(&metadata.protocol)
        } else {
            &metadata.protocols[..]
        };
        for protocol in listed.iter().chain(&self.source.overlay.extra_protocols) {
            protocols.push(match (protocol.as_str(), metadata.json_version.as_deref()) {
                ("rest-json", _) => "Protocol::RestJson1",
                ("rest-xml", _) => "Protocol::RestXml",
                ("query", _) => "Protocol::AwsQuery",
                ("smithy-rpc-v2-cbor", _) => "Protocol::RpcV2Cbor",
                ("cbor", _) => "Protocol::AwsCbor11",
                ("json", Some("1.0")) => "Protocol::AwsJson10",
                ("json", _) => "Protocol::AwsJson11",
                (other, _) => bail!("unknown protocol {other}"),
            });
        }
        let validation_code = self.source.overlay.validation_code.as_deref().unwrap_or("ValidationException");
        let signing_name = metadata.signing_name.as_ref().unwrap_or(&metadata.endpoint_prefix);
        writeln!(
            out,
            "/// {title}.\npub static SERVICE: ServiceSchema = ServiceSchema {{\n    name: {name:?}, title: {title:?}, \
             shape_name: {shape_name:?}, signing_name: {signing_name:?}, target_prefix: {target:?}, api_version: {version:?}, \
             protocols: &[{protocols}], xml_namespace: {namespace:?}, validation_code: {validation_code:?}, \
             query_compatible: {compatible}, operations: &[",
            name = self.source.name,
            title = metadata.service_full_name,
            shape_name = metadata.target_prefix.as_ref().unwrap_or(&metadata.service_id),
            target = metadata.target_prefix,
            version = metadata.api_version,
            protocols = protocols.join(", "),
            namespace = metadata.xml_namespace.as_ref().or(self.source.overlay.xml_namespace.as_ref()),
            compatible = metadata.aws_query_compatible.is_some(),
        )?;
        for (name, operation) in &self.source.model.operations {
            self.operation_schema(out, name, operation)?;
        }
        out.push_str("] };\n\n");
        Ok(())
    }

    fn operation_schema(&self, out: &mut String, name: &str, operation: &Operation) -> Result<()> {
        let implemented = self.is_implemented(name);
        let unsigned = self.source.overlay.unsigned.iter().any(|unsigned| unsigned == name);
        let shape = |reference: &Option<crate::model::ShapeRef>| match reference {
            Some(reference) if self.reachable.contains(reference.shape.as_str()) => {
                format!("Some(&schema::{})", names::constant(&reference.shape))
            }
            _ => "None".to_owned(),
        };
        let errors: Vec<&str> = operation.errors.iter().map(|error| error.shape.as_str()).collect();
        let (mut path, query) = route(&operation.http);
        if let Some(member) = self.path_member(operation)? {
            path = format!("Segment::Greedy({member:?})");
        }
        writeln!(
            out,
            "    OperationSchema {{ name: {name:?}, method: {:?}, path: &[{path}], path_query: &[{query}], status: {}, \
             input: {}, output: {}, errors: &{errors:?}, implemented: {implemented}, unsigned: {unsigned} }},",
            operation.http.method,
            operation.http.response_code.unwrap_or(200),
            shape(&operation.input),
            shape(&operation.output),
        )?;
        Ok(())
    }

    /// The member of the input that the path stands for.
    fn path_member(&self, operation: &Operation) -> Result<Option<&str>> {
        let (Some(member), Some(input)) = (&self.source.overlay.path_member, &operation.input) else {
            return Ok(None);
        };
        Ok(self.shape(&input.shape)?.members.contains_key(member).then_some(member))
    }

    fn is_implemented(&self, operation: &str) -> bool {
        self.source.overlay.implemented.iter().any(|implemented| implemented == operation)
    }

    fn implemented(&self) -> impl Iterator<Item = (&String, &Operation)> {
        self.source.model.operations.iter().filter(|(name, _)| self.is_implemented(name))
    }

    fn typed_trait(&self, out: &mut String, name: &str) -> Result<()> {
        let title = &self.source.model.metadata.service_full_name;
        writeln!(
            out,
            "/// {title}: the operations that are served.\npub trait {name}: Send + Sync + Debug {{"
        )?;
        for (operation, shapes) in self.implemented() {
            let input = shapes.input.as_ref().map(|input| names::type_name(&input.shape));
            let output =
                shapes.output.as_ref().map_or("()".to_owned(), |output| names::type_name(&output.shape));
            let input = input.map_or(String::new(), |input| format!(", input: {input}"));
            writeln!(
                out,
                "    /// `{operation}`.\n    fn {}(&self, context: &Context{input}) \
                 -> impl Future<Output = Result<{output}, Error>> + Send;",
                names::field(operation)
            )?;
        }
        out.push_str("}\n\n");
        Ok(())
    }

    fn dispatch(&self, out: &mut String, name: &str) -> Result<()> {
        writeln!(
            out,
            "/// Decodes requests for an implementation of [`{name}`].\n#[derive(Debug)]\npub struct {name}Service<S>(pub S);\n\n\
             impl<S: {name}> Service for {name}Service<S> {{\n    fn schema(&self) -> &'static ServiceSchema {{\n        &SERVICE\n    }}\n\n    \
             fn call<'a>(&'a self, context: &'a Context, request: &'a Request) -> BoxFuture<'a, Result<Reply, Error>> {{\n        \
             match request.operation.name {{"
        )?;
        for (operation, shapes) in self.implemented() {
            let method = names::field(operation);
            let (decode, argument) = match &shapes.input {
                Some(input) => (
                    format!(
                        "let mut input = {}::default();\n request.decode(&mut input)?;\n",
                        names::type_name(&input.shape)
                    ),
                    ", input",
                ),
                None => (String::new(), ""),
            };
            let answer = match &shapes.output {
                Some(_) => format!(
                    "let output = self.0.{method}(context{argument}).await?;\nOk(Some(Box::new(output) as _))"
                ),
                None => format!("self.0.{method}(context{argument}).await?;\nOk(None)"),
            };
            writeln!(out, "{operation:?} => Box::pin(async move {{ {decode}{answer} }}),")?;
        }
        writeln!(
            out,
            "other => Box::pin(async move {{ Err(Error::not_implemented(SERVICE.name, other)) }}),\n        }}\n    }}\n}}"
        )?;
        Ok(())
    }
}

/// A path's segments and the query parameters that are part of it.
fn route(http: &Http) -> (String, String) {
    let (path, query) = http.request_uri.split_once('?').unwrap_or((&http.request_uri, ""));
    let segments: Vec<String> = path
        .trim_matches('/')
        .split('/')
        .map(|segment| match segment.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
            Some(label) => match label.strip_suffix('+') {
                Some(label) => format!("Segment::Greedy({label:?})"),
                None => format!("Segment::Label({label:?})"),
            },
            None => format!("Segment::Literal({segment:?})"),
        })
        .collect();
    let query: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            format!("({name:?}, {value:?})")
        })
        .collect();
    (segments.join(", "), query.join(", "))
}
