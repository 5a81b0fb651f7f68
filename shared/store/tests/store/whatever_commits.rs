//! The ledger's promise under everything that makes events late: each event is sealed
//! exactly once, in causal order per subject, replayed as it was sealed, and a
//! transaction that stays open holds nobody up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dragoman_core::{Position, RecordedEvent};
use dragoman_store::Lease;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::hub::{Hub, insert};

const WRITERS: u64 = 16;
const EVENTS: usize = 100_000;
/// Far above what it takes, so that only standing still fails.
const DEADLINE: Duration = Duration::from_secs(240);

/// What was committed of each subject, in the order of the commits.
type Committed = Mutex<BTreeMap<String, Vec<i64>>>;

struct Writer {
    number: u64,
    /// How often the sealer has looked at the log.
    seals: Arc<AtomicUsize>,
    session: PgConnection,
    random: StdRng,
    next: BTreeMap<String, i64>,
}

impl Writer {
    async fn new(url: &str, number: u64, seals: Arc<AtomicUsize>) -> Self {
        Self {
            number,
            seals,
            session: PgConnection::connect(url).await.unwrap(),
            random: StdRng::seed_from_u64(number),
            next: BTreeMap::new(),
        }
    }

    async fn write(mut self, total: Arc<AtomicUsize>, committed: Arc<Committed>) {
        while total.load(Ordering::SeqCst) < EVENTS {
            let subject = format!("{}-{}", self.number, self.random.random_range(0..4));
            let first = self.next.get(&subject).copied().unwrap_or(0);
            let count = self.random.random_range(1..=24);
            if self.transaction(&subject, first, count).await {
                total.fetch_add(usize::try_from(count).unwrap(), Ordering::SeqCst);
                let mut committed = committed.lock().unwrap();
                let of_subject = committed.entry(subject.clone()).or_default();
                of_subject.extend(first..first + count);
                self.next.insert(subject, first + count);
            }
        }
    }

    /// One transaction with some events; whether it was committed.
    async fn transaction(&mut self, subject: &str, first: i64, count: i64) -> bool {
        // Sequence numbers long before the transaction id, outside of the transaction.
        let early: Option<Vec<i64>> = if self.random.random_bool(0.2) {
            let taken = sqlx::query_scalar(
                "select nextval('dragoman.events_seq_seq') from generate_series(1, $1)",
            )
            .bind(count)
            .fetch_all(&mut self.session)
            .await
            .unwrap();
            self.pause(40).await;
            Some(taken)
        } else {
            None
        };
        self.session.execute("begin").await.unwrap();
        if self.random.random_bool(0.3) {
            let take = "select pg_current_xact_id()";
            self.session.execute(take).await.unwrap();
            self.pause(15).await;
        }
        if self.random.random_bool(0.1) {
            self.session.execute("savepoint here").await.unwrap();
            insert_many(&mut self.session, subject, -1_000, count, None).await;
            let back = "rollback to savepoint here";
            self.session.execute(back).await.unwrap();
        }
        insert_many(&mut self.session, subject, first, count, early).await;
        if self.random.random_bool(0.25) {
            self.outlast_seals().await;
        }
        let commits = !self.random.random_bool(0.1);
        let end = if commits { "commit" } else { "rollback" };
        self.session.execute(end).await.unwrap();
        commits
    }

    /// Waits until the sealer has looked past the transaction, however slow the machine
    /// is: what makes an event late is that others were sealed meanwhile, not the time.
    async fn outlast_seals(&self) {
        let enough = self.seals.load(Ordering::SeqCst) + 3;
        let give_up = Instant::now() + Duration::from_secs(2);
        while self.seals.load(Ordering::SeqCst) < enough && Instant::now() < give_up {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn pause(&mut self, most_milliseconds: u64) {
        let pause = Duration::from_millis(self.random.random_range(0..=most_milliseconds));
        tokio::time::sleep(pause).await;
    }
}

async fn insert_many(
    session: &mut PgConnection,
    subject: &str,
    first: i64,
    count: i64,
    seqs: Option<Vec<i64>>,
) {
    sqlx::query(
        "insert into dragoman.events
             (seq, id, source, type, subject, subject_hash, time, adapter, content_type, data)
         overriding system value
         select coalesce(seqs[place], nextval('dragoman.events_seq_seq')),
                $1 || '/' || $2 + place - 1, '/test', 'thing.happened', $1,
                dragoman.subject_hash($1), now(), 'api', 'application/json', '{}'
         from generate_series(1, $3) as place, (select $4::bigint[]) as early (seqs)
         order by place",
    )
    .bind(subject)
    .bind(first)
    .bind(count)
    .bind(seqs)
    .execute(session)
    .await
    .unwrap();
}

/// Seals, and looks back at what was sealed while the writers write.
struct Sealer<'a> {
    hub: &'a Hub,
    lease: Lease,
    random: StdRng,
    sealed: Vec<RecordedEvent>,
    late: usize,
    looks: usize,
    looked: Instant,
}

impl Sealer<'_> {
    /// Whether there was something to seal.
    async fn step(&mut self) -> bool {
        let limit = [7, 200, 2_000, 2_000][self.random.random_range(0..4)];
        let batch = self.hub.seal(&self.lease, limit).await;
        let found = batch.is_some();
        if let Some(batch) = batch {
            self.late += batch.late;
            self.sealed.extend(batch.events);
        }
        if self.looked.elapsed() > Duration::from_millis(500) {
            self.look().await;
        }
        found
    }

