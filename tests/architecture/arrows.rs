//! Which crate may import which.
//!
//! ```text
//! core, settings, faults ─► translate, store, stream, outbound ─► ingest, relay, projector ─► dragoman
//! ```

use crate::assert_none;
use crate::workspace::{Crate, crates};

const BASE: &[&str] = &["dragoman-core", "dragoman-settings", "dragoman-faults"];
const WITHOUT_KAFKA: &[&str] = &[
    "dragoman-core",
    "dragoman-settings",
    "dragoman-faults",
    "dragoman-translate",
    "dragoman-store",
];
const SHARED: &[&str] = &[
    "dragoman-core",
    "dragoman-settings",
    "dragoman-faults",
    "dragoman-translate",
    "dragoman-store",
    "dragoman-stream",
    "dragoman-outbound",
];
const EVERYTHING: &[&str] = &[
    "dragoman-core",
    "dragoman-settings",
    "dragoman-faults",
    "dragoman-translate",
    "dragoman-store",
    "dragoman-stream",
    "dragoman-outbound",
    "dragoman-ingest",
    "dragoman-relay",
    "dragoman-projector",
];

/// Every crate of the workspace, with those of ours that it may import. What ingest may
/// not import keeps it from writing twice: it cannot name Kafka.
const ARROWS: &[(&str, &[&str])] = &[
    ("dragoman-core", &[]),
    ("dragoman-settings", &[]),
    ("dragoman-faults", &[]),
    ("dragoman-translate", BASE),
    ("dragoman-store", BASE),
    ("dragoman-stream", BASE),
    ("dragoman-outbound", BASE),
    ("dragoman-ingest", WITHOUT_KAFKA),
    ("dragoman-relay", SHARED),
    ("dragoman-projector", SHARED),
    ("dragoman", EVERYTHING),
    ("dragoman-tests", EVERYTHING),
    // The examples are the world around the hub and know none of its crates.
    ("stage", &[]),
    ("order-flow", &["stage"]),
    ("github-corpus", &["stage"]),
];

/// Crates of others that only one of ours may name.
const OWNED: &[(&str, &str)] = &[
    ("rdkafka", "dragoman-stream"),
    ("rdkafka-sys", "dragoman-stream"),
    ("vrl", "dragoman-translate"),
    ("jsonschema", "dragoman-translate"),
    ("quick-xml", "dragoman-translate"),
    ("reqwest", "dragoman-outbound"),
];

/// Who may name one beside its owner. The figures of `tests/bench` are held against a bare
/// client and against outboxes as others write them: measured through `dragoman-stream`,
/// a limit would hide what that crate itself costs.
const LENT: &[(&str, &str)] = &[("rdkafka", "dragoman-tests")];

/// Crates that only compute, and what they may not name.
const PURE: &[&str] = &["dragoman-core", "dragoman-translate"];
const IMPURE: &[&str] = &["tokio", "sqlx", "rdkafka", "reqwest", "hyper", "axum"];

#[test]
fn imports_go_one_way() {
    assert_none(&wrong_arrows(&crates()));
}

#[test]
fn each_outside_world_has_one_crate_that_names_it() {
    assert_none(&stolen(&crates()));
}

#[test]
fn pure_crates_know_no_runtime_and_no_outside_world() {
    assert_none(&impure(&crates()));
}

fn wrong_arrows(crates: &[Crate]) -> Vec<String> {
    let mut violations = Vec::new();
    for member in crates {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == member.name) else {
            violations.push(format!(
                "{} is not in the drawing: add it to tests/architecture/arrows.rs and docs/ARCHITECTURE.md",
                member.name
            ));
            continue;
        };
        for import in &member.dependencies {
            let ours = crates.iter().any(|other| other.name == *import);
            if ours && !allowed.contains(&import.as_str()) {
                violations.push(format!("{} may not import {import}", member.name));
            }
        }
    }
    violations
}

fn stolen(crates: &[Crate]) -> Vec<String> {
    let mut violations = Vec::new();
    for member in crates {
        for (name, owner) in OWNED {
            let lent = LENT.contains(&(*name, member.name.as_str()));
            if member.name != *owner && !lent && member.dependencies.iter().any(|d| d == name) {
                violations.push(format!("only {owner} may name {name}, not {}", member.name));
            }
        }
    }
    violations
}

fn impure(crates: &[Crate]) -> Vec<String> {
    let mut violations = Vec::new();
    for member in crates.iter().filter(|c| PURE.contains(&c.name.as_str())) {
        for import in &member.dependencies {
            if IMPURE.contains(&import.as_str()) {
                violations.push(format!("{} is pure and may not name {import}", member.name));
            }
        }
    }
    violations
}

fn member(name: &str, dependencies: &[&str]) -> Crate {
    Crate {
        name: name.to_owned(),
        folder: String::new(),
        dependencies: dependencies.iter().map(|d| (*d).to_owned()).collect(),
    }
}

#[test]
fn a_wrong_arrow_is_seen() {
    let crates = [
        member("dragoman-stream", &["dragoman-core"]),
        member("dragoman-core", &["dragoman-stream"]),
        member("dragoman-ingest", &["dragoman-stream", "tokio"]),
        member("dragoman-relay", &["dragoman-ingest"]),
        member("dragoman-helpers", &[]),
    ];
    let violations = wrong_arrows(&crates);
    assert_eq!(violations.len(), 4, "{violations:#?}");
}

#[test]
fn a_stolen_name_is_seen() {
    let crates = [
        member("dragoman-stream", &["rdkafka"]),
        member("dragoman-relay", &["rdkafka"]),
        member("dragoman-tests", &["vrl", "rdkafka"]),
    ];
    assert_eq!(stolen(&crates).len(), 2);
    assert_eq!(impure(&[member("dragoman-core", &["tokio"])]).len(), 1);
}
