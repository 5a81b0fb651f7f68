//! Where each event goes, and how far each partition has come.

use std::collections::HashMap;
use std::sync::Arc;

use dragoman_core::{Identity, Position, RecordedEvent, partition_for};
use dragoman_faults::{Bug, planted};
use dragoman_store::Mark;

/// A partition as its tail was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundPartition {
    pub(crate) partition: i32,
    /// What was marked for it.
    pub(crate) marked: Option<Mark>,
    /// The highest record found from there to the end, and its offset.
    pub(crate) maximum: Option<(Identity, i64)>,
}

/// A partition that is published to.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    /// It holds everything at or below; what is published comes after it.
    recovered: Position,
    /// The position of the last record given to Kafka.
    pub(crate) previous: Option<Position>,
    /// The last record acknowledged, and its offset.
    acknowledged: Option<(Identity, i64)>,
    /// The position in the last mark written.
    marked: Position,
}

impl Lane {
    fn new(topic: Arc<str>, found: FoundPartition) -> Self {
        let marked = found.marked.map_or(Position::ZERO, |mark| mark.position);
        let acknowledged = found
            .maximum
            .filter(|(identity, _)| identity.position > marked);
        let recovered = acknowledged
            .as_ref()
            .map_or(marked, |(identity, _)| identity.position);
        Self {
            topic,
            partition: found.partition,
            recovered,
            previous: (recovered > Position::ZERO).then_some(recovered),
            acknowledged,
            marked,
        }
    }

    /// Whether the partition was found to hold the event already.
    pub(crate) fn holds(&self, position: Position) -> bool {
        position <= self.recovered
    }

    pub(crate) fn acknowledge(&mut self, identity: Identity, offset: i64) {
        self.acknowledged = Some((identity, offset));
    }

    /// The last record that is known to be in Kafka.
    pub(crate) fn tail(&self) -> Option<&Identity> {
        self.acknowledged.as_ref().map(|(identity, _)| identity)
    }

    /// What there is to mark, if it is more than was marked last.
    pub(crate) fn due_mark(&self) -> Option<Mark> {
        let (identity, kafka_offset) = self.acknowledged.as_ref()?;
        (identity.position > self.marked).then(|| Mark {
            topic: self.topic.to_string(),
            partition: self.partition,
            position: identity.position,
            kafka_offset: *kafka_offset,
            source: identity.source.clone(),
            id: identity.id.clone(),
        })
    }

    fn was_marked(&mut self, position: Position) {
        self.marked = self.marked.max(position);
    }
}

/// A topic with its partitions as they were found.
#[derive(Debug)]
pub(crate) struct FoundTopic {
    pub(crate) topic: String,
    /// All of them, by number from 0.
    pub(crate) partitions: Vec<FoundPartition>,
}

/// All partitions that are published to, and which events go there.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    /// Type to its topic's first lane and number of partitions.
    types: HashMap<String, (usize, i32)>,
}

impl Lanes {
    /// Lanes for these topics, and the way of each type to its topic. A type whose
    /// topic is not among them has no way.
    pub(crate) fn new(
        topics: Vec<FoundTopic>,
        types: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut lanes = Vec::new();
        let mut by_topic = HashMap::new();
        for found in topics {
            let count = i32::try_from(found.partitions.len()).unwrap_or(i32::MAX);
            by_topic.insert(found.topic.clone(), (lanes.len(), count));
            let topic: Arc<str> = found.topic.into();
            lanes.extend(
                found
                    .partitions
                    .into_iter()
                    .map(|partition| Lane::new(Arc::clone(&topic), partition)),
            );
        }
        let types = types
            .into_iter()
            .filter_map(|(event_type, topic)| Some((event_type, *by_topic.get(&topic)?)))
            .collect();
        Self { lanes, types }
    }

    /// The lane of an event: its type's topic, its subject's partition. `None` for a
    /// type that the catalogue did not have when the topics were looked at.
    pub(crate) fn index_of(&self, event: &RecordedEvent) -> Option<usize> {
        let (first, partitions) = self.types.get(&event.event.event_type)?;
        let partition = if planted(Bug::OtherPartitioner) {
            i32::try_from(event.event.subject.len()).ok()? % *partitions
        } else {
            partition_for(event.event.subject_hash(), *partitions)
        };
        Some(first + usize::try_from(partition).ok()?)
    }

