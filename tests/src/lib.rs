//! Tests across services, on real Postgres and real Kafka.
