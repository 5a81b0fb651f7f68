//! From text to tape, in one pass and without recursion.

use std::fmt::Write as _;

use super::keys::duplicate;
use super::node::Node;
use super::string::unescape;
use super::{JsonError, JsonErrorKind, JsonKind, MAX_DEPTH, number, string};

/// Reads the one document that `bytes` are.
pub(super) fn parse(bytes: &[u8]) -> Result<(&str, Vec<Node>), JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(failure(
            bytes,
            JsonErrorKind::ByteOrderMark,
            0,
            String::new(),
        ));
    }
    if u32::try_from(bytes.len()).is_err() {
        return Err(failure(b"", JsonErrorKind::TooLarge, 0, String::new()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        failure(
            bytes,
            JsonErrorKind::NotUtf8,
            error.valid_up_to(),
            String::new(),
        )
    })?;
    let mut parser = Parser {
        text,
        bytes,
        at: 0,
        nodes: Vec::with_capacity(bytes.len() / 16 + 4),
        open: Vec::new(),
    };
    match parser.document() {
        Ok(()) => Ok((text, parser.nodes)),
        Err((kind, offset)) => Err(failure(bytes, kind, offset, parser.pointer())),
    }
}

fn failure(bytes: &[u8], kind: JsonErrorKind, offset: usize, pointer: String) -> JsonError {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    JsonError {
        kind,
        pointer,
        offset,
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: String::from_utf8_lossy(&before[line_start..])
            .chars()
            .count()
            + 1,
    }
}

type Step<T> = Result<T, (JsonErrorKind, usize)>;

/// A container that has not ended yet.
struct Open {
    node: usize,
    object: bool,
    /// The key whose value is being read, in an object.
    key: usize,
    /// Whether a member or element is being read.
    inside: bool,
}

struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    nodes: Vec<Node>,
    open: Vec<Open>,
}

