//! What is wrong with an adapter's options or with a file that they name.

use std::path::{Path, PathBuf};

use dragoman_translate::CompileError;

/// Something wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterProblem {
    /// The adapter's name and the keys under it.
    pub path: Vec<String>,
    /// The place in another file, when that is where it is wrong.
    pub file: Option<FilePlace>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// A place in a file. Line and column count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlace {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl AdapterProblem {
    pub(super) fn new(
        adapter: &str,
        keys: &[&str],
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            path: std::iter::once(adapter)
                .chain(keys.iter().copied())
                .map(str::to_owned)
                .collect(),
            file: None,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// Everything that is wrong with a program in a file.
    pub(super) fn of_program(
        adapter: &str,
        key: &str,
        file: &Path,
        error: CompileError,
    ) -> Vec<Self> {
        error
            .problems
            .into_iter()
            .map(|problem| Self {
                file: Some(FilePlace {
                    file: file.to_owned(),
                    line: problem.line,
                    column: problem.column,
                }),
                ..Self::new(adapter, &[key], problem.message, problem.help.join("; "))
            })
            .collect()
    }
}

/// Names stand in URLs and in the account.
pub(super) fn of_name(name: &str) -> Option<AdapterProblem> {
    let usable = !name.is_empty()
        && name.len() <= 64
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'));
    if !usable {
        return Some(AdapterProblem::new(
            name,
            &[],
            format!("`{name}` cannot be the name of an adapter"),
            "use letters, digits, dashes and underscores, 64 at the most: it stands in the URL",
        ));
    }
    (name == "sql").then(|| {
        AdapterProblem::new(
            name,
            &[],
            "`sql` is how the account calls what comes by dragoman.publish()",
            "give the adapter another name",
        )
    })
}
