//! `project_fold`: records of Kafka into rows by a program that sees the row.

use dragoman_tests::{Database, Project, applied, wait_until_applied};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::broker::Topic;
use crate::child::{Child, Task};
use crate::contest::{Contest, OURS, Sample};
use crate::counter::{self, Counter};
use crate::goal::Goal;
use crate::peers::raw_fold;
use crate::preload;
use crate::report::{Figure, Row};
use crate::servers::Servers;
use crate::settings::Settings;
use crate::window::{self, passing};

/// What this measures.
pub(crate) const NAME: &str = "project_fold";

const TABLE: &str = "folded";
const RAW: &str = "raw_select_and_upsert";
/// Events that a projection has before it is measured.
const BEGUN: i64 = 4_000;

const PROGRAM: &str = "
    number = int!(.data.number)
    .row.events = (int(.row.events) ?? 0) + 1
    .row.state = mod((int(.row.state) ?? 0) * 31 + number, 1000003)
    .row.last = to_string(number)
";

const FIGURE: Figure = Figure {
    name: NAME,
    measure: window::RATE,
    unit: "events/s",
    peer: None,
    limit: Some(RAW),
    goals: &[Goal::LimitAtLeast(0.70)],
};
const CPU: Figure = Figure {
    name: "project_fold_cpu",
    measure: window::CPU_ALL,
    unit: "µs/event",
    peer: None,
    limit: Some(RAW),
    goals: &[],
};

/// Runs both in turn, each on the same topic.
pub(crate) async fn measure(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let mut contest = Contest::default();
    let program = NamedTempFile::new().expect("a file can be made");
    std::fs::write(&program, PROGRAM).expect("it is written");
    for round in 1..=settings.rounds {
        eprintln!("bench: {NAME}, round {round} of {}", settings.rounds);
        let events = settings.events;
        let target = Database::create(&servers.postgres).await;
        let options = folded(&target, &program);
        let project = preload::project(servers, &[(TABLE, options)]).await;
        preload::publish(&project, 0..BEGUN).await;
        let mut projection = project.projection(TABLE);
        wait_until_applied(&project, &target, TABLE).await;
        projection.stop().await;
        preload::publish(&project, BEGUN..BEGUN + events).await;
        let topic = preload::topic_of(&project);
        contest.add(RAW, raw(servers, topic, events).await);
        contest.add(OURS, ours(servers, &project, &target, events).await);
        Topic::at(&servers.kafka, topic).remove().await;
        project.database.clone().remove().await;
        target.remove().await;
    }
    vec![FIGURE.of(&contest), CPU.of(&contest)]
}

fn folded(target: &Database, program: &NamedTempFile) -> Value {
    json!({
        "events": [dragoman_tests::ORDERS],
        "sink": { "kind": "postgres", "url": target.url(), "table": TABLE },
        "key": { "key": { "type": "text", "from": ".subject" } },
        "columns": { "events": "bigint", "state": "bigint", "last": "text" },
        "fold": program.path(),
    })
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

async fn raw(servers: &Servers, topic: &str, events: i64) -> Sample {
    let target = Database::create(&servers.postgres).await;
    raw_fold::create(&target).await;
    servers.settle().await;
    let task = Task {
        postgres: target.url(),
        kafka: servers.kafka.clone(),
        topic: topic.to_owned(),
        events,
        ..Task::default()
    };
    let mut child = Child::peer(RAW, &task);
    let mut counter = Counter::of(&target, counter::RAW).await;
    let sample = passing(servers, &mut child.process, 0, events, async || {
        counter.count().await
    })
    .await;
    drop(child);
    target.remove().await;
    sample
}
