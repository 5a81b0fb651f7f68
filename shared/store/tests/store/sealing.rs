//! What is late, what is replayed, who may seal.

use std::time::{Duration, Instant};

use dragoman_core::{Identity, Position};
use dragoman_store::{LineageError, Mark, MarkError, SealError, SealOutcome, Tail};
use sqlx::{Executor as _, PgConnection};

use crate::hub::{Hub, TTL, ids, insert};

#[tokio::test]
async fn an_event_that_commits_after_its_successor_is_sealed_late_and_replayed_so() {
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let (mut slow, mut quick) = (hub.session().await, hub.session().await);
    slow.execute("begin").await.unwrap();
    insert(&mut slow, "slow", 1, None).await;
    insert(&mut quick, "quick", 1, None).await;
    let first = hub.seal(&lease, 10).await.unwrap();
    assert_eq!((ids(&first), first.late), (vec!["quick-1"], 0));
    assert!(hub.seal(&lease, 10).await.is_none());
    insert(&mut quick, "quick", 2, None).await;
    slow.execute("commit").await.unwrap();
    let before = hub.store.read_after(Position::ZERO, 10).await.unwrap();
    assert_eq!(before.len(), 1, "an unsealed late row shifts nobody");
    let second = hub.seal(&lease, 10).await.unwrap();
    assert_eq!((ids(&second), second.late), (vec!["slow-1", "quick-2"], 1));
    assert_eq!(second.first_position, Position(2));
    let replay = hub.store.read_after(Position::ZERO, 10).await.unwrap();
    let sealed: Vec<_> = first.events.into_iter().chain(second.events).collect();
    assert_eq!(replay, sealed);
    assert_eq!(hub.store.head().await.unwrap(), Position(3));
}

#[tokio::test]
async fn what_a_seal_reads_does_not_grow_with_history() {
    const HISTORY: i64 = 30_000;
    const SEALS: i64 = 20;
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let mut session = hub.session().await;
    write_history(&mut session, HISTORY).await;
    hub.seal(&lease, 50_000).await.unwrap();
    let before = rows_read(&mut session, 1).await;
    for number in 0..SEALS {
        insert(&mut session, "next", number, None).await;
        hub.seal(&lease, 10).await.unwrap();
    }
    let read = rows_read(&mut session, 1 + SEALS).await - before;
    assert!(
        read < HISTORY / 10,
        "{SEALS} seals of one event read {read} rows"
    );
}

#[tokio::test]
async fn what_reading_a_batch_reads_does_not_grow_with_history() {
    const HISTORY: i64 = 30_000;
    const READS: i64 = 20;
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let mut session = hub.session().await;
    write_history(&mut session, HISTORY).await;
    while hub.seal(&lease, 2_000).await.is_some() {}
    let batches = HISTORY / 2_000;
    let before = rows_read(&mut session, batches).await;
    for _ in 0..READS {
        let read = hub.store.read_after(Position(HISTORY - 1_000), 1_000).await;
        assert_eq!(read.unwrap().len(), 1_000);
    }
    // Sessions tell what they have read when they end.
    hub.store.close().await;
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut read = 0;
    while read < READS * 1_000 {
        assert!(Instant::now() < deadline, "{read} rows are told of");
        read = rows_read(&mut session, batches).await - before;
    }
    assert!(
        read <= READS * 2_000 + HISTORY / 10,
        "{READS} looks at one batch read {read} rows"
    );
}

async fn write_history(session: &mut PgConnection, events: i64) {
    sqlx::query(
        "insert into dragoman.events
             (id, source, type, subject, subject_hash, time, adapter, content_type, data)
         select number::text, '/test', 'thing.happened', 's', dragoman.subject_hash('s'), now(),
                'api', 'application/json', '{}'
         from generate_series(1, $1) as number",
    )
    .bind(events)
    .execute(session)
    .await
    .unwrap();
}

