//! A database of one's own, definitions from a sketch, and events.

use std::collections::BTreeMap;

use chrono::DateTime;
use dragoman_core::{Event, JSON, Position, RecordedEvent};
use dragoman_projector::{
    Applied, ApplyError, Checkpoint, Column, ColumnType, Definition, Drained, Effect, Generation,
    KeyColumn, Operator, Order, Reader, ReaderMode, RowCache, RowChange, Start, Step, TableEffect,
    TableName, Target,
};
use dragoman_translate::{Each, EventScope, Expression};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

pub(crate) const MONEY: ColumnType = ColumnType::Numeric {
    precision: Some((14, 2)),
};
pub(crate) const TYPE: &str = "order.placed";
pub(crate) const TOPIC: &str = "orders";

/// A database that one test has for itself.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) target: Target,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let server = std::env::var("DRAGOMAN_TEST_POSTGRES").expect("it says where to test");
        let name = format!("target_{}", uuid::Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&server).await.unwrap();
        admin
            .execute(AssertSqlSafe(format!("create database {name}")))
            .await
            .unwrap();
        let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
        let target = Target::connect(&url, "test", 8).unwrap();
        Self { url, target }
    }

    pub(crate) async fn session(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.session()
            .await
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .unwrap();
    }

    /// The rows of a query as Postgres prints them.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let statement = format!("select result::text from ({sql}) result order by 1");
        sqlx::query_scalar(AssertSqlSafe(statement))
            .fetch_all(&mut self.session().await)
            .await
            .unwrap()
    }

    /// What must add up: events at or below the checkpoints against what became of them.
    /// Returns applied, parked and skipped.
    pub(crate) async fn account(&self, projection: &str, log: &[RecordedEvent]) -> [i64; 3] {
        let found = self.target.look_and_count(projection).await.unwrap();
        let (opened, counts) = found.expect("it was opened");
        let done = |event: &&RecordedEvent| {
            event.position > opened.generation.start
                && opened.checkpoints.iter().any(|c| c.is_done(event))
        };
        let due = i64::try_from(log.iter().filter(done).count()).unwrap();
        let applied: i64 = opened.checkpoints.iter().map(|c| c.applied).sum();
        let applied = applied + counts.drained;
        assert_eq!(
            due,
            applied + counts.parked_events + counts.skipped,
            "{counts:?} {applied}"
        );
        [applied, counts.parked_events, counts.skipped]
    }
}

/// What a definition is made of.
pub(crate) struct Sketch {
    pub(crate) name: &'static str,
    pub(crate) order: Order,
    pub(crate) each: Option<&'static str>,
    pub(crate) key: Vec<(&'static str, ColumnType, &'static str)>,
    pub(crate) columns: Vec<(&'static str, ColumnType, Operator, &'static str)>,
    pub(crate) hash: u8,
}

impl Sketch {
    /// One row per `.data.sku`, with the columns given.
    pub(crate) fn new(
        name: &'static str,
        columns: &[(&'static str, ColumnType, Operator, &'static str)],
    ) -> Self {
        Self {
            name,
            order: Order::Subject,
            each: None,
            key: vec![("sku", ColumnType::Text, ".data.sku")],
            columns: columns.to_vec(),
            hash: 1,
        }
    }

    pub(crate) fn definition(&self) -> Definition {
        let scope = EventScope::of([None]);
        let each = self
            .each
            .map(|source| Each::compile("each", source, &scope).unwrap());
        let scope = match &each {
            Some(each) => scope.with_items_of(each),
            None => scope,
        };
        let compile = |source| Expression::compile("test", source, &scope).unwrap();
        Definition {
            name: self.name.to_owned(),
            events: BTreeMap::from([(TYPE.to_owned(), TOPIC.to_owned())]),
            order: self.order,
            start: Start::Beginning,
            effect: Effect::Table(TableEffect {
                table: TableName {
                    schema: None,
                    name: self.name.to_owned(),
                },
                key: self
                    .key
                    .iter()
                    .map(|(name, column_type, source)| KeyColumn {
                        name: (*name).to_owned(),
                        column_type: *column_type,
                        value: compile(source),
                    })
                    .collect(),
                change: RowChange::Operators(
                    self.columns
                        .iter()
                        .map(|(name, column_type, operator, source)| Column {
                            name: (*name).to_owned(),
                            column_type: *column_type,
                            operator: *operator,
                            value: compile(source),
                        })
                        .collect(),
                ),
                each,
            }),
            notes: Vec::new(),
            hash: [self.hash; 32],
        }
    }
}

/// The sum of `.data.amount` per `.data.sku`, to two digits.
pub(crate) fn sales() -> Definition {
    sales_sketch().definition()
}

