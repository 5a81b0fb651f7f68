//! What the poll thread knows about the partitions it reads.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

use crate::{Record, TopicPartition};

/// A partition that is being read.
#[derive(Debug)]
pub(super) struct Lane {
    revoked: CancellationToken,
    /// The offset expected next; `None` until the oldest record has been seen.
    pub(super) next_offset: Option<i64>,
    pub(super) collected: Vec<Record>,
}

/// The partitions that are being read.
#[derive(Debug, Default)]
pub(super) struct Lanes(HashMap<TopicPartition, Lane>);

impl Lanes {
    pub(super) fn open(
        &mut self,
        partition: TopicPartition,
        offset: Option<i64>,
        revoked: CancellationToken,
    ) {
        self.0.insert(
            partition,
            Lane {
                revoked,
                next_offset: offset,
                collected: Vec::new(),
            },
        );
    }

    /// Forgets a partition with what was collected of it, and tells its claim.
    pub(super) fn close(&mut self, partition: &TopicPartition) {
        if let Some(lane) = self.0.remove(partition) {
            lane.revoked.cancel();
        }
    }

    pub(super) fn close_all(&mut self) {
        for (_, lane) in self.0.drain() {
            lane.revoked.cancel();
        }
    }

    pub(super) fn find(
        &mut self,
        topic: &str,
        partition: i32,
    ) -> Option<(&TopicPartition, &mut Lane)> {
        self.0
            .iter_mut()
            .find(|(key, _)| key.partition == partition && &*key.topic == topic)
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.0.keys()
    }

    /// What was collected, by partition.
    pub(super) fn take_collected(&mut self) -> Vec<(TopicPartition, Vec<Record>)> {
        self.0
            .iter_mut()
            .filter(|(_, lane)| !lane.collected.is_empty())
            .map(|(partition, lane)| (partition.clone(), std::mem::take(&mut lane.collected)))
            .collect()
    }
}
