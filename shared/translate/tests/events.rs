//! Programs after the log: keys, columns and elements of events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use chrono::{DateTime, TimeZone, Utc};
use dragoman_core::{Event, JSON};
use dragoman_translate::{
    Cell, CompileError, Each, EvaluateError, EventScope, EventView, Expression, Kinds, Schema,
};

const ORDER: &str = r#"{
    "type": "object",
    "required": ["lines", "total", "count"],
    "properties": {
        "total": { "type": "number" },
        "count": { "type": "integer" },
        "note": { "type": "string" },
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sku", "quantity"],
                "properties": {
                    "sku": { "type": "string" },
                    "quantity": { "type": "integer" },
                    "amount": { "type": "number" }
                }
            }
        }
    }
}"#;

fn schema() -> Schema {
    Schema::compile("order.placed", ORDER).expect("a schema")
}

fn time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap()
}

fn event(event_type: &str, data: &str) -> Event {
    Event {
        id: "1".into(),
        source: "/shop".into(),
        event_type: event_type.into(),
        subject: "order-1".into(),
        time: time(),
        content_type: JSON.into(),
        data: data.into(),
        traceparent: None,
        extensions: BTreeMap::from([("tenant".to_owned(), "north".to_owned())]),
    }
}

fn untyped() -> EventScope {
    EventScope::of([None])
}