/// Rows of the log that were read, once the statistics tell of that many batches.
async fn rows_read(session: &mut PgConnection, batches: i64) -> i64 {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (inserted, read): (i64, i64) = sqlx::query_as(
            "select (select n_tup_ins from pg_stat_user_tables
                     where schemaname = 'dragoman' and relname = 'ledger'),
                    seq_tup_read + idx_tup_fetch
             from pg_stat_user_tables where schemaname = 'dragoman' and relname = 'events'",
        )
        .fetch_one(&mut *session)
        .await
        .unwrap();
        // The first row of the ledger is the migration's.
        if inserted > batches {
            return read;
        }
        assert!(Instant::now() < deadline, "{inserted} batches are told of");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_late_set_above_the_limit_is_sealed_in_parts() {
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let (mut slow, mut quick) = (hub.session().await, hub.session().await);
    slow.execute("begin").await.unwrap();
    for number in 0..7 {
        insert(&mut slow, "slow", number, None).await;
    }
    insert(&mut quick, "quick", 1, None).await;
    hub.seal(&lease, 3).await.unwrap();
    slow.execute("commit").await.unwrap();
    insert(&mut quick, "quick", 2, None).await;
    let mut sizes = Vec::new();
    while let Some(batch) = hub.seal(&lease, 3).await {
        sizes.push((batch.late, batch.events.len()));
    }
    assert_eq!(sizes, [(3, 3), (3, 3), (1, 2)]);
    let replay = hub.store.read_after(Position::ZERO, 100).await.unwrap();
    let ids: Vec<&str> = replay.iter().map(|event| event.event.id.as_str()).collect();
    let expected = [
        "quick-1", "slow-0", "slow-1", "slow-2", "slow-3", "slow-4", "slow-5", "slow-6", "quick-2",
    ];
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn only_the_holder_seals_and_only_where_it_left_the_ledger() {
    let hub = Hub::new().await;
    let mut session = hub.session().await;
    insert(&mut session, "a", 1, None).await;
    let tip = hub.store.ledger_tip().await.unwrap();
    let short = Duration::from_millis(50);
    let old = hub
        .store
        .acquire_lease("relay", "old", short)
        .await
        .unwrap()
        .unwrap();
    let waited = Instant::now();
    let new = loop {
        if let Some(lease) = hub.store.acquire_lease("relay", "new", TTL).await.unwrap() {
            break lease;
        }
        assert!(waited.elapsed() < Duration::from_secs(10));
    };
    assert!(
        Instant::now() >= old.deadline,
        "the deadline ends no later than the lease"
    );
    assert!(new.epoch > old.epoch);
    assert!(hub.store.renew_lease(&old).await.unwrap().is_none());
    assert!(matches!(
        hub.store.seal(&old, 10, &tip).await,
        Err(SealError::LostLease)
    ));
    assert!(matches!(
        hub.store.write_marks(&old, &[], Position(1)).await,
        Err(MarkError::LostLease)
    ));
    assert_eq!(hub.store.published_through().await.unwrap(), Position::ZERO);
    hub.store.seal(&new, 10, &tip).await.unwrap();
    insert(&mut session, "a", 2, None).await;
    assert!(matches!(
        hub.store.seal(&new, 10, &tip).await,
        Err(SealError::OtherTip {
            expected: 0,
            found: 1
        })
    ));
}

#[tokio::test]
async fn of_two_who_believe_to_lead_one_loses_the_batch() {
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let mut session = hub.session().await;
    for number in 0..500 {
        insert(&mut session, "a", number, None).await;
    }
    let tip = hub.store.ledger_tip().await.unwrap();
    let seals = (0..4).map(|_| {
        let (store, lease, tip) = (hub.store.clone(), lease.clone(), tip.clone());
        tokio::spawn(async move { store.seal(&lease, 500, &tip).await })
    });
    let mut won = 0;
    for seal in seals.collect::<Vec<_>>() {
        match seal.await.unwrap() {
            Ok(SealOutcome::Sealed(batch)) => {
                assert_eq!(batch.events.len(), 500);
                won += 1;
            }
            Ok(SealOutcome::Idle) => panic!("there is something to seal"),
            Err(SealError::LostBatch | SealError::OtherTip { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_tail_that_the_ledger_does_not_have_is_named() {
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let mut session = hub.session().await;
    insert(&mut session, "a", 1, None).await;
    let batch = hub.seal(&lease, 10).await.unwrap();
    let tail = |identity: Identity| Tail {
        whose: "partition 3 of topic orders".into(),
        identity,
    };
    let right = batch.events[0].identity();
    hub.store
        .check_lineage(&[tail(right.clone())])
        .await
        .unwrap();
    let beyond = Identity {
        position: Position(9),
        ..right.clone()
    };
    let error = hub
        .store
        .check_lineage(&[tail(right.clone()), tail(beyond)])
        .await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "partition 3 of topic orders has event a-1 of source /test at position 9, and the ledger ends at position 1"
    );
    let other = Identity {
        id: "b-1".into(),
        ..right
    };
    let error = hub.store.check_lineage(&[tail(other)]).await;
    assert!(matches!(error, Err(LineageError::Other { .. })));
}

#[tokio::test]
async fn the_newest_mark_of_each_partition_is_read() {
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let mark = |partition, position| Mark {
        topic: "orders".into(),
        partition,
        position: Position(position),
        kafka_offset: position,
        source: "/test".into(),
        id: position.to_string(),
    };
    let write = async |marks: &[Mark], through| {
        hub.store
            .write_marks(&lease, marks, Position(through))
            .await
            .unwrap();
    };
    write(&[mark(0, 3), mark(1, 4)], 4).await;
    write(&[mark(1, 9)], 8).await;
    write(&[mark(1, 9)], 8).await;
    assert_eq!(hub.store.marks().await.unwrap(), [mark(0, 3), mark(1, 9)]);
    assert_eq!(hub.store.published_through().await.unwrap(), Position(8));
}

#[tokio::test]
async fn the_doorbell_is_heard_by_who_sleeps_and_by_nobody_else() {
    let hub = Hub::new().await;
    let mut bell = hub.store.doorbell().await.unwrap();
    let moment = Duration::from_millis(300);
    hub.store.ring().await.unwrap();
    assert!(tokio::time::timeout(moment, bell.rung()).await.is_err());
    bell.arm().await.unwrap();
    hub.store.ring().await.unwrap();
    let limit = Duration::from_secs(10);
    tokio::time::timeout(limit, bell.rung())
        .await
        .unwrap()
        .unwrap();
    bell.disarm().await.unwrap();
    hub.store.ring().await.unwrap();
    assert!(tokio::time::timeout(moment, bell.rung()).await.is_err());
}

/// Statistics of a log that grows are always stale, and a plan that believes them
/// reads the whole log at every seal.
#[tokio::test]
async fn no_seal_scans_the_log() {
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let mut held = hub.session().await;
    held.execute("begin").await.unwrap();
    insert(&mut held, "held", 0, None).await;
    let mut session = hub.session().await;
    session.execute("analyze dragoman.events").await.unwrap();
    for number in 0..2000 {
        insert(&mut session, "a", number, None).await;
    }
    let scans = async |session: &mut PgConnection| -> (i64, i64) {
        sqlx::query_as(
            "select seq_scan, coalesce(idx_scan, 0) from pg_stat_user_tables
             where schemaname = 'dragoman' and relname = 'events'",
        )
        .fetch_one(session)
        .await
        .unwrap()
    };
    let (before, _) = scans(&mut session).await;
    let mut batches = 0;
    while hub.seal(&lease, 100).await.is_some() {
        batches += 1;
    }
    assert_eq!(batches, 20);
    let waited = Instant::now();
    let after = loop {
        let (sequential, by_index) = scans(&mut session).await;
        if by_index >= 3 * batches {
            break sequential;
        }
        hub.seal(&lease, 100).await;
        assert!(
            waited.elapsed() < Duration::from_secs(20),
            "{by_index} by index"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    // Making the table's indexes counts too, and may be reported only now.
    assert!(after - before < batches / 2, "{} scans", after - before);
}
