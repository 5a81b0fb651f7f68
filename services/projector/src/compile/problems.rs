//! Saying what is wrong with a projection.

use std::path::Path;

use dragoman_settings::FilePath;
use dragoman_translate::CompileError;

use super::Compiler;
use crate::{DefinitionProblem, FilePlace};

impl Compiler<'_> {
    pub(super) fn problem(
        &mut self,
        path: &[&str],
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.push(DefinitionProblem {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            file: None,
            message: message.into(),
            remedy: remedy.into(),
        });
    }

    /// That none of these keys is given, because they say nothing there.
    pub(super) fn say_nothing(
        &mut self,
        keys: impl IntoIterator<Item = (&'static str, bool)>,
        why: &str,
        instead: &str,
    ) {
        for (key, _) in keys.into_iter().filter(|(_, given)| *given) {
            self.problem(
                &[key],
                format!("{why}, so `{key}` says nothing"),
                format!("remove it: {instead}"),
            );
        }
    }

    /// What stands in the file of a program.
    pub(super) fn source(&mut self, path: &[&str], file: &FilePath) -> Option<String> {
        match file.read() {
            Ok(source) => Some(source),
            Err(error) => {
                self.problem(
                    path,
                    format!("the program cannot be read: {error}"),
                    "make it a file of UTF-8 text that this user may read",
                );
                None
            }
        }
    }

    pub(super) fn does_not_compile(&mut self, path: &[&str], error: &CompileError) {
        for problem in &error.problems {
            let mut message = format!("the program does not compile: {}", problem.message);
            for line in problem.excerpt.lines() {
                message.push_str("\n    ");
                message.push_str(line);
            }
            let remedy = if problem.help.is_empty() {
                "correct the program; docs/mappings-and-operators.md shows how they are written"
                    .to_owned()
            } else {
                problem.help.join("; ")
            };
            self.problem(path, message, remedy);
        }
    }

    /// What a program is called when it fails: where it stands in the configuration.
    pub(super) fn program_name(&self, path: &[&str]) -> String {
        format!("projections.{}.{}", self.projection, path.join("."))
    }

    /// What is wrong with a program in a file, by its place there.
    pub(super) fn file_does_not_compile(
        &mut self,
        path: &[&str],
        file: &Path,
        error: CompileError,
    ) {
        for problem in error.problems {
            let remedy = if problem.help.is_empty() {
                "correct the program; docs/mappings-and-operators.md and docs/requests.md show how they are written".to_owned()
            } else {
                problem.help.join("; ")
            };
            self.problems.push(DefinitionProblem {
                path: path.iter().map(|key| (*key).to_owned()).collect(),
                file: Some(FilePlace {
                    file: file.to_owned(),
                    line: problem.line,
                    column: problem.column,
                }),
                message: format!("the program does not compile: {}", problem.message),
                remedy,
            });
        }
    }
}
