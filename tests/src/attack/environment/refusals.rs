//! Databases that refuse what nothing is wrong with: a concurrent transaction stood in the
//! way (serialization failure), or two stood in each other's (deadlock). Provoked by
//! triggers, some of which speak at the commit.

use sqlx::{AssertSqlSafe, Executor as _};

use crate::Database;

const REFUSE: &str = "
    create function public.refuse_now_and_then() returns trigger language plpgsql as $$
    begin
        if random() < 0.3 then
            raise exception 'provoked' using
                errcode = case when random() < 0.5 then '40001' else '40P01' end;
        end if;
        return null;
    end $$;
";

/// Where the refusals come from. Dropped by name, so each has its own.
pub(super) struct Refusals {
    database: Database,
}

impl Refusals {
    /// Refuses what is written to tables: at once, and when it is committed.
    pub(super) async fn begin(database: &Database, at_once: &[&str], at_commit: &[&str]) -> Self {
        let mut statements = REFUSE.to_owned();
        for table in at_once {
            statements += &format!(
                "create trigger refuses after insert on {table}
                 for each statement execute function public.refuse_now_and_then();"
            );
        }
        for table in at_commit {
            statements += &format!(
                "create constraint trigger refuses_late after insert on {table}
                 deferrable initially deferred
                 for each row execute function public.refuse_now_and_then();"
            );
        }
        run(database, &statements).await;
        Self {
            database: database.clone(),
        }
    }

    pub(super) async fn end(self) {
        run(
            &self.database,
            "drop function public.refuse_now_and_then cascade",
        )
        .await;
    }
}

async fn run(database: &Database, statements: &str) {
    database
        .connect()
        .await
        .execute(AssertSqlSafe(statements.to_owned()))
        .await
        .unwrap_or_else(|error| panic!("{statements}: {error}"));
}
