//! A queue's resource policy, as the permission operations edit it.

use std::fmt;

use serde_json::{Map, Value};

use crate::tables::QueueRecord;

/// A policy in its parts.
#[derive(Debug)]
pub(crate) struct Policy {
    version: Value,
    id: Value,
    pub(crate) statements: Vec<Value>,
}

/// The queue's policy; where there is none, one without statements.
pub(crate) fn of(record: &QueueRecord, arn: &str) -> Policy {
    let policy =
        record.attributes.get("Policy").and_then(|text| serde_json::from_str::<Map<_, _>>(text).ok());
    let mut policy = policy.unwrap_or_default();
    let statements = match policy.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    Policy {
        version: policy.remove("Version").unwrap_or_else(|| "2008-10-17".into()),
        id: policy.remove("Id").unwrap_or_else(|| format!("{arn}/SQSDefaultPolicy").into()),
        statements,
    }
}

/// A statement's id.
pub(crate) fn sid(statement: &Value) -> Option<&str> {
    statement.get("Sid")?.as_str()
}

/// In AWS's order.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{\"Version\":{},\"Id\":{},\"Statement\":[", self.version, self.id)?;
        for (index, statement) in self.statements.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{statement}")?;
        }
        f.write_str("]}")
    }
}
