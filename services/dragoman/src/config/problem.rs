//! Something wrong in a file, where it is, and what to do about it.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::redaction::shown_line;

/// Where something stands in a file. Lines and columns count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// How many characters of the line it covers.
    pub(crate) width: usize,
}

impl Place {
    /// The beginning of the file.
    pub(crate) const START: Self = Self {
        line: 1,
        column: 1,
        width: 1,
    };
}

/// A file that was read, and how to name it to the one who wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    pub(crate) text: String,
}

impl Source {
    /// A problem at a place of this file, with an excerpt of it.
    pub(crate) fn problem(
        &self,
        place: Place,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        let line = shown_line(&self.text, place.line - 1);
        Problem {
            line: Some(place.line),
            column: Some(place.column),
            excerpt: Some(excerpt(&line, place).into_boxed_str()),
            ..Problem::of_file(&self.file, message, remedy)
        }
    }
}

/// Something wrong in the configuration or in a file that it names.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Problem {
    /// The file, as the user named it.
    pub(crate) file: String,
    /// From 1; absent when the whole file is meant.
    pub(crate) line: Option<usize>,
    /// From 1.
    pub(crate) column: Option<usize>,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) remedy: String,
    #[serde(skip)]
    excerpt: Option<Box<str>>,
}

impl Problem {
    /// A problem with a file as a whole.
    pub(crate) fn of_file(
        file: &Path,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: file.display().to_string(),
            line: None,
            column: None,
            message: message.into(),
            remedy: remedy.into(),
            excerpt: None,
        }
    }

    /// A problem at a place of another file than the configuration: a program, which
    /// holds no secrets and is shown as it is.
    pub(crate) fn at(
        file: &Path,
        line: usize,
        column: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        // One that cannot be read any more is shown without an excerpt.
        let Ok(text) = std::fs::read_to_string(file) else {
            return Self::of_file(file, message, remedy);
        };
        let place = Place {
            line: line.max(1),
            column: column.max(1),
            width: 1,
        };
        let shown = text.lines().nth(place.line - 1).unwrap_or_default();
        Self {
            line: Some(place.line),
            column: Some(place.column),
            excerpt: Some(excerpt(shown, place).into_boxed_str()),
            ..Self::of_file(file, message, remedy)
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "error: {}", self.message)?;
        match (self.line, self.column) {
            (Some(line), Some(column)) => {
                writeln!(formatter, "  --> {}:{line}:{column}", self.file)?;
            }
            _ => writeln!(formatter, "  --> {}", self.file)?,
        }
        if let Some(excerpt) = &self.excerpt {
            formatter.write_str(excerpt)?;
        }
        if !self.remedy.is_empty() {
            writeln!(formatter, "  help: {}", self.remedy)?;
        }
        Ok(())
    }
}

/// The line with a mark under the place.
fn excerpt(shown: &str, place: Place) -> String {
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    let width = place
        .width
        .min(shown.chars().count().saturating_sub(place.column - 1))
        .max(1);
    // Tabs stay tabs in front of the mark, so that it stands where they put the text.
    let lead: String = shown
        .chars()
        .chain(std::iter::repeat(' '))
        .take(place.column - 1)
        .map(|letter| if letter == '\t' { '\t' } else { ' ' })
        .collect();
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, " {gutter} |");
    let _ = writeln!(text, " {number} | {shown}");
    let _ = writeln!(text, " {gutter} | {lead}{}", "^".repeat(width));
    text
}

#[cfg(test)]
mod tests {
    use super::{Place, Source};

    #[test]
    fn an_excerpt_shows_the_line_and_hides_what_may_be_a_secret() {
        let source = Source {
            file: "dragoman.yaml".into(),
            text: "a: 1\n  password: hunter2\n".into(),
        };
        let shown = |line, column, width| {
            source
                .problem(
                    Place {
                        line,
                        column,
                        width,
                    },
                    "wrong",
                    "mend it",
                )
                .to_string()
        };
        assert_eq!(
            shown(1, 4, 1),
            "error: wrong\n  --> dragoman.yaml:1:4\n   |\n 1 | a: 1\n   |    ^\n  help: mend it\n"
        );
        assert!(!shown(2, 13, 7).contains("hunter2"));
    }
}
