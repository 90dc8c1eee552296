//! The Python bootstrap. What it must do was observed on AWS's own client (awslambdaric 4.2).

use std::process::Command;

use runtimes::{Interpreter, Language};
use serde_json::json;

use crate::fixture::{Function, InitFailure, Running, RuntimeApi, find_interpreter, find_newest};

/// Python 3.11 and the newest one.
fn interpreters() -> Vec<Interpreter> {
    let mut found: Vec<Interpreter> = find_interpreter("python3.11").into_iter().collect();
    found.extend(
        find_newest(Language::Python).filter(|newest| found.iter().all(|old| old.path != newest.path)),
    );
    found
}

const HELLO: &str = r#"
import os, sys
print("init")
def handler(event, context):
    print("got", event)
    return {
        "event": event,
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
        "id": context.aws_request_id,
        "name": context.function_name,
        "version": context.function_version,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "group": context.log_group_name,
        "stream": context.log_stream_name,
        "left": context.get_remaining_time_in_millis() > 1000,
        "custom": context.client_context and context.client_context.custom,
        "app": context.client_context and context.client_context.client.app_title,
        "pool": context.identity.cognito_identity_pool_id,
    }
"#;

#[test]
fn a_handler_gets_its_event_and_context() {
    for python in interpreters() {
        let function = Function::new(&[("index.py", HELLO)]);
        let running = function.start(&python, "index.handler");
        running.give(
            "id-7",
            r#"{"a": 1}"#,
            &[
                ("Lambda-Runtime-Trace-Id", "Root=1-2;Sampled=1"),
                ("Lambda-Runtime-Client-Context", r#"{"custom":{"k":"v"},"client":{"app_title":"t"}}"#),
                (
                    "Lambda-Runtime-Cognito-Identity",
                    r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#,
                ),
            ],
        );
        let response = running.take("invocation/id-7/response");
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(
            response.json(),
            json!({
                "event": {"a": 1}, "trace": "Root=1-2;Sampled=1", "id": "id-7", "name": "fn", "version": "$LATEST",
                "arn": "arn:aws:lambda:us-east-1:000000000000:function:fn", "memory": "128",
                "group": "/aws/lambda/fn", "stream": "stream", "left": true,
                "custom": {"k": "v"}, "app": "t", "pool": "p",
            })
        );
        let second = running.invoke("2");
        assert_eq!(second.json()["trace"], json!(null));
        assert_eq!(second.connection, 0, "the connection is kept");
        assert_eq!(running.stop(), "init\ngot {'a': 1}\ngot 2\n");
    }
}

#[test]
fn a_failure_to_initialize_is_reported_in_awss_words() {
    let cases: &[InitFailure] = &[
        (
            &[],
            "index",
            "Runtime.MalformedHandlerName",
            "Bad handler 'index': not enough values to unpack (expected 2, got 1)",
        ),
        (
            &[],
            "index.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'index': No module named 'index'",
        ),
        (
            &[("index.py", "import nonesuch")],
            "index.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'index': No module named 'nonesuch'",
        ),
        (
            &[("index.py", "x = 1")],
            "index.f",
            "Runtime.HandlerNotFound",
            "Handler 'f' missing on module 'index'",
        ),
        (
            &[],
            "time.sleep",
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module time as a handler module",
        ),
        (&[("index.py", "raise KeyError('k')")], "index.f", "KeyError", "'k'"),
    ];
    for python in interpreters() {
        for (files, handler, error_type, message) in cases {
            let running = Function::new(files).start(&python, handler);
            let error = running.take("init/error");
            assert_eq!(error.header("lambda-runtime-function-error-type"), Some(*error_type));
            let document = error.json();
            assert_eq!(document["errorType"], json!(error_type));
            assert_eq!(document["errorMessage"], json!(message));
            assert_eq!(document["requestId"], json!(""));
            let (status, output) = running.end();
            assert_eq!(status, Some(1));
            let line = format!("[ERROR] {error_type}: {message}\rTraceback (most recent call last):");
            assert!(output.starts_with(&line), "{output:?}");
        }
    }
}

#[test]
fn a_syntax_error_tells_its_place() {
    for python in interpreters() {
        let function = Function::new(&[("index.py", "def handler(:\n  pass")]);
        let running = function.start(&python, "index.handler");
        let document = running.take("init/error").json();
        assert_eq!(document["errorType"], json!("Runtime.UserCodeSyntaxError"));
        assert_eq!(
            document["errorMessage"],
            json!("Syntax error in module 'index': invalid syntax (index.py, line 1)")
        );
        let file = function.task().join("index.py");
        assert_eq!(
            document["stackTrace"],
            json!([format!("  File \"{}\" Line 1\n    def handler(:\n", file.display())])
        );
        assert_eq!(running.end().0, Some(1));
    }
}

#[test]
fn an_exception_is_reported_without_our_own_frames_and_ends_nothing() {
    let code = "def handler(event, context):\n    raise ValueError('no\\nyes')\n";
    for python in interpreters() {
        let function = Function::new(&[("index.py", code)]);
        let running = function.start(&python, "index.handler");
        let file = function.task().join("index.py");
        let frame =
            format!("  File \"{}\", line 2, in handler\n    raise ValueError('no\\nyes')\n", file.display());
        for _ in 0..2 {
            let error = running.invoke_failing("{}");
            assert_eq!(error.header("lambda-runtime-function-error-type"), Some("ValueError"));
            assert_eq!(
                error.json(),
                json!({
                    "errorMessage": "no\nyes", "errorType": "ValueError", "requestId": "id-1", "stackTrace": [frame],
                })
            );
        }
        let line = format!(
            "[ERROR] ValueError: no\ryes\rTraceback (most recent call last):\r\u{a0}\u{a0}File \"{}\", line 2, in \
             handler\r\u{a0}\u{a0}\u{a0}\u{a0}raise ValueError('no\\nyes')\n",
            file.display()
        );
        assert_eq!(running.stop(), line.repeat(2));
    }
}

#[test]
fn results_are_encoded_as_awss_client_does() {
    let code = r#"
import collections, decimal, enum
Point = collections.namedtuple("Point", "x y")
class Colour(enum.IntEnum):
    RED = 1
circle = []
circle.append(circle)
results = {
    "decimal": {"a": decimal.Decimal("1.10"), "b": [decimal.Decimal("NaN")]},
    "tuple": [Point(1, b"two"), (3,)],
    "enum": {Colour.RED: Colour.RED},
    "float": [float("nan"), float("-inf"), 1e100],
    "keys": {1: 1, None: 2, True: 3, 1.5: decimal.Decimal(4)},
    "text": "\u00e4\U0001F600\x7f",
    "bytes": b"\x00raw",
    "set": {1},
    "key": {(1, 2): 3},
    "circle": circle,
}
def handler(event, context):
    return results[event]
"#;
    let cases = [
        ("decimal", r#"{"a": 1.10, "b": [NaN]}"#),
        ("tuple", r#"[{"x": 1, "y": "two"}, [3]]"#),
        ("enum", r#"{"1": 1}"#),
        ("float", "[NaN, -Infinity, 1e+100]"),
        ("keys", r#"{"1": 3, "null": 2, "1.5": 4}"#),
    ];
    let failures = [
        ("set", "Unable to marshal response: Object of type set is not JSON serializable"),
        ("key", "Unable to marshal response: keys must be str, int, float, bool or None, not tuple"),
        ("circle", "Unable to marshal response: Circular reference detected"),
    ];
    for python in interpreters() {
        for (runtime, text) in
            [("python3.11", r#""\u00e4\ud83d\ude00\u007f""#), ("python3.12", "\"ä😀\u{7f}\"")]
        {
            let function = Function::new(&[("index.py", code)])
                .variable("AWS_EXECUTION_ENV", &format!("AWS_Lambda_{runtime}"));
            let running = function.start(&python, "index.handler");
            for (event, expected) in cases {
                assert_eq!(running.invoke(&format!("{event:?}")).text(), expected);
            }
            assert_eq!(running.invoke("\"text\"").text(), text);
            let raw = running.invoke("\"bytes\"");
            assert_eq!(
                (raw.header("content-type"), raw.body.as_slice()),
                (Some("application/unknown"), &b"\0raw"[..])
            );
            for (event, message) in failures {
                let error = running.invoke_failing(&format!("{event:?}")).json();
                assert_eq!(
                    (&error["errorType"], &error["errorMessage"]),
                    (&json!("Runtime.MarshalError"), &json!(message))
                );
            }
        }
    }
}

#[test]
fn an_event_that_is_no_json_fails_and_another_type_comes_as_bytes() {
    for python in interpreters() {
        let function = Function::new(&[("index.py", "def handler(event, context): return repr(event)")]);
        let running = function.start(&python, "index.handler");
        let error = running.invoke_failing("{").json();
        assert_eq!(error["errorType"], json!("Runtime.UnmarshalError"));
        running.give("id-1", "raw", &[("content-type", "text/plain")]);
        assert_eq!(running.take("invocation/id-1/response").text(), "\"b'raw'\"");
    }
}

#[test]
fn logging_is_set_up_in_text_form() {
    let code = r#"
import logging
logger = logging.getLogger()
def handler(event, context):
    logger.info("not seen")
    logger.warning("two\nlines %s", 1)
    context.log("raw\n")
"#;
    for python in interpreters() {
        let running = Function::new(&[("index.py", code)]).start(&python, "index.handler");
        assert_eq!(running.invoke("{}").text(), "null");
        let output = running.stop();
        let fields: Vec<&str> = output.split('\t').collect();
        assert_eq!(
            (fields[0], fields[2], fields[3]),
            ("[WARNING]", "id-1", "two\rlines 1\nraw\n"),
            "{output:?}"
        );
        assert!(fields[1].len() == 24 && fields[1].ends_with('Z'), "{output:?}");
    }
}

#[test]
fn logging_is_set_up_in_json_form() {
    let code = r#"
import logging
def handler(event, context):
    logging.debug("seen", extra={"k": object})
    print("raw")
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("caught")
    raise ValueError("no")
"#;
    for python in interpreters() {
        let function = Function::new(&[("index.py", code)])
            .variable("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .variable("AWS_LAMBDA_LOG_LEVEL", "TRACE");
        let running = function.start(&python, "index.handler");
        running.invoke_failing("{}");
        let output = running.stop();
        let lines: Vec<&str> = output.lines().collect();
        let record = |index: usize| serde_json::from_str::<serde_json::Value>(lines[index]).unwrap();
        let debug = record(0);
        assert_eq!(debug["level"], json!("DEBUG"));
        assert_eq!(debug["message"], json!("seen"));
        assert_eq!(debug["logger"], json!("root"));
        assert_eq!(debug["requestId"], json!("id-1"));
        assert_eq!(debug["k"], json!("<class 'object'>"));
        assert_eq!(debug["timestamp"].as_str().unwrap().len(), 20);
        assert_eq!(lines[1], "raw");
        let caught = record(2);
        assert_eq!(caught["errorType"], json!("ZeroDivisionError"));
        assert_eq!(caught["errorMessage"], json!("division by zero"));
        assert!(caught["location"].as_str().unwrap().ends_with("index.py:handler:9"), "{caught}");
        let uncaught = record(3);
        assert_eq!((&uncaught["level"], &uncaught["errorType"]), (&json!("ERROR"), &json!("ValueError")));
        assert_eq!(uncaught["requestId"], json!("id-1"));
    }
}

#[test]
fn exiting_ends_the_process_without_a_report_and_loses_no_output() {
    for python in interpreters() {
        for (statement, status) in [("exit(0)", 0), ("sys.exit(3)", 3), ("os._exit(4)", 4)] {
            let code =
                format!("import os, sys\ndef handler(e, c):\n  print('part', end='')\n  {statement}\n");
            let running = Function::new(&[("index.py", &code)]).start(&python, "index.handler");
            running.give("id-1", "{}", &[]);
            assert_eq!(running.end(), (Some(status), "part".to_owned()), "{statement}");
        }
    }
}

#[test]
fn a_response_that_is_refused_ends_the_process() {
    for python in interpreters() {
        let running =
            Function::new(&[("index.py", "def handler(e, c): pass")]).start(&python, "index.handler");
        running.give("id-1", "{}", &[]);
        running.request().answer(413, &[], b"{}");
        let (status, output) = running.end();
        assert_eq!(status, Some(1));
        assert!(output.starts_with(
            "LAMBDA_RUNTIME Failed to post handler success response. Http response code: 413.\n"
        ));
    }
}

#[test]
fn a_closed_connection_is_opened_again() {
    for python in interpreters() {
        let running =
            Function::new(&[("index.py", "def handler(e, c): return e")]).start(&python, "index.handler");
        let next = running.request();
        next.answer(200, &[("Lambda-Runtime-Aws-Request-Id", "id-1"), ("Connection", "close")], b"1");
        assert_eq!(running.take("invocation/id-1/response").connection, 1);
        assert_eq!(running.invoke("2").connection, 1);
    }
}

#[test]
fn a_large_event_and_response_pass_whole() {
    for python in interpreters() {
        let running =
            Function::new(&[("index.py", "def handler(e, c): return e + e")]).start(&python, "index.handler");
        let event = format!("\"{}\"", "x".repeat(3_000_000));
        assert_eq!(running.invoke(&event).body.len(), 6_000_002);
    }
}

#[test]
fn modules_come_from_the_function_then_its_layers_and_never_from_the_host() {
    for python in interpreters() {
        let minor = python.version.rsplit_once('.').unwrap().0;
        let site = format!("opt/python/lib/python{minor}/site-packages");
        let files = [
            (
                "dir/mod.py",
                "import a, b, c, bootstrap, sys\ndef handler(e, s): return [a.x, b.x, c.x, bootstrap.x, sys.path[:3]]",
            ),
            ("a.py", "x = 'task'"),
            ("bootstrap.py", "x = 'mine'"),
            ("opt/python/a.py", "x = 'layer'"),
            ("opt/python/b.py", "x = 'layer'"),
            (&format!("{site}/b.py"), "x = 'site'"),
            (&format!("{site}/c.pth"), "../extra"),
            (&format!("opt/python/lib/python{minor}/extra/c.py"), "x = 'pth'"),
        ];
        let function = Function::new(&files);
        let running = function.start(&python, "dir/mod.handler");
        let root = function.root().display();
        let path = json!([format!("{root}/task"), format!("{root}/{site}"), format!("{root}/opt/python")]);
        assert_eq!(running.invoke("{}").json(), json!(["task", "site", "pth", "mine", path]));

        // pip comes with every interpreter, and with none of AWS's import paths that we offer.
        let running = Function::new(&[("index.py", "import pip")]).start(&python, "index.handler");
        let message = running.take("init/error").json()["errorMessage"].clone();
        assert_eq!(message, json!("Unable to import module 'index': No module named 'pip'"));
    }
}

/// As a zygote does: imported and warmed up long before it is known what is to run.
#[test]
fn it_can_be_imported_first_and_bound_later() {
    let code = r#"
import json, os, sys
def handler(event, context):
    return [os.getcwd(), os.environ["KEY"], "SECRET" in os.environ, sys.modules["__main__"].__file__, sys.argv]
"#;
    for python in interpreters() {
        let function = Function::new(&[("index.py", code)]).variable("KEY", "value");
        let api = RuntimeApi::start();
        let environ = json!(
            function
                .variables("index.handler", &api.address)
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>()
        );
        let runtime = function.root().join("runtime");
        let zygote = format!(
            "import sys\nsys.path.insert(0, {runtime:?})\nimport bootstrap\nassert '_socket' in sys.modules and \
             'socket' not in sys.modules\nbootstrap.dry_run()\nimport json\nbootstrap.run(json.loads({:?}), {:?})",
            environ.to_string(),
            function.task()
        );
        let mut command = Command::new(&python.path);
        command
            .args(runtimes::PYTHON_OPTIONS)
            .args(["-c", &zygote])
            .env_clear()
            .env("SECRET", "of the zygote");
        let running = Running::spawn(&function, &mut command, api);
        let file = function.bootstrap(Language::Python).display().to_string();
        assert_eq!(running.invoke("{}").json(), json!([function.task(), "value", false, file, [file]]));
        assert_eq!(running.stop(), "");
    }
}

/// AWS's Python runtimes bring boto3 along; here it is the host's, and nothing else of the host's is seen.
#[test]
fn the_hosts_sdk_is_found_when_the_function_brings_none() {
    let code = "import site\nsite.getsitepackages = lambda: [__file__[:-8] + 'host']\nimport boto3\n\
                def handler(e, c):\n  import other\n";
    let files = [
        ("index.py", code),
        ("host/boto3/__init__.py", "from . import part"),
        ("host/boto3/part.py", ""),
        ("host/other.py", ""),
    ];
    for python in interpreters() {
        let running = Function::new(&files).start(&python, "index.handler");
        let error = running.invoke_failing("{}").json();
        assert_eq!(error["errorMessage"], json!("No module named 'other'"));
    }
}
