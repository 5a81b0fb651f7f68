//! `ingest_single`, `ingest_batch`: events over HTTP into the log.

use std::sync::Arc;

use dragoman_tests::{Database, Project, eventually, free_port};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::child::{Child, Task};
use crate::contest::{Contest, OURS, Sample};
use crate::cpu::Tree;
use crate::events;
use crate::goal::Goal;
use crate::http_driver::{Requests, drive, post};
use crate::peers::raw_log;
use crate::preload;
use crate::report::{Figure, Row};
use crate::servers::Servers;
use crate::settings::Settings;
use crate::window::{self, Reading};

/// One event per request.
pub(crate) const SINGLE: &str = "ingest_single";
/// A hundred.
pub(crate) const BATCH: &str = "ingest_batch";

/// Events in a batch.
const TOGETHER: u64 = 100;
/// Connections that send single events, and batches. Each waits for its answer, so that
/// they are also how many can be together in one statement.
const CONNECTIONS: usize = 256;
const BATCH_CONNECTIONS: usize = 8;

const EMPTY: &str = "empty_handler";
const COMMIT: &str = "commit_per_event";
const UNNEST: &str = "raw_unnest";

const SINGLE_FIGURE: Figure = Figure {
    name: SINGLE,
    measure: window::RATE,
    unit: "events/s",
    peer: Some(COMMIT),
    limit: Some(EMPTY),
    goals: &[Goal::PeerAtLeast(4.0), Goal::LimitAtLeast(0.6)],
};
const BATCH_FIGURE: Figure = Figure {
    name: BATCH,
    measure: window::RATE,
    unit: "events/s",
    peer: None,
    limit: Some(UNNEST),
    goals: &[Goal::LimitAtLeast(0.8)],
};

/// One event per request: ours, a handler that does nothing, and one that commits each.
pub(crate) async fn measure_single(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let mut contest = Contest::default();
    let events = settings.events as u64 / 3;
    for round in 1..=settings.rounds {
        eprintln!("bench: {SINGLE}, round {round} of {}", settings.rounds);
        contest.add(EMPTY, handler(servers, EMPTY, events).await);
        contest.add(OURS, ours(servers, CONNECTIONS, 1, events).await);
        contest.add(COMMIT, handler(servers, COMMIT, events / 3).await);
    }
    vec![SINGLE_FIGURE.of(&contest)]
}

/// A hundred events per request: ours, and the statement by itself.
pub(crate) async fn measure_batch(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let mut contest = Contest::default();
    let events = settings.events as u64;
    for round in 1..=settings.rounds {
        eprintln!("bench: {BATCH}, round {round} of {}", settings.rounds);
        contest.add(UNNEST, raw_unnest(servers, events).await);
        let ours = ours(servers, BATCH_CONNECTIONS, TOGETHER, events).await;
        contest.add(OURS, ours);
    }
    vec![BATCH_FIGURE.of(&contest)]
}

/// The whole way: key, schema, dedupe, durable.
async fn ours(servers: &Servers, connections: usize, together: u64, events: u64) -> Sample {
    let project = preload::project(servers, &[]).await;
    let mut ingest = project.ingest().await;
    let requests = requests(format!("Bearer {}", project.key()), together);
    let own = Tree::of(ingest.id());
    let sample = run(
        servers,
        own,
        project.listen,
        connections,
        together,
        events,
        &requests,
    )
    .await;
    ingest.stop().await;
    check(&project, events + events / 10).await;
    project.database.clone().remove().await;
    sample
}

/// A server of a few lines that gets the same requests.
async fn handler(servers: &Servers, name: &'static str, events: u64) -> Sample {
    let database = Database::create(&servers.postgres).await;
    raw_log::create(&database).await;
    let port = free_port();
    let task = Task {
        postgres: database.url(),
        port,
        ..Task::default()
    };
    let child = Child::peer(name, &task);
    eventually("the handler listens", async || {
        TcpStream::connect(("127.0.0.1", port)).await.is_ok()
    })
    .await;
    let own = Tree::of(child.process.id());
    let requests = requests("Bearer none".to_owned(), 1);
    let sample = run(servers, own, port, CONNECTIONS, 1, events, &requests).await;
    drop(child);
    database.remove().await;
    sample
}

/// A tenth before it is measured.
async fn run(
    servers: &Servers,
    own: Tree,
    port: u16,
    connections: usize,
    together: u64,
    events: u64,
    requests: &Requests,
) -> Sample {
    let (warm_up, all) = (events / 10 / together, events / together);
    drive(port, connections, 0..warm_up, requests).await;
    servers.settle().await;
    let begin = Reading::take(own, servers);
    drive(port, connections, warm_up..warm_up + all, requests).await;
    begin.since(own, servers, (all * together) as f64)
}

/// The statement that stores a batch once, from as many sessions as there are
/// connections, without HTTP, key or schema.
async fn raw_unnest(servers: &Servers, events: u64) -> Sample {
    let database = Database::create(&servers.postgres).await;
    raw_log::create(&database).await;
    servers.settle().await;
    let own = Tree::of(std::process::id());
    let begin = Reading::take(own, servers);
    let mut writers = JoinSet::new();
    let sessions = BATCH_CONNECTIONS as u64;
    for writer in 0..sessions {
        let mut connection = database.connect().await;
        writers.spawn(async move {
            for batch in (writer..events / TOGETHER).step_by(sessions as usize) {
                let first = batch * TOGETHER;
                raw_log::insert(&mut connection, first..first + TOGETHER).await;
            }
        });
    }
    writers.join_all().await;
    let sample = begin.since(own, servers, (events / TOGETHER * TOGETHER) as f64);
    database.remove().await;
    sample
}

/// What was acknowledged is there.
async fn check(project: &Project, events: u64) {
    let stored = dragoman_tests::stored(&project.database).await;
    let missing = events as i64 - stored;
    assert!(
        missing < TOGETHER as i64,
        "{missing} acknowledged events are missing"
    );
}

fn requests(authorization: String, together: u64) -> Requests {
    Arc::new(move |number| {
        if together == 1 {
            let kind = "application/cloudevents+json";
            return post("/v1/events", &authorization, kind, &cloud_event(number));
        }
        let events: Vec<String> = (number * together..(number + 1) * together)
            .map(cloud_event)
            .collect();
        let kind = "application/cloudevents-batch+json";
        let body = format!("[{}]", events.join(","));
        post("/v1/events", &authorization, kind, &body)
    })
}

fn cloud_event(number: u64) -> String {
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"{}\",\"source\":\"{}\",\"type\":\"{}\",\"subject\":\"{}\",\"datacontenttype\":\"application/json\",\"data\":{}}}",
        events::id(number),
        events::SOURCE,
        events::TYPE,
        events::subject(number),
        events::data(number)
    )
}
