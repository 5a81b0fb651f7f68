//! `catch_up`: a backlog is published while more comes in.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crate::broker::Topic;
use crate::contest::{Contest, OURS, Sample};
use crate::cpu::Tree;
use crate::preload;
use crate::report::{Figure, Row};
use crate::servers::Servers;
use crate::settings::Settings;
use crate::window::{self, Reading};

/// What this measures.
pub(crate) const NAME: &str = "catch_up";

const SECONDS: &str = "seconds_to_level";
/// Events that come in per second meanwhile, and how many at a time.
const RATE: i64 = 2_000;
const TOGETHER: i64 = 200;
/// The backlog, in runs of other figures.
const BACKLOG: i64 = 10;
/// How near to what is stored counts as level: what comes in within a tenth of a second.
const LEVEL: i64 = RATE / 10;
/// The longest that it may take.
const LIMIT: Duration = Duration::from_secs(1800);

const fn figure(name: &'static str, measure: &'static str, unit: &'static str) -> Figure {
    Figure {
        name,
        measure,
        unit,
        peer: None,
        limit: None,
        goals: &[],
    }
}

const FIGURES: &[Figure] = &[
    figure(NAME, window::RATE, "events/s"),
    figure("catch_up_time", SECONDS, "s"),
];

/// Once per round.
pub(crate) async fn measure(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let mut contest = Contest::default();
    for round in 1..=settings.rounds {
        eprintln!("bench: {NAME}, round {round} of {}", settings.rounds);
        contest.add(OURS, ours(servers, settings.events * BACKLOG).await);
    }
    FIGURES.iter().map(|figure| figure.of(&contest)).collect()
}

async fn ours(servers: &Servers, backlog: i64) -> Sample {
    let project = preload::project(servers, &[]).await;
    preload::append(&project, 0..backlog).await;
    servers.settle().await;
    let topic = Topic::at(&servers.kafka, preload::topic_of(&project));
    let stored = Arc::new(AtomicI64::new(backlog));
    let mut relay = project.relay();
    let incoming = tokio::spawn(preload::trickle(
        project.database.clone(),
        Arc::clone(&stored),
        RATE,
        TOGETHER,
    ));
    let own = Tree::of(relay.id());
    let begin = Reading::take(own, servers);
    let deadline = Instant::now() + LIMIT;
    let published = loop {
        let published = topic.count();
        if published + LEVEL >= stored.load(Ordering::Relaxed) {
            break published;
        }
        relay.assert_running();
        assert!(!incoming.is_finished(), "events no longer come in");
        assert!(Instant::now() < deadline, "not level after {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let mut sample = begin.since(own, servers, published as f64);
    sample.insert(SECONDS, published as f64 / sample[window::RATE]);
    incoming.abort();
    relay.stop().await;
    topic.remove().await;
    project.database.clone().remove().await;
    sample
}
