//! Kafka or Postgres goes away and comes back, under ingest.

use std::time::{Duration, Instant};

use dragoman_tests::{
    Broker, Database, History, HttpLoad, Kafka, Outcome, Postgres, Process, Project, check_history,
    check_kafka, check_table, eventually, note, shared_kafka, shared_postgres, tally,
    wait_for_topics, wait_until_applied, wait_until_published,
};

/// The table of the projection.
const TABLE: &str = "tally";
/// How long Kafka is frozen, and then stopped.
const WITHOUT_KAFKA: Duration = Duration::from_secs(20);
/// How long Postgres is stopped.
const WITHOUT_POSTGRES: Duration = Duration::from_secs(10);
/// The longest that an acknowledgement may take that does not need what is away.
const PROMPT: Duration = Duration::from_secs(5);
/// Timeouts of the client that end within a fraction of an outage, again and again.
const HASTY: [(&str, &str); 5] = [
    ("socket.timeout.ms", "1000"),
    ("request.timeout.ms", "1000"),
    ("socket.connection.setup.timeout.ms", "1000"),
    ("api.version.request.timeout.ms", "1000"),
    ("metadata.max.age.ms", "2000"),
];

pub(crate) async fn kafka_frozen_then_stopped() {
    let mut broker = Broker::start().await;
    let patient = Kafka::at(&broker.address());
    let patient = Hub::start("patient", &shared_postgres(), patient).await;
    let hasty = Kafka {
        properties: HASTY.to_vec(),
        ..Kafka::at(&broker.address())
    };
    let hasty = Hub::start("hasty", &shared_postgres(), hasty).await;
    let hubs = [patient, hasty];

    let frozen = Instant::now();
    broker.freeze();
    tokio::time::sleep(WITHOUT_KAFKA).await;
    broker.wake();
    for hub in &hubs {
        hub.wait_until_it_flows().await;
    }
    let stopped = Instant::now();
    broker.stop().await;
    tokio::time::sleep(WITHOUT_KAFKA).await;
    let back = Instant::now();
    broker.restart().await;

    let [_, hasty] = &hubs;
    assert!(
        hasty.logs().contains("Timed out"),
        "no timeout of the client has fired"
    );
    for hub in hubs {
        let history = hub.finish().await;
        for sent in history.due_between(frozen, back) {
            assert!(
                sent.outcome == Outcome::Ok && sent.waited < PROMPT,
                "acknowledgements do not go on: {sent:?}"
            );
        }
        note(&format!(
            "{} acknowledged with Kafka frozen, {} with Kafka stopped",
            history.due_between(frozen, frozen + WITHOUT_KAFKA).count(),
            history.due_between(stopped, back).count()
        ));
    }
}

pub(crate) async fn postgres_crashed() {
    let mut postgres = Postgres::start().await;
    let hub = Hub::start("crashed", &postgres.url(), Kafka::at(&shared_kafka())).await;

    postgres.crash().await;
    let away = Instant::now();
    tokio::time::sleep(WITHOUT_POSTGRES).await;
    let back = Instant::now();
    postgres.restart().await;
    hub.wait_until_it_flows().await;

    let history = hub.finish().await;
    let mut unavailable = 0;
    for sent in history.due_between(away, back) {
        match sent.outcome {
            Outcome::Unavailable { retry_after: true } => unavailable += 1,
            // Those that came last may have waited until it was back.
            Outcome::Ok if sent.due + PROMPT > back => {}
            _ => panic!("not 503 with Retry-After while Postgres is away: {sent:?}"),
        }
    }
    assert!(unavailable > 200, "{unavailable} times 503");
    note(&format!("{unavailable} times 503"));
}

/// A whole hub at work, with senders.
struct Hub {
    processes: [Process; 3],
    project: Project,
    target: Database,
    load: HttpLoad,
}

impl Hub {
    /// Starts everything, and returns when events come out at the other end.
    async fn start(projection: &str, postgres: &str, kafka: Kafka) -> Self {
        let target = Database::create(&shared_postgres()).await;
        let projections = [(projection, tally(&target.url(), TABLE))];
        let project = Project::create(postgres, Some(kafka), &projections).await;
        let mut relay = project.relay();
        wait_for_topics(&project, &mut relay).await;
        let projection = project.projection(projection);
        let ingest = project.ingest().await;
        let load = HttpLoad::start(project.listen, &project.key(), Duration::from_millis(20));
        let hub = Self {
            processes: [ingest, relay, projection],
            project,
            target,
            load,
        };
        hub.wait_until_it_flows().await;
        hub
    }

    /// Waits until events that are acknowledged from now on are in the table.
    async fn wait_until_it_flows(&self) {
        let acknowledged = self.load.acknowledged();
        eventually("events are acknowledged again", async || {
            self.load.acknowledged() > acknowledged
        })
        .await;
        wait_until_applied(&self.project, &self.target, TABLE).await;
    }

    /// Everything that its processes wrote.
    fn logs(&self) -> String {
        self.processes.iter().map(Process::log).collect()
    }

    /// Ends everything well, and judges.
    async fn finish(self) -> History {
        let history = self.load.stop().await;
        wait_until_published(&self.project).await;
        wait_until_applied(&self.project, &self.target, TABLE).await;
        for mut process in self.processes {
            process.stop().await;
        }
        let log = check_history(&self.project, &history).await;
        check_kafka(&self.project, &log);
        check_table(&self.target, TABLE, &log).await;
        history
    }
}
