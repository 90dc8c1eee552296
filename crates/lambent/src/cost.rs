//! `lambent cost`: the bill.

use std::process::ExitCode;

use serde_json::Value;

use crate::arguments::CostOptions;
use crate::failure::Failure;
use crate::terminal::line;

pub(crate) fn run(options: &CostOptions) -> Result<ExitCode, Failure> {
    let query = options.month.as_ref().map_or(String::new(), |month| format!("?month={month}"));
    let bill = options.endpoint.get(&format!("/_lambent/cost{query}"))?;
    if options.json {
        line(&serde_json::to_string_pretty(&bill)?);
    } else {
        print(&bill);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(bill: &Value) {
    line(&serde_json::to_string_pretty(bill).unwrap_or_default());
}