impl Parser<'_> {
    fn document(&mut self) -> Step<()> {
        self.skip_space();
        if self.at == self.bytes.len() {
            return Err((JsonErrorKind::Empty, 0));
        }
        loop {
            if self.begin_value()? {
                continue;
            }
            if self.follow()? {
                return Ok(());
            }
        }
    }

    /// Reads what begins here: a whole scalar or empty container, or the beginning
    /// of a container up to its first value. Says whether a value comes next.
    fn begin_value(&mut self) -> Step<bool> {
        if let Some(container) = self.open.last_mut() {
            container.inside = true;
            self.nodes[container.node].count += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'{') => {
                self.enter(JsonKind::Object)?;
                if self.bytes.get(self.at) == Some(&b'}') {
                    self.leave()?;
                    return Ok(false);
                }
                self.key()?;
                Ok(true)
            }
            Some(b'[') => {
                self.enter(JsonKind::Array)?;
                if self.bytes.get(self.at) == Some(&b']') {
                    self.leave()?;
                    return Ok(false);
                }
                Ok(true)
            }
            Some(b'"') => {
                let scanned = string::scan(self.bytes, self.at)?;
                self.scalar(JsonKind::String, scanned.end, scanned.escaped);
                Ok(false)
            }
            Some(b'-' | b'0'..=b'9') => {
                let end = number::scan(self.bytes, self.at)?;
                self.scalar(JsonKind::Number, end, false);
                Ok(false)
            }
            Some(b't') => self.literal("true", JsonKind::Boolean),
            Some(b'f') => self.literal("false", JsonKind::Boolean),
            Some(b'n') => self.literal("null", JsonKind::Null),
            Some(_) => Err((JsonErrorKind::ExpectedValue, self.at)),
            None => Err((JsonErrorKind::UnexpectedEnd, self.at)),
        }
    }

    /// Reads what follows a value, closing the containers that end here. Says whether
    /// the document is over.
    fn follow(&mut self) -> Step<bool> {
        loop {
            self.skip_space();
            let Some(container) = self.open.last_mut() else {
                return if self.at == self.bytes.len() {
                    Ok(true)
                } else {
                    Err((JsonErrorKind::TrailingCharacters, self.at))
                };
            };
            container.inside = false;
            let object = container.object;
            match self.bytes.get(self.at) {
                Some(b',') => {
                    self.at += 1;
                    self.skip_space();
                    if object {
                        self.key()?;
                    }
                    return Ok(false);
                }
                Some(b'}') if object => self.leave()?,
                Some(b']') if !object => self.leave()?,
                None => return Err((JsonErrorKind::UnexpectedEnd, self.at)),
                Some(_) if object => {
                    return Err((JsonErrorKind::ExpectedCommaOrBrace, self.at));
                }
                Some(_) => return Err((JsonErrorKind::ExpectedCommaOrBracket, self.at)),
            }
        }
    }

    fn key(&mut self) -> Step<()> {
        match self.bytes.get(self.at) {
            Some(b'"') => {}
            Some(_) => return Err((JsonErrorKind::ExpectedKey, self.at)),
            None => return Err((JsonErrorKind::UnexpectedEnd, self.at)),
        }
        let scanned = string::scan(self.bytes, self.at)?;
        let key = self.nodes.len();
        self.scalar(JsonKind::String, scanned.end, scanned.escaped);
        if let Some(container) = self.open.last_mut() {
            container.key = key;
            container.inside = true;
        }
        self.skip_space();
        match self.bytes.get(self.at) {
            Some(b':') => self.at += 1,
            Some(_) => return Err((JsonErrorKind::ExpectedColon, self.at)),
            None => return Err((JsonErrorKind::UnexpectedEnd, self.at)),
        }
        self.skip_space();
        Ok(())
    }

    fn enter(&mut self, kind: JsonKind) -> Step<()> {
        if self.open.len() == MAX_DEPTH {
            return Err((JsonErrorKind::TooDeep, self.at));
        }
        self.open.push(Open {
            node: self.nodes.len(),
            object: kind == JsonKind::Object,
            key: 0,
            inside: false,
        });
        let start = self.at;
        self.push(kind, start, start, false);
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Closes the innermost container at its closing bracket.
    fn leave(&mut self) -> Step<()> {
        self.at += 1;
        let Some(container) = self.open.last() else {
            return Ok(());
        };
        let (node, object) = (container.node, container.object);
        self.nodes[node].end = position(self.at);
        self.nodes[node].next = position(self.nodes.len());
        if object && let Some(key) = duplicate(self.text, &self.nodes, node) {
            if let Some(container) = self.open.last_mut() {
                container.key = key;
                container.inside = true;
            }
            return Err((JsonErrorKind::DuplicateKey, self.nodes[key].start as usize));
        }
        self.open.pop();
        Ok(())
    }

    fn literal(&mut self, word: &str, kind: JsonKind) -> Step<bool> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.scalar(kind, self.at + word.len(), false);
            return Ok(false);
        }
        if word.as_bytes().starts_with(rest) {
            return Err((JsonErrorKind::UnexpectedEnd, self.bytes.len()));
        }
        Err((JsonErrorKind::ExpectedValue, self.at))
    }

    fn scalar(&mut self, kind: JsonKind, end: usize, escaped: bool) {
        let start = self.at;
        self.push(kind, start, end, escaped);
        self.at = end;
    }

    fn push(&mut self, kind: JsonKind, start: usize, end: usize, escaped: bool) {
        let next = position(self.nodes.len() + 1);
        self.nodes.push(Node {
            start: position(start),
            end: position(end),
            next,
            count: 0,
            kind,
            escaped,
        });
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// JSON pointer of what is being read (RFC 6901).
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for container in self.open.iter().filter(|container| container.inside) {
            if container.object {
                let key = self.nodes[container.key];
                let raw = &self.text[key.start as usize..key.end as usize];
                push_token(&mut pointer, &unescape(raw, key.escaped));
            } else {
                let count = self.nodes[container.node].count;
                // Writing to a String cannot fail.
                let _ = write!(pointer, "/{}", count.saturating_sub(1));
            }
        }
        pointer
    }
}

fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// A position in the text or the tape; the text is shorter than 4 GiB, and the tape
/// has fewer nodes than the text has bytes.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
