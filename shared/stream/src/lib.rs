//! Kafka: producer, consumer, topics, and the headers of a record. No other crate
//! names rdkafka.
//!
//! What is promised to every reader of a topic: first occurrences are complete and
//! in order within a partition; a record whose `ce_sequence` is not above the last
//! one seen there is a repeat, to be dropped.

mod client;
mod consumer;
mod error;
mod headers;
mod options;
mod producer;
mod record;
mod tail;
mod topics;

pub use consumer::{
    Assignment, Claim, Consumer, ConsumerEvent, ConsumerOptions, Found, PartitionReader,
    Revocation, StartFrom,
};
pub use error::{ClientFailure, StreamError};
pub use headers::HeaderError;
pub use options::{
    KafkaOptions, SaslMechanism, SecurityOptions, SecurityProtocol, SettingProblem, TopicOptions,
};
pub use producer::{Delivery, Outgoing, Producer, Sent, SizeLimits};
pub use record::{ForeignRecord, Record, TopicPartition};
pub use tail::{PartitionEnd, PartitionTail, TailRecord, read_end, read_records, read_tails};
pub use topics::{TopicState, Topics, WantedTopic};
