//! From the file to options.

use std::path::{Path, PathBuf};

use dragoman_ingest::AdapterOptions;
use dragoman_projector::ProjectionOptions;
use dragoman_settings::{Secret, scope, suggest};
use dragoman_stream::KafkaOptions;
use indexmap::IndexMap;
use serde::de::DeserializeOwned;

use super::deserializer::read;
use super::document::{Node, Value, parse};
use super::problem::{Place, Problem, Source};
use super::read_error::ReadError;
use super::{EventOptions, HttpOptions};
use crate::failure::Failure;

const SECTIONS: [&str; 6] = [
    "postgres",
    "kafka",
    "http",
    "events",
    "adapters",
    "projections",
];

/// A configuration whose every value could be read. Whether the values fit each
/// other is said by [`crate::checks`].
#[derive(Debug)]
pub(crate) struct Config {
    /// The hub's database. `dragoman dev` does without.
    pub(crate) postgres: Option<Secret>,
    pub(crate) kafka: Option<KafkaOptions>,
    pub(crate) http: HttpOptions,
    /// The catalogue, in the order of the file.
    pub(crate) events: IndexMap<String, EventOptions>,
    /// In the order of the file.
    pub(crate) adapters: IndexMap<String, AdapterOptions>,
    /// In the order of the file.
    pub(crate) projections: IndexMap<String, ProjectionOptions>,
    source: Source,
    root: Node,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub(crate) fn read(file: &Path) -> Result<Self, Vec<Problem>> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            vec![Problem::of_file(
                file,
                format!("the configuration cannot be read ({error})"),
                "name it with --config FILE or DRAGOMAN_CONFIG, or make a new project with `dragoman init`",
            )]
        })?;
        let source = Source {
            file: file.to_owned(),
            text,
        };
        // Not folder_of: `./x` in a message is harder to read than `x`.
        let base = file.parent().unwrap_or(Path::new(""));
        scope(base, || Self::from_source(source))
    }

    fn from_source(source: Source) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let root = match parse(&source, &mut problems) {
            Ok(root) => root,
            Err(problem) => {
                problems.push(problem);
                return Err(problems);
            }
        };
        let mut reader = Reader {
            source: &source,
            root: &root,
            problems,
        };
        reader.refuse_unknown_sections();
        let postgres = reader.section("postgres");
        let kafka = reader.section("kafka");
        let http = reader.section("http").unwrap_or_default();
        let events = reader.named("events");
        let adapters = reader.named("adapters");
        let projections = reader.named("projections");
        let mut problems = reader.problems;
        if !problems.is_empty() {
            problems.sort_by_key(|problem| (problem.line, problem.column));
            return Err(problems);
        }
        Ok(Self {
            postgres,
            kafka,
            http,
            events,
            adapters,
            projections,
            source,
            root,
        })
    }

    /// The folder that relative paths start from, and where `.dragoman` is.
    pub(crate) fn folder(&self) -> PathBuf {
        folder_of(&self.source.file)
    }

    /// The file, as the user named it.
    pub(crate) fn file(&self) -> &Path {
        &self.source.file
    }

    /// Nothing, when there is a projection of that name.
    ///
    /// # Errors
    /// Which there are, when there is none.
    pub(crate) fn require_projection(&self, name: &str) -> Result<(), Failure> {
        if self.projections.contains_key(name) {
            return Ok(());
        }
        Err(Failure::usage(
            format!(
                "there is no projection `{name}` in {}",
                self.source.file.display()
            ),
            suggest(name, self.projections.keys().map(String::as_str)),
        ))
    }

    /// A problem with the value that a path of keys leads to.
    pub(crate) fn problem<'a>(
        &self,
        path: impl IntoIterator<Item = &'a str>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        self.source.problem(self.root.locate(path), message, remedy)
    }
}

/// The folder of a file; of one that is named alone, the current one.
fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

struct Reader<'a> {
    source: &'a Source,
    root: &'a Node,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn refuse_unknown_sections(&mut self) {
        match &self.root.value {
            Value::Map(entries) => {
                for (key, _) in entries {
                    if !SECTIONS.contains(&key.name.as_str()) {
                        self.problems.push(self.source.problem(
                            key.place,
                            format!("unknown key `{}`", key.name),
                            suggest(&key.name, SECTIONS),
                        ));
                    }
                }
            }
            Value::Scalar { .. } if self.root.is_null() => {}
            Value::Scalar { .. } | Value::List(_) => self.problems.push(self.source.problem(
                self.root.place,
                "a configuration is keys and values",
                format!("begin with one of {}", SECTIONS.join(", ")),
            )),
        }
    }

    fn section<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let (key, node) = self.root.entry(name)?;
        match read(key, node) {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(error, key.place);
                None
            }
        }
    }

    /// A section of named things. Each is read by itself, so that one mistake in
    /// each can be told at once.
    fn named<T: DeserializeOwned>(&mut self, section: &str) -> IndexMap<String, T> {
        let mut things = IndexMap::new();
        let Some((key, node)) = self.root.entry(section) else {
            return things;
        };
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Scalar { .. } if node.is_null() => &[],
            Value::Scalar { .. } | Value::List(_) => {
                self.problems.push(self.source.problem(
                    key.place,
                    format!("`{section}` holds names, and under each name its options"),
                    "write `name:` and its options below, indented",
                ));
                &[]
            }
        };
        for (key, node) in entries {
            match read(key, node) {
                Ok(value) => {
                    things.insert(key.name.clone(), value);
                }
                Err(error) => self.report(error, key.place),
            }
        }
        things
    }

    fn report(&mut self, error: ReadError, key: Place) {
        let place = error.place.unwrap_or(key);
        self.problems
            .push(self.source.problem(place, error.message, error.remedy));
    }
}
