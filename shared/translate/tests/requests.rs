//! Requests to receivers: events in, requests out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{event, schema};
use dragoman_translate::{
    EvaluateError, EventScope, EventView, MappedRequest, RequestBody, RequestProgram,
};

fn run(source: &str, data: &str) -> Result<Option<MappedRequest>, EvaluateError> {
    let event = event("order.placed", data);
    let view = EventView::read(&event).expect("JSON");
    RequestProgram::compile("requests/crm.vrl", source, &EventScope::of([None]))
        .unwrap_or_else(|error| panic!("{error}"))
        .run(&view)
}

fn one(source: &str, data: &str) -> MappedRequest {
    run(source, data)
        .unwrap_or_else(|error| panic!("{error}"))
        .expect("a request")
}

fn json(text: &str) -> Option<RequestBody> {
    Some(RequestBody::Json(text.to_owned()))
}

#[test]
fn a_request_is_what_the_program_says() {
    let request = one(
        r#"{ "method": "put", "path": "/orders/" + .subject, "query": { "page": 2, "q": "a b&c", "no": null },
             "headers": { "x-kind": .type, "x-total": .data.total, "x-paid": true, "x-none": null },
             "body": { "total": .data.total, "at": .time } }"#,
        r#"{"total":19.90}"#,
    );
    assert_eq!(
        request,
        MappedRequest {
            method: "PUT".into(),
            path: "/orders/order-1?page=2&q=a%20b%26c".into(),
            headers: [
                ("x-kind", "order.placed"),
                ("x-paid", "true"),
                ("x-total", "19.90")
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            body: json(r#"{"at":"2026-07-01T12:00:00Z","total":19.90}"#),
        }
    );
}

#[test]
fn what_is_left_out_has_a_default_and_null_is_no_request() {
    let nothing = MappedRequest {
        method: "POST".into(),
        path: String::new(),
        headers: Vec::new(),
        body: None,
    };
    assert_eq!(one("{}", "1"), nothing);
    let all_null =
        r#"{ "method": null, "path": null, "query": null, "headers": null, "body": null }"#;
    assert_eq!(one(all_null, "1"), nothing);
    assert_eq!(run("null", "1"), Ok(None));
    let some = r#"if .type == "other" { { "body": .data } }"#;
    assert_eq!(run(some, "1"), Ok(None));
    assert_eq!(
        one(r#"{ "path": "?a=1", "query": { "b": 2 } }"#, "1").path,
        "?a=1&b=2"
    );
}

#[test]
fn a_body_is_json_with_its_digits_or_text_as_it_is() {
    let data = r#"{ "n": 98765432109876543210.10, "list": [1.0, 2], "s": "caf\u00e9", "b": true, "no": null }"#;
    for (body, expected) in [
        (".data", json(data)),
        (".data.n", json("98765432109876543210.10")),
        (
            "[.data.n, .data.list]",
            json("[98765432109876543210.10,[1.0, 2]]"),
        ),
        (".data.b", json("true")),
        (".data.s", Some(RequestBody::Text("café".into()))),
        (
            "encode_json(.data.list)",
            Some(RequestBody::Text("[1.0,2]".into())),
        ),
        (".data.no", None),
        (".data.missing", None),
    ] {
        assert_eq!(
            one(&format!("{{ \"body\": {body} }}"), data).body,
            expected,
            "{body}"
        );
    }
    let branch = "n = if .type == \"x\" { 1 } else { .data.n }\n{ \"body\": { \"n\": n } }";
    let branch = one(branch, data).body;
    assert_eq!(branch, json(r#"{"n":98765432109876543210.10}"#));
    // A request that is in the event as a whole is one, too.
    let whole = one(".data", r#"{"method":"PATCH","body":{"n":1.50}}"#);
    assert_eq!(
        (whole.method.as_str(), whole.body),
        ("PATCH", json("{\"n\":1.50}"))
    );
}

#[test]
fn a_number_that_is_read_is_exact_or_an_error() {
    let source = r#"{ "body": { "n": to_string!(.data.n) } }"#;
    let Err(EvaluateError::Inexact(error)) = run(source, r#"{"n":98765432109876543210}"#) else {
        panic!("it must be inexact");
    };
    assert_eq!(error.path, ".data.n");
    // By its schema a number is a float.
    let schema = schema();
    let scope = EventScope::of([Some(&schema)]);
    let source = r#"{ "body": { "double": .data.total * 2, "next": .data.count + 1 } }"#;
    let program = RequestProgram::compile("r", source, &scope).expect("it is typed");
    let event = event("order.placed", r#"{"total":2,"count":3.0}"#);
    let request = program.run(&EventView::read(&event).unwrap()).unwrap();
    assert_eq!(request.unwrap().body, json(r#"{"double":4.0,"next":4}"#));
}

#[test]
fn what_is_no_request_says_why_and_what_to_do() {
    let mut said = String::new();
    for (source, data) in [
        (".data", "[1]"),
        (".data", r#"{"url":"x"}"#),
        (r#"{ "method": .data }"#, "1"),
        (r#"{ "method": .data }"#, "\"TRACE\""),
        (r#"{ "path": .data }"#, "{}"),
        (r#"{ "path": .data }"#, "\".example.com\""),
        (r#"{ "path": "/orders/" + string!(.data) }"#, "\"../admin\""),
        (
            r#"{ "path": "/orders/" + string!(.data) }"#,
            "\"%2E%2e/admin\"",
        ),
        (r#"{ "path": .data }"#, "\"//example.com\""),
        (r#"{ "path": .data }"#, "\"/a#b\""),
        (r#"{ "headers": .data }"#, "1"),
        (r#"{ "headers": { "x": .data } }"#, "[1]"),
        (r#"{ "headers": .data }"#, r#"{"a b":"c"}"#),
        (r#"{ "headers": { "x": .data } }"#, "\"a\\r\\nb: c\""),
        (r#"{ "query": { "x": .data } }"#, "{}"),
    ] {
        let error = run(source, data).expect_err(source);
        said.push_str(&format!("{error}\n"));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn types_refuse_what_can_be_no_request() {
    let mut said = String::new();
    let scope = EventScope::of([None]);
    for source in [
        ".subject",
        "[{ \"body\": 1 }]",
        "{ \"url\": \"/x\", \"body\": .data }",
        "{ \"method\": 1 }",
        "{ \"method\": \"trace\" }",
        "{ \"path\": \"orders\" }",
        "{ \"path\": [.subject] }",
        "{ \"headers\": \"x\" }",
        "if .type == \"x\" { { \"headers\": { \"x\": [1] } } } else { { \"query\": 1 } }",
        "{ \"body\": .item }",
        "{ \"body\": .row }",
        "{ \"body\": now() }",
    ] {
        let error = RequestProgram::compile("requests/crm.vrl", source, &scope)
            .map(|_| ())
            .expect_err(source);
        said.push_str(&format!("{error}\n\n"));
    }
    insta::assert_snapshot!(said);
}
