//! Start-up to the first answered request, with many functions stored.

use std::time::Duration;

use anyhow::Result;
use clock::Stopwatch;
use serde_json::{Value, json};

use crate::Arguments;
use crate::function::Kind;
use crate::report::Report;
use crate::server::Server;
use crate::statistics::Summary;

pub(crate) fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let count = if arguments.quick { 200 } else { arguments.functions };
    eprintln!("start-up with {count} functions stored");
    let scratch = tempfile::tempdir()?;
    let data = scratch.path().join("data");
    fill(arguments, &data, scratch.path(), count)?;
    let mut series = Vec::new();
    for _ in 0..arguments.rounds(20) {
        let watch = Stopwatch::start();
        let server = Server::start(&arguments.lambent, &data, 4)?;
        let last = format!("/2015-03-31/functions/f{}", count - 1);
        server.client()?.call("GET", &last, &Value::Null)?;
        series.push(watch.elapsed());
        eprintln!("  ready line after {:?}", server.ready_after);
        server.stop()?;
    }
    let goal = Duration::from_millis(100);
    report.time(
        &format!("start to the first answered request, {count} functions stored"),
        Summary::of(series),
        None,
        Some(goal),
    );
    Ok(())
}

/// Stores the functions through the API, over as many connections as the server's commits can merge.
fn fill(
    arguments: &Arguments,
    data: &std::path::Path,
    scratch: &std::path::Path,
    count: usize,
) -> Result<()> {
    let server = Server::start(&arguments.lambent, data, 0)?;
    let package = Kind::Python.package(scratch)?;
    let threads = 16;
    let mut workers = Vec::new();
    for worker in 0..threads {
        let mut client = server.client()?;
        let package = package.clone();
        workers.push(std::thread::spawn(move || -> Result<()> {
            for index in (worker..count).step_by(threads) {
                let request = json!({
                    "FunctionName": format!("f{index}"),
                    "Runtime": "python3.11",
                    "Handler": "index.handler",
                    "Role": "arn:aws:iam::111111111111:role/bench",
                    "Code": { "ZipFile": package },
                });
                client.call("POST", "/2015-03-31/functions", &request)?;
            }
            Ok(())
        }));
    }
    for worker in workers {
        worker.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
    }
    server.stop()
}
