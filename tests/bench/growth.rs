//! `growth`: what an event costs after a hundred times as many have gone before it, while
//! somebody's transaction stays open, and with one projection more.

use std::time::Duration;

use dragoman_tests::{Database, Process, Project, eventually_within, tally};
use sqlx::{Connection as _, PgConnection};

use crate::broker::Topic;
use crate::contest::{Contest, OURS, Sample};
use crate::counter::{self, Counter};
use crate::goal::Goal;
use crate::preload;
use crate::report::{Figure, Row};
use crate::servers::Servers;
use crate::settings::Settings;
use crate::window::{self, passing, passing_beside};

/// What this measures.
pub(crate) const NAME: &str = "growth";

const TABLE: &str = "tally";
/// The table of the projection that there is once more.
const SECOND_TABLE: &str = "tally_again";
/// Of the events of other figures, a tenth is what every contender has behind it, and a
/// third is measured: enough for the kernel's clock of CPU time.
const BEGUN_SHARE: i64 = 10;
const MEASURED_SHARE: i64 = 3;
/// How many times as many the one with a history has behind it.
const TIMES: i64 = 100;
/// How long the history may take.
const LIMIT: Duration = Duration::from_secs(1800);

const FRESH: &str = "without_history";
const OPEN: &str = "open_transaction";
const SECOND: &str = "second_projection";
const DEAD: &str = "dead_tuples_per_event";

const fn figure(name: &'static str, measure: &'static str, unit: &'static str) -> Figure {
    Figure {
        name,
        measure,
        unit,
        peer: None,
        limit: Some(FRESH),
        goals: &[Goal::LimitAtMost(1.1)],
    }
}

const RELAY: &[Figure] = &[
    figure("growth_relay", window::CPU_ALL, "µs/event"),
    Figure {
        goals: &[Goal::AtMost(0.01)],
        ..figure("growth_dead_tuples", DEAD, "tuples")
    },
];
const PROJECTION: Figure = figure("growth_projection", window::CPU_ALL, "µs/event");
/// The same comparisons for a contender that has a transaction beside it.
const RELAY_OPEN: Figure = figure("growth_relay_open_transaction", window::CPU_ALL, "µs/event");
const PROJECTION_OPEN: Figure = figure(
    "growth_projection_open_transaction",
    window::CPU_ALL,
    "µs/event",
);
/// What two projections cost together beside what one costs alone; and what the first of
/// them costs by itself. On a few cores they share, their rates say nothing.
const BOTH: Figure = Figure {
    goals: &[Goal::LimitAtMost(2.2)],
    ..figure("growth_second_projection", window::CPU_ALL, "µs/event")
};
const FIRST_BESIDE_SECOND: Figure = figure(
    "growth_first_beside_second_projection",
    window::CPU,
    "µs/event",
);

/// A project that has come some way, and nothing of it runs.
struct Grown {
    project: Project,
    target: Database,
    /// Its projections, by their tables.
    tables: &'static [&'static str],
    topic: Topic,
    events: i64,
}

/// Runs a grown project, a fresh one, a fresh one beside an open transaction, and a fresh one
/// with one projection more in turn.
pub(crate) async fn measure(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let events = settings.events / MEASURED_SHARE;
    let begun = settings.events / BEGUN_SHARE;
    let (mut relay, mut projection) = (Contest::default(), Contest::default());
    eprintln!("bench: {NAME}: a history of {} events", begun * TIMES);
    let mut grown = Grown::begin(servers, &[TABLE], begun).await;
    grown.live_through(begun * (TIMES - 1)).await;
    for round in 1..=settings.rounds {
        eprintln!("bench: {NAME}, round {round} of {}", settings.rounds);
        let mut add = |contender, (relayed, projected)| {
            relay.add(contender, relayed);
            projection.add(contender, projected);
        };
        let mut fresh = Grown::begin(servers, &[TABLE], begun).await;
        add(FRESH, fresh.step(servers, events).await);
        fresh.remove().await;

        add(OURS, grown.step(servers, events).await);

        let mut beside = Grown::begin(servers, &[TABLE], begun).await;
        let open = hold_open(&beside.project.database).await;
        add(OPEN, beside.step(servers, events).await);
        drop(open);
        beside.remove().await;

        let mut twofold = Grown::begin(servers, &[TABLE, SECOND_TABLE], begun).await;
        add(SECOND, twofold.step(servers, events).await);
        twofold.remove().await;
    }
    grown.remove().await;
    let mut rows: Vec<Row> = RELAY.iter().map(|figure| figure.of(&relay)).collect();
    rows.push(RELAY_OPEN.with_ours(&relay, OPEN));
    rows.push(PROJECTION.of(&projection));
    rows.push(PROJECTION_OPEN.with_ours(&projection, OPEN));
    rows.push(BOTH.with_ours(&projection, SECOND));
    rows.push(FIRST_BESIDE_SECOND.with_ours(&projection, SECOND));
    rows
}

