//! What a fold of the elements of events leaves: an event changes all of its rows, or none.

use std::collections::{BTreeMap, BTreeSet};

use dragoman_core::{Position, RecordedEvent};
use dragoman_projector::{Definition, Reader};
use serde_json::{Value, json};

use crate::folds::{folded, in_batches};
use crate::support::{Database, Feed, drain, event, partition};

/// How much is left of something, which is never less than nothing.
const STOCK: &str = r#"
left = (int(.row.left) ?? 0) + int!(.item.n)
if left < 0 { abort }
if left == 0 {
    .row = null
} else {
    .row.left = left
    .row.steps = (int(.row.steps) ?? 0) + 1
    .row.last = .id
}
"#;

fn stock(others: &Value) -> Definition {
    let columns = json!({ "left": "bigint", "steps": "integer", "last": "text" });
    let mut options = json!({ "each": ".data.lines" });
    for (key, value) in others.as_object().unwrap() {
        options[key] = value.clone();
    }
    folded(STOCK, &columns, &options)
}

/// A row for each element of a subject.
fn of_subjects() -> Definition {
    stock(&json!({
        "key": {
            "order_id": { "type": "text", "from": ".subject" },
            "sku": { "type": "text", "from": ".item.sku" },
        },
    }))
}

/// Rows that all subjects share.
fn of_all() -> Definition {
    stock(&json!({
        "order": "total",
        "key": { "sku": { "type": "text", "from": ".item.sku" } },
    }))
}

fn lines(position: i64, subject: &str, lines: &[(&str, i64)]) -> RecordedEvent {
    let lines: Vec<_> = lines
        .iter()
        .map(|(sku, n)| json!({ "sku": sku, "n": n }))
        .collect();
    event(position, subject, &json!({ "lines": lines }).to_string())
}

/// The fold of the log by position, where a subject waits behind its first event that
/// fails: rows of subject and thing, and the positions that wait.
fn fold(log: &[RecordedEvent]) -> (Vec<String>, Vec<String>) {
    let mut rows: BTreeMap<(String, String), (i64, i64, String)> = BTreeMap::new();
    let (mut parked, mut waiting) = (BTreeSet::new(), Vec::new());
    for recorded in log {
        let subject = &recorded.event.subject;
        let mut after = rows.clone();
        let folded = !parked.contains(subject) && fold_event(&mut after, recorded);
        if folded {
            rows = after;
        } else {
            parked.insert(subject.clone());
            waiting.push(format!("({})", recorded.position));
        }
    }
    let rows = rows.into_iter();
    let rows = rows.map(|((subject, sku), (left, steps, last))| {
        format!("({subject},{sku},{left},{steps},{last})")
    });
    waiting.sort();
    (rows.collect(), waiting)
}

fn fold_event(
    rows: &mut BTreeMap<(String, String), (i64, i64, String)>,
    recorded: &RecordedEvent,
) -> bool {
    let data: Value = serde_json::from_str(&recorded.event.data).unwrap();
    for line in data["lines"].as_array().into_iter().flatten() {
        let (Some(sku), Some(n)) = (line["sku"].as_str(), line["n"].as_i64()) else {
            return false;
        };
        let key = (recorded.event.subject.clone(), sku.to_owned());
        let (held, steps) = rows.get(&key).map_or((0, 0), |row| (row.0, row.1));
        match held + n {
            ..0 => return false,
            0 => _ = rows.remove(&key),
            left => _ = rows.insert(key, (left, steps + 1, recorded.event.id.clone())),
        }
    }
    true
}

const ROWS: &str = "select order_id, sku, \"left\", steps, last from states";
const WAITING: &str = "select position from dragoman_projection.parked_events";

#[tokio::test]
async fn any_batches_leave_the_fold_of_the_log_whatever_fails_in_it() {
    let definition = of_subjects();
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let log: Vec<_> = (1..=160)
        .map(|position| {
            let subject = format!("s{}", random(12));
            let all: Vec<_> = (0..random(5))
                .map(|_| {
                    let sku = ["a", "b", "c"][random(3) as usize];
                    match random(40) {
                        0 => json!({ "sku": sku, "n": -9 }),
                        1 => json!({ "sku": null, "n": 1 }),
                        _ => json!({ "sku": sku, "n": random(4) as i64 }),
                    }
                })
                .collect();
            event(position, &subject, &json!({ "lines": all }).to_string())
        })
        .collect();
    let (rows, waiting) = fold(&log);
    assert!(
        rows.len() > 10 && waiting.len() > 10,
        "{rows:?} {waiting:?}"
    );
    for lengths in [vec![1], vec![7, 30, 2], vec![log.len()]] {
        let database = Database::new().await;
        let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
        in_batches(&mut feed, &log, &lengths).await;
        assert_eq!(database.rows(ROWS).await, rows, "{lengths:?}");
        assert_eq!(database.rows(WAITING).await, waiting, "{lengths:?}");
    }
}

