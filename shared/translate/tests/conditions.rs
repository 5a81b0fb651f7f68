//! Conditions on answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use dragoman_translate::{AnswerView, Condition, EvaluateError};

fn holds(source: &str, status: u16, body: &[u8]) -> Result<bool, EvaluateError> {
    let headers = [
        ("Content-Type", "application/json"),
        ("X-A", "1"),
        ("x-a", "2"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Condition::compile("success", source)
        .unwrap_or_else(|error| panic!("{error}"))
        .holds(&AnswerView::new(status, headers, body))
}

#[test]
fn a_condition_sees_status_headers_and_body() {
    let json = br#"{"ok":true,"errors":[],"id":98765432109876543210}"#;
    for (source, status, body, expected) in [
        (".status < 300", 204, &b""[..], true),
        (".status < 300", 409, b"", false),
        (".status == 409 || .status == 423", 423, b"", true),
        (".status < 300 && .body.ok == true", 200, json, true),
        ("length(array(.body.errors) ?? []) == 0", 200, json, true),
        (".headers.\"x-a\" == \"1, 2\"", 200, b"", true),
        (
            ".headers.\"content-type\" == \"application/json\"",
            200,
            b"",
            true,
        ),
        ("is_null(.headers.none)", 200, b"", true),
        ("is_null(.body)", 200, b"", true),
        (".body == \"plain {text\"", 200, b"plain {text", true),
        (
            "contains(string!(.body), \"caf\u{fffd}\")",
            200,
            b"caf\xe9",
            true,
        ),
        (".body == \"quoted\"", 200, b"\"quoted\"", true),
        // A key twice is no JSON here, so it is text.
        ("is_string(.body)", 200, br#"{"a":1,"a":2}"#, true),
        ("true", 500, b"", true),
    ] {
        assert_eq!(holds(source, status, body), Ok(expected), "{source}");
    }
}

#[test]
fn a_number_matters_only_where_it_is_read() {
    let body = br#"{"ok":true,"id":98765432109876543210}"#;
    assert_eq!(holds(".body.ok == true", 200, body), Ok(true));
    let Err(EvaluateError::Inexact(error)) = holds(".body.id == 1", 200, body) else {
        panic!("it must be inexact");
    };
    assert_eq!(error.path, ".body.id");
}

#[test]
fn a_condition_that_fails_is_an_error() {
    let error = holds("int!(.body.n) > 1", 200, b"{}").unwrap_err();
    assert!(matches!(error, EvaluateError::Failed { .. }), "{error}");
    let deep = "[".repeat(100_000);
    assert_eq!(holds("is_string(.body)", 200, deep.as_bytes()), Ok(true));
}

#[test]
fn a_condition_must_be_true_or_false() {
    let mut said = String::new();
    for source in [
        ".status",
        ".body.ok",
        "if .status == 200 { true }",
        "abort",
        ".body.count < 3",
        ".data.x == 1",
        ".status = 200",
        "",
    ] {
        let error = Condition::compile("projections.crm.sink.success", source)
            .map(|_| ())
            .expect_err(source);
        said.push_str(&format!("{error}\n\n"));
    }
    insta::assert_snapshot!(said);
}
