//! Statements for tables that a projection does not own.

use dragoman_core::{Position, RecordedEvent};
use dragoman_projector::{ApplyError, Definition, OpenError, Reader, TargetError};
use serde_json::{Value, json};

use crate::support::{Database, Feed, compiled, drain, event, partition};

const SHOP: &str = "
    create schema shop;
    create table shop.reservations (
        position bigint primary key, subject text, data jsonb, at timestamptz, kind text);
    create table public.bare (subject text);
    create function shop.reserve(who text, what jsonb, n bigint, at timestamptz) returns void
    language plpgsql as $$ begin
        if what ? 'poison' then raise exception 'there is nothing left of it'; end if;
        insert into shop.reservations values (n, who, what, at, ':subject');
    end $$;
";

const RESERVE: &str = "select shop.reserve(:subject, :data, :position, :time)";

fn reserving(execute: &Value, others: &Value) -> Definition {
    let types: Vec<&String> = execute.as_object().unwrap().keys().collect();
    let mut options = json!({
        "events": types,
        "from": "beginning",
        "sink": { "postgres": {} },
        "execute": execute,
    });
    for (key, value) in others.as_object().unwrap() {
        options[key] = value.clone();
    }
    compiled("reserving", options)
}

fn changed(position: i64, subject: &str, data: &str) -> RecordedEvent {
    let mut changed = event(position, subject, data);
    changed.event.event_type = "order.changed".to_owned();
    changed
}

async fn reserved(database: &Database) -> Vec<String> {
    database
        .rows("select position, subject, data from shop.reservations")
        .await
}

