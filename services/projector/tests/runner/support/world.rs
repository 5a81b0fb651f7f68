use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use dragoman_core::{Event, JSON, Position, RecordedEvent};
use dragoman_projector::{Definition, ProjectionAccount, Target, account};
use dragoman_store::{CatalogueEntry, NewKey, Store, StoreOptions};
use dragoman_stream::KafkaOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{eventually, variable};

/// A row of a table that counts by item: the item, how often, the sum, the largest.
type Row = (String, i64, i64, i64);

/// A database with the hub's schema, another one to project to, and topics that nobody
/// else has.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) target_url: String,
    pub(crate) orders: String,
    pub(crate) stock: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let database = format!("hub_{name}");
        let target = format!("target_{name}");
        administer(&format!("create database {database}")).await;
        administer(&format!("create database {target}")).await;
        let url = url_of(&database);
        let world = Self {
            store: connect(&url),
            url,
            target_url: url_of(&target),
            orders: format!("test.orders.{name}"),
            stock: format!("test.stock.{name}"),
        };
        world.store.migrate().await.unwrap();
        world
            .catalogue(&[
                ("order.placed", &world.orders),
                ("order.noted", &world.orders),
                ("stock.counted", &world.stock),
            ])
            .await;
        world.let_the_superuser_publish().await;
        world
    }

    pub(crate) async fn catalogue(&self, types: &[(&str, &str)]) {
        let entries: Vec<CatalogueEntry> = types
            .iter()
            .map(|(event_type, topic)| CatalogueEntry {
                event_type: (*event_type).to_owned(),
                topic: (*topic).to_owned(),
                schema: None,
                description: String::new(),
            })
            .collect();
        self.store.synchronise_catalogue(&entries).await.unwrap();
    }

    pub(crate) fn kafka(&self) -> KafkaOptions {
        KafkaOptions::at(&variable("DRAGOMAN_TEST_KAFKA"))
    }

    pub(crate) fn target(&self) -> Target {
        Target::connect(&self.target_url, "projector test", 6).unwrap()
    }

    /// Stores events numbered from `from`: orders, every fourth of them about stock.
    pub(crate) async fn append(&self, from: usize, count: usize) {
        for chunk in (from..from + count).collect::<Vec<_>>().chunks(1000) {
            let events = chunk.iter().map(|number| event(*number)).collect();
            self.append_events(events).await;
        }
    }

    /// Stores events by the SQL door, as a service of the hub's users would.
    pub(crate) async fn append_events(&self, events: Vec<Event>) {
        let column = |pick: fn(&Event) -> &String| {
            events
                .iter()
                .map(|event| pick(event).clone())
                .collect::<Vec<_>>()
        };
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        sqlx::query(
            "select dragoman.publish(type, subject, data::jsonb, source, id)
             from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                  with ordinality as event (type, subject, data, source, id, place)
             order by place",
        )
        .bind(column(|event| &event.event_type))
        .bind(column(|event| &event.subject))
        .bind(column(|event| &event.data))
        .bind(column(|event| &event.source))
        .bind(column(|event| &event.id))
        .execute(&mut connection)
        .await
        .unwrap();
    }

    /// Takes away what killed processes hold, as time would.
    pub(crate) async fn end_leases(&self) {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        sqlx::query("delete from dragoman.leases where name like 'projection %'")
            .execute(&mut connection)
            .await
            .unwrap();
    }

    pub(crate) async fn head(&self) -> i64 {
        self.store.head().await.unwrap().0
    }

    /// Everything that is sealed.
    pub(crate) async fn log(&self) -> Vec<RecordedEvent> {
        self.store
            .read_after(Position::ZERO, 1_000_000)
            .await
            .unwrap()
    }

    /// What the table of [`super::sales`] should hold: the log, folded by position.
    pub(crate) async fn fold(&self, wanted: impl Fn(&RecordedEvent) -> bool) -> Vec<Row> {
        let log = self.log().await;
        sum_up(log.iter().filter(|event| wanted(event)))
    }

    /// What it holds.
    pub(crate) async fn rows(&self) -> Vec<Row> {
        let mut connection = PgConnection::connect(&self.target_url).await.unwrap();
        sqlx::query_as("select item, times, sum, largest from sales order by item collate \"C\"")
            .fetch_all(&mut connection)
            .await
            .unwrap()
    }

    pub(crate) async fn account(&self, definition: &Definition) -> ProjectionAccount {
        self.account_with(&self.target(), definition).await
    }

    async fn account_with(&self, target: &Target, definition: &Definition) -> ProjectionAccount {
        let moment = target.look_and_count(&definition.name).await.unwrap();
        account(definition, &self.store, moment).await.unwrap()
    }

    /// Waits until nothing of a projection is pending, and checks that its account
    /// balances.
    pub(crate) async fn level(&self, definition: &Definition) -> ProjectionAccount {
        let target = self.target();
        eventually("the projection is level", || async {
            let account = self.account_with(&target, definition).await;
            assert_eq!(account.unbalanced(), 0, "{account:?}");
            account.lag == 0
        })
        .await;
        self.account(definition).await
    }

    async fn let_the_superuser_publish(&self) {
        let key = NewKey {
            name: "tests".into(),
            sources: vec!["/shop".into()],
            types: vec!["*".parse().unwrap()],
            expires_at: None,
        };
        // Roles belong to the cluster: tests that start together may grant at once.
        eventually("the grant is made", || async {
            self.store.grant_publisher(&key, "postgres").await.is_ok()
        })
        .await;
    }
}

