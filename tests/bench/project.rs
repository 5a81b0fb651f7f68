//! `project_sql`: records of Kafka into rows of a table.

use dragoman_tests::{Database, Project, applied, tally, wait_until_applied};

use crate::broker::Topic;
use crate::child::{Child, Task};
use crate::contest::{Contest, OURS, Sample};
use crate::counter::{self, Counter};
use crate::goal::Goal;
use crate::peers::raw_table;
use crate::preload;
use crate::report::{Figure, Row};
use crate::servers::Servers;
use crate::settings::Settings;
use crate::window::{self, passing};

/// What this measures.
pub(crate) const NAME: &str = "project_sql";

const TABLE: &str = "tally";
/// Events that a projection has before it is measured.
const BEGUN: i64 = 4_000;
const BATCHES: &str = "raw_batch_upsert";
const SINGLE: &str = "transaction_per_event";

const FIGURE: Figure = Figure {
    name: NAME,
    measure: window::RATE,
    unit: "events/s",
    peer: Some(SINGLE),
    limit: Some(BATCHES),
    goals: &[Goal::PeerAtLeast(20.0), Goal::LimitAtLeast(0.85)],
};
const CPU: Figure = Figure {
    name: "project_sql_cpu",
    measure: window::CPU_ALL,
    unit: "µs/event",
    peer: Some(SINGLE),
    limit: Some(BATCHES),
    goals: &[],
};

/// Runs every contender in turn, each on the same topic.
pub(crate) async fn measure(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let mut contest = Contest::default();
    for round in 1..=settings.rounds {
        eprintln!("bench: {NAME}, round {round} of {}", settings.rounds);
        let target = Database::create(&servers.postgres).await;
        let project = published(servers, settings.events, &target).await;
        let topic = preload::topic_of(&project);
        let events = settings.events;
        contest.add(BATCHES, raw(servers, BATCHES, topic, events).await);
        contest.add(OURS, ours(servers, &project, &target, events).await);
        contest.add(SINGLE, raw(servers, SINGLE, topic, events / 10).await);
        Topic::at(&servers.kafka, topic).remove().await;
        project.database.clone().remove().await;
        target.remove().await;
    }
    vec![FIGURE.of(&contest), CPU.of(&contest)]
}

/// A project whose events are in Kafka, and nothing of it runs. Its projection has begun:
/// a new one reads from the log what was there before it, and here the way from Kafka is
/// measured.
async fn published(servers: &Servers, events: i64, target: &Database) -> Project {
    let project = preload::project(servers, &[(TABLE, tally(&target.url(), TABLE))]).await;
    preload::publish(&project, 0..BEGUN).await;
    let mut projection = project.projection(TABLE);
    wait_until_applied(&project, target, TABLE).await;
    projection.stop().await;
    preload::publish(&project, BEGUN..BEGUN + events).await;
    project
}

async fn ours(servers: &Servers, project: &Project, target: &Database, events: i64) -> Sample {
    servers.settle().await;
    let mut projection = project.projection(TABLE);
    let mut counter = Counter::of(target, counter::OWN).await;
    let all = BEGUN + events;
    let sample = passing(servers, &mut projection, BEGUN, all, async || {
        counter.count().await
    })
    .await;
    projection.stop().await;
    assert_eq!(applied(target, TABLE).await, all, "events in the table");
    sample
}

/// A consumer of a few lines that keeps the same table.
async fn raw(servers: &Servers, name: &'static str, topic: &str, events: i64) -> Sample {
    let target = Database::create(&servers.postgres).await;
    raw_table::create(&target).await;
    servers.settle().await;
    let task = Task {
        postgres: target.url(),
        kafka: servers.kafka.clone(),
        topic: topic.to_owned(),
        events,
        ..Task::default()
    };
    let mut child = Child::peer(name, &task);
    let mut counter = Counter::of(&target, counter::RAW).await;
    let sample = passing(servers, &mut child.process, 0, events, async || {
        counter.count().await
    })
    .await;
    drop(child);
    assert!(
        applied(&target, TABLE).await >= events,
        "events in the table"
    );
    target.remove().await;
    sample
}
