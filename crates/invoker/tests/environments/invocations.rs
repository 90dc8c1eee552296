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