    /// The topics.
    pub(crate) fn topics(&self) -> Vec<String> {
        let mut topics: Vec<String> = self.iter().map(|lane| lane.topic.to_string()).collect();
        topics.dedup();
        topics
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Lane> {
        self.lanes.get_mut(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter()
    }

    /// What there is to mark in all of them.
    pub(crate) fn due_marks(&self) -> Vec<Mark> {
        self.lanes.iter().filter_map(Lane::due_mark).collect()
    }

    /// Notes that these marks were written.
    pub(crate) fn marked(&mut self, marks: &[Mark]) {
        for mark in marks {
            for lane in &mut self.lanes {
                if lane.partition == mark.partition && *lane.topic == *mark.topic {
                    lane.was_marked(mark.position);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{FoundPartition, FoundTopic, Lanes};
    use crate::testing::recorded;
    use dragoman_core::{Identity, Position, partition_for};
    use dragoman_store::Mark;

    fn mark(position: i64) -> Mark {
        Mark {
            topic: "orders".into(),
            partition: 0,
            position: Position(position),
            kafka_offset: 5,
            source: "/shop".into(),
            id: format!("id-{position}"),
        }
    }

    fn identity(position: i64) -> Identity {
        recorded(position).identity()
    }

    fn one_lane(marked: Option<Mark>, maximum: Option<(Identity, i64)>) -> Lanes {
        let partition = FoundPartition {
            partition: 0,
            marked,
            maximum,
        };
        let topic = FoundTopic {
            topic: "orders".into(),
            partitions: vec![partition],
        };
        Lanes::new(vec![topic], [("order.placed".into(), "orders".into())])
    }

    #[test]
    fn an_empty_partition_starts_without_a_record_before() {
        let mut lanes = one_lane(None, None);
        let lane = lanes.get_mut(0).unwrap();
        assert_eq!(lane.previous, None);
        assert!(!lane.holds(Position(1)));
        assert!(lanes.due_marks().is_empty());
    }

    #[test]
    fn what_was_found_behind_the_mark_counts_and_is_marked() {
        let mut lanes = one_lane(Some(mark(7)), Some((identity(9), 6)));
        let lane = lanes.get_mut(0).unwrap();
        assert_eq!(lane.previous, Some(Position(9)));
        assert!(lane.holds(Position(9)) && !lane.holds(Position(10)));
        let due = lanes.due_marks();
        assert_eq!(due[0].position, Position(9));
        lanes.marked(&due);
        assert!(lanes.due_marks().is_empty());
    }

    #[test]
    fn a_lost_tail_is_not_published_again() {
        let mut lanes = one_lane(Some(mark(7)), Some((identity(3), 2)));
        let lane = lanes.get_mut(0).unwrap();
        assert!(lane.holds(Position(7)) && !lane.holds(Position(8)));
        assert_eq!(lane.previous, Some(Position(7)));
        assert_eq!(lane.tail(), None);
    }

    #[test]
    fn an_event_goes_to_the_partition_of_its_subject() {
        let partitions = (0..3)
            .map(|partition| FoundPartition {
                partition,
                marked: None,
                maximum: None,
            })
            .collect();
        let other = FoundTopic {
            topic: "stock".into(),
            partitions: vec![FoundPartition {
                partition: 0,
                marked: None,
                maximum: None,
            }],
        };
        let orders = FoundTopic {
            topic: "orders".into(),
            partitions,
        };
        let lanes = Lanes::new(
            vec![other, orders],
            [("order.placed".into(), "orders".into())],
        );
        for position in 1..50 {
            let event = recorded(position);
            let expected = 1 + partition_for(event.event.subject_hash(), 3);
            let found = lanes.index_of(&event).unwrap();
            assert_eq!(i32::try_from(found), Ok(expected));
        }
        let mut unknown = recorded(1);
        unknown.event.event_type = "stock.counted".into();
        assert_eq!(lanes.index_of(&unknown), None);
    }
}