pub(crate) fn sales_sketch() -> Sketch {
    Sketch::new(
        "sales",
        &[
            ("revenue", MONEY, Operator::Add, ".data.amount"),
            ("orders", ColumnType::Bigint, Operator::Add, ".data.one"),
        ],
    )
}

pub(crate) fn event(position: i64, subject: &str, data: &str) -> RecordedEvent {
    RecordedEvent {
        position: Position(position),
        seq: position,
        stored_at: DateTime::UNIX_EPOCH,
        event: Event {
            id: format!("e{position}"),
            source: "/shop".into(),
            event_type: TYPE.into(),
            subject: subject.into(),
            time: DateTime::UNIX_EPOCH,
            content_type: JSON.into(),
            data: data.into(),
            traceparent: None,
            extensions: BTreeMap::new(),
        },
    }
}

/// An order of one subject: so much for that.
pub(crate) fn sale(position: i64, subject: &str, sku: &str, amount: &str) -> RecordedEvent {
    let data = format!(r#"{{"sku":"{sku}","amount":{amount},"one":1}}"#);
    event(position, subject, &data)
}

pub(crate) fn partition(partition: i32, partitions: i32) -> Reader {
    Reader::Partition {
        topic: TOPIC.into(),
        partition,
        partitions,
    }
}

/// A reader that brings events and remembers how far it has come.
pub(crate) struct Feed<'a> {
    pub(crate) target: &'a Target,
    pub(crate) definition: &'a Definition,
    pub(crate) generation: Generation,
    pub(crate) reader: Reader,
    pub(crate) expected: Option<Position>,
    pub(crate) cache: RowCache,
}

impl<'a> Feed<'a> {
    /// What is built beside the live generation, by the ledger.
    pub(crate) async fn rebuild(target: &'a Target, definition: &'a Definition) -> Feed<'a> {
        Feed {
            target,
            definition,
            generation: target.begin_rebuild(definition).await.unwrap(),
            reader: Reader::Ledger,
            expected: None,
            cache: RowCache::default(),
        }
    }

    /// Opens the projection, and reads on where the reader's checkpoint is.
    pub(crate) async fn open(
        target: &'a Target,
        definition: &'a Definition,
        reader: Reader,
    ) -> Feed<'a> {
        let mode: ReaderMode = reader.mode();
        let opened = target.open(definition, mode, Position::ZERO).await.unwrap();
        let own = opened.checkpoints.iter().find(|c| c.reader == reader);
        Feed {
            target,
            definition,
            expected: own.map(|checkpoint| checkpoint.position),
            generation: opened.generation,
            reader,
            cache: RowCache::default(),
        }
    }

    pub(crate) fn at(&self, event: &RecordedEvent) -> Checkpoint {
        let offset = match self.reader {
            Reader::Ledger => None,
            Reader::Partition { .. } => Some(event.position.0 + 1),
        };
        Checkpoint {
            reader: self.reader.clone(),
            types: self.definition.events.keys().cloned().collect(),
            position: event.position,
            identity: Some(event.identity()),
            next_offset: offset,
            applied: 0,
        }
    }

    pub(crate) async fn apply(&mut self, events: &[RecordedEvent]) -> Result<Applied, ApplyError> {
        let step = Step {
            reached: self.at(events.last().unwrap()),
            expected: self.expected,
            events,
        };
        let applied = self
            .target
            .apply(
                self.definition,
                self.definition.effect.in_database().unwrap(),
                &self.generation,
                step,
                &mut self.cache,
            )
            .await?;
        self.expected = Some(applied.checkpoint.position);
        Ok(applied)
    }
}

/// Compiles a projection from its options. The catalogue has `order.placed` and
/// `order.changed`, both in one topic.
pub(crate) fn compiled(name: &str, options: Value) -> Definition {
    let catalogue: BTreeMap<_, _> = [TYPE, "order.changed"]
        .map(|event_type| (event_type.to_owned(), (TOPIC.to_owned(), None)))
        .into();
    let options = serde_json::from_value(options).unwrap();
    Definition::compile(name, &options, &catalogue).unwrap()
}

/// Drains what is due of the feed's reader, as its owner does.
pub(crate) async fn drain(feed: &Feed<'_>, log: &[RecordedEvent]) -> Vec<Drained> {
    let due = feed.target.due(&feed.generation, &feed.reader, 10);
    let mut drained = Vec::new();
    for (subject, positions) in due.await.unwrap() {
        let events: Vec<_> = log
            .iter()
            .filter(|event| positions.contains(&event.position))
            .cloned()
            .collect();
        let effect = feed.definition.effect.in_database().unwrap();
        let done = feed
            .target
            .drain(feed.definition, effect, &feed.generation, &subject, &events);
        drained.push(done.await.unwrap());
    }
    drained
}
