//! What a person reads first: every `--help`, and what is said to a mistyped command.

use std::path::Path;

use crate::support::{dragoman, shown};

fn help_of(path: &[String]) -> String {
    let output = dragoman(Path::new("."))
        .args(path)
        .arg("--help")
        .output()
        .unwrap();
    assert!(output.status.success(), "{path:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names in the list of commands of a help text.
fn commands_in(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn walk(path: &[String], seen: &mut Vec<Vec<String>>) {
    let help = help_of(path);
    let name = std::iter::once("dragoman".to_owned())
        .chain(path.iter().cloned())
        .collect::<Vec<_>>()
        .join("-");
    insta::assert_snapshot!(format!("help-{name}"), help);
    assert!(
        path.is_empty() || help.contains("Example"),
        "{name} has no example"
    );
    seen.push(path.to_vec());
    for command in commands_in(&help) {
        let mut path = path.to_vec();
        path.push(command);
        walk(&path, seen);
    }
}

#[test]
fn every_help_is_as_it_was_and_has_an_example() {
    let mut seen = Vec::new();
    walk(&[], &mut seen);
    assert!(seen.len() > 15, "the commands were not found: {seen:?}");
}

#[test]
fn wrong_usage_ends_with_2_and_a_hint() {
    for (name, arguments) in [
        ("unknown-command", vec!["chek"]),
        ("no-command", vec![]),
        ("missing-source", vec!["keys", "create", "shop"]),
        (
            "bad-pattern",
            vec!["keys", "create", "shop", "--source", "/s", "--type", "a*b"],
        ),
        (
            "bad-period",
            vec![
                "keys",
                "create",
                "shop",
                "--source",
                "/s",
                "--expires",
                "soon",
            ],
        ),
        ("bad-id", vec!["quarantine", "show", "7"]),
    ] {
        let output = dragoman(Path::new(".")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        insta::assert_snapshot!(format!("usage-{name}"), shown(&output));
    }
}
