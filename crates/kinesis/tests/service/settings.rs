//! What can be changed of a stream.

use api_kinesis::{
    DecreaseStreamRetentionPeriodInput, DescribeAccountSettingsInput, DisableEnhancedMonitoringInput,
    EnableEnhancedMonitoringInput, EncryptionType, IncreaseStreamRetentionPeriodInput, Kinesis as _,
    MetricsName, ShardIteratorType, StartStreamEncryptionInput, StopStreamEncryptionInput, StreamMode,
    StreamModeDetails, UpdateStreamModeInput,
};
use wire::Error;

use crate::world::{World, refused};

async fn retain(world: &World, is_longer: bool, hours: i32) -> Result<(), Error> {
    let (stream_name, retention_period_hours) = (Some("s".to_owned()), hours);
    let answer = if is_longer {
        let input =
            IncreaseStreamRetentionPeriodInput { stream_name, retention_period_hours, ..Default::default() };
        world.kinesis.increase_stream_retention_period(&world.context, input).await
    } else {
        let input =
            DecreaseStreamRetentionPeriodInput { stream_name, retention_period_hours, ..Default::default() };
        world.kinesis.decrease_stream_retention_period(&world.context, input).await
    };
    world.settled().await;
    answer
}

#[tokio::test]
async fn records_are_kept_as_long_as_is_said() {
    const HOUR: u64 = 3_600;
    let world = World::with_stream(1).await;
    world.put(0, "lost").await.unwrap();
    world.advance(20 * HOUR).await;
    world.put(0, "kept").await.unwrap();
    world.advance(5 * HOUR).await;
    retain(&world, true, 48).await.unwrap();
    assert_eq!(world.read(0).await, ["kept"], "what has expired does not come back");
    let world = world.restarted();
    assert_eq!(world.read(0).await, ["kept"], "not even after a restart");
    world.advance(30 * HOUR).await;
    assert_eq!(world.read(0).await, ["kept"]);
    retain(&world, false, 24).await.unwrap();
    assert_eq!(world.read(0).await, Vec::<String>::new());
    assert_eq!(world.summary("s").await.retention_period_hours, 24);
}

#[tokio::test]
async fn retention_has_bounds_and_a_direction() {
    let world = World::with_stream(1).await;
    for (is_longer, hours, message) in [
        (
            true,
            23,
            "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.",
        ),
        (
            true,
            8_761,
            "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.",
        ),
        (
            false,
            25,
            "Requested retention period (25 hours) for stream s can not be longer than existing retention period (24 \
             hours). Use IncreaseRetentionPeriod API.",
        ),
    ] {
        refused(retain(&world, is_longer, hours).await, "InvalidArgumentException", message);
    }
    retain(&world, true, 8_760).await.unwrap();
    refused(
        retain(&world, true, 48).await,
        "InvalidArgumentException",
        "Requested retention period (48 hours) for stream s can not be shorter than existing retention period (8760 \
         hours). Use DecreaseRetentionPeriod API.",
    );
}

#[tokio::test]
async fn encryption_is_shown_where_it_is() {
    let world = World::with_stream(1).await;
    world.put(0, "plain").await.unwrap();
    world.advance(1).await;
    let (encryption_type, key_id) = (EncryptionType::Kms, "alias/aws/kinesis".to_owned());
    let input = StartStreamEncryptionInput {
        stream_name: Some("s".to_owned()),
        encryption_type: encryption_type.clone(),
        key_id: key_id.clone(),
        ..Default::default()
    };
    let none = StartStreamEncryptionInput { encryption_type: EncryptionType::None, ..input.clone() };
    let refusal = world.kinesis.start_stream_encryption(&world.context, none).await.unwrap_err();
    assert_eq!(refusal.code(), "InvalidArgumentException");
    world.kinesis.start_stream_encryption(&world.context, input).await.unwrap();
    assert_eq!(world.status("s").await, "UPDATING");
    world.settled().await;
    let summary = world.summary("s").await;
    assert_eq!((summary.encryption_type, summary.key_id), (Some(EncryptionType::Kms), Some(key_id.clone())));
    assert_eq!(world.put(0, "secret").await.unwrap().encryption_type, Some(EncryptionType::Kms));
    let iterator = world.iterator(0, ShardIteratorType::TrimHorizon).await;
    let records = world.get(&iterator).await.unwrap().records;
    let types: Vec<_> = records.into_iter().map(|record| record.encryption_type).collect();
    assert_eq!(types, [None, Some(EncryptionType::Kms)]);

    let stop = |key_id: &str| {
        let input = StopStreamEncryptionInput {
            stream_name: Some("s".to_owned()),
            encryption_type: EncryptionType::Kms,
            key_id: key_id.to_owned(),
            ..Default::default()
        };
        world.kinesis.stop_stream_encryption(&world.context, input)
    };
    assert_eq!(stop("another").await.unwrap_err().code(), "InvalidArgumentException");
    stop(&key_id).await.unwrap();
    world.settled().await;
    let summary = world.summary("s").await;
    assert_eq!((summary.encryption_type, summary.key_id), (Some(EncryptionType::None), None));
    assert_eq!(world.put(0, "x").await.unwrap().encryption_type, None);
}

