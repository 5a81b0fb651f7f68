//! JSON Schema: what is refused, said without the payload, and exact.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use dragoman_translate::{Document, Schema, Violation};

fn validate(schema: &str, value: &str) -> Result<(), Vec<Violation>> {
    let schema = Schema::compile("x.json", schema).unwrap_or_else(|error| panic!("{error}"));
    let document = Document::parse(value.as_bytes()).expect("JSON");
    schema.validate(document.root())
}

fn valid(schema: &str, value: &str) -> bool {
    validate(schema, value).is_ok()
}

#[test]
fn violations_are_told_with_pointers_and_without_the_payload() {
    let schema = r#"{ "type": "object", "required": ["id"], "additionalProperties": false,
        "propertyNames": { "maxLength": 12 },
        "properties": {
            "id": { "type": "string", "pattern": "^o-[0-9]+$" },
            "n": { "type": "integer", "minimum": 1, "maximum": 10, "multipleOf": 2 },
            "kind": { "enum": ["a", "b"] }, "one": { "const": 1 }, "no": false,
            "list": { "type": "array", "maxItems": 2, "uniqueItems": true, "items": { "type": "number" } },
            "any": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            "odd": { "oneOf": [{ "type": "number" }, { "type": "integer" }] },
            "not": { "not": { "type": "string" } } } }"#;
    let mut said = Vec::new();
    for value in [
        "7",
        "{}",
        r#"{"id":"SECRET"}"#,
        r#"{"id":"o-1","SECRET":1}"#,
        r#"{"id":"o-1","SECRET-AND-LONG":1}"#,
        r#"{"id":"o-1","n":"SECRET"}"#,
        r#"{"id":"o-1","n":11}"#,
        r#"{"id":"o-1","n":-3.5}"#,
        r#"{"id":"o-1","kind":"SECRET","one":"SECRET","no":"SECRET"}"#,
        r#"{"id":"o-1","list":[1,"SECRET",1.0]}"#,
        r#"{"id":"o-1","any":77,"odd":77,"not":"SECRET"}"#,
    ] {
        for violation in validate(schema, value).expect_err(value) {
            assert!(!violation.message.contains("SECRET"), "{violation:?}");
            assert!(!violation.message.contains("77"), "{violation:?}");
            said.push(format!("{:10} {}", violation.pointer, violation.message));
        }
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn ten_violations_are_enough() {
    let value = format!("[{}0]", "0,".repeat(99));
    let violations = validate(r#"{"items":{"type":"string"}}"#, &value).unwrap_err();
    assert_eq!(violations.len(), 10);
    assert_eq!(violations[9].pointer, "/9");
}

#[test]
fn numbers_are_compared_digit_by_digit() {
    let maximum = r#"{"maximum":9007199254740992}"#;
    assert!(valid(maximum, "9007199254740992"));
    assert!(!valid(maximum, "9007199254740993"));
    assert!(!valid(maximum, "9007199254740992.000000000000000000001"));
    assert!(!valid(r#"{"exclusiveMinimum":0}"#, "0e5"));
    assert!(valid(r#"{"exclusiveMinimum":0}"#, "1e-400"));
    assert!(valid(r#"{"multipleOf":0.01}"#, "19.99"));
    assert!(valid(
        r#"{"multipleOf":0.01}"#,
        "123456789012345678901234567890.01"
    ));
    assert!(!valid(
        r#"{"multipleOf":0.01}"#,
        "123456789012345678901234567890.011"
    ));
    assert!(!valid(r#"{"multipleOf":0.01}"#, "19.999"));
    assert!(valid(r#"{"multipleOf":3}"#, "12e3"));
    assert!(!valid(r#"{"multipleOf":3}"#, "-1e131071"));
    assert!(valid(r#"{"multipleOf":2.5}"#, "-1e131071"));
    assert!(!valid(r#"{"multipleOf":7}"#, "1e-16383"));
    assert!(valid(r#"{"multipleOf":7}"#, "14.000"));
    assert!(valid(r#"{"multipleOf":7}"#, "0.000"));
    assert!(valid(r#"{"const":100}"#, "1e2"));
    assert!(!valid(r#"{"const":100}"#, "100.00000000000000000001"));
    assert!(valid(r#"{"enum":[0.1, {"a":[1]}]}"#, r#"{"a":[1.0]}"#));
    assert!(!valid(r#"{"uniqueItems":true}"#, "[1, 1.0]"));
    assert!(valid(
        r#"{"uniqueItems":true}"#,
        "[9007199254740992, 9007199254740993]"
    ));
    assert!(!valid(
        r#"{"uniqueItems":true}"#,
        r#"[{"a":1,"b":2},{"b":2,"a":1}]"#
    ));
    assert!(valid(r#"{"type":"integer"}"#, "1.0"));
    assert!(valid(r#"{"type":"integer"}"#, "98765432109876543210"));
    assert!(!valid(r#"{"type":"integer"}"#, "98765432109876543210.5"));
    assert!(valid(r#"{"type":"number"}"#, "1e100000"));
}

#[test]
fn many_numbers_of_many_digits_are_no_burden() {
    let schema =
        r#"{"items":{"minimum":1,"multipleOf":0.25,"not":{"const":5}},"uniqueItems":false}"#;
    for number in ["1e131071", "1e-16383", "0e9"] {
        let value = format!("[{}{number}]", format!("{number},").repeat(20_000));
        let started = std::time::Instant::now();
        let _ = validate(schema, &value);
        assert!(started.elapsed().as_secs() < 20, "{number}");
    }
}

#[test]
fn references_stay_in_the_file() {
    let local = r##"{ "$defs": { "id": { "type": "string" } }, "properties": { "a": { "$ref": "#/$defs/id" } } }"##;
    assert!(valid(local, r#"{"a":"x"}"#));
    assert!(!valid(local, r#"{"a":1}"#));
    let mut said = Vec::new();
    for schema in [
        r#"{"$ref":"https://example.com/other.json"}"#,
        r#"{"$ref":"other.json"}"#,
        r##"{"$ref":"#/$defs/none"}"##,
        r#"{"type":"strin"}"#,
        r#"{"minimum":"1"}"#,
        r#"{"pattern":"("}"#,
        r#"{"type":"string","type":"number"}"#,
        "{",
        "7",
    ] {
        let error = Schema::compile("x.json", schema).expect_err(schema);
        let cause = std::error::Error::source(&error)
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        said.push(format!("{error}{cause}"));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_schema_that_refers_to_itself_is_bounded() {
    let tree = r##"{ "type": "object", "properties": { "child": { "$ref": "#" } } }"##;
    assert!(valid(tree, r#"{"child":{"child":{}}}"#));
    assert!(!valid(tree, r#"{"child":{"child":7}}"#));
}
