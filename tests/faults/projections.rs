//! A projection dies, or its group is shuffled, with events on their way into its table.

use std::time::Duration;

use dragoman_tests::{
    Database, Kafka, Process, Project, SqlLoad, applied, check_history, check_kafka, check_table,
    eventually, freeze_in_flight, note, orders_in_kafka, shared_kafka, shared_postgres, tally,
    wait_for_topics, wait_until_applied, wait_until_published,
};

/// How many events must be on their way at the moment of a kill.
const IN_FLIGHT: i64 = 1_000;
/// A member comes, or goes, about each second: starting and leaving take their time too.
const BETWEEN_REBALANCES: Duration = Duration::from_millis(800);
/// The table of the projection.
const TABLE: &str = "tally";

pub(crate) async fn killed_ten_times() {
    let Stage {
        project,
        target,
        mut relay,
    } = Stage::set().await;
    let mut projection = project.projection("tally");
    // While nobody is there for a dead member's partitions, enough comes together.
    let load = SqlLoad::start(&project.database, 300, Duration::from_millis(500));
    for _ in 0..10 {
        freeze_in_flight(
            &mut projection,
            IN_FLIGHT,
            rand::random_range(0..IN_FLIGHT),
            async || orders_in_kafka(&project),
            async || applied(&target, TABLE).await,
        )
        .await;
        projection.kill();
        projection = project.projection("tally");
    }
    let history = load.stop().await;
    wait_until_published(&project).await;
    wait_until_applied(&project, &target, TABLE).await;
    projection.stop().await;
    relay.stop().await;
    let log = check_history(&project, &history).await;
    check_kafka(&project, &log);
    check_table(&target, TABLE, &log).await;
    note(&format!("{} events", log.len()));
}

/// How often the group gave an instance partitions, or took some away.
fn decisions_of(instance: &Process) -> usize {
    let log = instance.log();
    log.matches("partitions were assigned").count()
        + log.matches("partitions were taken away").count()
}

/// Two members all the time, and a third that comes and goes.
pub(crate) async fn rebalanced_each_second() {
    let Stage {
        project,
        target,
        mut relay,
    } = Stage::set().await;
    let mut members = [project.projection("tally"), project.projection("tally")];
    let load = SqlLoad::start(&project.database, 200, Duration::from_millis(200));
    eventually("the members are at work", async || {
        applied(&target, TABLE).await > 0
    })
    .await;
    let mut decisions = 0;
    for _ in 0..8 {
        let mut third = project.projection("tally");
        tokio::time::sleep(BETWEEN_REBALANCES).await;
        third.stop().await;
        tokio::time::sleep(BETWEEN_REBALANCES).await;
        decisions += decisions_of(&third);
        members.iter_mut().for_each(Process::assert_running);
    }
    decisions += members.iter().map(decisions_of).sum::<usize>();
    note(&format!(
        "the group gave or took partitions {decisions} times"
    ));
    assert!(decisions >= 16, "the group was not shuffled");
    let history = load.stop().await;
    wait_until_published(&project).await;
    wait_until_applied(&project, &target, TABLE).await;
    for member in &mut members {
        member.stop().await;
    }
    relay.stop().await;
    let log = check_history(&project, &history).await;
    check_table(&target, TABLE, &log).await;
    note(&format!("{} events", log.len()));
}

/// A project with a running relay, and a database for its projection.
struct Stage {
    relay: Process,
    project: Project,
    target: Database,
}

impl Stage {
    async fn set() -> Self {
        let target = Database::create(&shared_postgres()).await;
        let projections = [("tally", tally(&target, TABLE))];
        let kafka = Kafka::at(&shared_kafka());
        let project = Project::create(&shared_postgres(), Some(kafka), &projections).await;
        let mut relay = project.relay();
        wait_for_topics(&project, &mut relay).await;
        Self {
            relay,
            project,
            target,
        }
    }
}
