// Amazon Kinesis through the AWS SDK for Java v2, which writes CBOR to it, and reads pushed records over HTTP/2.

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.ConsumerStatus;
import software.amazon.awssdk.services.kinesis.model.GetRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.InvalidArgumentException;
import software.amazon.awssdk.services.kinesis.model.KinesisException;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.PutRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.ResourceInUseException;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.awssdk.services.kinesis.model.StartingPosition;
import software.amazon.awssdk.services.kinesis.model.StreamDescriptionSummary;
import software.amazon.awssdk.services.kinesis.model.StreamStatus;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEvent;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardRequest;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardResponseHandler;

public class Kinesis {
    static final String SHARD = "shardId-000000000000";
    /** The content types of what was sent and answered. */
    static final ConcurrentLinkedQueue<String> TYPES = new ConcurrentLinkedQueue<>();
    static KinesisClient kinesis;
    static KinesisAsyncClient async;

    public static void main(String[] arguments) throws Exception {
        kinesis = configure(KinesisClient.builder()).build();
        async = configure(KinesisAsyncClient.builder()).build();
        String idle = register(create(1));
        Subscription first = new Subscription(idle, from(ShardIteratorType.LATEST));
        first.begun.get(20, TimeUnit.SECONDS);
        long began = System.nanoTime();
        run("records are put and got in CBOR", Kinesis::putAndGet);
        run("moments have milliseconds", Kinesis::moments);
        run("errors have their types and messages", Kinesis::errors);
        run("records are pushed over HTTP/2", Kinesis::pushed);
        run("a subscription ends with an exception", Kinesis::ended);
        run("a subscription is taken over after five seconds", () -> takenOver(idle, first, began));
        System.exit(0);
    }

    interface Test {
        void run() throws Exception;
    }

    static void run(String name, Test test) throws Exception {
        test.run();
        System.out.println("ok " + name);
    }

    static <B extends AwsClientBuilder<B, C>, C> B configure(B builder) {
        AwsBasicCredentials credentials =
            AwsBasicCredentials.create(System.getenv("AWS_ACCESS_KEY_ID"), System.getenv("AWS_SECRET_ACCESS_KEY"));
        return builder
            .endpointOverride(URI.create(System.getenv("AWS_ENDPOINT_URL")))
            .region(Region.of(System.getenv("AWS_REGION")))
            .credentialsProvider(StaticCredentialsProvider.create(credentials))
            .overrideConfiguration(options -> options
                .retryStrategy(retries -> retries.maxAttempts(1))
                .apiCallTimeout(Duration.ofSeconds(30))
                .addExecutionInterceptor(new ExecutionInterceptor() {
                    @Override
                    public void afterTransmission(Context.AfterTransmission context, ExecutionAttributes attributes) {
                        TYPES.add(context.httpRequest().firstMatchingHeader("Content-Type").orElse("none"));
                        TYPES.add(context.httpResponse().firstMatchingHeader("Content-Type").orElse("none"));
                    }
                }));
    }

    static void check(boolean holds, Object... seen) {
        if (!holds) {
            throw new AssertionError(List.of(seen).toString());
        }
    }

    static String create(int shards) {
        String name = "stream-" + UUID.randomUUID();
        kinesis.createStream(request -> request.streamName(name).shardCount(shards));
        // The SDK's own waiter looks every ten seconds.
        while (summary(name).streamStatus() != StreamStatus.ACTIVE) {
            Thread.onSpinWait();
        }
        return name;
    }

    static StreamDescriptionSummary summary(String stream) {
        return kinesis.describeStreamSummary(request -> request.streamName(stream)).streamDescriptionSummary();
    }

    static String register(String stream) {
        String arn = summary(stream).streamARN();
        String consumer = kinesis.registerStreamConsumer(request -> request.streamARN(arn).consumerName("reader"))
            .consumer().consumerARN();
        while (kinesis.describeStreamConsumer(request -> request.consumerARN(consumer))
            .consumerDescription().consumerStatus() != ConsumerStatus.ACTIVE) {
            Thread.onSpinWait();
        }
        return consumer;
    }

