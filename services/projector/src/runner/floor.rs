//! What a reader need not bring, because other readers did.

use std::collections::BTreeSet;

use dragoman_core::Position;

use crate::{Checkpoint, Reader};

/// Up to where all that a reader brings is done according to other records.
pub(super) fn floor(
    reader: &Reader,
    types: &BTreeSet<String>,
    start: Position,
    checkpoints: &[Checkpoint],
) -> Position {
    types
        .iter()
        .map(|event_type| floor_of_type(reader, event_type, checkpoints))
        .min()
        .unwrap_or(Position::ZERO)
        .max(start)
}

fn floor_of_type(reader: &Reader, event_type: &str, checkpoints: &[Checkpoint]) -> Position {
    let of_type = || {
        checkpoints
            .iter()
            .filter(|checkpoint| checkpoint.types.contains(event_type))
    };
    let alone = of_type()
        .filter(|checkpoint| {
            checkpoint.reader == Reader::Ledger || covers_the_same(&checkpoint.reader, reader)
        })
        .map(|checkpoint| checkpoint.position);
    let together = of_type().filter_map(|checkpoint| match &checkpoint.reader {
        Reader::Partition {
            topic, partitions, ..
        } => level_of_topic(topic, *partitions, of_type()),
        Reader::Ledger => None,
    });
    alone.chain(together).max().unwrap_or(Position::ZERO)
}

/// Whether two readers divide the subjects in the same way and have the same share.
fn covers_the_same(one: &Reader, other: &Reader) -> bool {
    match (one, other) {
        (
            Reader::Partition {
                partition,
                partitions,
                ..
            },
            Reader::Partition {
                partition: other_partition,
                partitions: other_partitions,
                ..
            },
        ) => partition == other_partition && partitions == other_partitions,
        (Reader::Ledger, _) | (_, Reader::Ledger) => false,
    }
}

/// Up to where all partitions of a topic have come; `None` when one has no record.
fn level_of_topic<'a>(
    topic: &str,
    partitions: i32,
    checkpoints: impl Iterator<Item = &'a Checkpoint> + Clone,
) -> Option<Position> {
    let of_partition = |wanted: i32| {
        checkpoints
            .clone()
            .filter(|checkpoint| {
                checkpoint.reader
                    == Reader::Partition {
                        topic: topic.to_owned(),
                        partition: wanted,
                        partitions,
                    }
            })
            .map(|checkpoint| checkpoint.position)
            .max()
    };
    (0..partitions)
        .map(of_partition)
        .try_fold(None, |lowest: Option<Position>, position| {
            let position = position?;
            Some(Some(lowest.map_or(position, |lowest| lowest.min(position))))
        })
        .flatten()
}
