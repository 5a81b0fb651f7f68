//! Takes the group's decisions in; they are carried out by the poll thread, in order.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use tokio_util::sync::CancellationToken;

use crate::client::complain;

/// What the group decided, to be carried out and then confirmed to it.
#[derive(Debug)]
pub(super) enum Decision {
    /// Partitions to start reading.
    Assign(TopicPartitionList),
    /// Partitions to stop reading.
    Revoke {
        /// Which.
        list: TopicPartitionList,
        /// Whether others may have them already.
        lost: bool,
    },
}

#[derive(Debug)]
pub(super) struct GroupContext {
    decisions: Mutex<VecDeque<Decision>>,
    closing: CancellationToken,
}

impl GroupContext {
    pub(super) fn new(closing: CancellationToken) -> Self {
        Self {
            decisions: Mutex::default(),
            closing,
        }
    }

    pub(super) fn next_decision(&self) -> Option<Decision> {
        self.decisions().pop_front()
    }

    fn decisions(&self) -> MutexGuard<'_, VecDeque<Decision>> {
        self.decisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for GroupContext {
    fn error(&self, error: KafkaError, reason: &str) {
        complain(&error, reason);
    }
}

impl ConsumerContext for GroupContext {
    /// Leaves the answer to the poll thread, except while closing, when nobody is
    /// left to ask.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let assigning = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.is_cancelled() {
            let nothing = TopicPartitionList::new();
            let answered = if assigning {
                assign(consumer, &nothing)
            } else {
                unassign(consumer, list)
            };
            if let Err(error) = answered {
                tracing::debug!(%error, "a rebalance while leaving the group was not answered");
            }
            return;
        }
        let decision = if assigning {
            Decision::Assign(list.clone())
        } else {
            Decision::Revoke {
                list: list.clone(),
                lost: consumer.assignment_lost(),
            }
        };
        self.decisions().push_back(decision);
    }
}

/// Confirms an assignment, in the words of the group's protocol.
pub(super) fn assign(
    consumer: &BaseConsumer<GroupContext>,
    list: &TopicPartitionList,
) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(list),
    }
}

/// Confirms a revocation, in the words of the group's protocol.
pub(super) fn unassign(
    consumer: &BaseConsumer<GroupContext>,
    list: &TopicPartitionList,
) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
    }
}
