//! A reader does not read again what it left in a row; what others do to the row counts all
//! the same.

use dragoman_core::RecordedEvent;
use dragoman_projector::{ApplyError, Definition};
use proptest::prelude::{Strategy, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::folds::folded;
use crate::support::{Database, Feed, drain, event, partition};

/// So that the order of everything that was done to a row shows.
const PROGRAM: &str = r#"
kind = string!(.data.kind)
if kind == "count" {
    .row.state = mod((int(.row.state) ?? 0) * 31 + int!(.data.number), 1000003)
} else if kind == "end" {
    .row = null
} else if kind == "poison" {
    abort
}
"#;

fn states(program: &str) -> Definition {
    let others = json!({ "key": { "key": { "type": "text", "from": ".subject" } } });
    folded(program, &json!({ "state": "bigint" }), &others)
}

fn on(position: i64, key: &str, kind: &str, number: i64) -> RecordedEvent {
    let data = json!({ "kind": kind, "number": number });
    event(position, key, &data.to_string())
}

fn count(position: i64, key: &str, number: i64) -> RecordedEvent {
    on(position, key, "count", number)
}

const STATES: &str = "select key, state from states";

/// Whether the cache has a row.
fn knows(feed: &Feed<'_>, key: &str) -> bool {
    format!("{:?}", feed.cache).contains(&format!("Text({key:?})"))
}

#[tokio::test]
async fn what_others_do_to_a_row_is_seen() {
    let cases = [
        ("update states set state = 10", Some(311)),
        ("delete from states", Some(1)),
        ("truncate states", Some(1)),
        (
            "delete from states; insert into states values ('a', 20)",
            Some(621),
        ),
        (
            "begin; update states set state = 2; update states set state = 3; commit",
            Some(94),
        ),
        ("update states set key = 'b'", Some(1)),
        // Without a trace in the row.
        (
            "alter table states drop column state;
             alter table states add column state bigint default 40",
            Some(1241),
        ),
    ];
    for (meanwhile, expected) in cases {
        let database = Database::new().await;
        let definition = states(PROGRAM);
        let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
        feed.apply(&[count(1, "a", 7)]).await.unwrap();
        feed.apply(&[count(2, "a", 7)]).await.unwrap();
        assert!(knows(&feed, "a"));
        database.run(meanwhile).await;
        feed.apply(&[count(3, "a", 1)]).await.unwrap();
        let state = database
            .rows("select state from states where key = 'a'")
            .await;
        let expected = expected.map(|it| format!("({it})"));
        assert_eq!(state, Vec::from_iter(expected), "{meanwhile}");
    }
}

/// What leaves a row as it was, or ends it, rests on what it was, too.
#[tokio::test]
async fn what_others_do_to_a_row_is_seen_by_what_does_not_write_it() {
    let program = r#"
        if .data.kind == "count" { .row.state = int!(.data.number) }
        if .data.kind == "end" && .row.state == 1 { .row = null }
        if .data.kind == "poison" && .row.state == 1 { abort }
    "#;
    for (kind, parked) in [("end", 0), ("poison", 1)] {
        let database = Database::new().await;
        let definition = states(program);
        let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
        let log = [count(1, "a", 1), on(2, "a", kind, 0), on(3, "a", kind, 0)];
        feed.apply(&log[..1]).await.unwrap();
        assert!(knows(&feed, "a"));
        database.run("update states set state = 2").await;
        feed.apply(&log[1..2]).await.unwrap();
        assert_eq!(database.rows(STATES).await, ["(a,2)"], "{kind}");
        assert_eq!(database.account("states", &log).await, [2, 0, 0], "{kind}");
        database.run("update states set state = 1").await;
        feed.apply(&log[2..]).await.unwrap();
        assert_eq!(database.account("states", &log).await[1], parked, "{kind}");
        let rows = database.rows(STATES).await;
        assert_eq!(rows.is_empty(), kind == "end", "{rows:?}");
    }
}

#[tokio::test]
async fn rows_that_readers_share_are_folded_by_each_from_what_the_other_left() {
    let database = Database::new().await;
    let definition = states(PROGRAM);
    let mut one = Feed::open(&database.target, &definition, partition(0, 2)).await;
    let mut other = Feed::open(&database.target, &definition, partition(1, 2)).await;
    let mut state = 0;
    for position in 1..=40 {
        // Runs of several, so that rows come to be known in between.
        let feed = if position / 5 % 2 == 0 {
            &mut one
        } else {
            &mut other
        };
        feed.apply(&[count(position, "a", position)]).await.unwrap();
        state = (state * 31 + position) % 1_000_003;
        assert_eq!(database.rows(STATES).await, [format!("(a,{state})")]);
    }
}

#[tokio::test]
async fn what_a_trigger_makes_of_a_row_is_what_the_next_event_finds() {
    let database = Database::new().await;
    let definition = states(PROGRAM);
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    feed.apply(&[count(1, "a", 1)]).await.unwrap();
    feed.apply(&[count(2, "a", 0)]).await.unwrap();
    database
        .run(
            "create function odd() returns trigger language plpgsql as
             $$ begin new.state = new.state + 1; return new; end $$;
             create trigger odd before update on states
             for each row execute function odd()",
        )
        .await;
    for (position, expected) in [(3, 31 * 31 + 1), (4, (31 * 31 + 1) * 31 + 1)] {
        feed.apply(&[count(position, "a", 0)]).await.unwrap();
        assert!(!knows(&feed, "a"));
        assert_eq!(database.rows(STATES).await, [format!("(a,{expected})")]);
    }
    // One that keeps what is written from the row.
    database
        .run(
            "create or replace function odd() returns trigger language plpgsql as
             $$ begin return null; end $$",
        )
        .await;
    let before = database.rows(STATES).await;
    feed.apply(&[count(5, "a", 0)]).await.unwrap();
    assert_eq!(database.rows(STATES).await, before);
}

#[tokio::test]
async fn a_parked_subject_that_is_tried_again_and_the_reader_see_each_others_rows() {
    let database = Database::new().await;
    let definition = states(PROGRAM);
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let log = [
        count(1, "a", 1),
        on(2, "a", "poison", 0),
        count(3, "a", 2),
        count(4, "a", 3),
    ];
    feed.apply(&log[..1]).await.unwrap();
    feed.apply(&log[1..3]).await.unwrap();
    assert!(knows(&feed, "a"));
    let target = &database.target;
    target.skip("states", "a", false, "a test").await.unwrap();
    assert_eq!(drain(&feed, &log).await[0].applied, 1);
    feed.apply(&log[3..]).await.unwrap();
    let state = (31 + 2) * 31 + 3;
    assert_eq!(database.rows(STATES).await, [format!("(a,{state})")]);
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing_known() {
    let database = Database::new().await;
    let definition = states(PROGRAM);
    let mut owner = Feed::open(&database.target, &definition, partition(0, 1)).await;
    owner.apply(&[count(1, "a", 1)]).await.unwrap();
    let mut other = Feed::open(&database.target, &definition, partition(0, 1)).await;
    other.apply(&[count(2, "a", 2)]).await.unwrap();
    assert!(knows(&owner, "a"));
    let lost = owner.apply(&[count(2, "a", 2)]).await;
    assert!(matches!(lost, Err(ApplyError::LostOwnership)), "{lost:?}");
    assert!(!knows(&owner, "a"));
}

/// What happens to rows: events of one of two readers, or a word of somebody else.
#[derive(Debug, Clone)]
enum Happening {
    Events(bool, Vec<(u8, i64, bool)>),
    Written(u8, i64),
    Deleted(u8),
}

#[test]
fn rows_are_what_everybody_made_of_them_in_turn() {
    let events = prop::collection::vec((0..4_u8, 0..100_i64, prop::bool::weighted(0.1)), 1..6);
    let happening = prop_oneof![
        6 => (prop::bool::weighted(0.2), events).prop_map(|(who, them)| Happening::Events(who, them)),
        1 => (0..4_u8, 0..1_000_i64).prop_map(|(key, state)| Happening::Written(key, state)),
        1 => (0..4_u8).prop_map(Happening::Deleted),
    ];
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 12,
        ..Config::default()
    });
    runner
        .run(&prop::collection::vec(happening, 1..60), |history| {
            runtime.block_on(in_turn(&history));
            Ok(())
        })
        .unwrap();
}

