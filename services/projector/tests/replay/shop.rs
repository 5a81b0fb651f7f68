use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::stage::Stage;
use crate::support::{Running, definition};

/// Calls are counted for good, effects only when they are committed.
const TABLES: &str = "
    create sequence calls;
    create table done (call bigint, event text, amount bigint);
    create table refused (amount bigint primary key);
    create function take(event text, data jsonb) returns void language plpgsql as $$ begin
        insert into done values (nextval('calls'), event, (data ->> 'amount')::bigint);
        if exists (select from refused where amount = (data ->> 'amount')::bigint) then
            raise exception 'there is nothing left of it';
        end if;
    end $$;
";

/// A projection that gives its events to a function of somebody else's.
pub(crate) struct Shop {
    pub(crate) stage: Stage,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        let mut stage = Stage::new().await;
        let options = json!({
            "from": "beginning", "sink": { "postgres": {} }, "key": {}, "columns": {},
            "execute": { "order.placed": "select take(:id, :data)" },
        });
        stage.crm = definition(&stage.world, &["order.placed"], &options);
        let shop = Self { stage };
        shop.run(TABLES).await;
        shop
    }

    /// One where so many orders of a few subjects took effect.
    pub(crate) async fn with_orders(count: usize, subjects: usize) -> Self {
        let shop = Self::new().await;
        let stage = &shop.stage;
        stage.orders(0..count, subjects).await;
        let live = Running::by_ledger(&stage.world, &stage.crm, "live");
        stage.world.level(&stage.crm).await;
        live.stop().await;
        shop.each_took_effect(count, 1).await;
        shop
    }

    async fn connection(&self) -> PgConnection {
        let url = &self.stage.world.target_url;
        PgConnection::connect(url).await.unwrap()
    }

    pub(crate) async fn run(&self, statements: &str) {
        let statements = AssertSqlSafe(statements.to_owned());
        let mut connection = self.connection().await;
        let ran = sqlx::raw_sql(statements).execute(&mut connection).await;
        ran.unwrap();
    }

    /// What took effect, in order: the event and the amount that was seen in it.
    pub(crate) async fn done(&self) -> Vec<(String, i64)> {
        sqlx::query_as("select event, amount from done order by call")
            .fetch_all(&mut self.connection().await)
            .await
            .unwrap()
    }

    /// Each of so many events did so many times.
    pub(crate) async fn each_took_effect(&self, events: usize, times: i64) {
        let otherwise: Vec<(String, i64)> = sqlx::query_as(
            "select id, count(event) from generate_series(0, $1 - 1) as number
             cross join lateral (select 'id-' || number as id) as named
             left join done on event = id group by id having count(event) <> $2",
        )
        .bind(i64::try_from(events).unwrap())
        .bind(times)
        .fetch_all(&mut self.connection().await)
        .await
        .unwrap();
        assert!(otherwise.is_empty(), "not {times} times: {otherwise:?}");
    }

    /// Waits until its function was called that often from now on, committed or not.
    pub(crate) async fn after_calls(&self, calls: i64) {
        let mut connection = self.connection().await;
        let mut end = None;
        loop {
            let called: i64 = sqlx::query_scalar("select last_value from calls")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            if called >= *end.get_or_insert(called + calls) {
                return;
            }
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
    }

    /// Takes their sessions away from all who go on.
    pub(crate) async fn end_sessions(&self) {
        let ended = sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name = 'projector test'",
        );
        ended.execute(&mut self.connection().await).await.unwrap();
    }
}
