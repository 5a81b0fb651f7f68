//! What the operators leave in the table: exact, and the same however events are batched.

use std::collections::BTreeMap;

use bigdecimal::{BigDecimal, RoundingMode};
use dragoman_core::RecordedEvent;
use dragoman_projector::{ColumnType, Definition, Operator};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use crate::support::{Database, Feed, MONEY, Sketch, event, partition};

/// Runs a property against one database; a table is emptied by the case itself.
fn check<S: Strategy>(cases: u32, strategy: S, property: impl Fn(&Runtime, &Database, S::Value)) {
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(Database::new());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 50,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&strategy, |value| {
            property(&runtime, &database, value);
            Ok(())
        })
        .unwrap();
}

/// Begins a projection anew and brings it events in batches of those lengths, the last
/// one again and again. Returns the rows.
async fn fold(
    database: &Database,
    definition: &Definition,
    events: &[RecordedEvent],
    lengths: &[usize],
) -> Vec<String> {
    let name = &definition.name;
    database
        .run(&format!(
            "do $$ begin
                 if to_regclass('dragoman_projection.generations') is not null then
                     truncate dragoman_projection.generations, dragoman_projection.readers,
                              dragoman_projection.checkpoints;
                 end if;
             end $$;
             drop table if exists {name}"
        ))
        .await;
    let mut feed = Feed::open(&database.target, definition, partition(0, 1)).await;
    let mut rest = events;
    let mut lengths = lengths.iter().copied();
    let mut length = 1;
    while !rest.is_empty() {
        length = lengths.next().unwrap_or(length);
        let (batch, later) = rest.split_at(length.min(rest.len()));
        let applied = feed.apply(batch).await.unwrap();
        assert_eq!(applied.applied, batch.len());
        rest = later;
    }
    database.rows(&format!("select * from {name}")).await
}

/// A decimal number as JSON has it, with up to five digits after the point.
fn decimal() -> impl Strategy<Value = String> {
    (any::<bool>(), 0_i64..100_000_000, 0_u32..6).prop_map(|(negative, digits, scale)| {
        let number = BigDecimal::new(digits.into(), i64::from(scale));
        let sign = if negative && digits != 0 { "-" } else { "" };
        format!("{sign}{}", number.to_plain_string())
    })
}

#[test]
fn sums_of_decimals_are_exact_with_each_value_rounded_first() {
    let definition = Sketch::new(
        "sums",
        &[
            (
                "exact",
                ColumnType::Numeric { precision: None },
                Operator::Add,
                ".data.amount",
            ),
            ("money", MONEY, Operator::Add, ".data.amount"),
        ],
    )
    .definition();
    let amounts = prop::collection::vec((0..3_u8, decimal()), 1..60);
    check(
        12,
        (amounts, 1_usize..40),
        |runtime, database, (amounts, length)| {
            let mut sums: BTreeMap<u8, (BigDecimal, BigDecimal)> = BTreeMap::new();
            let mut events = Vec::new();
            for (position, (sku, amount)) in (1..).zip(&amounts) {
                let data = format!(r#"{{"sku":"s{sku}","amount":{amount}}}"#);
                events.push(event(position, "a", &data));
                let amount: BigDecimal = amount.parse().unwrap();
                let (exact, money) = sums.entry(*sku).or_default();
                *money += amount.with_scale_round(2, RoundingMode::HalfUp);
                *exact += amount;
            }
            let rows = runtime.block_on(fold(database, &definition, &events, &[length]));
            let found = rows.iter().map(|row| {
                let row = row.trim_matches(['(', ')']);
                let cells: Vec<_> = row.split(',').collect();
                let number = |index: usize| cells[index].parse::<BigDecimal>().unwrap();
                (number(1), number(2))
            });
            let expected: Vec<_> = sums.into_values().collect();
            assert_eq!(found.collect::<Vec<_>>(), expected);
        },
    );
}

/// A text, with letters that collations of a language order otherwise than bytes.
fn word() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("a"),
        Just("B"),
        Just("b"),
        Just("A"),
        Just("ä"),
        Just("z"),
        Just("_")
    ]
}

