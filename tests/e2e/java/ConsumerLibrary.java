// The Kinesis Client Library: its workers subscribe to all shards of a stream, and follow it when it is split. It keeps its
// leases in DynamoDB, here one in its own process (DynamoDB local).

import com.amazonaws.services.dynamodbv2.local.embedded.DynamoDBEmbedded;
import java.math.BigInteger;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.model.StreamStatus;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.KinesisClientUtil;
import software.amazon.kinesis.common.StreamIdentifier;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.MetricsLevel;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;

public class ConsumerLibrary {
    static final Set<String> SEEN = ConcurrentHashMap.newKeySet();
    static final Set<String> ENDED = ConcurrentHashMap.newKeySet();
    static KinesisAsyncClient kinesis;
    static String stream = "stream-" + UUID.randomUUID();

    static class Processor implements ShardRecordProcessor {
        private String shard;

        @Override
        public void initialize(InitializationInput input) {
            shard = input.shardId();
        }

        @Override
        public void processRecords(ProcessRecordsInput input) {
            input.records().forEach(record -> SEEN.add(StandardCharsets.UTF_8.decode(record.data()).toString()));
        }

        @Override
        public void shardEnded(ShardEndedInput input) {
            ENDED.add(shard);
            try {
                input.checkpointer().checkpoint();
            } catch (ShutdownException | InvalidStateException error) {
                throw new IllegalStateException(error);
            }
        }

        @Override
        public void leaseLost(LeaseLostInput input) {}

        @Override
        public void shutdownRequested(ShutdownRequestedInput input) {}
    }

    public static void main(String[] arguments) throws Exception {
        kinesis = KinesisClientUtil.createKinesisAsyncClient(configure(KinesisAsyncClient.builder()));
        kinesis.createStream(request -> request.streamName(stream).shardCount(2)).get();
        awaitActive();
        put(0, 100);
        DynamoDbAsyncClient dynamo = DynamoDBEmbedded.create(true).dynamoDbAsyncClient();
        CloudWatchAsyncClient cloudwatch = configure(CloudWatchAsyncClient.builder()).build();
        Thread worker = new Thread(scheduler(dynamo, cloudwatch));
        worker.setDaemon(true);
        worker.start();
        awaitRecords(100);
        System.out.println("ok the records of all shards are processed");
        kinesis.splitShard(request -> request.streamName(stream).shardToSplit("shardId-000000000000")
            .newStartingHashKey(BigInteger.ONE.shiftLeft(126).toString())).get();
        awaitActive();
        put(100, 200);
        awaitRecords(200);
        if (!ENDED.equals(Set.of("shardId-000000000000"))) {
            throw new AssertionError(ENDED);
        }
        System.out.println("ok the children of a shard follow it");
        System.exit(0);
    }

    static <B extends AwsClientBuilder<B, C>, C> B configure(B builder) {
        AwsBasicCredentials credentials =
            AwsBasicCredentials.create(System.getenv("AWS_ACCESS_KEY_ID"), System.getenv("AWS_SECRET_ACCESS_KEY"));
        return builder
            .endpointOverride(URI.create(System.getenv("AWS_ENDPOINT_URL")))
            .region(Region.of(System.getenv("AWS_REGION")))
            .credentialsProvider(StaticCredentialsProvider.create(credentials));
    }

    static Scheduler scheduler(DynamoDbAsyncClient dynamo, CloudWatchAsyncClient cloudwatch) {
        SingleStreamTracker tracker = new SingleStreamTracker(
            StreamIdentifier.singleStreamInstance(stream),
            InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
        ConfigsBuilder configs =
            new ConfigsBuilder(tracker, stream, kinesis, dynamo, cloudwatch, "worker", Processor::new);
        // All of its intervals are made for days, not for a test.
        return new Scheduler(
            configs.checkpointConfig(),
            configs.coordinatorConfig().parentShardPollIntervalMillis(200).shardConsumerDispatchPollIntervalMillis(100),
            configs.leaseManagementConfig().failoverTimeMillis(1_000).shardSyncIntervalMillis(500)
                .leasesRecoveryAuditorExecutionFrequencyMillis(1_000),
            configs.lifecycleConfig(),
            configs.metricsConfig().metricsLevel(MetricsLevel.NONE),
            configs.processorConfig(),
            configs.retrievalConfig());
    }

    static void put(int from, int to) throws InterruptedException, ExecutionException {
        for (int number = from; number < to; number++) {
            String text = "record " + number;
            kinesis.putRecord(request ->
                request.streamName(stream).partitionKey(text).data(SdkBytes.fromUtf8String(text))).get();
        }
    }

    static void awaitActive() throws InterruptedException, ExecutionException {
        while (kinesis.describeStreamSummary(request -> request.streamName(stream)).get()
            .streamDescriptionSummary().streamStatus() != StreamStatus.ACTIVE) {
            Thread.onSpinWait();
        }
    }

    static void awaitRecords(int count) throws InterruptedException {
        while (SEEN.size() < count) {
            Thread.sleep(50);
        }
    }
}
