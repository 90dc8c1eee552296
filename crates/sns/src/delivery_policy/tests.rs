use wire::Error;

use super::*;

fn delays(policy: &RetryPolicy, attempts: u32) -> Vec<u64> {
    (1..=attempts).map_while(|failed| policy.delay(failed)).map(|delay| delay.as_secs()).collect()
}

#[test]
fn without_a_policy_there_are_three_retries_20_seconds_apart() {
    let policy = http_policy(None, None);
    assert_eq!(delays(&policy.retries, 10), [20, 20, 20]);
    assert_eq!(policy.content_type, "text/plain; charset=UTF-8");
}

#[test]
fn functions_and_queues_are_tried_as_the_guide_says() {
    let first = delays(&MANAGED, 17);
    assert_eq!(first, [0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 5, 7, 10, 14, 20, 20, 20]);
    assert!(MANAGED.delay(100_015).is_some());
    assert_eq!(MANAGED.delay(100_016), None);
}

#[test]
fn the_phases_follow_one_another_and_the_backoff_grows() {
    let topic = r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":8,"numNoDelayRetries":1,"numMinDelayRetries":1,
        "numMaxDelayRetries":2,"minDelayTarget":10,"maxDelayTarget":40,"backoffFunction":"FUNCTION"}}}"#;
    for (function, expected) in [
        ("linear", [0, 10, 10, 20, 30, 40, 40, 40]),
        ("arithmetic", [0, 10, 10, 13, 23, 40, 40, 40]),
        ("geometric", [0, 10, 10, 11, 18, 40, 40, 40]),
        ("exponential", [0, 10, 10, 15, 25, 40, 40, 40]),
    ] {
        let policy = topic.replace("FUNCTION", function);
        check_of_topic(&policy, "").unwrap();
        assert_eq!(delays(&http_policy(Some(&policy), None).retries, 20), expected, "{function}");
    }
}

#[test]
fn a_subscription_overrides_its_topic_unless_that_is_disabled() {
    let own = r#"{"healthyRetryPolicy":{"numRetries":1,"minDelayTarget":5,"maxDelayTarget":5},
        "requestPolicy":{"headerContentType":"application/json"}}"#;
    check_of_subscription(own, "").unwrap();
    let policy = http_policy(None, Some(own));
    assert_eq!((delays(&policy.retries, 9), policy.content_type.as_str()), (vec![5], "application/json"));
    let topic = r#"{"http":{"disableSubscriptionOverrides":true}}"#;
    assert_eq!(delays(&http_policy(Some(topic), Some(own)).retries, 9), [20, 20, 20]);
}

#[test]
fn what_is_no_policy_is_refused() {
    for text in [
        "x",
        "[]",
        r#"{"healthyRetryPolicy":1}"#,
        r#"{"healthyRetryPolicy":{"numRetries":101}}"#,
        r#"{"healthyRetryPolicy":{"numRetries":-1}}"#,
        r#"{"healthyRetryPolicy":{"numRetries":2,"numNoDelayRetries":2,"numMinDelayRetries":1}}"#,
        r#"{"healthyRetryPolicy":{"minDelayTarget":0}}"#,
        r#"{"healthyRetryPolicy":{"minDelayTarget":30,"maxDelayTarget":20}}"#,
        r#"{"healthyRetryPolicy":{"numRetries":100,"minDelayTarget":60,"maxDelayTarget":60}}"#,
        r#"{"healthyRetryPolicy":{"backoffFunction":"quadratic"}}"#,
        r#"{"healthyRetryPolicy":{"numTries":1}}"#,
        r#"{"throttlePolicy":{"maxReceivesPerSecond":1}}"#,
        r#"{"requestPolicy":{"headerContentType":"x"}}"#,
        r#"{"http":{}}"#,
    ] {
        let error = Error::from(check_of_subscription(text, "").unwrap_err());
        assert_eq!(error.code(), "InvalidParameter", "{text}");
    }
}
