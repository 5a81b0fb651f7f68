//! Postgres comes back older than what was published from it, and is written to.

use dragoman_tests::{
    Database, History, Kafka, Process, Project, SqlLoad, applied, check_kafka, eventually,
    read_log, sealed_head, shared_kafka, shared_postgres, tally_in_line, wait_until_published,
};
use serde_json::Value;

/// The table of the projection.
const TABLE: &str = "in_line";

pub(crate) async fn older_than_kafka() {
    let kafka = Kafka::at(&shared_kafka());
    let project = Project::create(&shared_postgres(), Some(kafka), &[]).await;
    let mut history = History::one_by_one();
    let mut older = None;
    for _ in 0..2 {
        let mut relay = project.relay();
        SqlLoad::once(&project.database, &mut history, 50).await;
        wait_until_published(&project).await;
        relay.stop().await;
        if older.is_none() {
            older = Some(project.database.copy().await);
        }
    }
    let log = read_log(&project.database).await;
    set_back(&project, older).await;

    assert_halts(&project, project.relay(), "relay").await;
    assert_eq!(sealed_head(&project.database).await, 50, "it has sealed");
    check_kafka(&project, &log);
}

pub(crate) async fn older_than_a_table() {
    let target = Database::create(&shared_postgres()).await;
    let projections = [("in_line", tally_in_line(&target, TABLE))];
    let project = Project::create(&shared_postgres(), None, &projections).await;
    let mut history = History::one_by_one();
    let mut older = None;
    for applied_then in [50, 100] {
        let mut relay = project.relay();
        let mut projection = project.projection("in_line");
        SqlLoad::once(&project.database, &mut history, 50).await;
        eventually("the table is level", async || {
            applied(&target, TABLE).await == applied_then
        })
        .await;
        projection.stop().await;
        relay.stop().await;
        if older.is_none() {
            older = Some(project.database.copy().await);
        }
    }
    set_back(&project, older).await;

    assert_halts(&project, project.relay(), "relay").await;
    assert_eq!(sealed_head(&project.database).await, 50, "it has sealed");
    let follower = project.projection("in_line");
    assert_halts(&project, follower, "projection in_line").await;
    assert_eq!(applied(&target, TABLE).await, 100);
}

/// Sets the hub's database back, and writes other events to it than were lost.
async fn set_back(project: &Project, older: Option<Database>) {
    project.database.set_back_to(older.expect("a copy")).await;
    let mut others = History::one_by_one_from(1_001);
    SqlLoad::once(&project.database, &mut others, 70).await;
}

/// A process ends with 1 by itself, and says what happened and what to do: where it was
/// started, and to whoever asks for the status.
async fn assert_halts(project: &Project, mut process: Process, component: &str) {
    let ended = process.ended().await;
    assert_eq!(ended.code(), Some(1), "{}", process.log());
    let status = project.status().unwrap();
    let halts = status["halts"].as_array().expect("halts are a list");
    let halt = halts.iter().find(|halt| halt["component"] == component);
    let halt = halt.unwrap_or_else(|| panic!("{component} reports no halt: {status}"));
    assert_eq!(halt["code"], "lineage");
    let remedy = halt["remedy"].as_str().unwrap_or_default();
    assert!(remedy.contains("newest copy"), "{remedy}");
    let said = process.log();
    for text in [&halt["message"], &halt["remedy"]] {
        let text = text.as_str().unwrap_or_default();
        assert!(
            said.contains(text) || said.contains(&Value::from(text).to_string()),
            "{text} is not said: {said}"
        );
    }
}
