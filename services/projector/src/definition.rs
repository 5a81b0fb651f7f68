//! A projection, compiled.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use dragoman_core::Backoff;
use dragoman_outbound::{EndpointOptions, Rate};
use dragoman_translate::{Condition, RequestProgram};

use crate::{Start, Statement, TableEffect};

/// A projection whose programs are compiled and whose parts fit each other. Made by
/// [`Definition::compile`].
#[derive(Debug)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// The types that it follows, each with its topic.
    pub events: BTreeMap<String, String>,
    /// In which order it must see them.
    pub order: Order,
    /// Where it begins when it is new.
    pub start: Start,
    /// What events do.
    pub effect: Effect,
    /// SHA-256 over everything that decides what events do: types and their topics,
    /// order, each, key, columns, programs. Not where they do it.
    pub hash: [u8; 32],
    /// What is no mistake and worth knowing.
    pub notes: Vec<String>,
}

/// What the events of a projection do.
#[derive(Debug)]
pub enum Effect {
    /// They change rows of a table.
    Table(TableEffect),
    /// They are given to statements, which change tables of somebody else's.
    Statements(StatementEffect),
    /// They are sent to a receiver.
    Requests(Box<RequestEffect>),
}

impl Effect {
    /// The effect in the target's database, if it has one there.
    #[must_use]
    pub const fn in_database(&self) -> Option<DatabaseEffect<'_>> {
        match self {
            Self::Table(effect) => Some(DatabaseEffect::Table(effect)),
            Self::Statements(effect) => Some(DatabaseEffect::Statements(effect)),
            Self::Requests(_) => None,
        }
    }
}

/// An effect that takes place in the transaction that moves the owner record.
#[derive(Debug, Clone, Copy)]
pub enum DatabaseEffect<'d> {
    /// See [`Effect::Table`].
    Table(&'d TableEffect),
    /// See [`Effect::Statements`].
    Statements(&'d StatementEffect),
}

/// Events are given to statements, each to that of its type.
#[derive(Debug)]
pub struct StatementEffect {
    /// The statement for every type that is followed.
    pub statements: BTreeMap<String, Statement>,
}

/// Events are sent to a receiver by HTTP, each as the request that a program makes of it.
#[derive(Debug)]
pub struct RequestEffect {
    /// Where to, and as whom.
    pub endpoint: EndpointOptions,
    /// What makes a request of an event.
    pub program: RequestProgram,
    /// Which answers mean that it is done; `None`: those below 300.
    pub success: Option<Condition>,
    /// When a call is made again that was not answered so.
    pub retry: RetryRule,
    /// The most calls at once, in one process.
    pub concurrency: usize,
    /// The most calls in a time, in one process.
    pub rate: Option<Rate>,
}

/// When a call is made again.
#[derive(Debug)]
pub struct RetryRule {
    /// How long is waited between tries.
    pub backoff: Backoff,
    /// For how long one event is tried; then it waits for an operator.
    pub patience: Duration,
    /// Which answers say so, beside those that always do.
    pub on: Option<Condition>,
}

/// In which order events are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Per subject within a topic.
    Subject,
    /// By position, in one line; a failing event stops the projection.
    Total,
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

/// Something that is wrong with a projection as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionProblem {
    /// The keys that lead to it, below the projection's name; entries of lists by
    /// their number, from 0.
    pub path: Vec<String>,
    /// The place in another file, when that is where it is wrong.
    pub file: Option<FilePlace>,
    /// What is wrong; of a program with an excerpt, in several lines.
    pub message: String,
    /// What to do.
    pub remedy: String,
}
