//! What sources may not hold, and how long they may be.

use std::fs;

use crate::assert_none;
use crate::workspace::{Source, all_sources, crates, root};

/// About 200 lines are comfortable; past 400 one asks what the second idea is. This is
/// where the answer is due.
const MOST_LINES: usize = 500;

/// Marks of what is not finished. Put together, so that this file has none.
const UNFINISHED: &[&str] = &[
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
];

#[test]
fn nothing_is_left_unfinished() {
    assert_none(&unfinished(&all_sources()));
}

#[test]
fn no_file_has_two_ideas() {
    assert_none(&too_long(&all_sources()));
}

#[test]
fn the_root_of_a_crate_only_says_what_it_has() {
    let roots: Vec<Source> = all_sources()
        .into_iter()
        .filter(|source| source.path.ends_with("/src/lib.rs"))
        .collect();
    assert!(roots.len() > 5, "only {} crates have a root", roots.len());
    assert_none(&roots_with_content(&roots));
}

#[test]
fn every_crate_is_under_the_workspace_lints() {
    let mut violations = Vec::new();
    for member in crates() {
        let manifest = root().join(&member.folder).join("Cargo.toml");
        let text = fs::read_to_string(manifest).unwrap();
        if !text.contains("[lints]\nworkspace = true") {
            violations.push(format!(
                "{} does not take the workspace's lints",
                member.name
            ));
        }
    }
    assert_none(&violations);
}

fn unfinished(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            if let Some(mark) = UNFINISHED.iter().find(|mark| line.contains(*mark)) {
                violations.push(format!("{}:{} has {mark}", source.path, number + 1));
            }
        }
    }
    violations
}

fn too_long(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(source, lines)| {
            format!(
                "{} has {lines} lines: what is its second idea? (at most {MOST_LINES})",
                source.path
            )
        })
        .collect()
}

/// Only documentation, attributes, `mod`, `use` and `pub use` stand at the left edge.
fn roots_with_content(roots: &[Source]) -> Vec<String> {
    const CONTENT: &[&str] = &[
        "fn ",
        "struct ",
        "enum ",
        "trait ",
        "impl",
        "const ",
        "static ",
        "type ",
        "macro_rules",
    ];
    let mut violations = Vec::new();
    for root in roots {
        for line in root.text.lines() {
            let item = line
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub ")
                .trim_start_matches("async ");
            if CONTENT.iter().any(|content| item.starts_with(content)) {
                violations.push(format!("{} has content: {line}", root.path));
            }
        }
    }
    violations
}

fn source(text: &str) -> Source {
    Source {
        path: "somewhere/src/lib.rs".to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn what_is_unfinished_too_long_or_in_the_wrong_place_is_seen() {
    let left_open = source(&format!("fn f() {{\n    {})\n}}\n", UNFINISHED[0]));
    assert_eq!(
        unfinished(std::slice::from_ref(&left_open)),
        ["somewhere/src/lib.rs:2 has ".to_owned() + UNFINISHED[0]]
    );
    assert_eq!(roots_with_content(&[left_open]).len(), 1);
    assert_eq!(too_long(&[source(&"\n".repeat(MOST_LINES + 1))]).len(), 1);
    assert_none(&roots_with_content(&[source(
        "//! fn\nmod a;\npub use a::{\n    b,\n};\n",
    )]));
}
