import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.KStream;

/**
 * Kafka Streams as a measure: each record of one topic is written to several others, cut to given sizes, exactly once, and
 * nothing is decided. It writes as many records of as many bytes as the router does for the same alerts.
 *
 * Arguments: bootstrap servers, application id, records to expect, input topic, then pairs of output topic and bytes.
 * Prints two numbers: records a second over the whole run, and over its second half, when the code is compiled.
 */
public final class PassThrough {
    public static void main(String[] arguments) throws InterruptedException {
        long expected = Long.parseLong(arguments[2]);
        AtomicLong seen = new AtomicLong();
        AtomicLong[] times = {new AtomicLong(), new AtomicLong(), new AtomicLong()};
        CountDownLatch done = new CountDownLatch(1);

        StreamsBuilder builder = new StreamsBuilder();
        KStream<byte[], byte[]> input = builder.stream(arguments[3]);
        for (int at = 4; at < arguments.length; at += 2) {
            int size = Integer.parseInt(arguments[at + 1]);
            input.mapValues(value -> Arrays.copyOf(value, size)).to(arguments[at]);
        }
        input.foreach((key, value) -> {
            long number = seen.incrementAndGet();
            if (number == 1) {
                times[0].set(System.nanoTime());
            } else if (number == expected / 2) {
                times[1].set(System.nanoTime());
            } else if (number == expected) {
                times[2].set(System.nanoTime());
                done.countDown();
            }
        });

        KafkaStreams streams = new KafkaStreams(builder.build(), settings(arguments[0], arguments[1]));
        streams.start();
        done.await();
        streams.close(Duration.ofSeconds(10));
        System.out.printf("%.1f %.1f%n", rate(expected, times[0], times[2]), rate(expected - expected / 2, times[1], times[2]));
    }

    private static double rate(long records, AtomicLong from, AtomicLong to) {
        return records * 1e9 / (to.get() - from.get());
    }

    private static Properties settings(String servers, String application) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 2000);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 900_000);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128L << 20);
        return settings;
    }
}
