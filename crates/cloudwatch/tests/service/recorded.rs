//! What services measure.

use std::sync::Mutex;

use async_trait::async_trait;
use targets::{MetricSource, RecordMetrics, SampleGauges, Sampled, Unit};

use super::*;

fn source(namespace: &'static str, name: &'static str, value: &str) -> Arc<MetricSource> {
    Arc::new(MetricSource {
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        namespace,
        dimensions: vec![vec![(name, value.to_owned())], vec![]],
    })
}

fn query(world: &World, namespace: &str, name: &str, of: &[(&str, &str)]) -> GetMetricStatisticsInput {
    GetMetricStatisticsInput {
        namespace: namespace.to_owned(),
        metric_name: name.to_owned(),
        dimensions: dimensions(of),
        ..world.last_hour()
    }
}

#[tokio::test]
async fn values_count_at_once_and_for_each_set_of_dimensions() {
    let world = World::new();
    let (f, g) = (source("AWS/Lambda", "FunctionName", "f"), source("AWS/Lambda", "FunctionName", "g"));
    for (source, duration) in [(&f, 10.0), (&f, 30.0), (&g, 5.0)] {
        let values = [("Invocations", Unit::Count, 1.0), ("Duration", Unit::Milliseconds, duration)];
        world.cloudwatch.record(source, world.now(), &values);
    }
    let duration = world.statistics(query(&world, "AWS/Lambda", "Duration", &[("FunctionName", "f")])).await;
    let duration = &duration.unwrap()[0];
    assert_eq!((duration.sample_count, duration.average), (Some(2.0), Some(20.0)));
    assert_eq!(duration.unit, Some("Milliseconds".into()));
    let all = world.statistics(query(&world, "AWS/Lambda", "Invocations", &[])).await.unwrap();
    assert_eq!(all[0].sum, Some(3.0));

    // Platform time says which minute it is.
    world.advance(MINUTE).await;
    world.cloudwatch.record(&f, world.now(), &[("Invocations", Unit::Count, 1.0)]);
    let all = world.statistics(query(&world, "AWS/Lambda", "Invocations", &[])).await.unwrap();
    assert_eq!(all.iter().map(|minute| minute.sum.unwrap()).collect::<Vec<_>>(), [3.0, 1.0]);
    let listed = world.listed().await;
    assert_eq!(listed.len(), 6, "{listed:?}");
    assert!(listed.contains(&"AWS/Lambda Duration f".to_owned()));
}

#[tokio::test]
async fn prometheus_shows_the_same() {
    let world = World::new();
    let f = source("AWS/Lambda", "FunctionName", "f");
    world.cloudwatch.record(&f, world.now(), &[("Invocations", Unit::Count, 1.0)]);
    assert!(world.cloudwatch.prometheus().await.contains(
        "aws_lambda_invocations_total{account=\"000000000000\",region=\"eu-central-1\",function_name=\"f\"} 1\n"
    ));
    world.cloudwatch.flush().await;
    world.cloudwatch.record(&f, world.now(), &[("Invocations", Unit::Count, 2.0)]);
    let text = world.cloudwatch.prometheus().await;
    assert!(text.contains("function_name=\"f\"} 3\n"), "{text}");
    // A scrape takes nothing away from CloudWatch.
    let all = world.statistics(query(&world, "AWS/Lambda", "Invocations", &[])).await.unwrap();
    assert_eq!(all[0].sum, Some(3.0));
}

#[derive(Debug)]
struct Depth {
    source: Arc<MetricSource>,
    messages: Mutex<f64>,
}

#[async_trait]
impl SampleGauges for Depth {
    async fn sample(&self) -> Vec<Sampled> {
        let depth = *self.messages.lock().unwrap();
        vec![(Arc::clone(&self.source), vec![("ApproximateNumberOfMessagesVisible", Unit::Count, depth)])]
    }
}

#[tokio::test]
async fn gauges_are_sampled_when_somebody_asks_and_count_once_a_minute() {
    let world = World::new();
    let source = Arc::new(MetricSource {
        dimensions: vec![vec![("QueueName", "q".to_owned())]],
        ..MetricSource::clone(&source("AWS/SQS", "QueueName", "q"))
    });
    let depth = Arc::new(Depth { source, messages: Mutex::new(7.0) });
    world.cloudwatch.watch(Arc::clone(&depth) as _);
    let name = "ApproximateNumberOfMessagesVisible";
    let ask = || query(&world, "AWS/SQS", name, &[("QueueName", "q")]);
    let answer = world.statistics(ask()).await.unwrap();
    assert_eq!((answer[0].sample_count, answer[0].maximum), (Some(1.0), Some(7.0)));

    *depth.messages.lock().unwrap() = 3.0;
    let answer = world.statistics(ask()).await.unwrap();
    assert_eq!((answer[0].sample_count, answer[0].sum), (Some(1.0), Some(3.0)));
    let text = world.cloudwatch.prometheus().await;
    let line = "aws_sqs_approximate_number_of_messages_visible{account=\"000000000000\",region=\"eu-central-1\",\
                queue_name=\"q\"} 3\n";
    assert!(text.contains(line), "{text}");

    world.advance(MINUTE).await;
    let past = GetMetricStatisticsInput { end_time: START, ..ask() };
    assert_eq!(world.statistics(past).await.unwrap().len(), 1, "questions about the past sample nothing");
    assert_eq!(world.statistics(ask()).await.unwrap().len(), 2);
}