#[test]
fn a_batch_leaves_what_its_events_one_by_one_leave() {
    let mut columns = Vec::new();
    for operator in [Operator::Min, Operator::Max, Operator::Set, Operator::First] {
        let name = |names: [&'static str; 4]| match operator {
            Operator::Min => names[0],
            Operator::Max => names[1],
            Operator::Set => names[2],
            _ => names[3],
        };
        columns.extend([
            (
                name(["n0", "n1", "n2", "n3"]),
                ColumnType::Numeric { precision: None },
                operator,
                ".data.number",
            ),
            (
                name(["t0", "t1", "t2", "t3"]),
                ColumnType::Text,
                operator,
                ".data.word",
            ),
            (
                name(["d0", "d1", "d2", "d3"]),
                ColumnType::Double,
                operator,
                ".data.number",
            ),
            (
                name(["z0", "z1", "z2", "z3"]),
                ColumnType::Timestamp,
                operator,
                ".data.time",
            ),
            (
                name(["i0", "i1", "i2", "i3"]),
                ColumnType::Integer,
                operator,
                ".data.whole",
            ),
            (
                name(["b0", "b1", "b2", "b3"]),
                ColumnType::Boolean,
                operator,
                ".data.flag",
            ),
        ]);
    }
    columns.push(("sum", ColumnType::Bigint, Operator::Add, ".data.whole"));
    columns.push(("json", ColumnType::Json, Operator::Set, ".data"));
    let definition = Sketch::new("folds", &columns).definition();
    let values = (
        0..3_u8,
        prop::option::of(decimal()),
        prop::option::of(word()),
        prop::option::of(0..50_u8),
        prop::option::of(-100..100_i32),
        prop::option::of(any::<bool>()),
    );
    let events = prop::collection::vec(values, 1..40);
    let splits = prop::collection::vec(1..15_usize, 1..6);
    check(
        8,
        (events, splits),
        |runtime, database, (values, splits)| {
            let null = || "null".to_owned();
            let events: Vec<_> = (1..)
            .zip(values)
            .map(|(position, (sku, number, word, second, whole, flag))| {
                let number = number.unwrap_or_else(null);
                let word = word.map_or_else(null, |word| format!("{word:?}"));
                let time = second.map_or_else(null, |s| format!(r#""2026-01-01T00:00:{s:02}.5+01:00""#));
                let whole = whole.map_or_else(null, |whole| whole.to_string());
                let flag = flag.map_or_else(null, |flag| flag.to_string());
                let data = format!(
                    r#"{{"sku":"s{sku}","number":{number},"word":{word},"time":{time},"whole":{whole},"flag":{flag}}}"#
                );
                event(position, "a", &data)
            })
            .collect();
            let one_by_one = runtime.block_on(fold(database, &definition, &events, &[1]));
            let in_batches = runtime.block_on(fold(database, &definition, &events, &splits));
            let at_once = runtime.block_on(fold(database, &definition, &events, &[events.len()]));
            assert_eq!(in_batches, one_by_one);
            assert_eq!(at_once, one_by_one);
        },
    );
}

#[tokio::test]
async fn a_null_leaves_the_column_and_a_bare_path_copies_every_digit() {
    let database = Database::new().await;
    let any_numeric = ColumnType::Numeric { precision: None };
    let definition = Sketch::new(
        "digits",
        &[
            ("held", any_numeric, Operator::Set, ".data.number"),
            ("sum", any_numeric, Operator::Add, ".data.number"),
        ],
    )
    .definition();
    let digits = "123456789012345678901234567890.123456789012345678901234567890";
    let events = [
        event(1, "a", &format!(r#"{{"sku":"s","number":{digits}}}"#)),
        event(2, "a", r#"{"sku":"s","number":null}"#),
        event(3, "a", r#"{"sku":"t"}"#),
    ];
    let rows = fold(&database, &definition, &events, &[1]).await;
    let expected = [format!("(s,{digits},{digits})"), "(t,,)".to_owned()];
    assert_eq!(rows, expected);
    assert_eq!(fold(&database, &definition, &events, &[3]).await, expected);
}

#[tokio::test]
async fn a_projection_of_keys_alone_keeps_them() {
    let database = Database::new().await;
    let definition = Sketch::new("seen", &[]).definition();
    let events: Vec<_> = (1..=4)
        .map(|n| event(n, "a", &format!(r#"{{"sku":"s{}"}}"#, n % 2)))
        .collect();
    let rows = fold(&database, &definition, &events, &[1, 3]).await;
    assert_eq!(rows, ["(s0)", "(s1)"]);
}
