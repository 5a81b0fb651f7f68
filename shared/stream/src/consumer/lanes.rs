//! What the poll thread knows about the partitions it reads.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::{Record, TopicPartition};

/// The least time between two reports that a partition is at its end.
const END_INTERVAL: Duration = Duration::from_secs(1);

/// A partition that is being read.
#[derive(Debug)]
pub(super) struct Lane {
    revoked: CancellationToken,
    /// The offset expected next; `None` until the oldest record has been seen.
    pub(super) next_offset: Option<i64>,
    pub(super) collected: Vec<Record>,
    /// Whether the client said that some partition of this number is at its end.
    perhaps_at_end: bool,
    reported_end: Option<Instant>,
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
                perhaps_at_end: false,
                reported_end: None,
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

    /// The client names the partition that is at its end, not the topic: all
    /// topics' partitions of that number are looked at.
    pub(super) fn mark_end(&mut self, partition: i32) {
        for (key, lane) in &mut self.0 {
            if key.partition == partition {
                lane.perhaps_at_end = true;
            }
        }
    }

    /// Partitions to look at now, with the offset expected next in each.
    pub(super) fn due_ends(&mut self, now: Instant) -> Vec<(TopicPartition, Option<i64>)> {
        let mut due = Vec::new();
        for (key, lane) in &mut self.0 {
            let rested = lane
                .reported_end
                .is_none_or(|reported| now.duration_since(reported) >= END_INTERVAL);
            if lane.perhaps_at_end && rested {
                lane.perhaps_at_end = false;
                due.push((key.clone(), lane.next_offset));
            }
        }
        due
    }

    pub(super) fn reported_end(&mut self, partition: &TopicPartition, now: Instant) {
        if let Some(lane) = self.0.get_mut(partition) {
            lane.reported_end = Some(now);
        }
    }

    /// To be looked at again: the broker did not say where the end is.
    pub(super) fn ask_end_again(&mut self, partition: &TopicPartition, now: Instant) {
        if let Some(lane) = self.0.get_mut(partition) {
            lane.perhaps_at_end = true;
            lane.reported_end = Some(now);
        }
    }
}
