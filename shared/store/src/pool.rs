//! Sessions that answer before they are used, and when they are given back.

use std::io::ErrorKind;
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection};

/// How soon a session has to answer: what it was asked before, and whether it is well.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// A pool whose sessions are asked whether they are well before they are used and when
/// they are given back; one that does not answer within a second is closed. By itself the
/// pool asks too, and waits forever: a call that was given up on a connection which the
/// network has forgotten would keep its place in the pool, until there is none left.
#[must_use]
pub fn answering_pool() -> PgPoolOptions {
    PgPoolOptions::new()
        .test_before_acquire(false)
        .before_acquire(|session, _| Box::pin(answers(session)))
        .after_release(|session, _| Box::pin(answers(session)))
}

/// False for a session that the server has ended, which is nothing to warn of here: the
/// call that met it says so, and the next gets another.
async fn answers(session: &mut PgConnection) -> sqlx::Result<bool> {
    match tokio::time::timeout(ANSWER_WITHIN, session.ping()).await {
        Ok(answered) => Ok(answered.is_ok()),
        Err(_) => Err(sqlx::Error::Io(ErrorKind::TimedOut.into())),
    }
}