    async fn look(&mut self) {
        let from = self.random.random_range(0..=self.sealed.len());
        let until = self.sealed.len().min(from + 5_000);
        let after = Position(i64::try_from(from).unwrap());
        let limit = (until - from).max(1);
        let replay = self.hub.store.read_after(after, limit).await.unwrap();
        assert_eq!(
            replay,
            self.sealed[from..until],
            "the replay differs while writers run"
        );
        self.looks += 1;
        self.looked = Instant::now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_commits_when_is_sealed_once_and_replayed_as_sealed() {
    let hub = Hub::new().await;
    let mut held = hub.session().await;
    held.execute("begin").await.unwrap();
    insert(&mut held, "held", 0, None).await;
    let (total, committed) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(Committed::default()),
    );
    let seals = Arc::new(AtomicUsize::new(0));
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let writer = Writer::new(&hub.url, number, Arc::clone(&seals)).await;
        writers.push(tokio::spawn(
            writer.write(Arc::clone(&total), Arc::clone(&committed)),
        ));
    }
    let mut sealer = Sealer {
        lease: hub.lease().await,
        hub: &hub,
        random: StdRng::seed_from_u64(7),
        sealed: Vec::new(),
        late: 0,
        looks: 0,
        looked: Instant::now(),
    };
    let started = Instant::now();
    loop {
        let ended = writers.iter().all(tokio::task::JoinHandle::is_finished);
        if !sealer.step().await && ended {
            break;
        }
        seals.fetch_add(1, Ordering::SeqCst);
        assert!(
            started.elapsed() < DEADLINE,
            "{} sealed",
            sealer.sealed.len()
        );
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let total = total.load(Ordering::SeqCst);
    assert_eq!(
        sealer.sealed.len(),
        total,
        "the open transaction held others up"
    );
    held.execute("commit").await.unwrap();
    while sealer.step().await {}
    let last = sealer.sealed.last().unwrap();
    assert_eq!(last.event.subject, "held");

    let mut committed = std::mem::take(&mut *committed.lock().unwrap());
    committed.insert("held".into(), vec![0]);
    assert_eq!(by_subject(&sealer.sealed), committed);
    assert_replayed(&hub, &sealer.sealed).await;
    let (late, all) = (sealer.late, sealer.sealed.len());
    assert!(late * 10 >= all, "{late} of {all} late");
    assert!(all > EVENTS && sealer.looks >= 5, "{} looks", sealer.looks);
}

/// The numbers of each subject's events in the order in which they were sealed.
fn by_subject(sealed: &[RecordedEvent]) -> BTreeMap<String, Vec<i64>> {
    let mut by_subject: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (event, position) in sealed.iter().zip(1..) {
        assert_eq!(event.position, Position(position));
        let (_, number) = event.event.id.rsplit_once(['/', '-']).unwrap();
        let numbers = by_subject.entry(event.event.subject.clone()).or_default();
        numbers.push(number.parse().unwrap());
    }
    by_subject
}

async fn assert_replayed(hub: &Hub, sealed: &[RecordedEvent]) {
    for (part, first) in sealed.chunks(20_000).zip((0..).step_by(20_000)) {
        let replay = hub
            .store
            .read_after(Position(first), part.len())
            .await
            .unwrap();
        assert_eq!(replay, part, "the replay differs from what was sealed");
    }
}