    static String put(String stream, String data) {
        return kinesis.putRecord(request ->
            request.streamName(stream).partitionKey("k").data(SdkBytes.fromUtf8String(data))).sequenceNumber();
    }

    static GetRecordsResponse get(String stream, ShardIteratorType type, Instant at) {
        String iterator = kinesis.getShardIterator(request ->
            request.streamName(stream).shardId(SHARD).shardIteratorType(type).timestamp(at)).shardIterator();
        return kinesis.getRecords(request -> request.shardIterator(iterator));
    }

    static void putAndGet() {
        String stream = create(1);
        TYPES.clear();
        byte[] data = {0, 1, -2, -1};
        List<PutRecordsRequestEntry> entries = IntStream.range(0, 20)
            .mapToObj(key -> PutRecordsRequestEntry.builder()
                .partitionKey("Schlüssel " + key).data(SdkBytes.fromByteArray(data)).build())
            .toList();
        PutRecordsResponse put = kinesis.putRecords(request -> request.streamName(stream).records(entries));
        check(put.failedRecordCount() == 0, put);
        GetRecordsResponse got = get(stream, ShardIteratorType.TRIM_HORIZON, null);
        check(got.millisBehindLatest() == 0 && got.nextShardIterator() != null, got);
        check(got.records().stream().map(record -> record.sequenceNumber()).toList()
            .equals(put.records().stream().map(record -> record.sequenceNumber()).toList()), got, put);
        check(got.records().get(7).partitionKey().equals("Schlüssel 7"), got);
        check(got.records().stream().allMatch(record -> record.data().equals(SdkBytes.fromByteArray(data))), got);
        check(TYPES.stream().allMatch("application/x-amz-cbor-1.1"::equals) && TYPES.size() == 6, TYPES);
    }

    static void moments() throws Exception {
        String stream = create(1);
        put(stream, "one");
        Instant first = get(stream, ShardIteratorType.TRIM_HORIZON, null).records().get(0).approximateArrivalTimestamp();
        check(Math.abs(Duration.between(first, Instant.now()).toSeconds()) < 60, first);
        Instant second = first;
        // Another millisecond, as the server's clock has it.
        while (second.equals(first)) {
            put(stream, "two");
            List<software.amazon.awssdk.services.kinesis.model.Record> records =
                get(stream, ShardIteratorType.TRIM_HORIZON, null).records();
            second = records.get(records.size() - 1).approximateArrivalTimestamp();
            Thread.sleep(250);
        }
        GetRecordsResponse later = get(stream, ShardIteratorType.AT_TIMESTAMP, second);
        check(later.records().get(0).approximateArrivalTimestamp().equals(second), later, first, second);
        Instant created = summary(stream).streamCreationTimestamp();
        check(!created.isAfter(first) && Duration.between(created, first).toSeconds() < 60, created, first);
    }

    static void errors() {
        try {
            kinesis.describeStreamSummary(request -> request.streamName("nowhere"));
            throw new AssertionError("there is no such stream");
        } catch (ResourceNotFoundException error) {
            check(error.statusCode() == 400, error);
            check(error.awsErrorDetails().errorCode().equals("ResourceNotFoundException"), error);
            check(error.awsErrorDetails().errorMessage().equals("Stream nowhere under account "
                + System.getenv("AWS_ACCESS_KEY_ID") + " not found."), error);
            check(error.requestId() != null, error);
        }
        try {
            kinesis.getRecords(request -> request.shardIterator("AAAA"));
            throw new AssertionError("this is no iterator");
        } catch (InvalidArgumentException error) {
            check(error.awsErrorDetails().errorMessage().contains("ShardIterator"), error);
        }
        try {
            kinesis.createStream(request -> request.streamName("no spaces").shardCount(1));
            throw new AssertionError("this is no name");
        } catch (KinesisException error) {
            check(error.awsErrorDetails().errorCode().equals("ValidationException"), error);
            check(error.getMessage().contains("[a-zA-Z0-9_.-]+"), error);
        }
    }

