//! Kafka: producer, consumer, topics, headers. The only crate that names rdkafka.
