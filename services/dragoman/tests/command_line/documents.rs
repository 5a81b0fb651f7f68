//! What is generated is fresh: `make docs` writes these files.

use std::path::Path;

use crate::support::dragoman;

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
