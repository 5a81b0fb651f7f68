//! Samples say what differs.

use std::path::Path;

use dragoman_ingest::{Adapters, Sample};

use crate::support::{adapters, schemas};

const REQUEST: &str = r#"{ "headers": {"X-A": "1"}, "query": {}, "body": {"kind":"order","id":"1","data":{"total":1.0}} }"#;
const EVENTS: &str = r#"[{"id":"1","type":"order.placed","subject":"1","time":"1970-01-01T00:00:00Z","data":{"total":1.0}}]"#;

fn run(files: &[(&str, &str)]) -> Vec<Sample> {
    let folder = tempfile::tempdir().unwrap();
    let mapping = r#"if .body.kind == "order" { { "id": string!(.body.id), "type": "order.placed",
        "subject": string!(.body.id), "data": .body.data } } else { null }"#;
    std::fs::write(folder.path().join("map.vrl"), mapping).unwrap();
    let samples = folder.path().join("samples");
    std::fs::create_dir(&samples).unwrap();
    for (name, text) in files {
        std::fs::write(samples.join(name), text).unwrap();
    }
    run_in(folder.path())
}

fn run_in(folder: &Path) -> Vec<Sample> {
    let options = adapters(folder)
        .into_iter()
        .filter(|(name, _)| name == "plain")
        .collect();
    Adapters::compile(&options, &schemas())
        .unwrap()
        .run_samples(&schemas())
}

fn failure(files: &[(&str, &str)]) -> String {
    let mut samples = run(files);
    assert_eq!(samples.len(), 1);
    samples.pop().unwrap().failure.expect("it fails")
}

#[test]
fn samples_that_hold_pass_and_are_named() {
    let samples = run(&[
        ("b.request.json", r#"{"body":{"kind":"ping"}}"#),
        ("b.events.json", "[]"),
        ("a.request.json", REQUEST),
        ("a.events.json", EVENTS),
        ("README.md", "not a sample"),
    ]);
    let names: Vec<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(
        samples.iter().all(|sample| sample.failure.is_none()),
        "{samples:?}"
    );
}

#[test]
fn a_sample_that_does_not_hold_says_what_differs() {
    let differs = |events: &str| failure(&[("a.request.json", REQUEST), ("a.events.json", events)]);
    for (from, to, says) in [
        (
            r#""total":1.0}}"#,
            r#""total":1}}"#,
            "data/total is 1.0 and should be 1",
        ),
        (
            r#""total":1.0}}"#,
            r#""total":1.0,"x":2}}"#,
            "data/x is missing",
        ),
        (r#"{"total":1.0}}"#, "{}}", "data/total should not be there"),
        (
            r#""subject":"1""#,
            r#""subject":"2""#,
            "subject is \"1\" and should be \"2\"",
        ),
        ("1970", "1971", "time is 1970"),
        (r#""subject":"1","#, "", "does not say `subject`"),
        (r#""subject""#, r#""subjct""#, "`subjct` means nothing"),
    ] {
        let said = differs(&EVENTS.replace(from, to));
        assert!(said.contains(says), "{said}");
    }
    assert!(differs("[]").contains("1 events came of it, and it should be 0"));
    assert!(differs("{}").contains("array"));
    let broken = [
        (
            "a.request.json",
            r#"{"body":{"kind":"order","id":"1","data":{"total":"x"}}}"#,
        ),
        ("a.events.json", EVENTS),
    ];
    assert!(failure(&broken).contains("schema"));
    assert!(failure(&[("a.request.json", REQUEST)]).contains("a.events.json cannot be read"));
    assert!(failure(&[("a.events.json", EVENTS)]).contains("a.request.json cannot be read"));
    assert!(failure(&[]).contains("NAME.request.json"));
}
