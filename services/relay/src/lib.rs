//! Seals the log into the ledger and publishes it to Kafka.
