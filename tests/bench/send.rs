//! `project_http`: records of Kafka as requests to a receiver; and what a receiver that is
//! dead costs the projection beside it.

use dragoman_tests::{Database, Project, eventually, tally, wait_until_applied};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::broker::Topic;
use crate::child::{Child, Task};
use crate::contest::{Contest, OURS, Sample};
use crate::counter::{self, Counter};
use crate::goal::Goal;
use crate::preload;
use crate::receiver::Receiver;
use crate::report::{Figure, Row};
use crate::servers::Servers;
use crate::settings::Settings;
use crate::window::{self, passing, passing_beside};

/// What this measures.
pub(crate) const NAMES: &[&str] = &[FIGURE.name, BESIDE.name];

/// The projection that sends.
pub(crate) const COURIER: &str = "courier";
const TABLE: &str = "tally";
const RAW: &str = "raw_requests";
const ALONE: &str = "without_dead_receiver";
/// Events that a projection has before it is measured.
pub(crate) const BEGUN: i64 = 2_000;
/// How many times as many are tallied beside a dead receiver as one run has elsewhere: two per
/// cent are not seen in a second.
const TALLIED: i64 = 3;

const FIGURE: Figure = Figure {
    name: "project_http",
    measure: window::RATE,
    unit: "events/s",
    peer: None,
    limit: Some(RAW),
    goals: &[Goal::LimitAtLeast(0.80)],
};
const CPU: Figure = Figure {
    name: "project_http_cpu",
    measure: window::CPU,
    unit: "µs/event",
    peer: None,
    limit: Some(RAW),
    goals: &[],
};
const BESIDE: Figure = Figure {
    name: "dead_receiver_beside",
    measure: window::RATE,
    unit: "events/s",
    peer: None,
    limit: Some(ALONE),
    goals: &[Goal::LimitAtLeast(0.98)],
};

/// Runs the contenders in turn, each on the same topic.
pub(crate) async fn measure(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let (mut sending, mut beside) = (Contest::default(), Contest::default());
    let program = NamedTempFile::new().expect("a file can be made");
    std::fs::write(&program, "{ \"path\": \"/orders\", \"body\": .data }").expect("it is written");
    for round in 1..=settings.rounds {
        if settings.want(&[FIGURE.name]) {
            eprintln!(
                "bench: {}, round {round} of {}",
                FIGURE.name, settings.rounds
            );
            let events = settings.events / 3;
            let receiver = Receiver::start().await;
            let project = published(servers, events, &program, &receiver).await;
            let topic = preload::topic_of(&project);
            sending.add(RAW, raw(servers, topic, events).await);
            sending.add(OURS, ours(servers, &project, &receiver, events).await);
            Topic::at(&servers.kafka, topic).remove().await;
            project.database.clone().remove().await;
        }
        if settings.want(&[BESIDE.name]) {
            eprintln!(
                "bench: {}, round {round} of {}",
                BESIDE.name, settings.rounds
            );
            // Each comes first in every second round: a machine that grows slower meanwhile is
            // nobody's fault.
            let dead_first = round.is_multiple_of(2);
            for dead in [dead_first, !dead_first] {
                let events = settings.events * TALLIED;
                let sample = tallied(servers, events, &program, dead).await;
                beside.add(if dead { OURS } else { ALONE }, sample);
            }
        }
    }
    let mut rows = Vec::new();
    if settings.want(&[FIGURE.name]) {
        rows.extend([FIGURE.of(&sending), CPU.of(&sending)]);
    }
    if settings.want(&[BESIDE.name]) {
        rows.push(BESIDE.of(&beside));
    }
    rows
}

/// A projection that sends every order.
pub(crate) fn courier(program: &NamedTempFile, port: u16) -> Value {
    json!({
        "events": [dragoman_tests::ORDERS], "from": "beginning", "request": program.path(),
        "sink": {
            "kind": "http", "url": format!("http://127.0.0.1:{port}"), "private_network": true,
        },
    })
}

/// A project whose events are in Kafka, and whose projection has begun: a new one reads
/// from the log what was there before it, and here the way from Kafka is measured.
pub(crate) async fn published(
    servers: &Servers,
    events: i64,
    program: &NamedTempFile,
    receiver: &Receiver,
) -> Project {
    let courier = courier(program, receiver.port);
    let project = preload::project(servers, &[(COURIER, courier)]).await;
    preload::publish(&project, 0..BEGUN).await;
    let mut projection = project.projection(COURIER);
    eventually("the first are sent", async || {
        receiver.received() >= receiver.accepts(0..BEGUN)
    })
    .await;
    projection.stop().await;
    preload::publish(&project, BEGUN..BEGUN + events).await;
    project
}

async fn ours(servers: &Servers, project: &Project, receiver: &Receiver, events: i64) -> Sample {
    servers.settle().await;
    let events = receiver.accepts(BEGUN..BEGUN + events);
    let before = receiver.received();
    let mut projection = project.projection(COURIER);
    let sample = passing(servers, &mut projection, 0, events, async || {
        receiver.received() - before
    })
    .await;
    projection.stop().await;
    assert_eq!(
        receiver.received() - before,
        events,
        "one effect for each event"
    );
    sample
}

async fn raw(servers: &Servers, topic: &str, events: i64) -> Sample {
    let receiver = Receiver::start().await;
    servers.settle().await;
    let task = Task {
        kafka: servers.kafka.clone(),
        topic: topic.to_owned(),
        port: receiver.port,
        ..Task::default()
    };
    let mut child = Child::peer(RAW, &task);
    passing(servers, &mut child.process, 0, events, async || {
        receiver.received()
    })
    .await
}

/// A projection to a table, alone or beside one whose receiver is dead.
async fn tallied(servers: &Servers, events: i64, program: &NamedTempFile, dead: bool) -> Sample {
    let target = Database::create(&servers.postgres).await;
    // Nobody listens on the port that this one had.
    let nobody = Receiver::start().await.port;
    let projections = [
        (TABLE, tally(&target.url(), TABLE)),
        (COURIER, courier(program, nobody)),
    ];
    let project = preload::project(servers, &projections).await;
    preload::publish(&project, 0..BEGUN).await;
    let mut projection = project.projection(TABLE);
    wait_until_applied(&project, &target, TABLE).await;
    projection.stop().await;
    let mut beside = dead.then(|| project.projection(COURIER));
    preload::publish(&project, BEGUN..BEGUN + events).await;
    servers.settle().await;
    let mut projection = project.projection(TABLE);
    let mut counter = Counter::of(&target, counter::OWN).await;
    let sample = passing_beside(
        servers,
        &mut projection,
        beside.as_mut(),
        BEGUN,
        BEGUN + events,
        async || counter.count().await,
    )
    .await;
    projection.stop().await;
    if let Some(beside) = &mut beside {
        beside.stop().await;
    }
    Topic::at(&servers.kafka, preload::topic_of(&project))
        .remove()
        .await;
    project.database.clone().remove().await;
    target.remove().await;
    sample
}
