//! `replay_null`, `rebuild`: the sealed log read again, into nothing and into a table.

use dragoman_tests::{Database, Project, eventually, sealed_head, tally};

use crate::child::{Child, Task};
use crate::contest::{Contest, OURS, Sample};
use crate::counter::{self, Counter};
use crate::cpu::Tree;
use crate::goal::Goal;
use crate::peers::raw_table;
use crate::preload;
use crate::report::{Figure, Row};
use crate::servers::Servers;
use crate::settings::Settings;
use crate::window::{self, Reading};

/// Into nothing.
pub(crate) const NULL: &str = "replay_null";
/// Into a table.
pub(crate) const REBUILD: &str = "rebuild";

const TABLE: &str = "tally";
const COPY: &str = "copy_out";
const UPSERT: &str = "raw_rebuild";

const NULL_FIGURE: Figure = Figure {
    name: NULL,
    measure: window::RATE,
    unit: "events/s",
    peer: None,
    limit: Some(COPY),
    goals: &[Goal::LimitAtLeast(0.7)],
};
const REBUILD_FIGURE: Figure = Figure {
    name: REBUILD,
    measure: window::RATE,
    unit: "events/s",
    peer: None,
    limit: Some(UPSERT),
    goals: &[Goal::LimitAtLeast(0.8)],
};

/// Reads the same log in turn, by the call that rebuilds use and by COPY.
pub(crate) async fn measure_null(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let project = sealed(servers, settings.events, &[]).await;
    let task = Task {
        postgres: project.database.url(),
        events: settings.events,
        ..Task::default()
    };
    let mut contest = Contest::default();
    for round in 1..=settings.rounds {
        eprintln!("bench: {NULL}, round {round} of {}", settings.rounds);
        contest.add(COPY, whole(servers, Child::peer(COPY, &task), &task).await);
        contest.add(OURS, whole(servers, Child::peer(NULL, &task), &task).await);
    }
    project.database.clone().remove().await;
    vec![NULL_FIGURE.of(&contest)]
}

/// Rebuilds the same table in turn, by the hub's command and by a few lines of SQL.
pub(crate) async fn measure_rebuild(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let target = Database::create(&servers.postgres).await;
    let projections = [(TABLE, tally(&target.url(), TABLE))];
    let project = sealed(servers, settings.events, &projections).await;
    let mut projection = project.projection(TABLE);
    let mut counter = Counter::of(&target, counter::OWN).await;
    eventually("the table is there to be rebuilt", async || {
        counter.count().await == settings.events
    })
    .await;
    projection.stop().await;
    let mut contest = Contest::default();
    for round in 1..=settings.rounds {
        eprintln!("bench: {REBUILD}, round {round} of {}", settings.rounds);
        contest.add(UPSERT, raw(servers, &project, settings.events).await);
        servers.settle().await;
        let events = settings.events as f64;
        let own = Tree::of(std::process::id());
        let begin = Reading::take(own, servers);
        project.succeed(&["rebuild", TABLE]);
        contest.add(OURS, without_memory(begin.since(own, servers, events)));
    }
    project.database.clone().remove().await;
    target.remove().await;
    vec![REBUILD_FIGURE.of(&contest)]
}

/// A project whose events are sealed and go nowhere.
async fn sealed(
    servers: &Servers,
    events: i64,
    projections: &[(&str, serde_json::Value)],
) -> Project {
    let project = Project::create(&servers.postgres, None, projections).await;
    preload::append(&project, 0..events).await;
    let mut relay = project.relay();
    eventually("every event is sealed", async || {
        sealed_head(&project.database).await == events
    })
    .await;
    relay.stop().await;
    project
}

async fn raw(servers: &Servers, project: &Project, events: i64) -> Sample {
    let target = Database::create(&servers.postgres).await;
    raw_table::create(&target).await;
    let task = Task {
        postgres: project.database.url(),
        target: target.url(),
        events,
        ..Task::default()
    };
    let sample = whole(servers, Child::peer(UPSERT, &task), &task).await;
    target.remove().await;
    sample
}

/// Measures a process from its start to its end.
async fn whole(servers: &Servers, mut child: Child, task: &Task) -> Sample {
    // Its cost is this process's when it has ended and was waited for.
    let own = Tree::of(std::process::id());
    let begin = Reading::take(own, servers);
    let status = child.process.ended().await;
    assert!(status.success(), "{} ended badly", child.process.label());
    without_memory(begin.since(own, servers, task.events as f64))
}

/// What is read of a tree whose root is this program says nothing about its children.
fn without_memory(mut sample: Sample) -> Sample {
    sample.remove(window::MEMORY);
    sample
}
