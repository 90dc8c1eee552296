//! The Node.js bootstrap. What it must do was observed on AWS's own clients (aws-lambda-ric 3.3 and 4.0).

use std::io::Write;
use std::os::fd::AsRawFd;
use std::process::Command;

use runtimes::{Interpreter, Language};
use serde_json::json;

use crate::fixture::{Function, InitFailure, Running, RuntimeApi, find_newest};

/// Runs `check` under Node.js, as a function of `nodejs22.x` or `nodejs24.x`.
fn with_node(files: &[(&str, &str)], runtime: &str, check: impl FnOnce(Function, Interpreter)) {
    let Some(node) = find_newest(Language::Node) else { return };
    check(Function::new(files).variable("AWS_EXECUTION_ENV", &format!("AWS_Lambda_{runtime}")), node);
}

fn run(code: &str, runtime: &str, handler: &str, check: impl FnOnce(Running)) {
    with_node(&[("index.js", code)], runtime, |function, node| check(function.start(&node, handler)));
}

#[test]
fn a_handler_gets_its_event_and_context() {
    let code = r#"
        console.log("init");
        exports.handler = async (event, context) => {
            console.log("got %j", event);
            const { getRemainingTimeInMillis, ...rest } = context;
            return { event, left: getRemainingTimeInMillis() > 1000, trace: process.env._X_AMZN_TRACE_ID, context: rest };
        };
    "#;
    for runtime in ["nodejs22.x", "nodejs24.x"] {
        run(code, runtime, "index.handler", |running| {
            running.give(
                "id-7",
                r#"{"a":"ä"}"#,
                &[
                    ("Lambda-Runtime-Trace-Id", "Root=1-2"),
                    ("Lambda-Runtime-Client-Context", r#"{"custom":1}"#),
                ],
            );
            let result = running.take("invocation/id-7/response").json();
            assert_eq!(result["event"], json!({"a": "ä"}));
            assert_eq!((&result["left"], &result["trace"]), (&json!(true), &json!("Root=1-2")));
            let context = &result["context"];
            assert_eq!(context["functionName"], json!("fn"));
            assert_eq!(context["functionVersion"], json!("$LATEST"));
            assert_eq!(context["memoryLimitInMB"], json!("128"));
            assert_eq!(context["logGroupName"], json!("/aws/lambda/fn"));
            assert_eq!(context["logStreamName"], json!("stream"));
            assert_eq!(context["clientContext"], json!({"custom": 1}));
            assert_eq!(context["awsRequestId"], json!("id-7"));
            assert_eq!(
                context["invokedFunctionArn"],
                json!("arn:aws:lambda:us-east-1:000000000000:function:fn")
            );
            let second = running.invoke("2");
            assert_eq!(second.json().get("trace"), None);
            assert_eq!(second.connection, 0, "the connection is kept");
            let output = running.stop();
            let lines: Vec<Vec<&str>> =
                output.lines().map(|line| line.split('\t').skip(1).collect()).collect();
            let none = if runtime == "nodejs22.x" { "undefined" } else { "-" };
            assert_eq!(lines[..2], [vec![none, "INFO", "init"], vec!["id-7", "INFO", "got {\"a\":\"ä\"}"]]);
        });
    }
}

#[test]
fn each_style_of_handler_gives_its_result() {
    let code = r#"
        exports.callback = (event, context, callback) => { setTimeout(() => global.late = true, 5); callback(null, global.late ?? "early"); };
        exports.notWaiting = (event, context, callback) => {
            context.callbackWaitsForEmptyEventLoop = false;
            setTimeout(() => {}, 1e9);
            callback(null, "at once");
        };
        exports.neither = () => "ignored";
        exports.done = (event, context) => { context.succeed("old"); };
        exports.pending = () => new Promise(() => {});
        exports.promise = () => Promise.resolve();
        exports.nested = { deep: async () => "deep" };
    "#;
    for (handler, result) in [
        ("index.notWaiting", "\"at once\""),
        ("index.neither", "null"),
        ("index.done", "\"old\""),
        ("index.pending", "null"),
        ("index.promise", "null"),
        ("index.nested.deep", "\"deep\""),
    ] {
        run(code, "nodejs22.x", handler, |running| {
            assert_eq!(running.invoke("{}").text(), result, "{handler}")
        });
    }
    run(code, "nodejs22.x", "index.callback", |running| {
        assert_eq!(running.invoke("{}").text(), "\"early\"");
        assert_eq!(
            running.invoke("{}").text(),
            "true",
            "the first invocation ended when the event loop was empty"
        );
    });
}

#[test]
fn from_nodejs24_on_there_are_no_callbacks_and_plain_results_count() {
    let code = "exports.callback = (event, context, callback) => {};
        exports.plain = () => 'counts';
        exports.pending = () => new Promise(() => {});";
    run(code, "nodejs24.x", "index.callback", |running| {
        let error = running.take("init/error").json();
        assert_eq!(error["errorType"], json!("Runtime.CallbackHandlerDeprecated"));
        assert_eq!(running.end().0, Some(1));
    });
    run(code, "nodejs24.x", "index.plain", |running| assert_eq!(running.invoke("{}").text(), "\"counts\""));
    run(code, "nodejs24.x", "index.pending", |running| {
        running.give("id-1", "{}", &[]);
        assert_eq!(running.end(), (Some(0), String::new()), "an empty event loop ends the process");
    });
}

#[test]
fn failures_of_a_handler_are_reported_and_end_nothing() {
    let code = r#"
        exports.handler = async (event) => {
            if (event === "error") throw new TypeError("no\nyes");
            if (event === "text") throw "text";
            if (event === "circle") { const circle = {}; circle.self = circle; return circle; }
        };
        exports.sync = () => { throw new RangeError("sync"); };
        exports.callback = (event, context, callback) => callback(new Error("called"));
    "#;
    run(code, "nodejs22.x", "index.handler", |running| {
        let error = running.invoke_failing("\"error\"");
        assert_eq!(error.header("lambda-runtime-function-error-type"), Some("TypeError"));
        let document = error.json();
        assert_eq!(
            (&document["errorType"], &document["errorMessage"]),
            (&json!("TypeError"), &json!("no\nyes"))
        );
        assert_eq!((&document["trace"][0], &document["trace"][1]), (&json!("TypeError: no"), &json!("yes")));
        assert!(document["trace"][2].as_str().unwrap().contains("/task/index.js:3:"), "{document}");
        let document = running.invoke_failing("\"text\"").json();
        assert_eq!(document, json!({"errorType": "string", "errorMessage": "text", "trace": []}));
        let document = running.invoke_failing("\"circle\"").json();
        assert_eq!(document["errorMessage"], json!("Unable to stringify response body"));
        running.invoke("\"fine\"");
        let output = running.stop();
        let first: Vec<&str> = output.lines().next().unwrap().split('\t').skip(1).collect();
        assert_eq!(first[..3], ["id-1", "ERROR", "Invoke Error "]);
        let logged: serde_json::Value = serde_json::from_str(first[3]).unwrap();
        assert_eq!(
            (&logged["errorType"], &logged["stack"][0]),
            (&json!("TypeError"), &json!("TypeError: no"))
        );
    });
    for (handler, error_type) in [("index.sync", "RangeError"), ("index.callback", "Error")] {
        run(code, "nodejs22.x", handler, |running| {
            assert_eq!(running.invoke_failing("{}").json()["errorType"], json!(error_type));
            running.invoke_failing("{}");
        });
    }
}

#[test]
fn what_nobody_catches_is_reported_and_ends_the_process() {
    let code = r#"
        exports.thrown = () => { setTimeout(() => { throw new Error("boom"); }, 1); return new Promise(() => {}); };
        exports.rejected = async () => { Promise.reject(new Error("boom")); await new Promise((go) => setTimeout(go, 1000)); };
    "#;
    run(code, "nodejs22.x", "index.thrown", |running| {
        let error = running.invoke_failing("{}").json();
        assert_eq!((&error["errorType"], &error["errorMessage"]), (&json!("Error"), &json!("boom")));
        let (status, output) = running.end();
        assert_eq!(status, Some(129));
        assert!(output.contains("\tid-1\tERROR\tUncaught Exception \t{\"errorType\":\"Error\""), "{output}");
    });
    run(code, "nodejs22.x", "index.rejected", |running| {
        let error = running.invoke_failing("{}").json();
        assert_eq!(error["errorType"], json!("Runtime.UnhandledPromiseRejection"));
        assert_eq!(error["errorMessage"], json!("Error: boom"));
        let (status, output) = running.end();
        assert_eq!(status, Some(128));
        assert!(output.contains("\tid-1\tERROR\tUnhandled Promise Rejection \t{"), "{output}");
    });
    run(code, "nodejs24.x", "index.thrown", |running| {
        running.give("id-1", "{}", &[]);
        let (status, output) = running.end();
        assert_eq!(status, Some(1));
        assert!(output.contains("Error: boom\n    at "), "{output}");
    });
}

#[test]
fn a_failure_to_initialize_is_reported_in_awss_words() {
    let cases: &[InitFailure] = &[
        (&[], "index", "Runtime.MalformedHandlerName", "Bad handler"),
        (
            &[],
            "../index.x",
            "Runtime.MalformedHandlerName",
            "'../index.x' is not a valid handler name. Use absolute paths when specifying root directories in handler names.",
        ),
        (&[], "index.x", "Runtime.ImportModuleError", "Error: Cannot find module 'index'\nRequire stack:\n"),
        (
            &[("index.js", "require('nonesuch')")],
            "index.x",
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'nonesuch'\nRequire stack:\n",
        ),
        (
            &[("index.js", "exports.x = 1; }")],
            "index.x",
            "Runtime.UserCodeSyntaxError",
            "SyntaxError: Unexpected token '}'",
        ),
        (&[("index.js", "")], "index.x", "Runtime.HandlerNotFound", "index.x is undefined or not exported"),
        (&[("index.js", "exports.x = 1")], "index.x", "Runtime.HandlerNotFound", "index.x is not a function"),
        (&[("index.js", "throw new RangeError('r')")], "index.x", "RangeError", "r"),
        (&[("index.mjs", "await Promise.reject(new RangeError('m'))")], "index.x", "RangeError", "m"),
    ];
    for (files, handler, error_type, message) in cases {
        for (runtime, title, exit) in
            [("nodejs22.x", "Uncaught Exception", 129), ("nodejs24.x", "Init Error", 1)]
        {
            with_node(files, runtime, |function, node| {
                let running = function.start(&node, handler);
                let error = running.take("init/error");
                assert_eq!(error.header("lambda-runtime-function-error-type"), Some(*error_type));
                let document = error.json();
                assert_eq!(document["errorType"], json!(error_type));
                assert!(document["errorMessage"].as_str().unwrap().starts_with(message), "{document}");
                let (status, output) = running.end();
                assert_eq!(status, Some(exit), "{output}");
                assert!(
                    output.contains(&format!("\tERROR\t{title} \t{{\"errorType\":\"{error_type}\"")),
                    "{output}"
                );
            });
        }
    }
}

#[test]
fn modules_of_either_kind_are_loaded_and_find_what_layers_bring() {
    let esm = "import { x } from 'in-layer'; export const handler = async () => x;";
    let common = "const { x } = require('in-layer'); exports.handler = async () => x;";
    let cases: &[&[(&str, &str)]] = &[
        &[("dir/index.mjs", esm)],
        &[("dir/index.cjs", common)],
        &[("dir/index.js", common)],
        &[("dir/index.js", esm), ("package.json", r#"{"type": "module"}"#)],
        &[("dir/index.mjs", "export default { handler: async () => 'from a layer' }")],
        &[("node_modules/dir/index.js", "exports.handler = async () => 'from a layer'")],
    ];
    for files in cases {
        let mut files = files.to_vec();
        files.push(("opt/nodejs/node_modules/in-layer/package.json", r#"{"main": "main.js"}"#));
        files.push(("opt/nodejs/node_modules/in-layer/main.js", "exports.x = 'from a layer';"));
        let handler =
            if files[0].0.starts_with("node_modules") { "dir.handler" } else { "dir/index.handler" };
        with_node(&files, "nodejs22.x", |function, node| {
            let running = function.start(&node, handler);
            assert_eq!(running.invoke("{}").text(), "\"from a layer\"", "{files:?}");
        });
    }
}

#[test]
fn the_console_writes_json_from_the_wanted_level_on() {
    let code = r#"
        exports.handler = async () => {
            console.log("not seen");
            console.warn({ a: 1 });
            console.error("failed: %s", new RangeError("r"));
            console.fatal("two\nlines");
        };
    "#;
    with_node(&[("index.js", code)], "nodejs22.x", |function, node| {
        let function =
            function.variable("AWS_LAMBDA_LOG_FORMAT", "JSON").variable("AWS_LAMBDA_LOG_LEVEL", "WARN");
        let running = function.start(&node, "index.handler");
        running.invoke("{}");
        let output = running.stop();
        let lines: Vec<serde_json::Value> =
            output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[0]["level"], &lines[0]["message"]), (&json!("WARN"), &json!({"a": 1})));
        assert_eq!(lines[0]["requestId"], json!("id-1"));
        assert_eq!((&lines[1]["errorType"], &lines[1]["errorMessage"]), (&json!("RangeError"), &json!("r")));
        assert!(lines[1]["stackTrace"].is_array() && lines[1]["timestamp"].is_string());
        assert_eq!((&lines[2]["level"], &lines[2]["message"]), (&json!("FATAL"), &json!("two\nlines")));
    });
}

const STREAMING: &str = r#"
    const pause = () => new Promise((go) => setTimeout(go, 5));
    exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
        if (event === "early") throw new Error("early");
        if (event === "http") stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
        else stream.setContentType("text/plain");
        stream.write("one ");
        await pause();
        if (event === "late") throw new RangeError("late");
        if (event === "unfinished") return;
        stream.write({ two: 2 });
        stream.end();
    });
    exports.sync = awslambda.streamifyResponse(() => {});
"#;

#[test]
fn a_response_can_be_streamed() {
    for runtime in ["nodejs22.x", "nodejs24.x"] {
        run(STREAMING, runtime, "index.handler", |running| {
            running.give("id-1", "{}", &[]);
            let response = running.take("invocation/id-1/response");
            assert_eq!(response.header("lambda-runtime-function-response-mode"), Some("streaming"));
            assert_eq!(response.header("transfer-encoding"), Some("chunked"));
            assert_eq!(
                response.header("trailer"),
                Some("Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
            );
            assert_eq!(response.header("content-type"), Some("text/plain"));
            assert_eq!(response.text(), "one {\"two\":2}");
            assert!(response.trailers.is_empty());

            running.give("id-2", "\"http\"", &[]);
            let response = running.take("invocation/id-2/response");
            let kind = "application/vnd.awslambda.http-integration-response";
            assert_eq!(response.header("content-type"), Some(kind));
            assert_eq!(response.text(), "{\"statusCode\":201}\0\0\0\0\0\0\0\0one {\"two\":2}");
            running.request();
        });
    }
}

#[test]
fn a_stream_fails_in_its_trailers_once_it_has_begun() {
    for runtime in ["nodejs22.x", "nodejs24.x"] {
        run(STREAMING, runtime, "index.handler", |running| {
            let error = running.invoke_failing("\"early\"");
            assert_eq!(error.json()["errorMessage"], json!("early"));
            for (event, error_type, message) in
                [("late", "RangeError", "late"), ("unfinished", "Error", "Response stream is not finished.")]
            {
                running.give("id-2", &format!("{event:?}"), &[]);
                let response = running.take("invocation/id-2/response");
                assert_eq!(response.text(), "one ");
                assert_eq!(response.trailer("lambda-runtime-function-error-type"), Some(error_type));
                let body = decode_base64(response.trailer("lambda-runtime-function-error-body").unwrap());
                let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(document["errorMessage"], json!(message));
            }
            running.invoke("{}");
        });
        run(STREAMING, runtime, "index.sync", |running| {
            let error = running.invoke_failing("{}").json();
            assert_eq!(error["errorMessage"], json!("Streaming does not support non-async handlers."));
        });
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().map_while(|byte| DIGITS.iter().position(|digit| *digit == byte));
    let bits: Vec<usize> = digits.collect();
    let group = |group: &[usize]| {
        let value = group.iter().fold(0, |value, digit| value << 6 | digit) << (6 * (4 - group.len()));
        [(value >> 16) as u8, (value >> 8) as u8, value as u8][..group.len() - 1].to_vec()
    };
    bits.chunks(4).flat_map(group).collect()
}

#[test]
fn a_large_event_and_response_pass_whole() {
    run("exports.handler = async (event) => event + event;", "nodejs22.x", "index.handler", |running| {
        let event = format!("\"{}\"", "ä".repeat(1_500_000));
        assert_eq!(running.invoke(&event).body.len(), 6_000_002);
    });
}

#[test]
fn a_closed_connection_is_opened_again() {
    run("exports.handler = async (event) => event;", "nodejs22.x", "index.handler", |running| {
        let next = running.request();
        next.answer(200, &[("Lambda-Runtime-Aws-Request-Id", "id-1"), ("Connection", "close")], b"1");
        assert_eq!(running.take("invocation/id-1/response").connection, 1);
        assert_eq!(running.invoke("2").connection, 1);
    });
}

/// Started ahead of need, and bound to its function over a pipe.
#[test]
fn it_can_be_started_blank_and_bound_later() {
    let code = "const { x } = require('in-layer');
        exports.handler = async () => [x, process.cwd(), process.env.KEY, process.env.SECRET ?? null, new Date(0).getHours()];";
    let files = [("index.js", code), ("opt/nodejs/node_modules/in-layer/index.js", "exports.x = 1")];
    with_node(&files, "nodejs22.x", |function, node| {
        let function = function.variable("KEY", "value").variable("TZ", "Asia/Tokyo");
        let api = RuntimeApi::start();
        let env: serde_json::Map<_, _> = function
            .variables("index.handler", &api.address)
            .into_iter()
            .map(|(name, value)| (name, json!(value)))
            .collect();
        let (read, mut write) = std::io::pipe().unwrap();
        // The shell hands the pipe on as descriptor 3, since Command closes all but the standard ones.
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", r#"exec "$0" "$1" 3<&0 0</dev/null"#])
            .arg(&node.path)
            .arg(function.bootstrap(Language::Node));
        command.env_clear().env("SECRET", "of the pool").env("LAMBENT_BIND_FD", "3").stdin(read);
        let running = Running::spawn(&function, &mut command, api);
        let line = format!("{}\n", json!({"env": env, "cwd": function.task()}));
        assert!(write.as_raw_fd() > 2);
        write.write_all(line.as_bytes()).unwrap();
        let task = function.task().canonicalize().unwrap();
        assert_eq!(running.invoke("{}").json(), json!([1, task, "value", null, 9]));
    });
}

#[test]
fn a_blank_process_ends_when_it_is_no_longer_wanted() {
    with_node(&[], "nodejs22.x", |function, node| {
        let mut command = Command::new(&node.path);
        command.arg(function.bootstrap(Language::Node)).env_clear().env("LAMBENT_BIND_FD", "0");
        command.stdin(std::process::Stdio::null());
        let running = Running::spawn(&function, &mut command, RuntimeApi::start());
        assert_eq!(running.end(), (Some(0), String::new()));
    });
}