impl Grown {
    /// One that has only just begun.
    async fn begin(servers: &Servers, tables: &'static [&'static str], begun: i64) -> Self {
        let target = Database::create(&servers.postgres).await;
        let url = target.url();
        let projections: Vec<_> = tables
            .iter()
            .map(|table| (*table, tally(&url, table)))
            .collect();
        let project = preload::project(servers, &projections).await;
        let topic = Topic::at(&servers.kafka, preload::topic_of(&project));
        let mut grown = Self {
            project,
            target,
            tables,
            topic,
            events: 0,
        };
        grown.live_through(begun).await;
        grown
    }

    /// Stores, publishes and applies events, which nobody measures.
    async fn live_through(&mut self, events: i64) {
        preload::append(&self.project, self.events..self.events + events).await;
        self.events += events;
        let mut relay = self.project.relay();
        let topic = &self.topic;
        eventually_within(LIMIT, "the history is published", async || {
            relay.assert_running();
            topic.count() == self.events
        })
        .await;
        relay.stop().await;
        let (mut projections, mut counter) = (self.projections(), self.counter().await);
        eventually_within(LIMIT, "the history is applied", async || {
            projections.iter_mut().for_each(Process::assert_running);
            counter.count().await == self.applications()
        })
        .await;
        stop(projections).await;
    }

    /// What the next events cost the relay and the projection.
    async fn step(&mut self, servers: &Servers, events: i64) -> (Sample, Sample) {
        let before = self.events;
        preload::append(&self.project, before..before + events).await;
        self.events += events;
        let dead_before = self.changed_tuples().await;
        servers.settle().await;
        let topic = &self.topic;
        let mut relay = self.project.relay();
        let mut relayed = passing(servers, &mut relay, before, self.events, async || {
            topic.count()
        })
        .await;
        relay.stop().await;
        let dead = self.changed_tuples().await - dead_before;
        relayed.insert(DEAD, dead as f64 / events as f64);

        servers.settle().await;
        let (mut counter, mut projections) = (self.counter().await, self.projections());
        let (first, others) = projections
            .split_first_mut()
            .expect("there is a projection");
        let (events, other) = (self.events, others.first_mut());
        let times = self.tables.len() as i64;
        let projected = passing_beside(servers, first, other, before, events, async || {
            counter.count().await / times
        })
        .await;
        stop(projections).await;
        (relayed, projected)
    }

    /// All its projections, at work.
    fn projections(&self) -> Vec<Process> {
        let tables = self.tables.iter();
        tables.map(|table| self.project.projection(table)).collect()
    }

    async fn counter(&self) -> Counter {
        Counter::of(&self.target, counter::OWN).await
    }

    /// How often its events take effect.
    const fn applications(&self) -> i64 {
        self.events * self.tables.len() as i64
    }

    /// How many tuples of the hub's tables were ever updated or deleted: each leaves a dead
    /// one, whether or not it was vacuumed since.
    async fn changed_tuples(&self) -> i64 {
        self.project
            .database
            .number(
                "select coalesce(sum(n_tup_upd + n_tup_del), 0)::bigint
                 from pg_stat_all_tables where schemaname = 'dragoman'",
            )
            .await
    }

    async fn remove(self) {
        self.topic.remove().await;
        self.project.database.clone().remove().await;
        self.target.remove().await;
    }
}

async fn stop(projections: Vec<Process>) {
    for mut projection in projections {
        projection.stop().await;
    }
}

/// A transaction that has an id, and ends when this is dropped.
async fn hold_open(database: &Database) -> PgConnection {
    let mut connection = database.connect().await;
    sqlx::raw_sql("begin; select pg_current_xact_id()")
        .execute(&mut connection)
        .await
        .expect("a transaction begins");
    connection.ping().await.expect("the session lives");
    connection
}
