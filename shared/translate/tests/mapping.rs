//! Webhook mappings: deliveries in, events out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};
use dragoman_translate::{Document, MappedEvent, Mapping, MappingError, MappingInput, Schema};

fn received() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap()
}

fn run(source: &str, body: &str) -> Result<Vec<MappedEvent>, MappingError> {
    let mapping =
        Mapping::compile("mappings/x.vrl", source).unwrap_or_else(|error| panic!("{error}"));
    let body = Document::parse(body.as_bytes()).expect("JSON");
    let headers = BTreeMap::from([("x-kind".to_owned(), "push".to_owned())]);
    let query = BTreeMap::from([("page".to_owned(), "2".to_owned())]);
    mapping.run(MappingInput {
        body: &body,
        headers: &headers,
        query: &query,
        received: received(),
    })
}

fn one(source: &str, body: &str) -> MappedEvent {
    let mut events = run(source, body).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// A mapping whose data is `data`.
fn with_data(data: &str) -> String {
    format!(r#"{{ "id": "1", "type": "t", "subject": "s", "data": {data} }}"#)
}

const SUPPLIER: &str = include_str!("../../../services/dragoman/project/mappings/supplier.vrl");

#[test]
fn the_mapping_of_a_new_project_works() {
    let event = one(
        SUPPLIER,
        r#"{"kind":"delivery","number":"D-1","lines":[{"sku":"teapot", "quantity":12.0}]}"#,
    );
    assert_eq!(
        event,
        MappedEvent {
            id: "D-1".into(),
            event_type: "stock.received".into(),
            subject: "D-1".into(),
            time: None,
            data: r#"{"lines":[{"sku":"teapot", "quantity":12.0}]}"#.into(),
        }
    );
    assert_eq!(run(SUPPLIER, r#"{"kind":"other"}"#), Ok(Vec::new()));
    assert!(run(SUPPLIER, r#"{"kind":"delivery","number":"D-1","lines":5}"#).is_err());
}

#[test]
fn what_is_passed_on_keeps_its_text() {
    let body = r#"{ "n": 123456789012345678901234567890.10, "a": {"b" : [1.0, 98765432109876543210]},
                    "s": "caf\u00e9" }"#;
    for (data, expected) in [
        (".body", body),
        (".body.n", "123456789012345678901234567890.10"),
        (".body.a", r#"{"b" : [1.0, 98765432109876543210]}"#),
        (".body.a.b[1]", "98765432109876543210"),
        (".body.s", "\"café\""),
        (".body.missing", "null"),
        ("object!(.body.a)", r#"{"b" : [1.0, 98765432109876543210]}"#),
        (
            "array(.body.a) ?? .body.n",
            "123456789012345678901234567890.10",
        ),
        (
            r#"{ "lines": .body.a.b, "n": .body.n, "x": [.body.n] }"#,
            r#"{"lines":[1.0, 98765432109876543210],"n":123456789012345678901234567890.10,"x":[123456789012345678901234567890.10]}"#,
        ),
        (".query", r#"{"page":"2"}"#),
    ] {
        assert_eq!(one(&with_data(data), body).data, expected, "{data}");
    }
}

#[test]
fn a_number_that_is_read_is_exact_or_an_error() {
    let body = r#"{"n":98765432109876543210,"m":1.5}"#;
    assert_eq!(one(&with_data("float!(.body.m) * 2"), body).data, "3.0");
    let Err(MappingError::Inexact(error)) = run(&with_data("to_string!(.body.n)"), body) else {
        panic!("it must be inexact");
    };
    assert_eq!(error.path, ".body.n");
    // Copied in one place, read in another.
    let both = r#"{ "id": to_string!(.body.n), "type": "t", "subject": "s", "data": .body }"#;
    assert!(matches!(run(both, body), Err(MappingError::Inexact(_))));
}

#[test]
fn a_variable_that_is_only_passed_on_keeps_the_text_too() {
    let body = r#"{"n":98765432109876543210,"m":1.50}"#;
    for (before, data, expected) in [
        ("x = .body", "x", body),
        (
            "x = .body.n\ny = [x, .body.m]",
            "{ \"y\": y }",
            r#"{"y":[98765432109876543210,1.50]}"#,
        ),
        (
            "x = if .headers.\"x-kind\" == \"push\" { .body.n } else { 0 }",
            "[x, x]",
            "[98765432109876543210,98765432109876543210]",
        ),
    ] {
        let source = format!("{before}\n{}", with_data(data));
        assert_eq!(one(&source, body).data, expected, "{source}");
    }
    // Whatever else is done with it may compute with it.
    for before in [
        "x = .body\ny = x.m",
        "x = .body\nx.z = 1",
        "x = .body\nx = x",
        "x = 1\nif .query.page == \"2\" { x = .body }",
        "x = .body\ny = encode_json(x)",
        "x = .body\ndel(x.m)",
    ] {
        let source = format!("{before}\n{}", with_data("x"));
        assert!(
            matches!(run(&source, body), Err(MappingError::Inexact(_))),
            "{source}"
        );
    }
}

#[test]
fn data_that_would_be_too_deep_is_no_event() {
    let body = format!("{}1{}", "[".repeat(128), "]".repeat(128));
    assert_eq!(one(&with_data(".body"), &body).data, body);
    assert!(matches!(
        run(&with_data("[.body]"), &body),
        Err(MappingError::NotAnEvent { .. })
    ));
}

#[test]
fn accumulating_in_a_closure_works() {
    let source = r#"
        events = []
        total = 0
        for_each(array!(.body.lines)) -> |number, line| {
            total = total + int!(line.quantity)
            events = push(events, {
                "id": to_string(number), "type": "t", "subject": string!(line.sku),
                "data": { "quantity": line.quantity, "total": total }
            })
        }
        events"#;
    let events = run(
        source,
        r#"{"lines":[{"sku":"a","quantity":1},{"sku":"b","quantity":2}]}"#,
    )
    .unwrap();
    assert_eq!(events[1].data, r#"{"quantity":2,"total":3}"#);
}

#[test]
fn json_inside_text_is_read_strictly() {
    let data = with_data("parse_json!(.body.payload)");
    assert_eq!(
        one(&data, r#"{"payload":"{\"a\":[1,2.5,\"x\"]}"}"#).data,
        r#"{"a":[1,2.5,"x"]}"#
    );
    let mut said = Vec::new();
    for payload in [
        "{\\\"a\\\":98765432109876543210}",
        "{\\\"a\\\":1,\\\"a\\\":2}",
        "",
    ] {
        said.push(
            run(&data, &format!("{{\"payload\":\"{payload}\"}}"))
                .unwrap_err()
                .to_string(),
        );
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn several_events_none_and_times() {
    let many = r#"[{ "id": "1", "type": "t", "subject": "s", "data": 1, "time": .received },
                   { "id": "2", "type": "t", "subject": "s", "data": 2, "time": .body.at }]"#;
    let events = run(many, r#"{"at":"2026-07-01T13:30:00+02:00"}"#).unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].time, Some(received()));
    assert_eq!(
        events[1].time,
        Some(Utc.with_ymd_and_hms(2026, 7, 1, 11, 30, 0).unwrap())
    );
    assert_eq!(run("null", "{}"), Ok(Vec::new()));
    assert_eq!(run("[]", "{}"), Ok(Vec::new()));
    let closure = r#"map_values(array!(.body.lines)) -> |line| {
        { "id": to_string!(line.id), "type": "t", "subject": "s", "data": line } }"#;
    let events = run(closure, r#"{"lines":[{"id":7},{"id":8}]}"#).unwrap();
    assert_eq!(events[1].id, "8");
    assert_eq!(events[1].data, r#"{"id":8}"#);
}

#[test]
fn a_body_that_is_events_already_is_passed_on_whole() {
    let event =
        r#"{"id":"\u0041","type":"t","subject":"s","time":"2026-07-01T12:00:00Z","data":1.10}"#;
    let expected = MappedEvent {
        id: "A".into(),
        event_type: "t".into(),
        subject: "s".into(),
        time: Some(received()),
        data: "1.10".into(),
    };
    assert_eq!(one(".body", event), expected);
    assert_eq!(one("[.body]", event), expected);
    assert_eq!(
        one(".body.events", &format!(r#"{{"events":[{event}]}}"#)),
        expected
    );
    assert_eq!(run(".body", "[]"), Ok(Vec::new()));
    assert_eq!(run(".body", "null"), Ok(Vec::new()));
}

#[test]
fn what_is_no_event_says_why_and_what_to_do() {
    let body = r#"{"n":98765432109876543210,"o":{"id":"1"},"bad":"yesterday"}"#;
    let mut said = Vec::new();
    for source in [
        ".body.o",
        "\"text\"",
        "[1]",
        r#"{ "type": "t", "subject": "s", "data": 1 }"#,
        r#"{ "id": .body.n, "type": "t", "subject": "s", "data": 1 }"#,
        r#"{ "id": 5, "type": "t", "subject": "s", "data": 1 }"#,
        r#"{ "id": .body.none, "type": "t", "subject": "s", "data": 1 }"#,
        r#"{ "id": "1", "type": "t", "subject": "s", "data": 1, "source": "/x" }"#,
        r#"{ "id": "1", "type": "t", "subject": "s", "data": 1, "time": .body.bad }"#,
        r#"{ "id": "1", "type": "t", "subject": "s" }"#,
        r#"{ "id": "1", "type": "t", "subject": "s", "data": encode_zlib("x") }"#,
        r#"{ "id": string!(.body.o), "type": "t", "subject": "s", "data": 1 }"#,
        "abort \"not for us\"",
    ] {
        let error = run(source, body).expect_err(source);
        said.push(error.to_string());
    }
    insta::assert_snapshot!(said.join("\n"));
}

fn catalogue_of(schema: &Schema) -> BTreeMap<String, Option<&Schema>> {
    BTreeMap::from([
        ("stock.received".to_owned(), Some(schema)),
        ("order.placed".to_owned(), None),
    ])
}

fn stock() -> Schema {
    Schema::compile(
        "stock.received",
        r#"{ "type": "object", "required": ["sku", "quantity"], "additionalProperties": false,
             "properties": { "sku": {"type":"string"}, "quantity": {"type":"integer"},
                             "lots": {"type":"array","items":{"type":"string"}} } }"#,
    )
    .expect("a schema")
}

fn check(source: &str) -> Result<(), String> {
    let schema = stock();
    Mapping::compile("mappings/x.vrl", source)
        .unwrap_or_else(|error| panic!("{error}"))
        .check(&catalogue_of(&schema))
        .map_err(|error| error.to_string())
}

fn stock_with(data: &str) -> String {
    format!(r#"{{ "id": "1", "type": "stock.received", "subject": "s", "data": {data} }}"#)
}

#[test]
fn check_accepts_what_may_be_right() {
    for data in [
        ".body",
        "object!(.body)",
        r#"{ "sku": .body.sku, "quantity": .body.quantity }"#,
        r#"{ "sku": string!(.body.sku), "quantity": to_int!(.body.quantity) }"#,
        r#"{ "sku": "x", "quantity": 1, "lots": ["a", to_string!(.body.lot)] }"#,
        r#"{ "sku": format_timestamp!(.received, "%F"), "quantity": 1, "lots": .body.lots }"#,
    ] {
        assert_eq!(check(&stock_with(data)), Ok(()), "{data}");
    }
    assert_eq!(
        check(&with_data("1").replace("\"t\"", "\"order.placed\"")),
        Ok(())
    );
    assert_eq!(check(".body"), Ok(()));
    let two = format!("[{0}, {0}]", stock_with(r#"{ "sku": "x", "quantity": 1 }"#));
    assert_eq!(check(&two), Ok(()));
    assert_eq!(
        check(&format!("if .body.x == 1 {{ {two} }} else {{ null }}")),
        Ok(())
    );
    assert!(
        check(&two.replace("\"1\"", "1")).is_err(),
        "ids are numbers"
    );
    assert_eq!(
        check(r#"{ "id": "1", "type": .body.type, "subject": "s", "data": 1 }"#),
        Ok(())
    );
    let order = with_data("1").replace("\"t\"", "\"order.placed\"");
    for several in [
        format!("[{order}, {order}]"),
        format!("if .body.a == 1 {{ [{order}, {order}] }} else {{ {order} }}"),
    ] {
        assert_eq!(check(&several), Ok(()), "{several}");
    }
    assert_eq!(
        check(SUPPLIER).map_err(|_| ()),
        Err(()),
        "its data is another here"
    );
}

#[test]
fn check_refuses_what_types_forbid() {
    let mut said = Vec::new();
    let data = [
        "1",
        r#"{ "sku": "x" }"#,
        r#"{ "sku": "x", "quantity": "1" }"#,
        r#"{ "sku": "x", "quantity": to_float!(.body.q) }"#,
        r#"{ "sku": "x", "quantity": int(.body.q) ?? null }"#,
        r#"{ "sku": "x", "quantity": 1, "colour": "red" }"#,
        r#"{ "sku": "x", "quantity": 1, "lots": [1] }"#,
    ];
    let sources = [
        "\"text\"",
        "null",
        r#"{ "id": 5, "type": "order.placed", "subject": "s", "data": 1 }"#,
        r#"{ "type": "order.placed", "subject": "s", "data": 1, "source": "/x" }"#,
        r#"{ "id": "1", "type": "order.places", "subject": "s", "data": 1 }"#,
        r#"{ "id": "1", "type": "order.placed", "subject": "s", "time": 5, "data": 1 }"#,
        "if .body.a == 1 {\n  { \"id\": \"1\", \"type\": \"nope\", \"subject\": \"s\", \"data\": 1 }\n}",
    ];
    let all = data
        .iter()
        .map(|data| stock_with(data))
        .chain(sources.map(str::to_owned));
    for source in all {
        said.push(check(&source).expect_err(&source));
    }
    insta::assert_snapshot!(said.join("\n\n"));
}
