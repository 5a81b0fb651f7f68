use std::time::Duration;

use dragoman_store::{
    CatalogueEntry, Lease, SealOutcome, SealSession, SealedBatch, Store, StoreOptions,
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::Mutex;

pub(crate) const TTL: Duration = Duration::from_secs(300);

/// A database of its own with the hub's schema and one type of event.
pub(crate) struct Hub {
    pub(crate) store: Store,
    pub(crate) url: String,
    sealing: Mutex<Option<SealSession>>,
}

impl Hub {
    pub(crate) async fn new() -> Self {
        let server = std::env::var("DRAGOMAN_TEST_POSTGRES").expect("it says where to test");
        let database = format!("store_{}", uuid::Uuid::new_v4().simple());
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
        Self {
            store,
            url,
            sealing: Mutex::default(),
        }
    }

    pub(crate) async fn session(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    pub(crate) async fn lease(&self) -> Lease {
        let lease = self
            .store
            .acquire_lease("relay", "test", TTL)
            .await
            .unwrap();
        lease.expect("nobody holds it")
    }

    pub(crate) async fn seal(&self, lease: &Lease, limit: usize) -> Option<SealedBatch> {
        let tip = self.store.ledger_tip().await.unwrap();
        // One session for all, as a relay has it.
        let mut kept = self.sealing.lock().await;
        if kept.is_none() {
            *kept = Some(self.store.seal_session().await.unwrap());
        }
        let session = kept.as_mut().unwrap();
        match session.seal(lease, limit, &tip).await.unwrap() {
            SealOutcome::Idle => None,
            SealOutcome::Sealed(batch) => Some(batch),
        }
    }
}

/// Inserts one event, at a sequence number taken before if one is given.
pub(crate) async fn insert(
    session: &mut PgConnection,
    subject: &str,
    number: i64,
    seq: Option<i64>,
) {
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

pub(crate) fn ids(batch: &SealedBatch) -> Vec<&str> {
    batch
        .events
        .iter()
        .map(|event| event.event.id.as_str())
        .collect()
}
