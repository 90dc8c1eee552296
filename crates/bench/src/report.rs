//! The figures, each beside its goal and its floor.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::statistics::Summary;

/// All figures of a run.
#[derive(Debug)]
pub(crate) struct Report {
    machine: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    figure: String,
    p99: String,
    floor: String,
    goal: String,
    met: bool,
}

impl Report {
    pub(crate) fn new(machine: String) -> Self {
        Self { machine, rows: Vec::new() }
    }

    /// A time whose median must not exceed `goal`; `floor` is what the bare process took in the same run.
    pub(crate) fn time(
        &mut self,
        what: &str,
        measured: Summary,
        floor: Option<Summary>,
        goal: Option<Duration>,
    ) {
        let floor_text = floor.map_or("-".to_owned(), |floor| {
            let ratio = measured.p50.as_secs_f64() / floor.p50.as_secs_f64().max(1e-9);
            format!("{} ({ratio:.1}x)", show(floor.p50))
        });
        self.rows.push(Row {
            what: format!("{what} (n = {})", measured.count),
            figure: show(measured.p50),
            p99: show(measured.p99),
            floor: floor_text,
            goal: goal.map_or("-".to_owned(), |goal| format!("<= {}", show(goal))),
            met: goal.is_none_or(|goal| measured.p50 <= goal),
        });
        eprintln!("  {what}: p50 {} p99 {}", show(measured.p50), show(measured.p99));
    }

    /// A figure that is no time.
    pub(crate) fn number(&mut self, what: &str, figure: String, floor: &str, goal: &str, met: bool) {
        eprintln!("  {what}: {figure}");
        self.rows.push(Row {
            what: what.to_owned(),
            figure,
            p99: "-".to_owned(),
            floor: floor.to_owned(),
            goal: goal.to_owned(),
            met,
        });
    }

    pub(crate) fn table(&self) -> String {
        let mut text =
            format!("{}\n\n| figure | p50 | p99 | floor, same run (ratio) | goal | |\n", self.machine);
        text.push_str("| --- | ---: | ---: | ---: | ---: | --- |\n");
        for row in &self.rows {
            let mark = if row.met { "" } else { "missed" };
            let _infallible = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {mark} |",
                row.what, row.figure, row.p99, row.floor, row.goal
            );
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "figure": row.what, "p50": row.figure, "p99": row.p99, "floor": row.floor, "goal": row.goal,
                    "met": row.met,
                })
            })
            .collect();
        json!({ "machine": self.machine, "rows": rows })
    }
}

fn show(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1_000.0 { format!("{micros:.0} us") } else { format!("{:.2} ms", micros / 1_000.0) }
}
