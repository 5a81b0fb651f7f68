//! Sessions that answer before they are used, and when they are given back.

use std::io::ErrorKind;
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection};

/// How soon a session has to answer: what it was asked before, and whether it is well.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// For how long after it was given back a session counts as well: then it was asked. One
/// that ends within that time is met by a call, which fails and is tried again like any
/// that was under way.
const WELL_FOR: Duration = Duration::from_millis(100);

/// A pool whose sessions are asked whether they are well when they are given back, and
/// before they are used unless that was a moment ago; one that does not answer within a
/// second is closed. By itself the pool asks too, and waits forever: a call that was given
/// up on a connection which the network has forgotten would keep its place in the pool,
/// until there is none left.
#[must_use]
pub fn answering_pool() -> PgPoolOptions {
    PgPoolOptions::new()
        .test_before_acquire(false)
        .before_acquire(|session, known| {
            Box::pin(async move { Ok(known.idle_for < WELL_FOR || answers(session).await?) })
        })
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