#[tokio::test]
async fn metrics_of_shards_are_recorded_when_asked_for() {
    let world = World::with_stream(1).await;
    let enable = EnableEnhancedMonitoringInput {
        stream_name: Some("s".to_owned()),
        shard_level_metrics: vec![MetricsName::IncomingRecords, MetricsName::OutgoingBytes],
        ..Default::default()
    };
    let answer = world.kinesis.enable_enhanced_monitoring(&world.context, enable).await.unwrap();
    assert_eq!(answer.current_shard_level_metrics, Some(vec![]));
    let enabled = vec![MetricsName::IncomingRecords, MetricsName::OutgoingBytes];
    assert_eq!(answer.desired_shard_level_metrics, Some(enabled.clone()));
    world.settled().await;
    assert_eq!(world.summary("s").await.enhanced_monitoring[0].shard_level_metrics, Some(enabled));
    let iterator = world.iterator(0, ShardIteratorType::TrimHorizon).await;
    world.put(0, "four").await.unwrap();
    world.get(&iterator).await.unwrap();
    let mut figures = world.figures.take();
    figures.retain(|figure| figure.starts_with("s/"));
    assert_eq!(
        figures,
        ["s/shardId-000000000000 IncomingRecords 1", "s/shardId-000000000000 OutgoingBytes 4"]
    );
    let disable = DisableEnhancedMonitoringInput {
        stream_name: Some("s".to_owned()),
        shard_level_metrics: vec![MetricsName::All],
        ..Default::default()
    };
    let answer = world.kinesis.disable_enhanced_monitoring(&world.context, disable).await.unwrap();
    assert_eq!(answer.desired_shard_level_metrics, Some(vec![]));
    world.settled().await;
    let all = EnableEnhancedMonitoringInput {
        stream_arn: Some(world.arn("s")),
        shard_level_metrics: vec![MetricsName::All],
        ..Default::default()
    };
    let answer = world.kinesis.enable_enhanced_monitoring(&world.context, all).await.unwrap();
    assert_eq!(answer.desired_shard_level_metrics.map(|names| names.len()), Some(7));
}

#[tokio::test]
async fn the_mode_changes_twice_a_day() {
    let world = World::with_stream(2).await;
    let set = async |stream_mode| {
        let input = UpdateStreamModeInput {
            stream_arn: world.arn("s"),
            stream_mode_details: StreamModeDetails { stream_mode },
            ..Default::default()
        };
        let answer = world.kinesis.update_stream_mode(&world.context, input).await;
        world.settled().await;
        answer
    };
    set(StreamMode::OnDemand).await.unwrap();
    let summary = world.summary("s").await;
    assert_eq!(summary.stream_mode_details.unwrap().stream_mode, StreamMode::OnDemand);
    assert_eq!(summary.open_shard_count, 2, "the shards stay");
    set(StreamMode::Provisioned).await.unwrap();
    assert_eq!(set(StreamMode::OnDemand).await.unwrap_err().code(), "LimitExceededException");
    world.advance(24 * 3_600).await;
    set(StreamMode::OnDemand).await.unwrap();
}

#[tokio::test]
async fn nobody_commits_to_a_bill() {
    let world = World::new();
    let input = DescribeAccountSettingsInput {};
    let settings = world.kinesis.describe_account_settings(&world.context, input).await.unwrap();
    assert_eq!(settings.minimum_throughput_billing_commitment.unwrap().status.as_str(), "DISABLED");
}
