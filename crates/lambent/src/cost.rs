//! `lambent cost`: the bill.

use std::process::ExitCode;

use serde_json::Value;

use crate::arguments::CostOptions;
use crate::failure::Failure;
use crate::terminal::{line, list, paint, text};

pub(crate) fn run(options: &CostOptions) -> Result<ExitCode, Failure> {
    let mut query = Vec::new();
    query.extend(options.month.as_ref().map(|month| format!("month={month}")));
    query.extend(options.account.as_ref().map(|account| format!("account={account}")));
    let bill = options.endpoint.get(&format!("/_lambent/cost?{}", query.join("&")))?;
    if options.json {
        line(&serde_json::to_string_pretty(&bill)?);
    } else {
        print(&bill);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(bill: &Value) {
    line(&paint("1", &format!("Account {}, {}", text(&bill["account"]), text(&bill["month"]))));
    let lines = list(&bill["lines"]);
    if !lines.is_empty() {
        line(&format!(
            "{:<32} {:>8} {:>10} {:>14} {:>16}",
            "function", "version", "requests", "GB-seconds", "cost"
        ));
    }
    for row in lines {
        let name = match row["provisioned"] == true {
            true => format!("{} (provisioned)", text(&row["function"])),
            false => text(&row["function"]),
        };
        line(&format!(
            "{name:<32} {:>8} {:>10} {:>14} {:>16}",
            text(&row["version"]),
            text(&row["requests"]),
            text(&row["gb_seconds"]),
            format!("${}", text(&row["cost"])),
        ));
    }
    for (what, name) in [("requests", "requests"), ("gb_seconds", "GB-seconds")] {
        let allowance = &bill[what];
        line(&format!(
            "{name}: {} used, {} free each month, {} of them left",
            text(&allowance["used"]),
            text(&allowance["free"]),
            text(&allowance["free_left"]),
        ));
    }
    line(&format!("before the free tier: ${}", text(&bill["before_free_tier"])));
    line(&paint("1;32", &format!("to pay: ${}", text(&bill["due"]))));
    line(&paint("2", &text(&bill["note"])));
}