#[tokio::test]
async fn effect_and_checkpoint_are_one_transaction_or_nothing() {
    let database = Database::new().await;
    database.run(SHOP).await;
    let definition = reserving(&json!({ "order.placed": RESERVE }), &json!({}));
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let log = [event(1, "a", r#"{"n":1}"#), event(2, "b", r#"{"n":2}"#)];
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!(applied.applied, 2);
    let expected = [r#"(1,a,"{""n"": 1}")"#, r#"(2,b,"{""n"": 2}")"#];
    assert_eq!(reserved(&database).await, expected);
    let transactions = "select xmin from shop.reservations
                        union select xmin from dragoman_projection.checkpoints";
    assert_eq!(database.rows(transactions).await.len(), 1);

    // A zombie: what it does is undone, because its checkpoint is another's.
    feed.expected = None;
    let more = event(3, "a", "{}");
    let lost = feed.apply(std::slice::from_ref(&more)).await;
    assert!(matches!(lost, Err(ApplyError::LostOwnership)), "{lost:?}");
    assert_eq!(reserved(&database).await, expected);
    assert_eq!(database.account("reserving", &log).await, [2, 0, 0]);
}

#[tokio::test]
async fn each_type_has_its_statement_and_what_is_quoted_is_no_parameter() {
    let database = Database::new().await;
    database.run(SHOP).await;
    let execute = json!({
        "order.placed": "insert into shop.reservations -- :type of it\n
            values (:position, :subject, :data, :time, ':type ' || :type || $q$ :id $q$ || :id::text);",
        // Names without a schema are those of public.
        "order.changed": "insert into bare values (:source || ' ' || (:extensions->>'who'))",
    });
    let definition = reserving(&execute, &json!({}));
    let digits = "12345678901234567890.123456789012345678901234567890";
    let mut extended = changed(2, "b", "{}");
    extended
        .event
        .extensions
        .insert("who".into(), "\"me\"".into());
    let log = [event(1, "a", &format!(r#"{{"n":{digits}}}"#)), extended];
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    feed.apply(&log).await.unwrap();
    let rows = database
        .rows("select data #>> '{n}', kind, at = 'epoch' from shop.reservations")
        .await;
    assert_eq!(
        rows,
        [format!(r#"({digits},":type order.placed :id e1",t)"#)]
    );
    assert_eq!(
        database.rows("select subject from bare").await,
        [r#"("/shop ""me""")"#]
    );
}

#[tokio::test]
async fn poison_is_parked_and_followers_queue_behind_it_in_order() {
    let database = Database::new().await;
    database.run(SHOP).await;
    let target = &database.target;
    let definition = reserving(&json!({ "order.placed": RESERVE }), &json!({}));
    let mut log: Vec<_> = (1..=40)
        .map(|n| event(n, &format!("s{}", n % 4), r#"{"n":1}"#))
        .collect();
    log[20] = event(21, "s1", r#"{"poison":true}"#);
    // A key that is there already.
    database
        .run("insert into shop.reservations values (30, 'other')")
        .await;
    let mut feed = Feed::open(target, &definition, partition(0, 1)).await;
    let applied = feed.apply(&log).await.unwrap();
    // 21, 25, 29, 33, 37 and 30, 34, 38.
    assert_eq!((applied.applied, applied.parked), (32, 8));
    let parked = target.parked("reserving").await.unwrap();
    let parked: Vec<_> = parked
        .iter()
        .map(|it| (it.subject.as_str(), it.events, it.reason.as_str()))
        .collect();
    assert_eq!(
        parked[0],
        (
            "s1",
            5,
            "the target database refused it: there is nothing left of it"
        )
    );
    assert_eq!((parked[1].0, parked[1].1), ("s2", 3));
    assert_eq!(database.account("reserving", &log).await, [32, 8, 0]);

    target
        .skip("reserving", "s1", false, "a test")
        .await
        .unwrap();
    database
        .run("delete from shop.reservations where subject = 'other'")
        .await;
    target.retry("reserving", "s2").await.unwrap();
    let applied: usize = drain(&feed, &log).await.iter().map(|it| it.applied).sum();
    assert_eq!(applied, 7);
    assert_eq!(database.account("reserving", &log).await, [39, 0, 1]);
    let in_order = "select position from shop.reservations where subject = 's1' and position > 20";
    assert_eq!(
        database.rows(in_order).await,
        ["(25)", "(29)", "(33)", "(37)"]
    );
}

#[tokio::test]
async fn what_no_event_is_to_blame_for_stops_it_and_nothing_is_parked() {
    let database = Database::new().await;
    let definition = reserving(&json!({ "order.placed": RESERVE }), &json!({}));
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let log = [event(1, "a", "{}")];
    let refused = feed.apply(&log).await.unwrap_err();
    assert!(
        matches!(
            refused,
            ApplyError::Target(TargetError::Refused {
                doing: "executing a statement",
                ..
            })
        ),
        "{refused:?}"
    );
    assert_eq!(database.account("reserving", &[]).await, [0, 0, 0]);
    // Made in the meantime.
    database.run(SHOP).await;
    feed.apply(&log).await.unwrap();
    assert_eq!(database.account("reserving", &log).await, [1, 0, 0]);
}

#[tokio::test]
async fn whatever_a_function_raises_about_an_event_parks_it() {
    let database = Database::new().await;
    let function = "
        create function public.judge(what jsonb) returns void language plpgsql as $$
        declare one integer; begin
            select n into strict one from generate_series(1, 3) as n
                where n = (what ->> 'n')::integer or what ? 'many';
            assert one <> 3, 'not three';
        end $$;";
    database.run(function).await;
    let definition = reserving(
        &json!({ "order.placed": "select judge(:data)" }),
        &json!({}),
    );
    let log = [
        event(1, "none", r#"{"n":9}"#),
        event(2, "good", r#"{"n":1}"#),
        event(3, "several", r#"{"many":1}"#),
        event(4, "assertion", r#"{"n":3}"#),
    ];
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!((applied.applied, applied.parked), (1, 3));
    let parked = database.target.parked("reserving").await.unwrap();
    let reasons: Vec<_> = parked.iter().map(|it| it.reason.as_str()).collect();
    for said in ["no rows", "more than one row", "not three"] {
        assert!(
            reasons.iter().any(|reason| reason.contains(said)),
            "{said}: {reasons:?}"
        );
    }
}

#[tokio::test]
async fn a_total_order_stops_at_poison() {
    let database = Database::new().await;
    database.run(SHOP).await;
    let definition = reserving(
        &json!({ "order.placed": RESERVE }),
        &json!({ "order": "total" }),
    );
    let log = [
        event(1, "a", "{}"),
        event(2, "b", r#"{"poison":1}"#),
        event(3, "c", "{}"),
    ];
    let mut feed = Feed::open(&database.target, &definition, Reader::Ledger).await;
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!(applied.stopped.unwrap().position, Position(2));
    assert_eq!(reserved(&database).await, ["(1,a,{})"]);
    assert_eq!(database.account("reserving", &log).await, [1, 0, 0]);
}

#[tokio::test]
async fn there_is_no_table_to_be_rebuilt() {
    let database = Database::new().await;
    let definition = reserving(&json!({ "order.placed": RESERVE }), &json!({}));
    let feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let again = Feed::open(&database.target, &definition, partition(0, 1)).await;
    assert_eq!(again.generation, feed.generation);
    let refused = database.target.begin_rebuild(&definition).await;
    assert!(
        matches!(refused, Err(OpenError::NoTable { .. })),
        "{refused:?}"
    );
}
