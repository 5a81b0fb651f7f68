//! Only `store` names the hub's tables.

use std::collections::BTreeSet;
use std::fs;

use crate::assert_none;
use crate::workspace::{Source, crates, root, sources};

const STORE: &str = "shared/store";

#[test]
fn only_the_store_names_the_hubs_tables() {
    let tables = tables();
    assert!(
        tables.contains("events") && tables.contains("sealed_events"),
        "{tables:?}"
    );
    let others: Vec<Source> = crates()
        .iter()
        .filter(|member| member.folder != STORE && member.folder != "tests")
        .flat_map(|member| sources(&format!("{}/src", member.folder)))
        .collect();
    assert!(others.len() > 50, "only {} files were found", others.len());
    assert_none(&uses(&others, &tables));
}

/// Tables and views of the migrations.
fn tables() -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for entry in fs::read_dir(root().join("migrations")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            tables.extend(created(&fs::read_to_string(path).unwrap()));
        }
    }
    tables
}

fn created(sql: &str) -> Vec<String> {
    sql.lines()
        .filter_map(|line| {
            let line = line.trim_start();
            let rest = line
                .strip_prefix("create table ")
                .or_else(|| line.strip_prefix("create view "))?;
            let rest = rest.strip_prefix("if not exists ").unwrap_or(rest);
            Some(word(rest.strip_prefix("dragoman.")?).to_owned())
        })
        .collect()
}

/// Where the code of files, without its tests and comments, names one of the tables.
fn uses(files: &[Source], tables: &BTreeSet<String>) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files {
        let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (at, _) in line.match_indices("dragoman.") {
                let name = word(&line[at + "dragoman.".len()..]);
                if tables.contains(name) {
                    violations.push(format!(
                        "{}:{} names dragoman.{name}: that is for {STORE} only",
                        file.path,
                        number + 1
                    ));
                }
            }
        }
    }
    violations
}

/// The identifier that a text begins with.
fn word(text: &str) -> &str {
    let end = text
        .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .unwrap_or(text.len());
    &text[..end]
}

#[test]
fn a_table_in_a_string_is_seen_and_a_comment_or_a_test_is_not() {
    let tables = BTreeSet::from(["events".to_owned()]);
    let file = |text: &str| Source {
        path: "services/relay/src/seal.rs".to_owned(),
        text: text.to_owned(),
    };
    let bad = file("fn f() {\n    sqlx::query(\"select 1 from dragoman.events\");\n}\n");
    assert_eq!(
        uses(&[bad], &tables),
        ["services/relay/src/seal.rs:2 names dragoman.events: that is for shared/store only"]
    );
    let good = file(
        "// dragoman.events is the log\nlet file = \"dragoman.yaml\";\n#[cfg(test)]\nmod tests {\n    // \"dragoman.events\"\n}\n",
    );
    assert_none(&uses(&[good], &tables));
}
