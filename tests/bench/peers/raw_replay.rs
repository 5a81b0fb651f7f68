//! Reading the log again: by the store's own call, by COPY, and into a table by SQL.

use dragoman_core::Position;
use dragoman_store::{Store, StoreOptions};
use futures_util::TryStreamExt as _;
use sqlx::postgres::PgPoolCopyExt as _;
use sqlx::{Connection as _, PgConnection, PgPool};

use super::raw_projection::Batch as _;
use super::raw_table::Window;
use crate::child::Task;
use crate::events;

/// Events read by one statement, as a rebuild reads them.
const TOGETHER: usize = 4_000;

/// Reads by the call that rebuilds use, and drops what it gets.
pub(super) async fn null(task: &Task) {
    let store = Store::connect(&task.postgres, &StoreOptions::default()).expect("a URL");
    let mut log = store
        .log_reader(Position::ZERO, vec![events::TYPE.to_owned()])
        .await
        .expect("the log can be read");
    let (mut read, mut position) = (0, Position::ZERO);
    while let Some(stretch) = log.next(TOGETHER).await.expect("the log can be read on") {
        read += stretch.events.len();
        position = stretch.last.position;
    }
    assert_eq!(position.0, task.events, "positions");
    assert_eq!(read as i64, task.events, "events");
}

/// Reads the same columns in the same order by one COPY, and drops what it gets.
pub(super) async fn copy_out(task: &Task) {
    let pool = PgPool::connect(&task.postgres)
        .await
        .expect("the log can be had");
    let mut rows = pool
        .copy_out_raw(
            "copy (select seq, id, source, type, subject, time, stored_at, content_type,
                          traceparent, extensions, data
                   from dragoman.events order by seq) to stdout (format binary)",
        )
        .await
        .expect("the log can be copied");
    let mut bytes = 0;
    while let Some(part) = rows.try_next().await.expect("the copy goes on") {
        bytes += part.len();
    }
    assert!(bytes as i64 > task.events * 512, "bytes");
}

/// Reads by a cursor over the primary key, gathers, upserts, and keeps a checkpoint.
pub(super) async fn rebuild(task: &Task) {
    let mut log = PgConnection::connect(&task.postgres)
        .await
        .expect("the log can be had");
    let mut target = PgConnection::connect(&task.target)
        .await
        .expect("the target can be had");
    let mut seq = 0;
    loop {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "select seq, subject, data from dragoman.events where seq > $1 order by seq limit $2",
        )
        .bind(seq)
        .bind(TOGETHER as i64)
        .fetch_all(&mut log)
        .await
        .expect("the log can be read");
        let Some((last, _, _)) = rows.last() else {
            break;
        };
        seq = *last;
        let mut window = Window::default();
        for (_, subject, data) in &rows {
            window.add(subject, data);
        }
        window.write(&mut target, 0, seq).await;
    }
}
