// Event source mappings through the AWS SDK for Java v2: a queue and a stream that a function is run for.

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.StreamStatus;
import software.amazon.awssdk.services.lambda.LambdaClient;
import software.amazon.awssdk.services.lambda.model.CreateEventSourceMappingResponse;
import software.amazon.awssdk.services.lambda.model.EventSourcePosition;
import software.amazon.awssdk.services.lambda.model.TooManyRequestsException;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

public class Mappings {
    /** It says what it has seen. There is one environment of it only, so that all is seen by the same. */
    static final String CODE = """
        import base64
        seen = []
        def handler(event, context):
            for record in event.get("Records", []):
                seen.append(record["body"] if "body" in record else base64.b64decode(record["kinesis"]["data"]).decode())
            return seen
        """;
    static LambdaClient lambda;
    static String function = "function-" + UUID.randomUUID();

    public static void main(String[] arguments) throws Exception {
        lambda = configure(LambdaClient.builder()).build();
        create();
        queue();
        stream();
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

    static void create() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.putNextEntry(new ZipEntry("index.py"));
            zip.write(CODE.getBytes(StandardCharsets.UTF_8));
        }
        lambda.createFunction(request -> request
            .functionName(function)
            .runtime(System.getenv("LAMBENT_E2E_PYTHON"))
            .handler("index.handler")
            .role("arn:aws:iam::" + System.getenv("AWS_ACCESS_KEY_ID") + ":role/lambda-role")
            .code(code -> code.zipFile(SdkBytes.fromByteArray(bytes.toByteArray()))));
        lambda.waiter().waitUntilFunctionActiveV2(request -> request.functionName(function));
        lambda.putFunctionConcurrency(request -> request.functionName(function).reservedConcurrentExecutions(1));
    }

    static void awaitSeen(String text) throws InterruptedException {
        long end = System.nanoTime() + 20_000_000_000L;
        String seen = "";
        while (System.nanoTime() < end) {
            try {
                seen = lambda.invoke(request -> request.functionName(function).payload(SdkBytes.fromUtf8String("{}")))
                    .payload().asUtf8String();
            } catch (TooManyRequestsException busy) {
                // The mapping has it.
            }
            if (seen.contains(text)) {
                return;
            }
            Thread.sleep(50);
        }
        throw new AssertionError(seen);
    }

    static void awaitEnabled(CreateEventSourceMappingResponse mapping) {
        while (!lambda.getEventSourceMapping(request -> request.uuid(mapping.uuid())).state().equals("Enabled")) {
            Thread.onSpinWait();
        }
    }

    static void queue() throws Exception {
        SqsClient sqs = configure(SqsClient.builder()).build();
        String url = sqs.createQueue(request -> request.queueName("queue-" + UUID.randomUUID())).queueUrl();
        String arn = sqs.getQueueAttributes(request -> request.queueUrl(url).attributeNames(QueueAttributeName.QUEUE_ARN))
            .attributes().get(QueueAttributeName.QUEUE_ARN);
        awaitEnabled(lambda.createEventSourceMapping(request -> request.functionName(function).eventSourceArn(arn)));
        sqs.sendMessage(request -> request.queueUrl(url).messageBody("from a queue"));
        awaitSeen("from a queue");
        System.out.println("ok a function is run for a queue");
    }

    static void stream() throws Exception {
        KinesisClient kinesis = configure(KinesisClient.builder()).build();
        String name = "stream-" + UUID.randomUUID();
        kinesis.createStream(request -> request.streamName(name).shardCount(1));
        while (kinesis.describeStreamSummary(request -> request.streamName(name)).streamDescriptionSummary().streamStatus()
            != StreamStatus.ACTIVE) {
            Thread.onSpinWait();
        }
        String arn = kinesis.describeStreamSummary(request -> request.streamName(name)).streamDescriptionSummary().streamARN();
        awaitEnabled(lambda.createEventSourceMapping(request -> request
            .functionName(function).eventSourceArn(arn).startingPosition(EventSourcePosition.TRIM_HORIZON)));
        kinesis.putRecord(request ->
            request.streamName(name).partitionKey("k").data(SdkBytes.fromUtf8String("from a stream")));
        awaitSeen("from a stream");
        System.out.println("ok a function is run for a stream");
    }
}
