//! Requests and GB-seconds per function, version and month, and what AWS would charge for them.
//!
//! [`Meter`] implements the `RecordUsage` port: a record costs an addition in memory and reaches the store within
//! about a second. [`Meter::bill`] prices a month with AWS's list and free tier, in integers.

mod bill;
mod meter;
mod money;
mod prices;
mod tables;

pub use bill::{Allowance, Bill, Line};
pub use meter::{Meter, MeterError};
pub use money::Money;

/// What one call of an x86 function costs beyond the free tier, for people: `$0.0000023 (...)`.
#[must_use]
pub fn call_cost(billed_ms: u64, memory_mb: u64) -> String {
    let compute = prices::on_demand(prices::Architecture::X86_64, 0, billed_ms * memory_mb);
    let request = prices::requests(1);
    format!(
        "cost beyond the free tier: {} ({billed_ms} ms x {memory_mb} MB = {compute}, and {request} for the request)",
        compute + request
    )
}
