//! Parts of the sealed log: one partition's, single events, and how many are covered.

use dragoman_core::{Position, RecordedEvent, partition_for};
use dragoman_store::{Coverage, Portion};
use sqlx::Executor as _;

use crate::hub::{Hub, insert};

const PARTITIONS: i32 = 3;

/// Sixty events of twelve subjects in many batches, some of them sealed late.
async fn sealed() -> (Hub, Vec<RecordedEvent>) {
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let (mut slow, mut quick) = (hub.session().await, hub.session().await);
    slow.execute("begin").await.unwrap();
    for number in 0..60 {
        let session = if number % 7 == 3 {
            &mut slow
        } else {
            &mut quick
        };
        insert(session, &format!("subject-{}", number % 12), number, None).await;
        hub.seal(&lease, 10).await;
    }
    slow.execute("commit").await.unwrap();
    while hub.seal(&lease, 10).await.is_some() {}
    let log = hub.store.read_after(Position::ZERO, 100).await.unwrap();
    assert_eq!(log.len(), 60);
    (hub, log)
}

fn is_in(event: &RecordedEvent, partition: i32) -> bool {
    partition_for(event.event.subject_hash(), PARTITIONS) == partition
}

#[tokio::test]
async fn a_portion_is_what_a_partition_gets_of_a_stretch() {
    let (hub, log) = sealed().await;
    for partition in 0..PARTITIONS {
        let portion = Portion {
            types: vec!["thing.happened".into(), "nothing.else".into()],
            partition,
            partitions: PARTITIONS,
        };
        let (after, until) = (Position(11), Position(47));
        let expected: Vec<RecordedEvent> = log
            .iter()
            .filter(|event| is_in(event, partition))
            .filter(|event| event.position > after && event.position <= until)
            .cloned()
            .collect();
        assert!(expected.len() > 3);
        let read = |limit| hub.store.read_portion(&portion, after, until, limit);
        assert_eq!(read(100).await.unwrap(), expected);
        assert_eq!(read(3).await.unwrap(), expected[..3]);
        let counted = hub.store.count_portion(&portion, after, until).await;
        assert_eq!(counted.unwrap(), expected.len() as i64);
        let beyond = hub
            .store
            .read_portion(&portion, Position(60), Position(90), 5);
        assert!(beyond.await.unwrap().is_empty());
        let other = Portion {
            types: vec!["nothing.else".into()],
            ..portion
        };
        let other = hub.store.read_portion(&other, after, until, 5).await;
        assert!(other.unwrap().is_empty());
    }
}

#[tokio::test]
async fn many_events_have_the_positions_that_the_database_gives_few_of_them() {
    let (hub, log) = sealed().await;
    for after in [0, 1, 11, 59, 60] {
        let many = hub.store.read_after(Position(after), 1_000).await.unwrap();
        assert_eq!(many, log[after as usize..], "after {after}");
    }
}

#[tokio::test]
async fn a_reader_goes_through_the_log_in_stretches_of_whole_batches() {
    let (hub, log) = sealed().await;
    for (after, about) in [(0, 1), (0, 7), (23, 7), (0, 100), (60, 7)] {
        let types = vec!["thing.happened".to_owned()];
        let reader = hub.store.log_reader(Position(after), types).await;
        let mut reader = reader.unwrap();
        let before = log.get((after as usize).wrapping_sub(1));
        let place = reader.place().await.unwrap();
        assert_eq!(place, before.map(RecordedEvent::identity));
        let mut read = Vec::new();
        while let Some(stretch) = reader.next(about).await.unwrap() {
            read.extend(stretch.events);
            assert_eq!(Some(stretch.last), read.last().map(RecordedEvent::identity));
        }
        assert_eq!(read, log[after as usize..], "after {after} by {about}");
    }
    let others = vec!["nothing.else".to_owned()];
    let mut reader = hub.store.log_reader(Position(9), others).await.unwrap();
    let stretch = reader.next(100).await.unwrap().unwrap();
    assert!(stretch.events.is_empty());
    assert_eq!(stretch.last, log[59].identity());
    assert_eq!(reader.next(100).await.unwrap(), None);
}

