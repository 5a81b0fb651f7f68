//! Sending by SQL: one session, one transaction after the other.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::history::{self, Outcome};
use crate::{Database, History};

/// The source that the superuser may publish as.
pub(crate) const SQL_SOURCE: &str = "/till";

/// A publisher that goes on until it is stopped.
#[derive(Debug)]
pub struct SqlLoad {
    history: Arc<Mutex<History>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl SqlLoad {
    /// Publishes that many events in one transaction, again and again in that interval
    /// from the start, however long each takes.
    #[must_use]
    pub fn start(database: &Database, events: u64, interval: Duration) -> Self {
        let history = Arc::new(Mutex::new(History::one_by_one()));
        let stop = CancellationToken::new();
        let (database, shared, stopped) = (database.clone(), Arc::clone(&history), stop.clone());
        let task = tokio::spawn(async move {
            let mut connection = database.connect().await;
            let mut ticks = tokio::time::interval(interval);
            while !stopped.is_cancelled() {
                ticks.tick().await;
                publish_on(&mut connection, &shared, events).await;
            }
        });
        Self {
            history,
            stop,
            task,
        }
    }

    /// Publishes that many events in one transaction, and is done.
    pub async fn once(database: &Database, history: &mut History, events: u64) {
        let shared = Mutex::new(std::mem::take(history));
        publish_on(&mut database.connect().await, &shared, events).await;
        *history = shared.into_inner().unwrap();
    }

    /// How many were acknowledged up to now.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.history.lock().unwrap().acknowledged()
    }

    /// Ends with the transaction under way.
    pub async fn stop(self) -> History {
        self.stop.cancel();
        self.task.await.expect("publishing does not fail");
        let history = self.history.lock().unwrap();
        history.clone()
    }
}

async fn publish_on(connection: &mut PgConnection, history: &Mutex<History>, events: u64) {
    let first = history.lock().unwrap().next_number();
    let numbers = first..first + events;
    let now = Instant::now();
    for number in numbers.clone() {
        history.lock().unwrap().invoke(number, now);
    }
    let column = |of: fn(u64) -> String| numbers.clone().map(of).collect::<Vec<_>>();
    let ids = column(history::id);
    let types = column(|number| history::event_type(number).to_owned());
    let (subjects, data) = (column(history::subject), column(history::data));
    publish(connection, &ids, &types, &subjects, &data)
        .await
        .unwrap_or_else(|error| panic!("publishing by SQL fails: {error}"));
    for number in numbers {
        history.lock().unwrap().answer(number, Outcome::Ok);
    }
}

/// Publishes events, given column by column, in the transaction that a session is in.
pub(crate) async fn publish(
    connection: &mut PgConnection,
    ids: &[String],
    types: &[String],
    subjects: &[String],
    data: &[String],
) -> sqlx::Result<()> {
    sqlx::query(
        "select count(dragoman.publish(type, subject, data::jsonb, $5, id))
         from (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
                    with ordinality as sent (type, subject, data, id, place)
               order by place) as event",
    )
    .bind(types)
    .bind(subjects)
    .bind(data)
    .bind(ids)
    .bind(SQL_SOURCE)
    .execute(connection)
    .await
    .map(|_| ())
}