fn decimal(digits: &str) -> Cell {
    Cell::Decimal(BigDecimal::from_str(digits).unwrap())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// What a program yields for data, with nothing known of it.
fn evaluate(source: &str, data: &str) -> Result<Cell, EvaluateError> {
    let event = event("order.placed", data);
    let view = EventView::read(&event).expect("JSON");
    Expression::compile("column", source, &untyped())
        .unwrap_or_else(|error| panic!("{error}"))
        .evaluate(&view, None)
}

fn refused(source: &str, scope: &EventScope) -> CompileError {
    Expression::compile("projections.sales.columns.total.add", source, scope)
        .expect_err("it must not compile")
}

#[test]
fn a_bare_path_copies_what_is_there() {
    let data = r#"{ "n": 12, "d": 0.10, "big": 123456789012345678901234567890.12345,
                    "huge": 98765432109876543210, "exp": 1e3, "text": "caf\u00e9", "no": null,
                    "yes": true, "list": [ 1, 2.50 ], "object": { "a" : 1.0 } }"#;
    for (path, cell) in [
        (".data.n", Cell::Integer(12)),
        (".data.d", decimal("0.10")),
        (".data.big", decimal("123456789012345678901234567890.12345")),
        (".data.huge", decimal("98765432109876543210")),
        (".data.exp", decimal("1e3")),
        (".data.text", text("café")),
        (".data.no", Cell::Null),
        (".data.missing.deeper", Cell::Null),
        (".data.n.deeper", Cell::Null),
        (".data.yes", Cell::Boolean(true)),
        (".data.list", Cell::Json("[ 1, 2.50 ]".into())),
        (".data.list[1]", decimal("2.50")),
        (".data.list[-1]", decimal("2.50")),
        (".data.list[-3]", Cell::Null),
        (".data.object", Cell::Json(r#"{ "a" : 1.0 }"#.into())),
        (".id", text("1")),
        (".source", text("/shop")),
        (".type", text("order.placed")),
        ("(.subject)", text("order-1")),
        (".time", Cell::Timestamp(time())),
        (".extensions.tenant", text("north")),
        (".extensions.other", Cell::Null),
        (".extensions", Cell::Json(r#"{"tenant":"north"}"#.into())),
    ] {
        assert_eq!(evaluate(path, data), Ok(cell), "{path}");
    }
}

#[test]
fn the_root_is_the_whole_event() {
    let cell = evaluate(".", r#"{"n":1.10}"#).unwrap();
    assert_eq!(
        cell,
        Cell::Json(
            r#"{"id":"1","source":"/shop","type":"order.placed","subject":"order-1","time":"2026-07-01T12:00:00Z","data":{"n":1.10},"extensions":{"tenant":"north"}}"#
                .into()
        )
    );
}

#[test]
fn what_contracts_shows_compiles_and_works() {
    let (order, cancelled) = (schema(), schema());
    let scope = EventScope::of([Some(&order), Some(&cancelled)]);
    let each = Each::compile("each", ".data.lines", &scope).expect("each");
    let scope = scope.with_items_of(&each);
    let compile = |source| Expression::compile("column", source, &scope).expect(source);
    let sku = compile(".item.sku");
    let orders = compile(r#"if .type == "order.placed" { 1 } else { -1 }"#);
    let amount = compile(".item.amount");

    assert_eq!(sku.kinds(), Kinds::STRING);
    assert_eq!(orders.kinds(), Kinds::INTEGER);
    assert!(!orders.is_bare_path() && amount.is_bare_path());
    assert_eq!(amount.kinds().to_string(), "number or null");

    for (event_type, count) in [("order.placed", 1), ("order.cancelled", -1)] {
        let event = event(
            event_type,
            r#"{"total":1,"count":1,"lines":[{"sku":"teapot","quantity":2,"amount":19.90},
                {"sku":"cup","quantity":1}]}"#,
        );
        let view = EventView::read(&event).unwrap();
        let items = each.items(&view).unwrap();
        assert_eq!(items.len(), 2);
        let of = |expression: &Expression, item| expression.evaluate(&view, Some(&items[item]));
        assert_eq!(of(&sku, 0), Ok(text("teapot")));
        assert_eq!(of(&orders, 0), Ok(Cell::Integer(count)));
        assert_eq!(of(&amount, 0), Ok(decimal("19.90")));
        assert_eq!(of(&amount, 1), Ok(Cell::Null));
    }
}

#[test]
fn one_type_without_a_schema_leaves_all_untyped() {
    let order = schema();
    let scope = EventScope::of([Some(&order), None]);
    let each = Each::compile("each", ".data.lines", &scope).expect("each");
    let scope = scope.with_items_of(&each);
    let received = Expression::compile(
        "received",
        r#"if .type == "stock.received" { .item.quantity } else { 0 }"#,
        &scope,
    )
    .expect("as the project of `init` has it");
    let event = event("stock.received", r#"{"lines":[{"quantity":12}]}"#);
    let view = EventView::read(&event).unwrap();
    let items = each.items(&view).unwrap();
    assert_eq!(
        received.evaluate(&view, Some(&items[0])),
        Ok(Cell::Integer(12))
    );
    assert_eq!(received.kinds(), Kinds::ANY);
}

#[test]
fn a_path_that_is_the_value_of_a_branch_is_copied_too() {
    let data = r#"{"a":123456789012345678901234567890.5,"list":[1.10]}"#;
    let exact = decimal("123456789012345678901234567890.5");
    for source in [
        r#"if .type == "order.placed" { .data.a } else { 0 }"#,
        ".data.missing || .data.a",
        "{ .data.a }",
    ] {
        assert_eq!(evaluate(source, data), Ok(exact.clone()), "{source}");
    }
    assert_eq!(
        evaluate("array(.data.list) ?? []", data),
        Ok(Cell::Json("[1.10]".into()))
    );
    assert_eq!(
        evaluate("object(.data.list) ?? {}", data),
        Ok(Cell::Json("{}".into()))
    );
    assert_eq!(
        evaluate(r#"{ "x": .data.a, "y": [.data.list, .subject] }"#, data),
        Ok(Cell::Json(
            r#"{"x":123456789012345678901234567890.5,"y":[[1.10],"order-1"]}"#.into()
        ))
    );
}

#[test]
fn what_is_computed_is_exact_or_an_error_that_names_the_path() {
    let data = r#"{"a":1.1234567890123456,"b":{"c":[1,98765432109876543210]},"ok":19.90}"#;
    let inexact = |source: &str| match evaluate(source, data) {
        Err(EvaluateError::Inexact(error)) => (error.path, error.digits),
        other => panic!("{source}: {other:?}"),
    };
    assert_eq!(
        inexact("to_string!(.data.a)"),
        (".data.a".into(), "1.1234567890123456".into())
    );
    // A program that reads an object may read all that is in it.
    assert_eq!(inexact("encode_json(.data.b)").0, ".data.b.c[1]");
    assert_eq!(inexact("length!(.data)").0, ".data.a");
    assert_eq!(
        evaluate("get(.data.b, [\"missing\"]) ?? 1", data).map_err(|_| ()),
        Err(())
    );
    // What it cannot reach does not matter.
    assert_eq!(
        evaluate("get!({\"k\": .data.ok}, [\"k\"])", data),
        Ok(decimal("19.9"))
    );
    assert_eq!(
        evaluate("float!(.data.ok) + 1.0", data),
        Ok(decimal("20.9"))
    );
    assert_eq!(
        evaluate("int!(.data.b.c[0]) + 1", data),
        Ok(Cell::Integer(2))
    );
    let error = evaluate("to_string!(.data.a)", data).unwrap_err();
    insta::assert_snapshot!(error);
}

#[test]
fn data_is_typed_by_what_its_schema_demands() {
    let order = schema();
    let scope = EventScope::of([Some(&order)]);
    let compile = |source| Expression::compile("column", source, &scope);
    // Required: typed, so no `!` is needed, and arithmetic compiles.
    let total = compile(".data.total * 2 + 1").expect("a number is a float");
    let count = compile(".data.count + 1").expect("an integer is one");
    assert_eq!(total.kinds(), Kinds::FLOAT);
    assert_eq!(count.kinds(), Kinds::INTEGER);
    // Not required: nothing is known.
    assert!(compile("upcase(.data.note)").is_err());
    assert!(compile("upcase!(.data.note)").is_ok());
    assert!(compile(".data.other + 1").is_err());

    let event = event("order.placed", r#"{"total":2,"count":3.0,"lines":[]}"#);
    let view = EventView::read(&event).unwrap();
    assert_eq!(total.evaluate(&view, None), Ok(decimal("5")));
    assert_eq!(count.evaluate(&view, None), Ok(Cell::Integer(4)));
    let copied = compile(".data.count").unwrap();
    assert_eq!(copied.evaluate(&view, None), Ok(Cell::Integer(3)));
}

#[test]
fn data_that_does_not_fit_its_schema_is_an_error_and_no_panic() {
    let order = schema();
    let scope = EventScope::of([Some(&order)]);
    let event = event("order.placed", r#"{"total":"two","count":1.5,"lines":{}}"#);
    let view = EventView::read(&event).unwrap();
    for source in [".data.total * 2", ".data.total", ".data.count + 1"] {
        let expression = Expression::compile("column", source, &scope).unwrap();
        let error = expression.evaluate(&view, None).unwrap_err();
        assert!(matches!(error, EvaluateError::Unfit { .. }), "{source}");
    }
    let expression = Expression::compile("column", ".data.total * 2", &scope).unwrap();
    insta::assert_snapshot!(expression.evaluate(&view, None).unwrap_err());
    let each = Each::compile("each", ".data.lines", &scope).unwrap();
    insta::assert_snapshot!(each.items(&view).unwrap_err());
}

#[test]
fn elements_come_from_an_array_or_there_are_none() {
    let scope = untyped();
    let event = event(
        "order.placed",
        r#"{"lines":[{"n":1.10},2],"no":null,"text":"x"}"#,
    );
    let view = EventView::read(&event).unwrap();
    let count = |source: &str| {
        Each::compile("each", source, &scope)
            .unwrap_or_else(|error| panic!("{error}"))
            .items(&view)
            .map(|items| items.len())
    };
    assert_eq!(count(".data.lines"), Ok(2));
    assert_eq!(count(".data.no"), Ok(0));
    assert_eq!(count(".data.missing"), Ok(0));
    assert!(count(".data.text").is_err());
    assert_eq!(count("array(.data.lines) ?? []"), Ok(2));
    assert_eq!(count("[.data.lines, .data.text]"), Ok(2));
    assert_eq!(count("if .type == \"other\" { .data.lines }"), Ok(0));
    assert_eq!(
        count("filter(array!(.data.lines)) -> |_, line| { is_integer(line) }"),
        Ok(1)
    );
    assert!(Each::compile("each", ".subject", &scope).is_err());
    assert!(Each::compile("each", "1 + 1", &scope).is_err());

    // Through a program, too, elements that are only passed on keep their digits.
    let each = Each::compile("each", "[.data.lines[0], { \"n\": 1 }]", &scope).unwrap();
    let items_scope = scope.with_items_of(&each);
    let n = Expression::compile("n", ".item.n", &items_scope).unwrap();
    let items = each.items(&view).unwrap();
    assert_eq!(n.evaluate(&view, Some(&items[0])), Ok(decimal("1.10")));
    assert_eq!(n.evaluate(&view, Some(&items[1])), Ok(Cell::Integer(1)));
}

#[test]
fn it_is_known_which_programs_read_only_the_subject() {
    let reads_only_subject = |source: &str| {
        Expression::compile("key", source, &untyped())
            .unwrap()
            .reads_only_subject()
    };
    assert!(reads_only_subject(".subject"));
    assert!(reads_only_subject("upcase(.subject) + \"!\""));
    assert!(reads_only_subject("\"all\""));
    assert!(!reads_only_subject(".id"));
    assert!(!reads_only_subject(".subject + .id"));
    assert!(!reads_only_subject("."));
    assert!(!reads_only_subject(
        r#"if .subject == "x" { .data.a } else { 1 }"#
    ));
}

#[test]
fn constants_and_computed_values_become_cells() {
    for (source, cell) in [
        ("1", Cell::Integer(1)),
        ("1.5", decimal("1.5")),
        ("\"x\"", text("x")),
        ("null", Cell::Null),
        ("true", Cell::Boolean(true)),
        ("t'2026-07-01T12:00:00Z'", Cell::Timestamp(time())),
        ("{ \"a\": [1, 2.0] }", Cell::Json(r#"{"a":[1,2.0]}"#.into())),
        ("upcase(.subject)", text("ORDER-1")),
        ("to_unix_timestamp(.time)", Cell::Integer(1_782_907_200)),
        ("exists(.data.a)", Cell::Boolean(true)),
        ("exists(.data.b)", Cell::Boolean(false)),
        ("format_timestamp!(.time, \"%F\")", text("2026-07-01")),
    ] {
        assert_eq!(evaluate(source, r#"{"a":null}"#), Ok(cell), "{source}");
    }
    for (cell, json) in [
        (Cell::Null, "null"),
        (Cell::Integer(-3), "-3"),
        (decimal("0.10"), "0.10"),
        (text("a\"\n"), "\"a\\\"\\n\""),
        (Cell::Timestamp(time()), "\"2026-07-01T12:00:00Z\""),
    ] {
        assert_eq!(cell.to_json(), json);
    }
}

#[test]
fn mistakes_are_shown_with_their_place_and_what_to_do() {
    let order = schema();
    let scope = EventScope::of([Some(&order)]);
    for (name, source) in [
        ("typo", ".subjekt"),
        ("no_item", "if true { .item.sku } else { null }"),
        ("metadata", "%x"),
        ("fallible", "upcase(.data.note)"),
        ("arithmetic", ".data.other + 1"),
        ("clock", "now()"),
        ("unknown_function", "upcas(.subject)"),
        ("syntax", "if .type == {"),
        ("empty", ""),
        ("assignment", ".data.total = 1.0\n.data.total"),
        ("deletion", "del(.data.total)"),
        ("never", "abort"),
        (
            "self_nested",
            "x = []\nfor_each(array!(.data.lines)) -> |_, line| {\n  x = [x, line]\n}\nx",
        ),
        (
            "local_time",
            "format_timestamp!(.time, \"%F\", timezone: \"local\")",
        ),
        ("second_line", "x = 1\n\ty = .data.total + \"a\"\ny"),
    ] {
        insta::assert_snapshot!(name, refused(source, &scope));
    }
}

#[test]
fn a_program_that_fails_says_where() {
    let error = evaluate("x = 1\nstring!(.data.a)", r#"{"a":1}"#).unwrap_err();
    insta::assert_snapshot!(error);
}
