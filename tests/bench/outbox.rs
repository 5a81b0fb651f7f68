//! The tables that others publish from.

use std::fmt;

use dragoman_tests::Database;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::events;
use crate::servers::Servers;

/// How many rows one statement inserts.
const TOGETHER: i64 = 1_000;

/// An outbox in a database of its own.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// The database.
    pub(crate) database: Database,
    kind: Kind,
}

/// Whose outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As Debezium's event router wants it.
    Debezium,
    /// With a mark of what is published, and an index of what is not.
    Marked,
    /// From which what is published is deleted.
    Emptied,
}

impl Outbox {
    /// An empty one.
    pub(crate) async fn create(servers: &Servers, kind: Kind) -> Self {
        let database = Database::create(&servers.postgres).await;
        let outbox = Self { database, kind };
        outbox.run(&kind).await;
        outbox
    }

    /// Puts events into it.
    pub(crate) async fn fill(&self, events: std::ops::Range<i64>) {
        let mut connection = self.database.connect().await;
        let statement = self.kind.insert();
        for first in events.clone().step_by(TOGETHER as usize) {
            let numbers = first as u64..(first + TOGETHER).min(events.end) as u64;
            let column = |of: fn(u64) -> String| numbers.clone().map(of).collect::<Vec<_>>();
            sqlx::query(statement)
                .bind(column(events::subject))
                .bind(column(events::data))
                .bind(events::TYPE)
                .execute(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("the outbox is not filled: {error}"));
        }
        // What an autovacuum would find out sooner or later.
        self.run(&"analyze outbox").await;
    }

    /// Runs statements in its database.
    pub(crate) async fn run(&self, statements: &impl fmt::Display) {
        self.database
            .connect()
            .await
            .execute(AssertSqlSafe(statements.to_string()))
            .await
            .unwrap_or_else(|error| panic!("{statements}: {error}"));
    }
}

impl Kind {
    fn insert(self) -> &'static str {
        match self {
            Self::Debezium => {
                "insert into outbox (aggregatetype, aggregateid, type, payload)
                 select 'order', subject, $3, payload
                 from unnest($1::text[], $2::text[]) as event (subject, payload)"
            }
            Self::Marked | Self::Emptied => {
                "insert into outbox (subject, type, payload)
                 select subject, $3, payload
                 from unnest($1::text[], $2::text[]) as event (subject, payload)"
            }
        }
    }
}

impl fmt::Display for Kind {
    /// The statements that make the table.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Debezium => {
                "create table outbox (
                     id uuid primary key default gen_random_uuid(),
                     aggregatetype text not null,
                     aggregateid text not null,
                     type text not null,
                     payload text not null
                 )"
            }
            Self::Marked => {
                "create table outbox (
                     id bigint generated always as identity primary key,
                     subject text not null,
                     type text not null,
                     payload text not null,
                     created_at timestamptz not null default now(),
                     published_at timestamptz
                 );
                 create index outbox_waiting on outbox (id) where published_at is null"
            }
            Self::Emptied => {
                "create table outbox (
                     id bigint generated always as identity primary key,
                     subject text not null,
                     type text not null,
                     payload text not null,
                     created_at timestamptz not null default now()
                 )"
            }
        })
    }
}
