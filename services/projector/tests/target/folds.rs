//! What a fold leaves in the table: the same however events are batched.

use std::path::PathBuf;

use dragoman_core::{Position, RecordedEvent};
use dragoman_projector::{Definition, Reader};
use proptest::prelude::{Just, Strategy, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{Database, Feed, compiled, drain, event, partition};

const STATES: &str = r#"
if .row == null {
    .row = { "state": "open", "steps": 0 }
}
kind = string!(.data.kind)
.row.steps = int!(.row.steps) + 1
.row.updated = .time
if kind == "pay" {
    .row.state = "paid"
    .row.total = .data.total
} else if kind == "note" {
    .row.detail = .data.detail
} else if kind == "close" {
    .row = null
} else if kind != "open" {
    abort
}
"#;

/// A definition that folds by that program, a row for each subject.
pub(crate) fn folded(program: &str, columns: &Value, others: &Value) -> Definition {
    let file = program_file(program);
    let mut options = json!({
        "events": ["order.placed"],
        "sink": { "postgres": { "table": "states" } },
        "key": { "order_id": { "type": "text", "from": ".subject" } },
        "columns": columns,
        "fold": file,
    });
    for (key, value) in others.as_object().unwrap() {
        options[key] = value.clone();
    }
    let definition = compiled("states", options);
    std::fs::remove_file(file).unwrap();
    definition
}

fn program_file(program: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("{}.vrl", uuid::Uuid::new_v4()));
    std::fs::write(&file, program).unwrap();
    file
}

fn states(others: &Value) -> Definition {
    let columns = json!({
        "state": "text", "steps": "bigint", "total": "numeric(40,2)", "detail": "jsonb",
        "updated": "timestamptz",
    });
    folded(STATES, &columns, others)
}

