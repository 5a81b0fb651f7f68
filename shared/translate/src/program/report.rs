//! What is wrong with a program, as people read it.

use std::fmt::{self, Write as _};

use thiserror::Error;
use vrl::diagnostic::{Diagnostic, DiagnosticList, Note, Span};

use super::functions;

/// A program that does not compile, or that cannot do what it is for. `Display` is
/// the whole report: message, name, line, column, excerpt and what to do, for each
/// problem, without a line break at the end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct CompileError {
    /// The file of the program, or its place in the configuration.
    pub name: String,
    /// What is wrong, in the order of the text. At least one.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the program, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The line of source with the place marked.
    pub excerpt: String,
    /// What to do about it.
    pub help: Vec<String>,
}

impl fmt::Display for CompileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            if number > 0 {
                formatter.write_str("\n\n")?;
            }
            writeln!(formatter, "{}", problem.message)?;
            writeln!(
                formatter,
                "  --> {}:{}:{}",
                self.name, problem.line, problem.column
            )?;
            formatter.write_str(&problem.excerpt)?;
            for help in &problem.help {
                write!(formatter, "\n  help: {help}")?;
            }
        }
        Ok(())
    }
}

impl CompileError {
    /// One problem with the program as a whole.
    pub(super) fn of_whole(name: &str, source: &str, message: &str, help: &str) -> Self {
        Self {
            name: name.to_owned(),
            problems: vec![Problem::at(source, Span::new(0, 0), message, "", [help])],
        }
    }

    /// What the compiler says.
    pub(super) fn from_compiler(name: &str, source: &str, diagnostics: DiagnosticList) -> Self {
        let mut problems: Vec<Problem> = diagnostics
            .into_iter()
            .filter(Diagnostic::is_problem)
            .map(|diagnostic| Problem::from_compiler(source, &diagnostic))
            .collect();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems.dedup();
        Self {
            name: name.to_owned(),
            problems,
        }
    }
}

impl Problem {
    /// A problem at a place of the source; `label` stands beside the mark.
    pub(super) fn at<'h>(
        source: &str,
        span: Span,
        message: impl Into<String>,
        label: &str,
        help: impl IntoIterator<Item = &'h str>,
    ) -> Self {
        let (line, column) = line_and_column(source, span.start());
        Self {
            line,
            column,
            message: message.into(),
            excerpt: excerpt(source, span, label),
            help: help
                .into_iter()
                .filter(|help| !help.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }

    fn from_compiler(source: &str, diagnostic: &Diagnostic) -> Self {
        let label = diagnostic
            .labels()
            .iter()
            .find(|label| label.primary)
            .or_else(|| diagnostic.labels().first());
        let span = label.map_or(Span::new(0, 0), |label| label.span);
        let marked = source.get(span.range()).unwrap_or_default();
        let said = label.map_or("", |label| label.message.as_str());
        let mut problem = Self::at(source, span, diagnostic.message(), said, []);
        problem.help = help(diagnostic, marked);
        problem
    }
}

/// What to do about what the compiler says. Where we know better than it what is
/// meant for here, we say that alone.
fn help(diagnostic: &Diagnostic, marked: &str) -> Vec<String> {
    let context = diagnostic
        .labels()
        .iter()
        .filter(|label| !label.primary && !label.message.is_empty())
        .map(|label| label.message.clone());
    let own = match diagnostic.code {
        100 | 103 | 630 | 631 => {
            "this may fail: make sure of the types, as in `int!(.data.count) + 1`, where `!` stops \
             with an error, or go on with a default, as in `… ?? 0`"
        }
        104 | 620 | 651 => "this cannot fail, so it wants no `!` and no `??`: leave that out",
        110 => {
            "make sure of the type: `string!(…)` stops with an error when it is another, \
             `string(…) ?? \"\"` goes on with a default"
        }
        315 => {
            "what comes in cannot be changed: assign it to a variable, as in `order = .body`, and \
             change that"
        }
        105 => functions::why_left_out(marked).unwrap_or_default(),
        // The compiler lists all that may stand there, which is nearly everything.
        200..300
            if diagnostic
                .labels()
                .iter()
                .any(|label| label.message.contains("\"If\"")) =>
        {
            "assign the `if` to a variable first, as in `price = if … { … } else { … }`, and use that"
        }
        200..300 => "look at what stands before it, too",
        _ => "",
    };
    match diagnostic.code {
        110 => context.chain([own.to_owned()]).collect(),
        _ if !own.is_empty() => vec![own.to_owned()],
        _ => context
            .chain(diagnostic.notes().iter().filter_map(said))
            .collect(),
    }
}

/// A note of the compiler, unless it only points to its documentation.
fn said(note: &Note) -> Option<String> {
    match note {
        Note::Hint(text) | Note::Basic(text) | Note::UserErrorMessage(text) => {
            let text = text.trim_end();
            (!text.is_empty()).then(|| text.to_owned())
        }
        Note::Example(text) => Some(format!("for example {text}")),
        Note::CoerceValue => {
            Some("turn the value into the type that is wanted, as with to_string!(…)".to_owned())
        }
        _ => None,
    }
}

/// Line and column, both from 1, of a byte of `source`.
pub(super) fn line_and_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source
        .char_indices()
        .take_while(|(at, _)| *at < offset)
        .map(|(_, letter)| letter);
    before.fold((1, 1), |(line, column), letter| {
        if letter == '\n' {
            (line + 1, 1)
        } else {
            (line, column + 1)
        }
    })
}

fn excerpt(source: &str, span: Span, label: &str) -> String {
    let (line, column) = line_and_column(source, span.start());
    let text = source.lines().nth(line - 1).unwrap_or_default();
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    // Tabs stay tabs in front of the mark, so that it stands where they put the text.
    let lead: String = text
        .chars()
        .chain(std::iter::repeat(' '))
        .take(column - 1)
        .map(|letter| if letter == '\t' { '\t' } else { ' ' })
        .collect();
    let marked = source.get(span.range()).unwrap_or_default();
    let width = marked
        .lines()
        .next()
        .map_or(0, |marked| marked.chars().count())
        .max(1);
    let mut drawn = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(drawn, " {gutter} |");
    let _ = writeln!(drawn, " {number} | {text}");
    let _ = write!(drawn, " {gutter} | {lead}{} {label}", "^".repeat(width));
    drawn.truncate(drawn.trim_end().len());
    drawn
}