#[tokio::test]
async fn single_events_are_found_at_their_positions() {
    let (hub, log) = sealed().await;
    let wanted = [60, 1, 33, 61, 1].map(Position);
    let found = hub.store.events_at(&wanted).await.unwrap();
    let expected = [log[0].clone(), log[32].clone(), log[59].clone()];
    assert_eq!(found, expected);
    assert!(hub.store.events_at(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn single_events_are_found_in_batches_with_gaps_and_with_late_ones() {
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let (mut slow, mut quick) = (hub.session().await, hub.session().await);
    // A whole batch, one with a gap for good, and one with a gap that is filled by the next,
    // which has as many events as its range has numbers.
    for number in 0..4 {
        insert(&mut quick, "whole", number, None).await;
    }
    hub.seal(&lease, 10).await.unwrap();
    for number in 4..8 {
        let taken_back = number == 5;
        if taken_back {
            quick.execute("begin").await.unwrap();
        }
        insert(&mut quick, "gap", number, None).await;
        if taken_back {
            quick.execute("rollback").await.unwrap();
        }
    }
    hub.seal(&lease, 10).await.unwrap();
    slow.execute("begin").await.unwrap();
    insert(&mut slow, "late", 8, None).await;
    insert(&mut quick, "filled", 9, None).await;
    hub.seal(&lease, 10).await.unwrap();
    slow.execute("commit").await.unwrap();
    quick.execute("begin").await.unwrap();
    insert(&mut quick, "gap", 10, None).await;
    quick.execute("rollback").await.unwrap();
    insert(&mut quick, "filled", 11, None).await;
    hub.seal(&lease, 10).await.unwrap();

    let log = hub.store.read_after(Position::ZERO, 100).await.unwrap();
    let positions: Vec<Position> = log.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=10).map(Position).collect::<Vec<_>>());
    assert_eq!(hub.store.events_at(&positions).await.unwrap(), log);
    for event in &log {
        let found = hub.store.event_at(event.position).await.unwrap();
        assert_eq!(found.as_ref(), Some(event));
    }
    assert_eq!(hub.store.event_at(Position(11)).await.unwrap(), None);
    assert_eq!(hub.store.event_at(Position::ZERO).await.unwrap(), None);
}

#[tokio::test]
async fn the_account_counts_what_some_coverage_covers() {
    let (hub, log) = sealed().await;
    let coverages = [
        Coverage {
            event_type: "thing.happened".into(),
            partition: Some((1, PARTITIONS)),
            through: Position(40),
        },
        Coverage {
            event_type: "thing.happened".into(),
            partition: None,
            through: Position(20),
        },
        Coverage {
            event_type: "nothing.else".into(),
            partition: None,
            through: Position(60),
        },
    ];
    let (above, types) = (Position(5), ["thing.happened".to_owned()]);
    let (done, pending): (Vec<&RecordedEvent>, Vec<&RecordedEvent>) = log
        .iter()
        .filter(|event| event.position > above)
        .partition(|event| {
            event.position <= Position(20) || (is_in(event, 1) && event.position <= Position(40))
        });
    let counted = hub.store.count_covered(&types, above, &coverages).await;
    let counted = counted.unwrap();
    assert_eq!(counted.done, done.len() as i64);
    assert_eq!(counted.pending, pending.len() as i64);
    assert_eq!(
        counted.first_pending,
        pending.first().map(|event| event.position)
    );
    assert_eq!(counted.head, Position(60));
    let nothing = hub.store.count_covered(&types, Position(60), &[]).await;
    let nothing = nothing.unwrap();
    assert_eq!((nothing.done, nothing.pending), (0, 0));
    assert_eq!(nothing.first_pending, None);
}

#[tokio::test]
async fn batches_that_are_covered_whole_are_counted_as_the_others_are() {
    let (hub, log) = sealed().await;
    let types = ["thing.happened".to_owned()];
    for (lowest, above) in [(0, 0), (7, 0), (33, 11), (59, 0), (60, 5), (60, 60)] {
        // The other partitions are ahead of the one that is behind.
        let coverages: Vec<Coverage> = (0..PARTITIONS)
            .map(|partition| Coverage {
                event_type: types[0].clone(),
                partition: Some((partition, PARTITIONS)),
                through: Position(if partition == 1 { lowest } else { 60 }),
            })
            .collect();
        let above = Position(above);
        let (done, pending): (Vec<&RecordedEvent>, Vec<&RecordedEvent>) = log
            .iter()
            .filter(|event| event.position > above)
            .partition(|event| !is_in(event, 1) || event.position.0 <= lowest);
        let counted = hub.store.count_covered(&types, above, &coverages).await;
        let counted = counted.unwrap();
        assert_eq!(
            (counted.done, counted.pending),
            (done.len() as i64, pending.len() as i64),
            "{lowest}, {above}"
        );
        let first = pending.first().map(|event| event.position);
        assert_eq!(counted.first_pending, first);
        assert_eq!(counted.head, Position(60));
    }
}
