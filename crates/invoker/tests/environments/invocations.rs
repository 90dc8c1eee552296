//! What goes well.

use crate::harness::{Harness, tail, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_python_function_runs_and_its_environment_is_reused() {
    let Some(harness) = Harness::new() else { return };
    let code = "
import os
count = 0
def handler(event, context):
    global count
    count += 1
    if not os.path.exists('/tmp'): raise Exception('no /tmp')
    print('hello', count)
    return {'event': event, 'count': count, 'id': context.aws_request_id}
";
    let function = harness.function("f", code, |_| {});
    let invocation = harness.invocation(&function, r#"{"a": 1}"#);
    let id = invocation.request_id;
    let first = harness.invoker.invoke(invocation).await.unwrap();
    assert_eq!(first.error, None, "{}", text(&first));
    assert_eq!(text(&first), format!(r#"{{"event": {{"a": 1}}, "count": 1, "id": "{id}"}}"#));
    assert!(first.report.init.is_some());
    for count in 2..20 {
        let next = harness.invoke(&function, "{}").await.unwrap();
        assert!(text(&next).contains(&format!(r#""count": {count}"#)), "{}", text(&next));
        assert_eq!(next.report.init, None);
        let log = tail(&next);
        assert!(log.starts_with("START RequestId: "), "{log}");
        assert!(log.contains(&format!("Version: $LATEST\nhello {count}\nEND RequestId: ")), "{log}");
    }
    assert_eq!(harness.logs.streams().len(), 1);
    harness.invoker.shut_down(std::time::Duration::from_secs(5)).await;
}

/// Credentials expire in real time: a virtual clock that is far ahead must not make every invocation a cold start.
#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_reused_when_the_virtual_clock_is_past_its_credentials_expiry() {
    let far_ahead = clock::Timestamp::parse_iso8601("2100-01-01T00:00:00Z").unwrap();
    let clock = std::sync::Arc::new(clock::VirtualClock::new(far_ahead));
    let Some(harness) = Harness::with(invoker::InvokerOptions::default(), clock) else { return };
    let function = harness.function("f", "def handler(event, context): return event", |_| {});
    assert!(harness.invoke(&function, "{}").await.unwrap().report.init.is_some());
    assert_eq!(harness.invoke(&function, "{}").await.unwrap().report.init, None);
    harness.invoker.shut_down(std::time::Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variables_are_those_of_lambda() {
    let Some(harness) = Harness::new() else { return };
    let code = "import os\ndef handler(event, context): return dict(os.environ)";
    let function = harness.function("f", code, |function| {
        function.variables = vec![
            ("MINE".to_owned(), "yes".to_owned()),
            ("TZ".to_owned(), "Europe/Berlin".to_owned()),
            ("AWS_REGION".to_owned(), "elsewhere".to_owned()),
        ];
    });
    let outcome = harness.invoke(&function, "{}").await.unwrap();
    let variables: serde_json::Value = serde_json::from_slice(&outcome.payload).unwrap();
    for (name, value) in [
        ("MINE", "yes"),
        ("TZ", "Europe/Berlin"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "ASIATEST"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_python3.12"),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("LANG", "en_US.UTF-8"),
        ("_HANDLER", "index.handler"),
    ] {
        assert_eq!(variables[name], value, "{name}");
    }
    let stream = variables["AWS_LAMBDA_LOG_STREAM_NAME"].as_str().unwrap();
    assert_eq!(harness.logs.streams(), [stream]);
    let id = stream.rsplit(']').next().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{stream}");
    assert!(stream.contains("/[$LATEST]"), "{stream}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_its_lines_in_order_and_their_form() {
    let Some(harness) = Harness::new() else { return };
    let code = "
import sys
print('starting')
def handler(event, context):
    for number in range(event): print('line', number)
    print('no end', end='')
    sys.stderr.write('and an error\\n')
    return 1
";
    let function =
        harness.function("f", code, |function| function.runtime_warning = Some("not quite 3.12".to_owned()));
    let invocation = harness.invocation(&function, "1000");
    let id = invocation.request_id;
    let outcome = harness.invoker.invoke(invocation).await.unwrap();
    let messages = harness.logs.messages();
    assert_eq!(
        messages[0],
        "INIT_START Runtime Version: python:3.12\tRuntime Version ARN: arn:aws:lambda:eu-central-1::runtime:python3.12\n"
    );
    assert_eq!(
        messages[1..4],
        ["not quite 3.12\n", "starting\n", &format!("START RequestId: {id} Version: $LATEST\n")]
    );
    assert_eq!(messages[4..1004], (0..1000).map(|number| format!("line {number}\n")).collect::<Vec<_>>());
    let end = messages.iter().position(|line| *line == format!("END RequestId: {id}\n")).unwrap();
    assert_eq!(end, messages.len() - 2);
    let report = messages.last().unwrap();
    let init = outcome.report.init.unwrap().as_secs_f64() * 1e3;
    assert_eq!(
        *report,
        format!(
            "REPORT RequestId: {id}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: 256 MB\tMax Memory Used: {} MB\tInit Duration: {init:.2} ms\t\n",
            outcome.report.duration.as_secs_f64() * 1e3,
            outcome.report.billed.as_millis(),
            outcome.report.memory_used_mb,
        )
    );
    assert!(outcome.report.billed >= outcome.report.duration + outcome.report.init.unwrap());
    let tail = tail(&outcome);
    assert_eq!(tail.len(), 4096);
    assert!(tail.ends_with(report.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_logs_are_filtered_by_their_levels() {
    let Some(harness) = Harness::new() else { return };
    let code = r#"
def handler(event, context):
    print('{"level": "DEBUG", "message": "quiet"}')
    print('{"level": "ERROR", "message": "loud"}')
    print('plain')
"#;
    let function = harness.function("f", code, |function| {
        function.logging.format = invoker::LogFormat::Json {
            application_level: "WARN".to_owned(),
            system_level: "INFO".to_owned(),
        };
    });
    harness.invoke(&function, "1").await.unwrap();
    let messages = harness.logs.messages();
    let types: Vec<String> = messages
        .iter()
        .map(|message| match serde_json::from_str::<serde_json::Value>(message) {
            Ok(document) => {
                document["type"].as_str().or(document["message"].as_str()).unwrap_or("?").to_owned()
            }
            Err(_) => message.clone(),
        })
        .collect();
    assert_eq!(types, ["platform.initStart", "platform.start", "loud", "plain\n", "platform.report"]);
    let report: serde_json::Value = serde_json::from_str(messages.last().unwrap()).unwrap();
    assert_eq!(report["record"]["status"], "success");
    assert_eq!(report["record"]["metrics"]["memorySizeMB"], 256);
}

const STREAMS: &str = "
while True:
    id, event = next_event()
    api.putrequest('POST', '/2018-06-01/runtime/invocation/' + id + '/response')
    for name, value in [('Lambda-Runtime-Function-Response-Mode', 'streaming'), ('Transfer-Encoding', 'chunked'),
                        ('Content-Type', 'text/plain'),
                        ('Trailer', 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body')]:
        api.putheader(name, value)
    api.endheaders()
    for part in [b'one', b'two']:
        api.send(b'%x\\r\\n%s\\r\\n' % (len(part), part))
    api.send(b'0\\r\\n')
    if event == b'1':
        api.send(b'Lambda-Runtime-Function-Error-Type: Function.Oops\\r\\nLambda-Runtime-Function-Error-Body: e30=\\r\\n')
    api.send(b'\\r\\n')
    api.getresponse().read()
";

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_runtime_streams_its_response() {
    let Some(harness) = Harness::new() else { return };
    let function = harness.custom("f", STREAMS, |_| {});
    for (event, error) in [("0", None), ("1", Some("Function.Oops"))] {
        let (sender, mut parts) = tokio::sync::mpsc::channel(1);
        let mut invocation = harness.invocation(&function, event);
        invocation.stream = Some(sender);
        let received = async {
            let (mut content_type, mut bytes) = (None, Vec::new());
            while let Some(part) = parts.recv().await {
                match part {
                    invoker::StreamPart::Head { content_type: given } => content_type = Some(given),
                    invoker::StreamPart::Chunk(chunk) => bytes.extend_from_slice(&chunk),
                }
            }
            (content_type, bytes)
        };
        let (outcome, (content_type, bytes)) = tokio::join!(harness.invoker.invoke(invocation), received);
        assert_eq!((content_type.as_deref(), bytes.as_slice()), (Some("text/plain"), &b"onetwo"[..]));
        assert_eq!(outcome.unwrap().error.map(|error| error.error_type).as_deref(), error);
    }
    assert_eq!(text(&harness.invoke(&function, "0").await.unwrap()), "onetwo");
    assert_eq!(harness.logs.streams().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_does_not_stream_can_be_streamed() {
    let Some(harness) = Harness::new() else { return };
    let function = harness.function("f", "def handler(event, context): return 'whole'", |_| {});
    let (sender, mut parts) = tokio::sync::mpsc::channel(8);
    let mut invocation = harness.invocation(&function, "1");
    invocation.stream = Some(sender);
    harness.invoker.invoke(invocation).await.unwrap();
    let head = invoker::StreamPart::Head { content_type: "application/json".to_owned() };
    assert_eq!(parts.recv().await, Some(head));
    assert_eq!(parts.recv().await, Some(invoker::StreamPart::Chunk("\"whole\"".into())));
    assert_eq!(parts.recv().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_extension_is_told_of_each_invocation_and_of_the_shutdown() {
    let Some(harness) = Harness::new() else { return };
    let layer = harness.directory.path().join("layer");
    let told = harness.directory.path().join("told");
    let extension = format!(
        "
answer, _ = call('POST', '/2020-01-01/extension/register', json.dumps({{'events': ['INVOKE', 'SHUTDOWN']}}),
                 {{'Lambda-Extension-Name': os.path.basename(sys.argv[0])}})
id = {{'Lambda-Extension-Identifier': answer.getheader('Lambda-Extension-Identifier')}}
while True:
    event = json.loads(call('GET', '/2020-01-01/extension/event/next', None, id)[1])
    with open('{}', 'a') as told:
        told.write(event['eventType'] + ' ' + event.get('shutdownReason', '') + '\\n')
    if event['eventType'] == 'SHUTDOWN': break
",
        told.display()
    );
    harness.script(&layer.join("extensions/watch"), &extension);
    let function = harness.function("f", "def handler(event, context): return event", |function| {
        function.layer_dirs = vec![layer.clone()];
    });
    for number in ["1", "2"] {
        assert_eq!(text(&harness.invoke(&function, number).await.unwrap()), number);
    }
    assert_eq!(harness.logs.streams().len(), 1);
    harness.invoker.shut_down(std::time::Duration::from_secs(10)).await;
    assert_eq!(std::fs::read_to_string(told).unwrap(), "INVOKE \nINVOKE \nSHUTDOWN SPINDOWN\n");
}