#[tokio::test]
async fn what_its_elements_did_before_one_failed_is_undone() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = of_subjects();
    let log = [
        lines(1, "o", &[("a", 5), ("b", 2)]),
        // Changes a row twice, ends one, makes one, and fails.
        lines(
            2,
            "o",
            &[("a", 1), ("b", -2), ("c", 4), ("a", 1), ("c", -9)],
        ),
        lines(3, "p", &[("a", 1)]),
        lines(4, "o", &[("b", 1), ("a", -5)]),
        event(5, "q", "{}"),
        event(6, "q", r#"{"lines":null}"#),
        event(7, "q", r#"{"lines":"many"}"#),
    ];
    let mut feed = Feed::open(target, &definition, partition(0, 1)).await;
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!((applied.applied, applied.parked), (4, 3));
    let rows = || database.rows("select order_id, sku, \"left\", steps from states");
    let before = ["(o,a,5,1)", "(o,b,2,1)", "(p,a,1,1)"];
    assert_eq!(rows().await, before);
    let parked = target.parked("states").await.unwrap();
    let reasons: Vec<_> = parked.iter().map(|it| it.reason.as_str()).collect();
    assert!(reasons[0].contains("aborted"), "{reasons:?}");
    assert!(reasons[1].starts_with("each: "), "{reasons:?}");

    // Tried again it fails again, and leaves nothing.
    target.retry("states", "o").await.unwrap();
    assert_eq!(drain(&feed, &log).await[0].left, 2);
    assert_eq!(rows().await, before);
    target.skip("states", "o", false, "a test").await.unwrap();
    assert_eq!(drain(&feed, &log).await[0].applied, 1);
    assert_eq!(rows().await, ["(o,b,3,2)", "(p,a,1,1)"]);
    assert_eq!(database.account("states", &log).await, [5, 1, 1]);

    // A rebuild knows the decision, and comes to the same.
    let live = database.rows(ROWS).await;
    let mut building = Feed::rebuild(target, &definition).await;
    in_batches(&mut building, &log, &[2]).await;
    let lock = target.lock_live("states").await.unwrap();
    let level = building.at(log.last().unwrap());
    lock.swap(&building.generation, &level).await.unwrap();
    assert_eq!(database.rows(ROWS).await, live);
    assert_eq!(database.account("states", &log).await, [5, 1, 1]);
}

#[tokio::test]
async fn what_the_database_refuses_of_one_element_undoes_the_others() {
    let definition = of_subjects();
    let log = [
        lines(1, "o", &[("a", 1), ("b", 1)]),
        lines(2, "p", &[("a", 7), ("b", 101), ("c", 1)]),
        lines(3, "o", &[("a", 1), ("c", 3)]),
        lines(4, "p", &[("a", 1)]),
    ];
    for lengths in [vec![1], vec![4]] {
        let database = Database::new().await;
        database
            .run(
                "create table states (order_id text, sku text, \"left\" bigint check (\"left\" < 100),
                     steps integer, last text, primary key (order_id, sku))",
            )
            .await;
        let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
        in_batches(&mut feed, &log, &lengths).await;
        assert_eq!(
            database.rows(ROWS).await,
            ["(o,a,2,2,e3)", "(o,b,1,1,e1)", "(o,c,3,1,e3)"]
        );
        assert_eq!(database.account("states", &log).await, [2, 2, 0]);
    }
}

#[tokio::test]
async fn rows_that_subjects_share_are_folded_in_one_line_that_stops() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = of_all();
    let log = [
        lines(1, "o", &[("a", 5), ("b", 1)]),
        lines(2, "p", &[("b", 1), ("a", -6)]),
        lines(3, "q", &[("a", -5), ("b", -1)]),
    ];
    let mut feed = Feed::open(target, &definition, Reader::Ledger).await;
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!(applied.stopped.unwrap().position, Position(2));
    let rows = || database.rows("select sku, \"left\" from states");
    assert_eq!(rows().await, ["(a,5)", "(b,1)"]);
    target.skip("states", "p", false, "a test").await.unwrap();
    let applied = feed.apply(&log[1..]).await.unwrap();
    assert_eq!((applied.applied, applied.skipped), (1, 1));
    assert!(rows().await.is_empty());
    assert_eq!(database.account("states", &log).await, [2, 0, 1]);
}
