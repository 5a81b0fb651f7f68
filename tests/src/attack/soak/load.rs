//! What all senders of a soak share: how much is still to be sent, and whether there is
//! room for it now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};
use tokio::sync::watch;

use crate::Database;

/// So many events may be acknowledged and not yet published, or not yet applied: a backlog
/// that is drained in time, and takes little of the disk.
const ROOM: u64 = 60_000;
/// The rest between two looks at how far everything is.
const LOOK: Duration = Duration::from_millis(200);

/// The course of the load.
#[derive(Debug)]
pub(super) struct Load {
    wanted: u64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    unknown: AtomicU64,
    published: AtomicU64,
    applied: AtomicU64,
    full: watch::Sender<bool>,
}

impl Load {
    pub(super) fn of(wanted: u64) -> Arc<Self> {
        Arc::new(Self {
            wanted,
            acknowledged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            published: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            full: watch::Sender::new(false),
        })
    }

    pub(super) fn wanted(&self) -> u64 {
        self.wanted
    }

    pub(super) fn is_enough(&self) -> bool {
        self.acknowledged() >= self.wanted
    }

    /// Waits until there is room.
    pub(super) async fn room(&self) {
        let mut full = self.full.subscribe();
        let _the_sender_is_ours = full.wait_for(|full| !full).await;
    }

    pub(super) fn acknowledge(&self, events: u64) {
        self.acknowledged.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self, events: u64) {
        self.refused.fetch_add(events, Ordering::Relaxed);
    }

    /// Nobody knows; what is sent again is counted each time.
    pub(super) fn lose_sight(&self, events: u64) {
        self.unknown.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn unknown(&self) -> u64 {
        self.unknown.load(Ordering::Relaxed)
    }

    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }

    /// Looks how far everything is, for as long as somebody sends.
    pub(super) async fn watch(self: Arc<Self>, hub: Database, target: Database, table: &str) {
        let published = "select coalesce(max(through), 0) from dragoman.published";
        let applied = format!("select coalesce(sum(events), 0)::bigint from {table}");
        let mut sessions = (None, None);
        while !self.is_enough() {
            if let Some(number) = ask(&mut sessions.0, &hub, published).await {
                self.published.store(number, Ordering::Relaxed);
            }
            if let Some(number) = ask(&mut sessions.1, &target, &applied).await {
                self.applied.store(number, Ordering::Relaxed);
            }
            let sent = self.acknowledged();
            let unpublished = sent.saturating_sub(self.published());
            // Three of four events are orders, which alone are applied.
            let unapplied = (sent * 3 / 4).saturating_sub(self.applied());
            self.full.send_replace(unpublished.max(unapplied) > ROOM);
            tokio::time::sleep(LOOK).await;
        }
        self.full.send_replace(false);
    }
}

/// Asks on a session that anybody may end. `None`: not now.
async fn ask(session: &mut Option<PgConnection>, database: &Database, query: &str) -> Option<u64> {
    if session.is_none() {
        *session = database.try_connect().await.ok();
    }
    let answer: sqlx::Result<i64> = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_one(session.as_mut()?)
        .await;
    if answer.is_err() {
        *session = None;
    }
    u64::try_from(answer.ok()?).ok()
}
