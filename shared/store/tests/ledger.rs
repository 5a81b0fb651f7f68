//! Sealing against a real Postgres: what is late, what is replayed, who may seal.
//! Needs `DRAGOMAN_TEST_POSTGRES`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dragoman_core::{Identity, Position};
use dragoman_store::{
    CatalogueEntry, Lease, LineageError, Mark, MarkError, SealError, SealOutcome, SealedBatch,
    Store, StoreOptions, Tail,
};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

const TTL: Duration = Duration::from_secs(30);

struct Hub {
    store: Store,
    url: String,
}

impl Hub {
    async fn new() -> Self {
        let server = std::env::var("DRAGOMAN_TEST_POSTGRES").expect("it says where to test");
        let database = format!("ledger_{}", uuid::Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&server).await.unwrap();
        admin
            .execute(AssertSqlSafe(format!("create database {database}")))
            .await
            .unwrap();
        let url = format!("{}/{database}", server.rsplit_once('/').unwrap().0);
        let store = Store::connect(&url, &StoreOptions::default()).unwrap();
        store.migrate().await.unwrap();
        let entry = CatalogueEntry {
            event_type: "thing.happened".into(),
            topic: "thing".into(),
            schema: None,
            description: String::new(),
        };
        store.synchronise_catalogue(&[entry]).await.unwrap();
        Self { store, url }
    }

    async fn session(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    async fn lease(&self) -> Lease {
        let lease = self
            .store
            .acquire_lease("relay", "test", TTL)
            .await
            .unwrap();
        lease.expect("nobody holds it")
    }

    async fn seal(&self, lease: &Lease, limit: usize) -> Option<SealedBatch> {
        let tip = self.store.ledger_tip().await.unwrap();
        match self.store.seal(lease, limit, &tip).await.unwrap() {
            SealOutcome::Idle => None,
            SealOutcome::Sealed(batch) => Some(batch),
        }
    }
}

/// Inserts one event, at a sequence number taken before if one is given.
async fn insert(session: &mut PgConnection, subject: &str, number: i64, seq: Option<i64>) {
    sqlx::query(
        "insert into dragoman.events
             (seq, id, source, type, subject, subject_hash, time, adapter, content_type, data)
         overriding system value
         values (coalesce($3, nextval('dragoman.events_seq_seq')), $1 || '-' || $2, '/test',
                 'thing.happened', $1, dragoman.subject_hash($1), now(), 'api', 'application/json', '{}')",
    )
    .bind(subject)
    .bind(number)
    .bind(seq)
    .execute(session)
    .await
    .unwrap();
}

fn ids(batch: &SealedBatch) -> Vec<&str> {
    batch
        .events
        .iter()
        .map(|event| event.event.id.as_str())
        .collect()
}

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

type Committed = Arc<Mutex<BTreeMap<String, Vec<i64>>>>;

/// One writer with everything that makes events late: delays, rollbacks, savepoints,
/// transaction ids taken early, sequence numbers taken long before them.
async fn write(url: String, writer: u64, stop: Arc<AtomicBool>, committed: Committed) {
    let mut random = StdRng::seed_from_u64(writer);
    let mut session = PgConnection::connect(&url).await.unwrap();
    let subject = format!("subject-{writer}");
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        session.execute("begin").await.unwrap();
        if random.random_bool(0.3) {
            session
                .execute("select pg_current_xact_id()")
                .await
                .unwrap();
            pause(&mut random, 10).await;
        }
        let count = random.random_range(1..6);
        let early: Option<Vec<i64>> = if random.random_bool(0.15) {
            let taken = sqlx::query_scalar(
                "select nextval('dragoman.events_seq_seq') from generate_series(1, $1)",
            )
            .bind(count)
            .fetch_all(&mut session)
            .await
            .unwrap();
            pause(&mut random, 30).await;
            Some(taken)
        } else {
            None
        };
        if random.random_bool(0.1) {
            session.execute("savepoint here").await.unwrap();
            insert(&mut session, &subject, -1, None).await;
            session.execute("rollback to savepoint here").await.unwrap();
        }
        for step in 0..count {
            let seq = early
                .as_ref()
                .and_then(|early| early.get(usize::try_from(step).unwrap()).copied());
            insert(&mut session, &subject, number + step, seq).await;
        }
        pause(&mut random, 5).await;
        if random.random_bool(0.1) {
            session.execute("rollback").await.unwrap();
            continue;
        }
        session.execute("commit").await.unwrap();
        let mut committed = committed.lock().unwrap();
        committed
            .entry(subject.clone())
            .or_default()
            .extend(number..number + count);
        number += count;
    }
}

async fn pause(random: &mut StdRng, most_milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(
        random.random_range(0..=most_milliseconds),
    ))
    .await;
}

/// A few seconds of what the test across services does at length.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_commits_when_is_sealed_once_and_replayed_as_sealed() {
    let hub = Hub::new().await;
    let lease = hub.lease().await;
    let mut held = hub.session().await;
    held.execute("begin").await.unwrap();
    insert(&mut held, "held", 0, None).await;
    let stop = Arc::new(AtomicBool::new(false));
    let committed = Committed::default();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (stop, committed) = (Arc::clone(&stop), Arc::clone(&committed));
            tokio::spawn(write(hub.url.clone(), writer, stop, committed))
        })
        .collect();
    let mut random = StdRng::seed_from_u64(7);
    let mut sealed = Vec::new();
    let (mut late, mut looks) = (0, 0);
    let started = Instant::now();
    let mut released = false;
    loop {
        let limit = [3, 10, 1000][random.random_range(0..3)];
        let batch = hub.seal(&lease, limit).await;
        let idle = batch.is_none();
        if let Some(batch) = batch {
            late += batch.late;
            sealed.extend(batch.events);
        }
        if looks < started.elapsed().as_secs() {
            looks += 1;
            let from = sealed.len() / 2;
            let after = Position(i64::try_from(from).unwrap());
            let replay = hub.store.read_after(after, sealed.len()).await.unwrap();
            assert_eq!(
                replay,
                sealed[from..],
                "the replay differs while writers run"
            );
        }
        if started.elapsed() > Duration::from_secs(5) && !released {
            stop.store(true, Ordering::SeqCst);
            held.execute("commit").await.unwrap();
            released = true;
        }
        if idle && released && writers.iter().all(tokio::task::JoinHandle::is_finished) {
            match hub.seal(&lease, 1000).await {
                Some(batch) => sealed.extend(batch.events),
                None => break,
            }
        }
    }
    let mut by_subject: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (event, position) in sealed.iter().zip(1..) {
        assert_eq!(event.position, Position(position));
        let (_, number) = event.event.id.rsplit_once('-').unwrap();
        let numbers = by_subject.entry(event.event.subject.clone()).or_default();
        numbers.push(number.parse().unwrap());
    }
    assert_eq!(by_subject.remove("held"), Some(vec![0]));
    assert_eq!(by_subject, *committed.lock().unwrap());
    let replay = hub
        .store
        .read_after(Position::ZERO, sealed.len() + 1)
        .await
        .unwrap();
    assert_eq!(replay, sealed);
    assert!(late * 50 > sealed.len(), "{late} of {} late", sealed.len());
    assert!(sealed.len() > 1000 && looks >= 4);
}
