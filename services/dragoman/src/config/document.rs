//! A YAML file as a tree in which every key and value knows its place.
//!
//! Between the parser and serde stands this tree of our own for three reasons:
//! several mistakes can be told at once, a `kind:` beside its options needs no
//! buffering that forgets lines, and a check that comes later can point at a value
//! by the path of its keys.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};

use super::problem::{Place, Problem, Source};

/// How deep a configuration may nest. The deepest that means anything is eight.
const MAX_DEPTH: usize = 64;
/// How many values there may be once aliases are followed: against files that
/// multiply themselves.
const MAX_NODES: usize = 100_000;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// What a value is, before anybody says what it should be.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Text as it was written. Only a plain one can be a number, a truth or nothing.
    Scalar { text: String, plain: bool },
    /// `- a` or `[a]`.
    List(Vec<Node>),
    /// `a: b` or `{a: b}`, in the order of the file, without repeated keys.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) place: Place,
}

impl Node {
    /// Whether nothing is written there: `key:` or `key: null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The entry of that name, when this is a map and has one.
    pub(crate) fn entry(&self, name: &str) -> Option<(&Key, &Self)> {
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.name == name)
                .map(|(key, value)| (key, value)),
            Value::Scalar { .. } | Value::List(_) => None,
        }
    }

    /// The place of what a path of keys leads to, or of the last key on the way
    /// that is there. Entries of lists are named by their number, from 0.
    pub(crate) fn locate<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Place {
        let mut node = self;
        let mut place = self.place;
        for name in path {
            if let Some((key, value)) = node.entry(name) {
                place = if matches!(value.value, Value::Scalar { .. }) && !value.is_null() {
                    value.place
                } else {
                    key.place
                };
                node = value;
            } else if let Value::List(items) = &node.value
                && let Some(item) = name.parse::<usize>().ok().and_then(|at| items.get(at))
            {
                place = item.place;
                node = item;
            } else {
                break;
            }
        }
        place
    }
}

/// Reads the text of a file. Repeated keys are reported and the first one kept, so
/// that reading can go on to find what else is wrong.
///
/// # Errors
/// What the parser says, when the text is not one YAML document.
pub(crate) fn parse(source: &Source, problems: &mut Vec<Problem>) -> Result<Node, Problem> {
    let mut builder = Builder {
        events: Parser::new_from_str(&source.text),
        source,
        problems,
        anchors: HashMap::new(),
        nodes: 0,
    };
    builder.document()
}

struct Builder<'a, E> {
    events: E,
    source: &'a Source,
    problems: &'a mut Vec<Problem>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a, E: Iterator<Item = Result<(Event<'a>, Span), ScanError>>> Builder<'a, E> {
    fn document(&mut self) -> Result<Node, Problem> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                other if root.is_none() => root = Some(self.node(other, span, 0)?),
                _ => {
                    return Err(self.problem(
                        place(&span),
                        "a second document begins here",
                        "one file holds one configuration: remove the `---` and what follows",
                    ));
                }
            }
        }
        Ok(root.unwrap_or(Node {
            value: Value::Map(Vec::new()),
            place: Place::START,
        }))
    }

    /// The next event that is not a comment.
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Problem> {
        loop {
            match self.events.next() {
                None => return Ok(None),
                Some(Err(error)) => return Err(self.syntax(&error)),
                Some(Ok((event, _))) if is_comment(&event) => {}
                Some(Ok(found)) => return Ok(Some(found)),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        let at = place(&span);
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(self.problem(
                at,
                "the file nests too deep or repeats itself too often",
                "write it without nested aliases",
            ));
        }
        if let Some(tag) = event.tag() {
            let shown = format!("{}{}", tag.handle(), tag.suffix());
            self.problems.push(self.problem(
                at,
                format!("a YAML tag ({shown}) means nothing here"),
                "remove it",
            ));
        }
        let (anchor, value) = match event {
            Event::Alias(anchor) => {
                let mut node = self.anchors.get(&anchor).cloned().ok_or_else(|| {
                    self.problem(at, "this alias refers to itself", "write the value out")
                })?;
                self.nodes += count(&node);
                node.place = at;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, _) => (
                anchor,
                Value::Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                },
            ),
            Event::SequenceStart(_, anchor, _) => (anchor, self.list(depth)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.map(depth)?),
            _ => return Err(self.problem(at, "a value was expected here", "write one")),
        };
        let node = Node { value, place: at };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(event, span, depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, span, depth + 1)?;
            let Value::Scalar { text: name, .. } = key.value else {
                return Err(self.problem(key.place, "a key must be text", "write `name: value`"));
            };
            let Some((event, span)) = self.next()? else {
                break;
            };
            let value = self.node(event, span, depth + 1)?;
            match entries.iter().find(|(known, _)| known.name == name) {
                Some((first, _)) => {
                    let message = format!(
                        "the key `{name}` stands here twice (first in line {})",
                        first.place.line
                    );
                    self.problems.push(self.problem(
                        key.place,
                        message,
                        "remove one of them, or give it another name",
                    ));
                }
                None => entries.push((
                    Key {
                        name,
                        place: key.place,
                    },
                    value,
                )),
            }
        }
        Ok(Value::Map(entries))
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let mark = error.marker();
        self.problem(
            Place {
                line: mark.line().max(1),
                column: mark.col() + 1,
                width: 1,
            },
            format!("this is not YAML: {}", error.info()),
            "look at the indentation (spaces, never tabs), and quote text that holds `: `, ` #`, or begins with one of {[&*!|>'\"%@`",
        )
    }

    fn problem(
        &self,
        place: Place,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        self.source.problem(place, message, remedy)
    }
}

fn is_comment(event: &Event<'_>) -> bool {
    !matches!(
        event,
        Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Alias(_)
            | Event::UnresolvedAlias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::SequenceEnd
            | Event::MappingStart(..)
            | Event::MappingEnd
    )
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { .. } => 1,
        Value::List(items) => items.iter().map(count).sum::<usize>() + 1,
        Value::Map(entries) => {
            entries
                .iter()
                .map(|(_, value)| count(value) + 1)
                .sum::<usize>()
                + 1
        }
    }
}

fn place(span: &Span) -> Place {
    let same_line = span.start.line() == span.end.line();
    Place {
        line: line_of(&span.start),
        column: span.start.col() + 1,
        width: if same_line {
            span.end.col().saturating_sub(span.start.col()).max(1)
        } else {
            1
        },
    }
}

fn line_of(marker: &Marker) -> usize {
    marker.line().max(1)
}
