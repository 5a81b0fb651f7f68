//! Names that say nothing.

use std::path::Path;

use crate::assert_none;
use crate::workspace::{all_sources, crates};

const EMPTY_NAMES: &[&str] = &[
    "common", "util", "utils", "types", "helper", "helpers", "misc",
];

#[test]
fn no_crate_and_no_module_has_a_name_that_says_nothing() {
    let mut violations = Vec::new();
    for member in crates() {
        let own = member.name.trim_start_matches("dragoman-");
        if says_nothing(own) {
            violations.push(format!(
                "the crate {} says nothing by its name",
                member.name
            ));
        }
    }
    for source in all_sources() {
        let below_src = source
            .path
            .split_once("/src/")
            .map_or("", |(_, below)| below);
        if Path::new(below_src)
            .with_extension("")
            .iter()
            .any(|part| part.to_str().is_some_and(says_nothing))
        {
            violations.push(format!("{} says nothing by its name", source.path));
        }
    }
    assert_none(&violations);
}

fn says_nothing(name: &str) -> bool {
    EMPTY_NAMES.contains(&name)
}
