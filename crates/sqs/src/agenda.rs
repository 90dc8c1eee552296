//! What happens when in all queues: the waits of their messages, and of the tasks that move messages.

use std::collections::HashMap;

use async_trait::async_trait;
use store::StoreError;
use targets::{Agenda, Due};
use wire::Error;

use crate::Sqs;
use crate::errors::{read_failed, store_failed};
use crate::service::Inner;
use crate::tables::QUEUES;

/// Rows that are read at a time.
const ROWS: usize = 500;

#[async_trait]
impl Agenda for Sqs {
    async fn due(&self, limit: usize) -> Vec<Due> {
        let mut all = self.inner.queues.due(limit).await;
        // A queue that was not used since the start is known to `queue` by its id alone.
        if all.iter().any(|due| !due.resource.starts_with("arn:")) {
            // What could not be read was logged.
            let arns = arns(&self.inner).await.unwrap_or_default();
            for due in &mut all {
                if let Some(arn) = arns.get(&due.resource) {
                    due.resource.clone_from(arn);
                }
            }
        }
        all.extend(self.inner.move_tasks.due());
        all.sort_by_key(|due| due.at);
        all.truncate(limit);
        all
    }
}

/// The ARNs of all queues by their ids.
async fn arns(inner: &Inner) -> Result<HashMap<String, String>, Error> {
    let snapshot = inner.store.snapshot().await.map_err(read_failed)?;
    let (mut arns, mut after) = (HashMap::new(), None);
    loop {
        let rows = QUEUES.list(&*snapshot, &[], after.as_deref(), ROWS).await;
        let rows = rows.map_err(|error| store_failed(&error))?;
        let Some(last) = rows.last() else { return Ok(arns) };
        after = Some(last.key.clone());
        for row in rows {
            let arn = arn(&row.key).map_err(read_failed)?;
            arns.insert(row.record.id.0, arn);
        }
    }
}

fn arn(row: &[u8]) -> Result<String, StoreError> {
    let mut key = QUEUES.read_key(row)?;
    let (account, region, name) = (key.str()?, key.str()?, key.str()?);
    Ok(format!("arn:aws:sqs:{region}:{account}:{name}"))
}
