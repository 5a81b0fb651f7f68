//! `relay_rate`, `relay_cpu`, `relay_memory`: a backlog from Postgres to Kafka.

use crate::broker::Topic;
use crate::child::{Child, Task};
use crate::contest::{Contest, OURS, Sample};
use crate::goal::Goal;
use crate::outbox::{Kind, Outbox};
use crate::peers::debezium::{self, Debezium, Tuning};
use crate::preload;
use crate::report::{Figure, Row};
use crate::servers::Servers;
use crate::settings::Settings;
use crate::window::{self, passing};

/// What this measures.
pub(crate) const NAMES: &[&str] = &["relay_rate", "relay_cpu", "relay_memory"];

const TUNED: &str = "debezium_tuned";
const DEFAULT: &str = "debezium_default";
const UPDATE: &str = "skip_locked_update";
const DELETE: &str = "skip_locked_delete";
const RAW: &str = "librdkafka";

/// Events that a broker takes before anything is measured.
const BROKER_WARM_UP: i64 = 1_000_000;
/// Events that pass through Debezium before it is measured: Java compiles meanwhile.
const DEBEZIUM_WARM_UP: i64 = 100_000;

const FIGURES: &[Figure] = &[
    Figure {
        name: "relay_rate",
        measure: window::RATE,
        unit: "events/s",
        peer: Some(TUNED),
        limit: Some(RAW),
        goals: &[Goal::PeerAtLeast(5.0), Goal::LimitAtLeast(0.5)],
    },
    Figure {
        name: "relay_cpu",
        measure: window::CPU,
        unit: "µs/event",
        peer: Some(TUNED),
        limit: Some(RAW),
        goals: &[Goal::PeerAtMost(0.125)],
    },
    Figure {
        name: "relay_cpu_with_servers",
        measure: window::CPU_ALL,
        unit: "µs/event",
        peer: Some(TUNED),
        limit: Some(RAW),
        goals: &[],
    },
    Figure {
        name: "relay_memory",
        measure: window::MEMORY,
        unit: "MiB",
        peer: Some(TUNED),
        limit: Some(RAW),
        goals: &[Goal::AtMost(64.0)],
    },
];

/// Runs every contender in turn.
pub(crate) async fn measure(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let events = settings.events;
    let mut contest = Contest::default();
    // A broker that has just started compiles: nobody's round is to pay for that.
    librdkafka(servers, events.max(BROKER_WARM_UP)).await;
    for round in 1..=settings.rounds {
        eprintln!("bench: relay, round {round} of {}", settings.rounds);
        contest.add(RAW, librdkafka(servers, events).await);
        contest.add(OURS, ours(servers, events).await);
        contest.add(TUNED, debezium(servers, events, Tuning::Tuned).await);
        contest.add(UPDATE, skip_locked(servers, events, Kind::Marked).await);
        contest.add(DELETE, skip_locked(servers, events, Kind::Emptied).await);
        contest.add(DEFAULT, debezium(servers, events, Tuning::Default).await);
    }
    FIGURES.iter().map(|figure| figure.of(&contest)).collect()
}

/// The relay of the hub: seals, publishes, marks.
async fn ours(servers: &Servers, events: i64) -> Sample {
    let project = preload::project(servers, &[]).await;
    preload::append(&project, 0..events).await;
    servers.settle().await;
    let topic = Topic::at(&servers.kafka, preload::topic_of(&project));
    let mut relay = project.relay();
    let sample = passing(servers, &mut relay, 0, events, async || topic.count()).await;
    relay.stop().await;
    topic.remove().await;
    project.database.clone().remove().await;
    sample
}

/// A producer that has everything in memory.
async fn librdkafka(servers: &Servers, events: i64) -> Sample {
    let topic = Topic::create(&servers.kafka).await;
    let task = Task {
        kafka: servers.kafka.clone(),
        topic: topic.name().to_owned(),
        events,
        ..Task::default()
    };
    let mut child = Child::peer("librdkafka", &task);
    let sample = passing(servers, &mut child.process, 0, events, async || {
        topic.count()
    })
    .await;
    topic.remove().await;
    sample
}

/// Debezium streams from a slot that is older than the rows.
async fn debezium(servers: &Servers, events: i64, tuning: Tuning) -> Sample {
    let outbox = Outbox::create(servers, Kind::Debezium).await;
    let slot = debezium::Slot::create(servers, &outbox).await;
    let topic = Topic::create(&servers.kafka).await;
    let warm_up = DEBEZIUM_WARM_UP;
    outbox.fill(0..warm_up + events).await;
    servers.settle().await;
    let mut connect = Debezium::start(servers, &outbox, &slot, topic.name(), tuning);
    let all = warm_up + events;
    let sample = passing(servers, connect.process(), warm_up, all, async || {
        topic.count()
    })
    .await;
    drop(connect);
    slot.remove(servers).await;
    topic.remove().await;
    outbox.database.remove().await;
    sample
}

/// The loop that is written most often.
async fn skip_locked(servers: &Servers, events: i64, kind: Kind) -> Sample {
    let outbox = Outbox::create(servers, kind).await;
    outbox.fill(0..events).await;
    servers.settle().await;
    let topic = Topic::create(&servers.kafka).await;
    let task = Task {
        postgres: outbox.database.url(),
        kafka: servers.kafka.clone(),
        topic: topic.name().to_owned(),
        events,
        ..Task::default()
    };
    let name = match kind {
        Kind::Marked => UPDATE,
        Kind::Emptied | Kind::Debezium => DELETE,
    };
    let mut child = Child::peer(name, &task);
    let sample = passing(servers, &mut child.process, 0, events, async || {
        topic.count()
    })
    .await;
    drop(child);
    topic.remove().await;
    outbox.database.remove().await;
    sample
}
