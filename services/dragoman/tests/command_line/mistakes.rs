//! Every mistake in a configuration, as a person sees it: file, line, column, the
//! line itself, what to do. One file in `mistakes/` for each.

use std::path::Path;

use crate::support::{dragoman, shown};

#[test]
fn every_mistake_is_told_with_its_place_and_its_remedy() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/command_line/mistakes");
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    files.sort();
    assert!(files.len() > 10);
    for file in files {
        let output = dragoman(&folder)
            .args(["check", "--config", &file])
            .output()
            .unwrap();
        let text = shown(&output);
        assert_eq!(output.status.code(), Some(2), "{file}: {text}");
        assert!(
            text.contains(&format!("--> {file}:")) || text.contains("--> "),
            "{file}: no place in {text}"
        );
        assert!(text.contains("help: "), "{file}: no remedy in {text}");
        let name = file.trim_end_matches(".yaml");
        insta::assert_snapshot!(format!("mistake-{name}"), text);
    }
}

#[test]
fn a_missing_file_says_how_to_begin() {
    let output = dragoman(Path::new("/"))
        .args(["check", "--config", "nothing-here.yaml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!("mistake-no-file", shown(&output));
}

#[test]
fn a_script_reads_the_mistakes_as_json() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/command_line/mistakes");
    let output = dragoman(&folder)
        .args(["check", "--json", "--config", "unknown_key.yaml"])
        .output()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let problem = document.pointer("/problems/0").unwrap();
    assert_eq!(problem.get("line").unwrap(), 2);
    assert_eq!(problem.get("file").unwrap(), "unknown_key.yaml");
}
