//! XML 1.0 to JSON, for mappings.

use std::collections::BTreeSet;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use serde_json::Value;

use super::xml_element::{Element, is_space};
use super::xml_text::{at, is_character, text_of};
use super::{Members, XmlError, XmlErrorKind};

/// How many elements there may be in each other. JSON nests twice as deep where all of
/// them are arrays, and ends at [`MAX_DEPTH`](crate::MAX_DEPTH).
pub const MAX_XML_DEPTH: usize = 60;

/// An XML document as JSON text: an object with one member, the outermost element.
///
/// Names come without their prefixes, attributes as `@name` (one that would be another
/// then keeps its prefix). An element with nothing but
/// text is that text, an empty one `""`; one with attributes or elements is an object, with
/// its text, if any, as `text`. Elements of one name in one element are an array, and
/// those whose path (`Order.Line`) is among `arrays` are one even alone. Every value is
/// text. Comments and processing instructions are skipped, CDATA is text.
///
/// A declared encoding is honoured (as the web does it: ISO-8859-1 is windows-1252).
///
/// Needs memory linear in the document and a bounded stack, whatever it is: there are no
/// entities that could grow.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn xml_to_json(bytes: &[u8], arrays: &BTreeSet<String>) -> Result<String, XmlError> {
    let text = text_of(bytes)?;
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    let mut document = Open::new(arrays);
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let read = reader.read_event();
        let taken = match read {
            // Elsewhere its encoding would be overlooked.
            Ok(Event::Decl(_)) if before > 0 => Err(XmlErrorKind::Syntax),
            Ok(Event::Eof) => return document.end().map_err(|kind| at(kind, &text, before)),
            Ok(event) => document.take(event),
            Err(error) => Err(kind_of(&error)),
        };
        taken.map_err(|kind| at(kind, &text, before))?;
    }
}

/// The elements that are open.
struct Open<'a> {
    arrays: &'a BTreeSet<String>,
    elements: Vec<Element>,
    /// Their names, with points between them.
    path: String,
    root: Members,
}

impl<'a> Open<'a> {
    fn new(arrays: &'a BTreeSet<String>) -> Self {
        Self {
            arrays,
            elements: Vec::new(),
            path: String::new(),
            root: Members::default(),
        }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), XmlErrorKind> {
        match event {
            Event::Start(tag) => self.open(Element::begin(&tag)?),
            Event::End(_) => self.close(),
            Event::Text(text) => {
                let text = text.xml10_content().map_err(|_| XmlErrorKind::Encoding)?;
                match self.elements.last_mut() {
                    Some(element) => element.say(&text),
                    None if text.chars().all(is_space) => {}
                    None => return Err(XmlErrorKind::OutsideRoot),
                }
                Ok(())
            }
            Event::CData(text) => {
                let text = text.xml10_content().map_err(|_| XmlErrorKind::Encoding)?;
                self.innermost()?.say_literally(&text);
                Ok(())
            }
            Event::GeneralRef(reference) => {
                let character = character_of(&reference)?;
                self.innermost()?.say(character.encode_utf8(&mut [0; 4]));
                Ok(())
            }
            Event::DocType(_) => Err(XmlErrorKind::DocumentType),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Eof => Ok(()),
            // The reader was told to make two events of it.
            Event::Empty(_) => Err(XmlErrorKind::Syntax),
        }
    }

    fn innermost(&mut self) -> Result<&mut Element, XmlErrorKind> {
        self.elements.last_mut().ok_or(XmlErrorKind::OutsideRoot)
    }

    fn open(&mut self, element: Element) -> Result<(), XmlErrorKind> {
        if self.elements.is_empty() && !self.root.0.is_empty() {
            return Err(XmlErrorKind::OutsideRoot);
        }
        if self.elements.len() >= MAX_XML_DEPTH {
            return Err(XmlErrorKind::TooDeep);
        }
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(&element.name);
        self.elements.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlErrorKind> {
        let element = self.elements.pop().ok_or(XmlErrorKind::Unbalanced)?;
        let in_array = self.arrays.contains(&self.path);
        let above = self.path.len().saturating_sub(element.name.len());
        self.path.truncate(above);
        if self.path.ends_with('.') {
            self.path.pop();
        }
        let (name, value) = element.end();
        match self.elements.last_mut() {
            Some(outer) => outer.take_in(name, value, in_array),
            None => self.root.add(name, value, in_array),
        }
        Ok(())
    }

    fn end(self) -> Result<String, XmlErrorKind> {
        if !self.elements.is_empty() {
            return Err(XmlErrorKind::Unbalanced);
        }
        if self.root.0.is_empty() {
            return Err(XmlErrorKind::Empty);
        }
        Ok(Value::Object(self.root.0).to_string())
    }
}

fn character_of(reference: &BytesRef<'_>) -> Result<char, XmlErrorKind> {
    let by_number = reference
        .resolve_char_ref()
        .map_err(|_| XmlErrorKind::Character)?;
    match by_number {
        Some(character) if is_character(character) => Ok(character),
        Some(_) => Err(XmlErrorKind::Character),
        None => match &**reference {
            b"amp" => Ok('&'),
            b"lt" => Ok('<'),
            b"gt" => Ok('>'),
            b"quot" => Ok('"'),
            b"apos" => Ok('\''),
            _ => Err(XmlErrorKind::Entity),
        },
    }
}

fn kind_of(error: &quick_xml::Error) -> XmlErrorKind {
    use quick_xml::errors::IllFormedError as Ill;
    match error {
        quick_xml::Error::IllFormed(
            Ill::MissingEndTag(_) | Ill::UnmatchedEndTag(_) | Ill::MismatchedEndTag { .. },
        ) => XmlErrorKind::Unbalanced,
        _ => XmlErrorKind::Syntax,
    }
}