    /** What came of a subscription. */
    static class Subscription {
        final List<SubscribeToShardEvent> events = new ArrayList<>();
        final CompletableFuture<Void> begun = new CompletableFuture<>();
        final CompletableFuture<Void> ended;

        Subscription(String consumer, StartingPosition from) {
            SubscribeToShardResponseHandler handler = SubscribeToShardResponseHandler.builder()
                .onResponse(response -> begun.complete(null))
                .onError(begun::completeExceptionally)
                .subscriber(SubscribeToShardResponseHandler.Visitor.builder().onSubscribeToShardEvent(this::add).build())
                .build();
            ended = async.subscribeToShard(
                SubscribeToShardRequest.builder().consumerARN(consumer).shardId(SHARD).startingPosition(from).build(),
                handler);
        }

        synchronized void add(SubscribeToShardEvent event) {
            events.add(event);
            notifyAll();
        }

        /** Waits for so many records. */
        synchronized List<String> records(int count) throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (data().size() < count && System.nanoTime() < end) {
                wait(100);
            }
            return data();
        }

        List<String> data() {
            return events.stream().flatMap(event -> event.records().stream())
                .map(record -> record.data().asString(StandardCharsets.UTF_8)).toList();
        }
    }

    static StartingPosition from(ShardIteratorType type) {
        return StartingPosition.builder().type(type).build();
    }

    static void pushed() throws Exception {
        String stream = create(1);
        String consumer = register(stream);
        put(stream, "one");
        TYPES.clear();
        Subscription subscription = new Subscription(consumer, from(ShardIteratorType.TRIM_HORIZON));
        subscription.begun.get(20, TimeUnit.SECONDS);
        put(stream, "two");
        check(subscription.records(2).equals(List.of("one", "two")), subscription.events);
        // Whether it goes on is told by this number.
        check(subscription.events.stream().allMatch(event -> event.continuationSequenceNumber() != null), subscription.events);
        try {
            new Subscription(consumer, from(ShardIteratorType.LATEST)).ended.get(20, TimeUnit.SECONDS);
            throw new AssertionError("two subscriptions at once");
        } catch (ExecutionException error) {
            check(error.getCause() instanceof ResourceInUseException, error);
        }
        kinesis.splitShard(request -> request.streamName(stream).shardToSplit(SHARD)
            .newStartingHashKey("170141183460469231731687303715884105728"));
        subscription.ended.get(20, TimeUnit.SECONDS);
        SubscribeToShardEvent last = subscription.events.get(subscription.events.size() - 1);
        check(last.continuationSequenceNumber() == null && last.childShards().size() == 2, last);
        check(TYPES.contains("application/x-amz-cbor-1.1") && TYPES.contains("application/vnd.amazon.eventstream"), TYPES);
    }

    /** The first one has heard that nothing happens, and then that another one came. */
    static void takenOver(String consumer, Subscription first, long began) throws Exception {
        Thread.sleep(Math.max(0, 6_000 - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began)));
        check(first.events.size() > 0 && first.data().isEmpty(), first.events);
        Subscription second = new Subscription(consumer, from(ShardIteratorType.LATEST));
        second.begun.get(20, TimeUnit.SECONDS);
        try {
            first.ended.get(20, TimeUnit.SECONDS);
            throw new AssertionError("two subscriptions at once");
        } catch (ExecutionException error) {
            check(error.getCause() instanceof ResourceInUseException, error.getCause());
        }
        check(!second.ended.isDone());
    }

    static void ended() throws Exception {
        String stream = create(1);
        String consumer = register(stream);
        Subscription subscription = new Subscription(consumer, from(ShardIteratorType.LATEST));
        subscription.begun.get(20, TimeUnit.SECONDS);
        kinesis.deregisterStreamConsumer(request -> request.consumerARN(consumer));
        try {
            subscription.ended.get(20, TimeUnit.SECONDS);
            throw new AssertionError("nobody reads");
        } catch (ExecutionException error) {
            check(error.getCause() instanceof ResourceNotFoundException, error.getCause());
        }
    }
}
