//! Folds with states: whatever is killed, the table equals the fold of the log by position.

use std::collections::BTreeMap;
use std::sync::Arc;

use dragoman_core::RecordedEvent;
use dragoman_projector::Definition;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::{Relay, Running, World, definition};

/// What it holds depends on the order of every event, and a row may end.
const PROGRAM: &str = r#"
amount = int!(.data.amount)
if mod(amount, 7) == 0 {
    .row = null
} else {
    .row.events = (int(.row.events) ?? 0) + 1
    .row.state = mod((int(.row.state) ?? 7) * 31 + amount, 1000003)
    .row.last = .id
}
"#;

pub(crate) type Row = (String, i64, i64, String);

pub(crate) fn folded(world: &World, types: &[&str], key: &str, order: &Value) -> Arc<Definition> {
    let program = std::env::temp_dir().join(format!("fold-{}.vrl", uuid::Uuid::new_v4()));
    std::fs::write(&program, PROGRAM).unwrap();
    let others = json!({
        "fold": program, "order": order,
        "key": { "item": { "type": "text", "from": key } },
        "columns": { "events": "bigint", "state": "bigint", "last": "text" },
    });
    let definition = definition(world, types, &others);
    std::fs::remove_file(program).unwrap();
    definition
}

pub(crate) fn fold(
    log: &[RecordedEvent],
    key: impl Fn(&RecordedEvent) -> Option<String>,
) -> Vec<Row> {
    let mut rows: BTreeMap<String, (i64, i64, String)> = BTreeMap::new();
    for event in log {
        let Some(key) = key(event) else { continue };
        let data: Value = serde_json::from_str(&event.event.data).unwrap();
        let amount = data["amount"].as_i64().unwrap();
        if amount % 7 == 0 {
            rows.remove(&key);
            continue;
        }
        let row = rows.entry(key).or_insert((0, 7, String::new()));
        *row = (
            row.0 + 1,
            (row.1 * 31 + amount) % 1_000_003,
            event.event.id.clone(),
        );
    }
    rows.into_iter()
        .map(|(key, (events, state, last))| (key, events, state, last))
        .collect()
}

pub(crate) async fn rows(world: &World) -> Vec<Row> {
    let mut connection = PgConnection::connect(&world.target_url).await.unwrap();
    sqlx::query_as("select item, events, state, last from sales order by item collate \"C\"")
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_leave_the_fold_of_the_log_in_one_line_with_kafka_and_without() {
    for over_kafka in [false, true] {
        let world = World::new().await;
        let mut relay = Relay::start(&world, 3).await;
        let types = ["order.placed", "stock.counted"];
        let folded = folded(&world, &types, ".data.item", &json!("total"));
        killed_ten_times(&world, &mut relay, &folded, over_kafka).await;
        let expected = fold(&world.log().await, |event| {
            let data: Value = serde_json::from_str(&event.event.data).unwrap();
            Some(data["item"].as_str().unwrap().to_owned())
        });
        assert_eq!(rows(&world).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_leave_the_fold_of_each_subject_over_kafka() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 3).await;
    let folded = folded(&world, &["order.placed"], ".subject", &Value::Null);
    killed_ten_times(&world, &mut relay, &folded, true).await;
    let expected = fold(&world.log().await, |event| {
        (event.event.event_type == "order.placed").then(|| event.event.subject.clone())
    });
    assert_eq!(rows(&world).await, expected);
}

async fn killed_ten_times(
    world: &World,
    relay: &mut Relay,
    folded: &Arc<Definition>,
    over_kafka: bool,
) {
    let start = |instance: &str| {
        if over_kafka {
            Running::over_kafka(world, folded, instance)
        } else {
            Running::by_ledger(world, folded, instance)
        }
    };
    for kill in 0..10 {
        let running = start(&format!("instance {kill}"));
        world.append(kill * 400, 400).await;
        relay.flow().await;
        let before = world.account(folded).await.applied;
        crate::support::eventually("it goes on", || async {
            let account = world.account(folded).await;
            account.applied > before || account.lag == 0
        })
        .await;
        running.crash().await;
        world.end_leases().await;
    }
    let last = start("the last");
    world.level(folded).await;
    last.stop().await;
}
