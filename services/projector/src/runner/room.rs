//! How much of what Kafka gave may wait for the lanes.
//!
//! Kafka gives long stretches of one partition. Were they handed over only as fast as
//! that partition's lane works, the others would have nothing to do meanwhile.

use std::sync::Arc;

use dragoman_stream::Record;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that may wait for all lanes together.
const BYTES: u32 = 8 * 1024 * 1024;
/// What a record takes beside its data, about.
const RECORD: usize = 512;

/// What may wait for all lanes together. One that falls far behind takes the room of the
/// others, too: then all go on at its pace.
#[derive(Debug)]
pub(super) struct Room(Arc<Semaphore>);

/// A part of it, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BYTES as usize)))
    }

    /// Waits until there is room for these records. Cancel safe.
    pub(super) async fn for_records(&self, records: &[Record]) -> Share {
        let permit = Arc::clone(&self.0).acquire_many_owned(size(records)).await;
        Share {
            _permit: permit.ok(),
        }
    }
}

/// What records take, and never more than there is.
fn size(records: &[Record]) -> u32 {
    let bytes = records
        .iter()
        .map(|record| record.event.data.len().saturating_add(RECORD))
        .fold(0, usize::saturating_add);
    u32::try_from(bytes).unwrap_or(BYTES).min(BYTES)
}

#[cfg(test)]
mod tests {
    use super::{BYTES, Room};
    use chrono::DateTime;
    use dragoman_core::{Event, JSON, Position};
    use dragoman_stream::Record;
    use futures_util::FutureExt as _;

    fn record(bytes: u32) -> Record {
        Record {
            offset: 0,
            position: Position(1),
            previous: None,
            event: Event {
                id: "1".into(),
                source: "/shop".into(),
                event_type: "order.placed".into(),
                subject: "order-1".into(),
                time: DateTime::UNIX_EPOCH,
                content_type: JSON.into(),
                data: " ".repeat(bytes as usize),
                traceparent: None,
                extensions: std::collections::BTreeMap::new(),
            },
        }
    }

    #[test]
    fn there_is_room_again_when_a_share_is_dropped() {
        let room = Room::new();
        let most = room.for_records(&[record(BYTES / 2)]).now_or_never();
        assert!(most.is_some());
        assert!(
            room.for_records(&[record(BYTES / 2)])
                .now_or_never()
                .is_none()
        );
        drop(most);
        assert!(
            room.for_records(&[record(BYTES / 2)])
                .now_or_never()
                .is_some()
        );
    }

    #[test]
    fn what_is_larger_than_all_room_takes_all_of_it() {
        let room = Room::new();
        let all = room
            .for_records(&[record(BYTES), record(BYTES)])
            .now_or_never();
        assert!(all.is_some());
        assert!(room.for_records(&[record(0)]).now_or_never().is_none());
    }
}