async fn in_turn(history: &[Happening]) {
    let database = Database::new().await;
    let definition = states(PROGRAM);
    let mut feeds = [
        Feed::open(&database.target, &definition, partition(0, 2)).await,
        Feed::open(&database.target, &definition, partition(1, 2)).await,
    ];
    let mut expected = std::collections::BTreeMap::new();
    let mut position = 0;
    for happening in history {
        match happening {
            Happening::Events(other, events) => {
                let mut batch = Vec::new();
                for (key, number, ends) in events {
                    position += 1;
                    let (name, kind) = (format!("k{key}"), if *ends { "end" } else { "count" });
                    batch.push(on(position, &name, kind, *number));
                    if *ends {
                        expected.remove(&name);
                    } else {
                        let state = expected.entry(name).or_insert(0);
                        *state = (*state * 31 + number).rem_euclid(1_000_003);
                    }
                }
                feeds[usize::from(*other)].apply(&batch).await.unwrap();
            }
            Happening::Written(key, state) => {
                let name = format!("k{key}");
                database
                    .run(&format!(
                        "insert into states values ('{name}', {state})
                         on conflict (key) do update set state = excluded.state"
                    ))
                    .await;
                expected.insert(name, *state);
            }
            Happening::Deleted(key) => {
                let name = format!("k{key}");
                database
                    .run(&format!("delete from states where key = '{name}'"))
                    .await;
                expected.remove(&name);
            }
        }
        let rows: Vec<_> = expected
            .iter()
            .map(|(key, state)| format!("({key},{state})"))
            .collect();
        assert_eq!(database.rows(STATES).await, rows, "{happening:?}");
    }
}
