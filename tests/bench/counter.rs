//! How far a table has come, asked in a way that costs next to nothing: by the
//! checkpoints beside it, over a session that stays.

use dragoman_tests::Database;
use sqlx::PgConnection;

/// Of a projection of ours. The one place here that knows its bookkeeping.
pub(crate) const OWN: &str = "select coalesce(sum(applied), 0)::bigint
     from (select max(applied) as applied from dragoman_projection.checkpoints
           group by reader) as newest";
/// Of a consumer of a few lines: offsets begin at 0.
pub(crate) const RAW: &str = "select coalesce(sum(next), 0)::bigint from checkpoints";

/// A question and a session.
#[derive(Debug)]
pub(crate) struct Counter {
    connection: PgConnection,
    question: &'static str,
}

impl Counter {
    /// Asks that of a database.
    pub(crate) async fn of(database: &Database, question: &'static str) -> Self {
        Self {
            connection: database.connect().await,
            question,
        }
    }

    /// How many events have been applied; none while there are no checkpoints.
    pub(crate) async fn count(&mut self) -> i64 {
        match sqlx::query_scalar(self.question)
            .fetch_one(&mut self.connection)
            .await
        {
            Ok(count) => count,
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => 0,
            Err(error) => panic!("{}: {error}", self.question),
        }
    }
}
