//! A projection dies, or its group is shuffled, with events on their way into its table.

use std::time::{Duration, Instant};

use dragoman_tests::{
    Database, Kafka, Passage, Process, Project, SqlLoad, applied, check_history, check_kafka,
    check_table, eventually, freeze_in_flight, note, shared_kafka, shared_postgres, tally,
    wait_for_topics, wait_until_applied, wait_until_published,
};

/// How many events must be on their way at the moment of a kill.
const IN_FLIGHT: i64 = 1_000;
/// How often a third member comes and goes.
const ROUNDS: usize = 10;
/// Members hear of a rebalance by their heartbeat: this makes one each second possible.
const ATTENTIVE: (&str, &str) = ("heartbeat.interval.ms", "200");
/// Names of the projections. Groups of one name would hear of each other's rebalances.
const KILLED: &str = "killed";
const SHUFFLED: &str = "shuffled";
/// The table of the projection.
const TABLE: &str = "tally";

pub(crate) async fn killed_ten_times() {
    let Stage {
        project,
        target,
        mut relay,
    } = Stage::set(KILLED, Vec::new()).await;
    let mut projection = project.projection(KILLED);
    // While nobody is there for a dead member's partitions, enough comes together.
    let load = SqlLoad::start(&project.database, 500, Duration::from_millis(500));
    let passage = Passage::Projection {
        project: &project,
        target: &target,
        table: TABLE,
    };
    for _ in 0..10 {
        let more = rand::random_range(0..IN_FLIGHT);
        freeze_in_flight(&mut projection, passage, IN_FLIGHT, more).await;
        projection.kill();
        projection = project.projection(KILLED);
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

/// How often the group gave instances partitions, or took some away.
fn decisions_of<'a>(instances: impl IntoIterator<Item = &'a Process>) -> usize {
    let decisions = |log: String| {
        log.matches("partitions were assigned").count()
            + log.matches("partitions were taken away").count()
    };
    instances
        .into_iter()
        .map(|instance| decisions(instance.log()))
        .sum()
}

/// Two members all the time, and a third that comes and goes.
pub(crate) async fn rebalanced_each_second() {
    let Stage {
        project,
        target,
        mut relay,
    } = Stage::set(SHUFFLED, vec![ATTENTIVE]).await;
    let mut members = [project.projection(SHUFFLED), project.projection(SHUFFLED)];
    let load = SqlLoad::start(&project.database, 200, Duration::from_millis(200));
    eventually("the members are at work", async || {
        applied(&target, TABLE).await > 0
    })
    .await;
    let started = Instant::now();
    let mut decisions = 0;
    for _ in 0..ROUNDS {
        let mut third = project.projection(SHUFFLED);
        eventually("the third member is given partitions", async || {
            decisions_of([&third]) > 0
        })
        .await;
        let before = decisions_of(&members);
        third.stop().await;
        decisions += decisions_of([&third]);
        eventually("the others are given them back", async || {
            decisions_of(&members) > before
        })
        .await;
        members.iter_mut().for_each(Process::assert_running);
    }
    let shuffled = started.elapsed();
    decisions += decisions_of(&members);
    note(&format!(
        "partitions were given or taken {decisions} times within {shuffled:.1?}"
    ));
    assert!(decisions > 2 * ROUNDS, "the group was not shuffled");
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
    async fn set(projection: &str, properties: Vec<(&'static str, &'static str)>) -> Self {
        let target = Database::create(&shared_postgres()).await;
        let projections = [(projection, tally(&target.url(), TABLE))];
        let kafka = Kafka {
            properties,
            ..Kafka::at(&shared_kafka())
        };
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