/// The table of [`super::sales`] of these events.
pub(crate) fn sum_up<'e>(events: impl Iterator<Item = &'e RecordedEvent>) -> Vec<Row> {
    let mut rows: BTreeMap<String, (i64, i64, i64)> = BTreeMap::new();
    for event in events {
        let data: serde_json::Value = serde_json::from_str(&event.event.data).unwrap();
        let item = data["item"].as_str().unwrap().to_owned();
        let amount = data["amount"].as_i64().unwrap();
        let row = rows.entry(item).or_insert((0, 0, i64::MIN));
        *row = (row.0 + 1, row.1 + amount, row.2.max(amount));
    }
    rows.into_iter()
        .map(|(item, (times, sum, largest))| (item, times, sum, largest))
        .collect()
}

pub(crate) fn event(number: usize) -> Event {
    let (event_type, subject) = if number % 4 == 3 {
        ("stock.counted", format!("item-{}", number % 50))
    } else {
        ("order.placed", format!("order-{}", number % 97))
    };
    Event {
        id: format!("id-{number}"),
        source: "/shop".into(),
        event_type: event_type.into(),
        subject,
        time: Utc::now(),
        content_type: JSON.into(),
        data: format!(
            "{{\"item\":\"item-{}\",\"amount\":{}}}",
            number % 13,
            number % 1009
        ),
        traceparent: None,
        extensions: BTreeMap::new(),
    }
}

/// One of which no row can be made.
pub(crate) fn broken(number: usize) -> Event {
    Event {
        data: "{\"item\":null,\"amount\":\"much\"}".into(),
        ..event(number)
    }
}

pub(crate) fn connect(url: &str) -> Store {
    let options = StoreOptions {
        application_name: "projector test".into(),
        max_connections: 6,
        acquire_timeout: Duration::from_secs(2),
    };
    Store::connect(url, &options).unwrap()
}

fn url_of(database: &str) -> String {
    let server = variable("DRAGOMAN_TEST_POSTGRES");
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}

/// Runs a statement as the superuser, outside any of the tests' databases.
async fn administer(statement: &str) {
    let mut connection = PgConnection::connect(&variable("DRAGOMAN_TEST_POSTGRES"))
        .await
        .unwrap();
    connection
        .execute(AssertSqlSafe(statement.to_owned()))
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}
