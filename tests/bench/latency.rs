//! `commit_to_consumer`: from the moment at which an event was to be committed by SQL to
//! the moment at which a reader of Kafka has it, open-loop.

use std::time::Duration;

use dragoman_tests::{Process, eventually};
use sqlx::PgConnection;

use crate::arrivals::Arrivals;
use crate::broker::Topic;
use crate::contest::{Contest, OURS, Sample};
use crate::cpu::Tree;
use crate::events;
use crate::goal::Goal;
use crate::open_loop::{self, P50, P99, P999, Schedule, Sender, quantiles};
use crate::outbox::{Kind, Outbox};
use crate::peers::debezium::{Debezium, Slot, Tuning};
use crate::peers::producer::BareProducer;
use crate::preload;
use crate::report::{Figure, Row};
use crate::servers::Servers;
use crate::settings::Settings;
use crate::window::Reading;

/// What this measures.
pub(crate) const NAME: &str = "commit_to_consumer";

const TUNED: &str = "debezium_tuned";
const DUAL: &str = "commit_then_produce";
/// Sessions that commit. Sixteen keep 2,000/s while a commit takes 8 ms.
const SESSIONS: usize = 16;
/// Seconds at the beginning that are not measured: connections are made, Java compiles.
const WARM_UP: u64 = 5;
/// Events of a run in a second of measuring, before it is as long as it must be.
const EVENTS_PER_SECOND: u64 = 15_000;
/// The source that the superuser may publish as.
const SOURCE: &str = "/till";

const PUBLISH: &str = "select dragoman.publish($1, $2, $3::jsonb, $4)";
const INSERT: &str = "insert into outbox (aggregatetype, aggregateid, type, payload)
     values ($4, $2, $1, $3)";

/// A load and how it is shown.
struct Load {
    rate: u32,
    figures: [Figure; 3],
}

const fn figure(name: &'static str, measure: &'static str, goals: &'static [Goal]) -> Figure {
    Figure {
        name,
        measure,
        unit: "ms",
        peer: Some(TUNED),
        limit: Some(DUAL),
        goals,
    }
}

const GOALS_P99: &[Goal] = &[Goal::AtMost(10.0), Goal::PeerAtMost(0.5)];
const GOALS_P999: &[Goal] = &[Goal::AtMost(30.0)];
const LOADS: &[Load] = &[
    Load {
        rate: 200,
        figures: [
            figure("commit_to_consumer_200_p50", P50, &[]),
            figure("commit_to_consumer_200_p99", P99, GOALS_P99),
            figure("commit_to_consumer_200_p999", P999, GOALS_P999),
        ],
    },
    Load {
        rate: 2_000,
        figures: [
            figure("commit_to_consumer_2000_p50", P50, &[]),
            figure("commit_to_consumer_2000_p99", P99, GOALS_P99),
            figure("commit_to_consumer_2000_p999", P999, GOALS_P999),
        ],
    },
];

/// Runs every contender in turn at each rate.
pub(crate) async fn measure(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let seconds = (settings.events as u64 / EVENTS_PER_SECOND).max(5);
    let mut rows = Vec::new();
    for load in LOADS {
        let mut contest = Contest::default();
        for round in 1..=settings.rounds {
            let rate = load.rate;
            eprintln!(
                "bench: {NAME} at {rate}/s, round {round} of {}",
                settings.rounds
            );
            contest.add(DUAL, commit_then_produce(servers, rate, seconds).await);
            contest.add(OURS, ours(servers, rate, seconds).await);
            contest.add(TUNED, debezium(servers, rate, seconds).await);
        }
        rows.extend(load.figures.iter().map(|figure| figure.of(&contest)));
    }
    rows
}

async fn ours(servers: &Servers, rate: u32, seconds: u64) -> Sample {
    let project = preload::project(servers, &[]).await;
    let mut relay = project.relay();
    dragoman_tests::wait_for_topics(&project, &mut relay).await;
    let topic = Topic::at(&servers.kafka, preload::topic_of(&project));
    let committers = committers(&project.database, PUBLISH, SOURCE, None).await;
    let sample = run(servers, &topic, rate, seconds, committers, Some(&mut relay)).await;
    relay.stop().await;
    topic.remove().await;
    project.database.clone().remove().await;
    sample
}

