use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use dragoman_core::{Event, JSON};
use dragoman_relay::{KnownTails, RelayError, RelayOptions, SchemaCheck, run};
use dragoman_store::{CatalogueEntry, NewKey, Store, StoreOptions, Tail};
use dragoman_stream::{KafkaOptions, TopicOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} says where to test"))
}

/// A database with the hub's schema, and a catalogue whose topics nobody else has.
pub(crate) struct Hub {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) database: String,
    pub(crate) orders: String,
    pub(crate) stock: String,
}

impl Hub {
    pub(crate) async fn new() -> Self {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let database = format!("relay_{name}");
        administer(&format!("create database {database}")).await;
        let hub = Self::open(database, &name).await;
        hub.store.migrate().await.unwrap();
        hub.catalogue(&[("order.placed", &hub.orders), ("stock.counted", &hub.stock)])
            .await;
        hub.let_the_superuser_publish().await;
        hub
    }

    /// The hub as it is now, in another database, with the same topics. Nobody may be
    /// connected to it.
    pub(crate) async fn copy(&self) -> Self {
        self.store.close().await;
        let database = format!("{}_copy", self.database);
        administer(&format!(
            "create database {database} template {}",
            self.database
        ))
        .await;
        let mut copy = Self::open(database, "").await;
        copy.orders.clone_from(&self.orders);
        copy.stock.clone_from(&self.stock);
        copy
    }

    /// The same database with new connections.
    pub(crate) async fn again(&self) -> Self {
        let mut hub = Self::open(self.database.clone(), "").await;
        hub.orders.clone_from(&self.orders);
        hub.stock.clone_from(&self.stock);
        hub
    }

    async fn open(database: String, name: &str) -> Self {
        let url = url_of(&database);
        Self {
            store: connect(&url),
            url,
            database,
            orders: format!("test.orders.{name}"),
            stock: format!("test.stock.{name}"),
        }
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

    /// Stores events numbered from `from`, every fourth of them about stock.
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

    async fn let_the_superuser_publish(&self) {
        let key = NewKey {
            name: "tests".into(),
            sources: vec!["/shop".into()],
            types: vec!["*".parse().unwrap()],
            expires_at: None,
        };
        // Roles belong to the cluster: tests that start together may grant at once.
        super::eventually("the grant is made", || async {
            self.store.grant_publisher(&key, "postgres").await.is_ok()
        })
        .await;
    }

    pub(crate) fn kafka(&self, partitions: i32) -> KafkaOptions {
        let mut kafka = KafkaOptions::at(&variable("DRAGOMAN_TEST_KAFKA"));
        kafka.topics = TopicOptions {
            partitions,
            ..TopicOptions::default()
        };
        kafka
    }

    /// A relay with short times: its lease lasts two seconds.
    pub(crate) fn options(&self, instance: &str, partitions: i32) -> RelayOptions {
        let mut options = RelayOptions::new(instance, Some(self.kafka(partitions)));
        options.lease_ttl = Duration::from_secs(2);
        options.mark_interval = Duration::from_millis(200);
        options
    }

    pub(crate) fn start(&self, options: RelayOptions) -> Running {
        Running::start(options, &self.url, accept_all(), no_tails())
    }

    /// The end of what is sealed.
    pub(crate) async fn head(&self) -> i64 {
        self.store.head().await.unwrap().0
    }

    pub(crate) async fn through(&self) -> i64 {
        self.store.published_through().await.unwrap().0
    }

    pub(crate) async fn wait_through(&self, position: i64) {
        super::eventually(&format!("everything to {position} is through"), || async {
            self.through().await >= position
        })
        .await;
    }
}

pub(crate) fn event(number: usize) -> Event {
    let (event_type, subject) = if number % 4 == 3 {
        ("stock.counted", format!("item-{}", number % 50))
    } else {
        ("order.placed", format!("order-{}", number % 100))
    };
    Event {
        id: format!("id-{number}"),
        source: "/shop".into(),
        event_type: event_type.into(),
        subject,
        time: Utc::now(),
        content_type: JSON.into(),
        data: format!("{{\"number\":{number},\"note\":\"{}\"}}", "x".repeat(200)),
        traceparent: None,
        extensions: BTreeMap::new(),
    }
}

/// A relay at work.
pub(crate) struct Running {
    pub(crate) stop: CancellationToken,
    task: JoinHandle<Result<(), RelayError>>,
}

impl Running {
    pub(crate) fn start(
        options: RelayOptions,
        url: &str,
        check: SchemaCheck,
        known_tails: KnownTails,
    ) -> Self {
        let stop = CancellationToken::new();
        let store = connect(url);
        let task = tokio::spawn(run(options, store, check, known_tails, stop.clone()));
        Self { stop, task }
    }

    /// Ends it as a crash would: nothing is finished, nothing given back.
    pub(crate) async fn crash(self) {
        self.task.abort();
        let _aborted = self.task.await;
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.ended()
            .await
            .expect("a relay that is asked to stop just stops");
    }

    /// Waits for it to end by itself.
    pub(crate) async fn ended(self) -> Result<(), RelayError> {
        tokio::time::timeout(Duration::from_secs(40), self.task)
            .await
            .expect("it ends within 40 seconds")
            .expect("it does not panic")
    }

    pub(crate) async fn halted(self) -> RelayError {
        self.ended().await.expect_err("it halts")
    }
}

pub(crate) fn connect(url: &str) -> Store {
    let options = StoreOptions {
        application_name: "relay test".into(),
        max_connections: 6,
        acquire_timeout: Duration::from_secs(2),
    };
    Store::connect(url, &options).unwrap()
}

pub(crate) fn accept_all() -> SchemaCheck {
    Arc::new(|_| Ok(()))
}

pub(crate) fn no_tails() -> KnownTails {
    Arc::new(|| Box::pin(async { Vec::<Tail>::new() }))
}

pub(crate) fn url_of(database: &str) -> String {
    let server = variable("DRAGOMAN_TEST_POSTGRES");
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}

/// Runs a statement as the superuser, outside any of the tests' databases.
pub(crate) async fn administer(statement: &str) {
    let mut connection = PgConnection::connect(&variable("DRAGOMAN_TEST_POSTGRES"))
        .await
        .unwrap();
    connection
        .execute(AssertSqlSafe(statement.to_owned()))
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}
