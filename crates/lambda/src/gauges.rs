//! Figures that are states, not events: what is claimed and provisioned. Source: AWS Lambda developer guide, "Types of
//! metrics for Lambda functions".

use std::collections::HashMap;

use async_trait::async_trait;
use ids::{FunctionArn, Qualifier};
use invoker::Snapshot;
use targets::{SampleGauges, Sampled, Unit};

use crate::Lambda;
use crate::concurrency::provisioning;
use crate::errors::Outcome;
use crate::figures;
use crate::tables::concurrency::{self, Provisioned};

#[async_trait]
impl SampleGauges for Lambda {
    async fn sample(&self) -> Vec<Sampled> {
        let now = self.invoker.concurrency();
        let mut sampled: Vec<Sampled> = now.iter().filter_map(account).collect();
        match provisioned(self, &now).await {
            Ok(provisioned) => sampled.extend(provisioned),
            Err(error) => tracing::warn!(?error, "what is provisioned could not be read"),
        }
        sampled
    }
}

/// Of an account in which something runs or is set aside.
fn account(now: &Snapshot) -> Option<Sampled> {
    let reserved = now.limit.saturating_sub(now.unreserved);
    let claimed = reserved.saturating_add(now.unreserved_running);
    if claimed == 0 {
        return None;
    }
    let source = figures::account_source(&now.account, &now.region);
    let values = vec![
        ("UnreservedConcurrentExecutions", Unit::Count, f64::from(now.unreserved_running)),
        ("ClaimedAccountConcurrency", Unit::Count, f64::from(claimed)),
    ];
    Some((source, values))
}

/// Of each version and alias that environments are provisioned for.
async fn provisioned(lambda: &Lambda, now: &[Snapshot]) -> Outcome<Vec<Sampled>> {
    let functions = now.iter().flat_map(|account| &account.functions);
    let running: HashMap<&FunctionArn, u32> =
        functions.map(|function| (&function.arn, function.provisioned_running)).collect();
    let snapshot = lambda.snapshot().await?;
    let mut sampled = Vec::new();
    for Provisioned { key, qualifier, .. } in concurrency::list(&*snapshot, &[]).await? {
        let Some(number) = provisioning::version_of(&*snapshot, &key, &qualifier).await? else { continue };
        let version = key.arn().qualified(Qualifier::Version(number));
        let running = f64::from(running.get(&version).copied().unwrap_or_default());
        let allocated = f64::from(lambda.invoker.provisioned(&version).allocated);
        let source = figures::resource_source(&key, &Qualifier::parse(&qualifier));
        let mut values = vec![("ProvisionedConcurrentExecutions", Unit::Count, running)];
        if allocated > 0.0 {
            values.push(("ProvisionedConcurrencyUtilization", Unit::None, running / allocated));
        }
        sampled.push((source, values));
    }
    Ok(sampled)
}
