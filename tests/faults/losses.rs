//! Kafka loses records that it had acknowledged, behind the back of a projection.

use dragoman_tests::{
    Database, Gap, History, Kafka, Process, Project, SqlLoad, Topics, check_history, check_table,
    gaps, note, shared_kafka, shared_postgres, tally, wait_for_topics, wait_until_applied,
    wait_until_published,
};

/// The table of the projection.
const TABLE: &str = "tally";

pub(crate) async fn topic_truncated_behind_a_projection() {
    let mut stage = Stage::set("truncated").await;
    stage.publish(1_000).await;
    stage.truncate();
    stage.publish(400).await;
    stage.run_projection().await;
    let found = stage.gaps().await;
    // Three of four events are orders.
    assert_eq!(found.iter().map(|gap| gap.events).sum::<i64>(), 750);
    assert!(found.iter().all(|gap| !gap.at_end), "{found:?}");
    stage.judge(&found).await;
}

pub(crate) async fn tail_lost_on_quiet_partitions() {
    let mut stage = Stage::set("quiet").await;
    stage.publish(1_000).await;
    stage.truncate();
    stage.run_projection().await;
    let truncated = stage.gaps().await;
    assert_eq!(truncated.iter().map(|gap| gap.events).sum::<i64>(), 750);
    assert!(truncated.iter().all(|gap| gap.at_end), "{truncated:?}");
    stage.judge(&truncated).await;

    // The same with a topic that was deleted and made again: its offsets begin anew,
    // below those that the projection has read and the relay has marked.
    stage.publish(1_000).await;
    stage.make_again().await;
    stage.run_projection().await;
    let found = stage.gaps().await;
    assert_eq!(found.iter().map(|gap| gap.events).sum::<i64>(), 1_500);
    stage.judge(&found).await;

    stage.publish(400).await;
    stage.run_projection().await;
    stage.judge(&found).await;
}

/// A hub whose projection has read something and is not running.
struct Stage {
    relay: Process,
    project: Project,
    projection: &'static str,
    target: Database,
    history: History,
}

impl Stage {
    async fn set(projection: &'static str) -> Self {
        let target = Database::create(&shared_postgres()).await;
        let projections = [(projection, tally(&target.url(), TABLE))];
        let kafka = Kafka::at(&shared_kafka());
        let project = Project::create(&shared_postgres(), Some(kafka), &projections).await;
        let mut relay = project.relay();
        wait_for_topics(&project, &mut relay).await;
        let mut stage = Self {
            relay,
            project,
            projection,
            target,
            history: History::one_by_one(),
        };
        stage.publish(400).await;
        stage.run_projection().await;
        stage
    }

    /// Sends events, and returns when Kafka has them.
    async fn publish(&mut self, events: u64) {
        SqlLoad::once(&self.project.database, &mut self.history, events).await;
        wait_until_published(&self.project).await;
    }

    /// Lets the projection run until it is level.
    async fn run_projection(&self) {
        let mut projection = self.project.projection(self.projection);
        wait_until_applied(&self.project, &self.target, TABLE).await;
        projection.stop().await;
    }

    /// What the projection has reported.
    async fn gaps(&self) -> Vec<Gap> {
        gaps(&self.project.database, self.projection).await
    }

    /// Takes away every order that Kafka holds.
    fn truncate(&self) {
        let [(_, orders), _] = self.project.topics();
        let kafka = self.project.kafka();
        Topics::at(&kafka.brokers).truncate(orders, kafka.partitions);
    }

    /// Deletes the topic of the orders and makes it again, with the relay down.
    async fn make_again(&mut self) {
        let [(_, orders), _] = self.project.topics();
        let kafka = self.project.kafka();
        let topics = Topics::at(&kafka.brokers);
        self.relay.stop().await;
        topics.delete(orders);
        topics.create(orders, kafka.partitions);
        self.relay = self.project.relay();
        wait_for_topics(&self.project, &mut self.relay).await;
    }

    /// The table is the fold of the log, and what was found is reported.
    async fn judge(&self, found: &[Gap]) {
        let log = check_history(&self.project, &self.history).await;
        check_table(&self.target, TABLE, &log).await;
        let reported = self.project.status().unwrap()["gaps"].as_u64();
        assert_eq!(reported, u64::try_from(found.len()).ok());
        note(&format!("{} gaps reported", found.len()));
    }
}
