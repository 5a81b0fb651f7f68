//! What is written about the program is true: generated pages are fresh (`make docs`
//! writes them), and examples are what `dragoman check` accepts.

use std::path::Path;

use crate::support::{dragoman, shown};

fn assert_fresh(file: &str, arguments: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file);
    let output = dragoman(Path::new(".")).args(arguments).output().unwrap();
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        output.status.success() && written.as_bytes() == output.stdout,
        "{file} is stale: run `make docs` and commit what it writes"
    );
}

#[test]
fn the_editor_schema_is_fresh() {
    assert_fresh("schema/dragoman.schema.json", &["schema"]);
}

#[test]
fn the_reference_of_the_configuration_is_fresh() {
    assert_fresh("docs/configuration.md", &["schema", "--markdown"]);
}

#[test]
fn the_page_of_problems_is_fresh() {
    assert_fresh("docs/problems.md", &["schema", "--problems"]);
}

/// The YAML blocks of a page, in order.
fn yaml_blocks(page: &str) -> Vec<&str> {
    page.split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

#[test]
fn every_example_of_a_projection_is_right() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/mappings-and-operators.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = yaml_blocks(&page);
    assert!(blocks.len() > 4, "the examples were not found");
    let folder = tempfile::tempdir().unwrap();
    for block in blocks {
        let config = format!("events: {{ order.placed: {{}}, order.cancelled: {{}} }}\n{block}");
        std::fs::write(folder.path().join("dragoman.yaml"), config).unwrap();
        let output = dragoman(folder.path()).arg("check").output().unwrap();
        let said = shown(&output);
        assert!(output.status.success(), "{block}\n{said}");
        assert!(said.contains("projection "), "{said}");
    }
}
