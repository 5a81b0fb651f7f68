//! A copy of the configuration for one run.

use std::fs;
use std::path::{Path, PathBuf};

use stage::StageError;

/// Copies the configuration beside this program into a folder, and says where its file
/// is. Without Kafka the copy has no `kafka:`: nothing else changes.
///
/// # Errors
/// When a file cannot be read or written.
pub(crate) fn copy_configuration(to: &Path, with_kafka: bool) -> Result<PathBuf, StageError> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("hub");
    copy(&from, to).map_err(StageError::system(format!("copying {}", from.display())))?;
    let file = to.join("dragoman.yaml");
    if !with_kafka {
        let doing = || format!("rewriting {}", file.display());
        let text = fs::read_to_string(&file).map_err(StageError::system(doing()))?;
        fs::write(&file, without_section(&text, "kafka")).map_err(StageError::system(doing()))?;
    }
    Ok(file)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The text without a key of the outermost level and what is indented below it.
fn without_section(text: &str, key: &str) -> String {
    let head = format!("{key}:");
    let mut inside = false;
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| {
            if line.starts_with(&head) {
                inside = true;
            } else if !line.starts_with([' ', '#']) && !line.is_empty() {
                inside = false;
            }
            !inside
        })
        .collect();
    kept.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::without_section;

    #[test]
    fn a_section_ends_where_the_next_one_begins() {
        let text = "a: 1\nkafka:\n  brokers: x\n  # why\n  topics: {}\n\nhttp:\n  listen: y\n";
        assert_eq!(without_section(text, "kafka"), "a: 1\nhttp:\n  listen: y\n");
        assert_eq!(without_section(text, "none"), text);
    }
}
