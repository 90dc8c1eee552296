//! What names a message move task to clients.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::errors::invalid;
use crate::tables::MoveTask;

/// The form of AWS's handles.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handle {
    task_id: String,
    source_arn: String,
}

pub(crate) fn encode(task: &MoveTask) -> String {
    let handle = Handle { task_id: task.id.clone(), source_arn: task.source.arn() };
    // Two texts are always JSON.
    STANDARD.encode(serde_json::to_vec(&handle).unwrap_or_default())
}

/// The task's id and its source's ARN.
pub(crate) fn decode(handle: &str) -> Result<(String, String), Error> {
    let json = STANDARD.decode(handle).ok();
    let handle: Option<Handle> = json.and_then(|json| serde_json::from_slice(&json).ok());
    let handle = handle.ok_or_else(|| invalid("Value for parameter TaskHandle is invalid."))?;
    Ok((handle.task_id, handle.source_arn))
}