fn step(position: i64, subject: &str, kind: &str) -> RecordedEvent {
    event(position, subject, &format!(r#"{{"kind":"{kind}"}}"#))
}

pub(crate) async fn in_batches(feed: &mut Feed<'_>, log: &[RecordedEvent], lengths: &[usize]) {
    let mut rest = log;
    for length in lengths.iter().copied().cycle() {
        let (batch, later) = rest.split_at(length.min(rest.len()));
        if batch.is_empty() {
            break;
        }
        feed.apply(batch).await.unwrap();
        rest = later;
    }
}

#[tokio::test]
async fn rows_come_change_and_go_in_one_batch_as_one_by_one() {
    let log = [
        step(1, "a", "open"),
        step(2, "b", "open"),
        event(3, "a", r#"{"kind":"pay","total":12.345}"#),
        step(4, "b", "close"),
        step(5, "c", "close"),
        step(6, "d", "open"),
        step(7, "d", "close"),
        event(8, "d", r#"{"kind":"note","detail":{"x":1e3}}"#),
        event(9, "a", r#"{"kind":"note","detail":[1.50]}"#),
    ];
    for lengths in [vec![1], vec![3], vec![9]] {
        let database = Database::new().await;
        let definition = states(&json!({}));
        let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
        in_batches(&mut feed, &log, &lengths).await;
        let rows = database
            .rows("select order_id, state, steps, total, detail from states")
            .await;
        let expected = ["(a,paid,3,12.35,[1.50])", r#"(d,open,1,,"{""x"": 1000}")"#];
        assert_eq!(rows, expected, "{lengths:?}");
        assert_eq!(database.account("states", &log).await, [9, 0, 0]);
    }
}

#[tokio::test]
async fn a_poison_event_has_no_effect_and_its_row_keeps_those_before() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = states(&json!({}));
    let log = [
        step(1, "a", "open"),
        step(2, "b", "open"),
        step(3, "a", "???"),
        step(4, "a", "close"),
        step(5, "b", "note"),
        event(6, "c", r#"{"kind":"pay","total":"much"}"#),
        step(7, "c", "open"),
    ];
    let mut feed = Feed::open(target, &definition, partition(0, 1)).await;
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!((applied.applied, applied.parked), (3, 4));
    let rows = || database.rows("select order_id, state, steps from states");
    assert_eq!(rows().await, ["(a,open,1)", "(b,open,2)"]);
    let parked = target.parked("states").await.unwrap();
    let reasons: Vec<_> = parked
        .iter()
        .map(|it| (it.subject.as_str(), it.first_position.0, it.reason.as_str()))
        .collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert_eq!((reasons[0].0, reasons[0].1), ("a", 3));
    assert!(reasons[0].2.contains("aborted"), "{reasons:?}");
    assert_eq!((reasons[1].0, reasons[1].1), ("c", 6));
    assert!(reasons[1].2.starts_with("column total: "), "{reasons:?}");

    // Tried again it stays; skipped, what waits behind it goes on.
    target.retry("states", "a").await.unwrap();
    assert_eq!(drain(&feed, &log).await[0].left, 2);
    target.skip("states", "a", false, "a test").await.unwrap();
    assert_eq!(drain(&feed, &log).await[0].applied, 1);
    assert_eq!(rows().await, ["(b,open,2)"]);
    assert_eq!(database.account("states", &log).await, [4, 2, 1]);
}

#[tokio::test]
async fn a_total_order_stops_at_the_event_that_cannot_be_folded() {
    let database = Database::new().await;
    let definition = states(&json!({ "order": "total" }));
    let log = [
        step(1, "a", "open"),
        step(2, "b", "???"),
        step(3, "a", "close"),
    ];
    let mut feed = Feed::open(&database.target, &definition, Reader::Ledger).await;
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!(applied.stopped.unwrap().position, Position(2));
    assert_eq!(applied.checkpoint.position, Position(1));
    assert_eq!(
        database.rows("select order_id, steps from states").await,
        ["(a,1)"]
    );
    let target = &database.target;
    target.skip("states", "b", false, "a test").await.unwrap();
    let applied = feed.apply(&log[1..]).await.unwrap();
    assert_eq!((applied.applied, applied.skipped), (1, 1));
    assert_eq!(database.account("states", &log).await, [2, 0, 1]);
    assert!(database.rows("select from states").await.is_empty());
}

#[tokio::test]
async fn what_a_constraint_refuses_is_found_and_the_rest_is_as_one_by_one() {
    let definition = states(&json!({}));
    let mut log: Vec<_> = (1..=200)
        .map(|n| step(n, &format!("s{}", n % 20), "open"))
        .collect();
    // The third of its row, and the row would have more than three steps at the fourth.
    log[62] = event(63, "s3", r#"{"kind":"pay","total":-1}"#);
    let mut found = Vec::new();
    for lengths in [[200], [1]] {
        let database = Database::new().await;
        database
            .run(
                "create table states (order_id text primary key, state text, steps bigint,
                     total numeric(40,2) check (total > 0), detail jsonb, updated timestamptz,
                     check (steps < 8 or order_id <> 's5'))",
            )
            .await;
        let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
        in_batches(&mut feed, &log, &lengths).await;
        // s3 has 7 that wait, s5 those above the seventh.
        assert_eq!(database.account("states", &log).await, [190, 10, 0]);
        let rows = database.rows("select order_id, steps from states").await;
        assert!(rows.contains(&"(s3,3)".to_owned()), "{rows:?}");
        assert!(rows.contains(&"(s5,7)".to_owned()), "{rows:?}");
        found.push(rows);
    }
    assert_eq!(found[0], found[1]);
}

#[tokio::test]
async fn digits_that_no_program_can_hold_pass_through_it() {
    let database = Database::new().await;
    let columns =
        json!({ "price": "numeric", "raw": "jsonb", "ratio": "double precision", "n": "integer" });
    let program = r#"
        if .row == null {
            .row = { "price": .data.price, "raw": .data.raw, "ratio": .data.ratio }
        }
        .row.n = (int(.row.n) ?? 0) + 1
    "#;
    let definition = folded(program, &columns, &json!({}));
    let digits = "123456789012345678901234567890.123456789012345678901234567890";
    let log = [
        event(
            1,
            "a",
            &format!(r#"{{"price":{digits},"raw":{{"x":{digits}}},"ratio":0.1}}"#),
        ),
        event(2, "a", "{}"),
        event(3, "a", "{}"),
    ];
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    in_batches(&mut feed, &log, &[1, 2]).await;
    assert_eq!(database.account("states", &log).await, [3, 0, 0]);
    let rows = database
        .rows("select price, raw #>> '{x}', ratio, n from states")
        .await;
    assert_eq!(rows, [format!("({digits},{digits},0.1,3)")]);
}

#[tokio::test]
async fn what_a_row_holds_is_found_again_whatever_its_type() {
    let columns = json!({
        "txt": "text", "big": "bigint", "int": "integer", "num": "numeric", "double": "double precision",
        "yes": "boolean", "at": "timestamptz", "day": "date", "id": "uuid", "doc": "jsonb", "seen": "text",
    });
    let program = r#"
        if .row == null {
            .row = {
                "txt": .data.txt, "big": .data.big, "int": .data.int, "num": .data.num,
                "double": .data.double, "yes": .data.yes, "at": .data.at, "day": .data.day,
                "id": .data.id, "doc": .data.doc
            }
        } else {
            row = object!(.row)
            .row.seen = encode_json([
                row.txt, row.big, row.int, row.num, row.double, row.yes, row.at, row.day, row.id, row.doc
            ])
        }
    "#;
    let definition = folded(program, &columns, &json!({}));
    let all = r#"{"txt":"a 'b'","big":-9223372036854775808,"int":-7,"num":0.25,"double":1e300,"yes":false,"at":"2026-01-31T10:00:00.000001+02:00","day":"2026-01-31","id":"00000000-0000-0000-0000-00000000000a","doc":{"a":[1.5]}}"#;
    let seen = r#"["a 'b'",-9223372036854775808,-7,0.25,1e300,false,"2026-01-31T08:00:00.000001Z","2026-01-31","00000000-0000-0000-0000-00000000000a",{"a":[1.5]}]"#;
    let nothing = "[null,null,null,null,null,null,null,null,null,null]";
    let log = [
        event(1, "a", all),
        event(2, "b", "{}"),
        event(3, "a", "{}"),
        event(4, "b", "{}"),
    ];
    for lengths in [vec![2], vec![4]] {
        let database = Database::new().await;
        let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
        in_batches(&mut feed, &log, &lengths).await;
        assert_eq!(database.account("states", &log).await, [4, 0, 0]);
        let found = database.rows("select seen::jsonb from states").await;
        let mut expected: Vec<String> = Vec::new();
        for text in [seen, nothing] {
            let query = format!("select '{}'::jsonb", text.replace('\'', "''"));
            expected.extend(database.rows(&query).await);
        }
        expected.sort();
        assert_eq!(found, expected, "{lengths:?}");
    }
}

#[tokio::test]
async fn a_float_is_found_again_with_every_bit() {
    let database = Database::new().await;
    let program = r#"
        if .row == null { .row = { "sum": 0.0 } }
        .row.sum = float!(.row.sum) + float!(.data.n)
    "#;
    let columns = json!({ "sum": "double precision" });
    let definition = folded(program, &columns, &json!({}));
    let log: Vec<_> = (1..=5)
        .map(|position| event(position, "a", r#"{"n":0.1}"#))
        .collect();
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    in_batches(&mut feed, &log, &[2, 1]).await;
    assert_eq!(database.account("states", &log).await, [5, 0, 0]);
    let mut sum = 0.0;
    for _ in &log {
        sum += 0.1;
    }
    let rows = database.rows("select sum from states").await;
    assert_eq!(rows, [format!("({sum})")]);
}

#[tokio::test]
async fn a_row_that_somebody_made_unreadable_parks_its_events() {
    let database = Database::new().await;
    let definition = states(&json!({}));
    let log = [
        step(1, "a", "open"),
        step(2, "b", "open"),
        step(3, "a", "open"),
    ];
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    feed.apply(&log[..2]).await.unwrap();
    database
        .run("update states set updated = 'infinity' where order_id = 'a'")
        .await;
    let applied = feed.apply(&log[2..]).await.unwrap();
    assert_eq!((applied.applied, applied.parked), (0, 1));
    let parked = database.target.parked("states").await.unwrap();
    assert!(
        parked[0].reason.starts_with("column updated: "),
        "{parked:?}"
    );
}

#[tokio::test]
async fn a_rebuilt_table_is_the_live_one() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = states(&json!({}));
    let kinds = ["open", "note", "pay", "close", "open"];
    let log: Vec<_> = (1..=300_usize)
        .map(|n| {
            let data = format!(
                r#"{{"kind":"{}","total":{n}.005,"detail":{{"n":{n}}}}}"#,
                kinds[n * 7 % 5]
            );
            event(i64::try_from(n).unwrap(), &format!("s{}", n % 23), &data)
        })
        .collect();
    let mut feed = Feed::open(target, &definition, partition(0, 1)).await;
    in_batches(&mut feed, &log, &[7, 1, 40]).await;
    let live = database.rows("select * from states").await;
    assert!(live.len() > 5, "{live:?}");
    let mut building = Feed::rebuild(target, &definition).await;
    in_batches(&mut building, &log, &[100]).await;
    let lock = target.lock_live("states").await.unwrap();
    let level = building.at(log.last().unwrap());
    lock.swap(&building.generation, &level).await.unwrap();
    assert_eq!(database.rows("select * from states").await, live);
    assert_eq!(database.account("states", &log).await, [300, 0, 0]);
}

/// What one event may bring, some of it poison.
fn data() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(r#"{"kind":"open"}"#.to_owned()),
        3 => (1..2000_u32).prop_map(|n| format!(r#"{{"kind":"pay","total":{n}e-2}}"#)),
        2 => (0..50_u32).prop_map(|n| format!(r#"{{"kind":"note","detail":{{"b":{n}e1,"a":[-0.0]}}}}"#)),
        2 => Just(r#"{"kind":"note","detail":"words"}"#.to_owned()),
        2 => Just(r#"{"kind":"close"}"#.to_owned()),
        1 => Just(r#"{"kind":"???"}"#.to_owned()),
        1 => Just(r#"{"kind":"pay","total":"much"}"#.to_owned()),
    ]
}

/// Looks at everything, so that what is between two events shows.
const LOOKING: &str = r#"
if .row == null { .row = { "steps": 0, "seen": "" } }
kind = string!(.data.kind)
.row.steps = int!(.row.steps) + 1
.row.seen = encode_json([.row.steps, .row.total, .row.detail, .row.updated])
.row.updated = .time
if kind == "pay" {
    .row.total = .data.total
} else if kind == "note" {
    .row.detail = .data.detail
} else if kind == "close" {
    .row = null
} else if kind != "open" {
    abort
}
"#;

#[test]
fn any_split_into_batches_leaves_the_same() {
    let columns = json!({
        "steps": "bigint", "seen": "text", "total": "numeric(10,1)", "detail": "jsonb",
        "updated": "timestamptz",
    });
    let definition = folded(LOOKING, &columns, &json!({}));
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(Database::new());
    let events = prop::collection::vec((0..4_u8, data()), 1..40);
    let splits = prop::collection::vec(1..12_usize, 1..6);
    let outcome = async |log: &[RecordedEvent], lengths: &[usize]| {
        database
            .run(
                "drop schema if exists dragoman_projection cascade;
                 drop table if exists states;
                 create table states (order_id text primary key, steps bigint, seen text,
                     total numeric(10,1), detail jsonb, updated timestamptz)",
            )
            .await;
        let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
        in_batches(&mut feed, log, lengths).await;
        let mut found = database.rows("select * from states").await;
        let waiting = "select position, subject from dragoman_projection.parked_events";
        found.extend(database.rows(waiting).await);
        found
    };
    let config = Config {
        cases: 24,
        failure_persistence: None,
        max_shrink_iters: 50,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&(events, splits), |(events, splits)| {
            let log: Vec<_> = (1..)
                .zip(events)
                .map(|(position, (subject, data))| event(position, &format!("s{subject}"), &data))
                .collect();
            let at_once = runtime.block_on(outcome(&log, &[log.len()]));
            assert_eq!(runtime.block_on(outcome(&log, &[1])), at_once);
            assert_eq!(runtime.block_on(outcome(&log, &splits)), at_once);
            Ok(())
        })
        .unwrap();
}