async fn debezium(servers: &Servers, rate: u32, seconds: u64) -> Sample {
    let outbox = Outbox::create(servers, Kind::Debezium).await;
    let slot = Slot::create(servers, &outbox).await;
    let topic = Topic::create(&servers.kafka).await;
    let mut connect = Debezium::start(servers, &outbox, &slot, topic.name(), Tuning::Tuned);
    slot.wait_for_reader(&outbox, connect.process()).await;
    let committers = committers(&outbox.database, INSERT, "order", None).await;
    let process = connect.process();
    let sample = run(servers, &topic, rate, seconds, committers, Some(process)).await;
    drop(connect);
    slot.remove(servers).await;
    topic.remove().await;
    outbox.database.remove().await;
    sample
}

/// The shortest way there is, which loses events when it is killed between its two steps.
async fn commit_then_produce(servers: &Servers, rate: u32, seconds: u64) -> Sample {
    let outbox = Outbox::create(servers, Kind::Debezium).await;
    let topic = Topic::create(&servers.kafka).await;
    let kafka = Some((servers.kafka.as_str(), topic.name()));
    let committers = committers(&outbox.database, INSERT, "order", kafka).await;
    let sample = run(servers, &topic, rate, seconds, committers, None).await;
    topic.remove().await;
    outbox.database.remove().await;
    sample
}

async fn run(
    servers: &Servers,
    topic: &Topic,
    rate: u32,
    seconds: u64,
    committers: Vec<Committer>,
    process: Option<&mut Process>,
) -> Sample {
    servers.settle().await;
    let warm_up = WARM_UP * u64::from(rate);
    let all = warm_up + seconds * u64::from(rate);
    let arrivals = Arrivals::of(&servers.kafka, topic.name(), all);
    // Without a process of its own the contender is this program.
    let own = Tree::of(
        process
            .as_ref()
            .map_or_else(std::process::id, |own| own.id()),
    );
    let schedule = Schedule::of(rate);
    let begin = async {
        tokio::time::sleep_until(schedule.due(warm_up).into()).await;
        Reading::take(own, servers)
    };
    let (begin, ()) = tokio::join!(begin, open_loop::send(schedule, 0..all, committers));
    eventually("every event has come to the reader", async || {
        arrivals.count() == all
    })
    .await;
    if let Some(process) = process {
        process.assert_running();
    }
    let late = (0..).zip(arrivals.times()).skip(warm_up as usize);
    let latencies: Vec<Duration> = late
        .filter_map(|(number, came)| Some(came?.duration_since(schedule.due(number))))
        .collect();
    let mut sample = quantiles(latencies);
    let mut costs = begin.since(own, servers, (all - warm_up) as f64);
    costs.retain(|measure, _| measure.starts_with("cpu"));
    sample.append(&mut costs);
    sample
}

/// A session that commits an event in a transaction of its own.
struct Committer {
    connection: PgConnection,
    statement: &'static str,
    source: &'static str,
    then: Option<(std::sync::Arc<BareProducer>, String)>,
}

async fn committers(
    database: &dragoman_tests::Database,
    statement: &'static str,
    source: &'static str,
    kafka: Option<(&str, &str)>,
) -> Vec<Committer> {
    let then = kafka.map(|(kafka, topic)| {
        let producer = std::sync::Arc::new(BareProducer::connect(kafka));
        (producer, topic.to_owned())
    });
    let mut committers = Vec::new();
    for _ in 0..SESSIONS {
        committers.push(Committer {
            connection: database.connect().await,
            statement,
            source,
            then: then.clone(),
        });
    }
    committers
}

impl Sender for Committer {
    async fn send(&mut self, number: u64) {
        let (subject, data) = (events::subject(number), events::data(number));
        sqlx::query(self.statement)
            .bind(events::TYPE)
            .bind(&subject)
            .bind(&data)
            .bind(self.source)
            .execute(&mut self.connection)
            .await
            .unwrap_or_else(|error| panic!("an event is not committed: {error}"));
        if let Some((producer, topic)) = &self.then {
            producer.send(topic, &subject, &data);
        }
    }
}
