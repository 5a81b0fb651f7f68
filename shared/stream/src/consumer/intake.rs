//! From what librdkafka hands over to what the owner is told.

use std::collections::VecDeque;

use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message as _};

use super::ConsumerEvent;
use super::lanes::Lanes;
use crate::client::complain;
use crate::headers::decode;
use crate::{ForeignRecord, Record, StreamError, TopicPartition};

/// Sorts what a poll came back with.
///
/// # Errors
/// When the client gave up for good.
pub(super) fn take(
    polled: KafkaResult<BorrowedMessage<'_>>,
    lanes: &mut Lanes,
    outgoing: &mut VecDeque<ConsumerEvent>,
) -> Result<(), StreamError> {
    match polled {
        Ok(message) => take_message(&message, lanes, outgoing),
        Err(error @ (KafkaError::MessageConsumptionFatal(_) | KafkaError::Canceled)) => {
            return Err(StreamError::Fatal {
                reason: error.to_string(),
            });
        }
        Err(error) => complain(&error, "reading"),
    }
    Ok(())
}

fn take_message(
    message: &BorrowedMessage<'_>,
    lanes: &mut Lanes,
    outgoing: &mut VecDeque<ConsumerEvent>,
) {
    // A record of a partition that was just taken away is nobody's.
    let Some((partition, lane)) = lanes.find(message.topic(), message.partition()) else {
        return;
    };
    let offset = message.offset();
    let jump = lane.next_offset.filter(|expected| *expected != offset);
    lane.next_offset = Some(offset + 1);
    let decoded = decode(message.headers(), message.payload());
    if (jump.is_some() || decoded.is_err()) && !lane.collected.is_empty() {
        outgoing.push_back(ConsumerEvent::Records {
            partition: partition.clone(),
            records: std::mem::take(&mut lane.collected),
        });
    }
    if let Some(expected) = jump {
        outgoing.push_back(ConsumerEvent::Jumped {
            partition: partition.clone(),
            expected,
            found: offset,
        });
    }
    match decoded {
        Ok(decoded) => lane.collected.push(Record {
            offset,
            position: decoded.position,
            previous: decoded.previous,
            event: decoded.event,
        }),
        Err(reason) => outgoing.push_back(ConsumerEvent::Foreign(ForeignRecord {
            partition: partition.clone(),
            offset,
            reason,
        })),
    }
}

/// Whether an event speaks of a partition's records.
pub(super) fn is_about(event: &ConsumerEvent, wanted: &TopicPartition) -> bool {
    match event {
        ConsumerEvent::Records { partition, .. } | ConsumerEvent::Jumped { partition, .. } => {
            partition == wanted
        }
        ConsumerEvent::Foreign(foreign) => foreign.partition == *wanted,
        ConsumerEvent::Assigned(_) | ConsumerEvent::Revoked(_) => false,
    }
}
