//! `log_size`: what an event takes of the disk, and what its way there writes, beside a log
//! with dedupe in plain SQL.

use dragoman_tests::Database;

use crate::contest::{Contest, OURS, Sample};
use crate::peers::raw_log;
use crate::preload;
use crate::report::{Figure, Row};
use crate::servers::Servers;
use crate::settings::Settings;

/// What this measures.
pub(crate) const NAME: &str = "log_size";

const RAW: &str = "raw_log";
/// Bytes of tables and indexes for each event.
const SIZE: &str = "bytes_per_event";
/// Bytes of write-ahead log for each event.
const WAL: &str = "wal_bytes_per_event";
/// How many events a statement stores.
const TOGETHER: u64 = 1_000;

const fn figure(name: &'static str, measure: &'static str) -> Figure {
    Figure {
        name,
        measure,
        unit: "bytes/event",
        peer: None,
        limit: Some(RAW),
        goals: &[],
    }
}

const FIGURES: &[Figure] = &[figure(NAME, SIZE), figure("log_wal", WAL)];

/// Sizes do not differ between rounds: one is enough.
pub(crate) async fn measure(settings: &Settings, servers: &Servers) -> Vec<Row> {
    eprintln!("bench: {NAME}");
    let mut contest = Contest::default();
    contest.add(RAW, raw(servers, settings.events as u64).await);
    contest.add(OURS, ours(servers, settings.events).await);
    FIGURES.iter().map(|figure| figure.of(&contest)).collect()
}

async fn ours(servers: &Servers, events: i64) -> Sample {
    let project = preload::project(servers, &[]).await;
    let before = Occupied::by(&project.database).await;
    preload::append(&project, 0..events).await;
    let sample = before.until_now(&project.database, events as f64).await;
    project.database.clone().remove().await;
    sample
}

async fn raw(servers: &Servers, events: u64) -> Sample {
    let database = Database::create(&servers.postgres).await;
    raw_log::create(&database).await;
    let before = Occupied::by(&database).await;
    let mut connection = database.connect().await;
    for first in (0..events).step_by(TOGETHER as usize) {
        raw_log::insert(&mut connection, first..events.min(first + TOGETHER)).await;
    }
    drop(connection);
    let sample = before.until_now(&database, events as f64).await;
    database.remove().await;
    sample
}

/// How much a database takes, and where the write-ahead log of its server ends.
struct Occupied {
    bytes: i64,
    wal: i64,
}

impl Occupied {
    async fn by(database: &Database) -> Self {
        let look = "select pg_database_size(current_database()),
                           pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint";
        let (bytes, wal) = sqlx::query_as(look)
            .fetch_one(&mut database.connect().await)
            .await
            .expect("sizes can be read");
        Self { bytes, wal }
    }

    async fn until_now(&self, database: &Database, events: f64) -> Sample {
        let now = Self::by(database).await;
        Sample::from([
            (SIZE, (now.bytes - self.bytes) as f64 / events),
            (WAL, (now.wal - self.wal) as f64 / events),
        ])
    }
}
