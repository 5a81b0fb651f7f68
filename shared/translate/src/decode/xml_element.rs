//! An element while it is open.

use std::collections::BTreeSet;

use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;
use quick_xml::events::attributes::Attribute;
use serde_json::Value;

use super::xml_text::is_character;
use super::{Members, XmlErrorKind};

const TEXT: &str = "text";

/// What was read of it.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    members: Members,
    text: String,
    /// Whether the text counts though it is white space alone.
    has_cdata: bool,
}

impl Element {
    /// With its attributes, which are members with an `@` before their names. One whose
    /// name without its prefix is that of another keeps the prefix. Namespace declarations
    /// are none.
    pub(super) fn begin(tag: &BytesStart<'_>) -> Result<Self, XmlErrorKind> {
        let mut element = Self {
            name: name(tag.local_name().into_inner())?,
            members: Members::default(),
            text: String::new(),
            has_cdata: false,
        };
        let mut seen = BTreeSet::new();
        for with_prefix in [false, true] {
            // Its own check compares each with all before it.
            for attribute in tag.attributes().with_checks(false) {
                let attribute = attribute.map_err(|_| XmlErrorKind::Syntax)?;
                if attribute.key.prefix().is_some() != with_prefix {
                    continue;
                }
                if !seen.insert(attribute.key.into_inner()) {
                    return Err(XmlErrorKind::AttributeTwice);
                }
                element.attribute(&attribute)?;
            }
        }
        Ok(element)
    }

    fn attribute(&mut self, attribute: &Attribute<'_>) -> Result<(), XmlErrorKind> {
        if attribute.key.as_namespace_binding().is_some() {
            return Ok(());
        }
        let local = name(attribute.key.local_name().into_inner())?;
        let mut name = format!("@{local}");
        if self.members.0.contains_key(&name)
            && let Some(prefix) = attribute.key.prefix()
        {
            name = format!("@{}:{local}", self::name(prefix.into_inner())?);
        }
        if attribute.value.contains(&b'<') {
            return Err(XmlErrorKind::Syntax);
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| XmlErrorKind::Entity)?;
        if !value.chars().all(is_character) {
            return Err(XmlErrorKind::Character);
        }
        self.members.add(name, Value::String(value.into()), false);
        Ok(())
    }

    pub(super) fn say(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn say_literally(&mut self, text: &str) {
        self.has_cdata = true;
        self.text.push_str(text);
    }

    /// Takes in an element that has ended.
    pub(super) fn take_in(&mut self, name: String, value: Value, in_array: bool) {
        self.members.add(name, value, in_array);
    }

    /// Text alone is a string. Beside attributes or elements it is a member, and what is
    /// white space alone is how the document is laid out.
    pub(super) fn end(mut self) -> (String, Value) {
        if self.members.0.is_empty() {
            return (self.name, Value::String(self.text));
        }
        if self.has_cdata || !self.text.chars().all(is_space) {
            let text = Value::String(self.text);
            self.members.add(TEXT.to_owned(), text, false);
        }
        (self.name, Value::Object(self.members.0))
    }
}

/// Production 3 of XML 1.0.
pub(super) const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// A name without its prefix, near enough to production 7 of Namespaces in XML.
fn name(bytes: &[u8]) -> Result<String, XmlErrorKind> {
    let text = std::str::from_utf8(bytes).map_err(|_| XmlErrorKind::Name)?;
    let begins = |letter: char| letter.is_alphabetic() || letter == '_';
    let goes_on = |letter: char| {
        begins(letter)
            || !letter.is_ascii()
            || letter.is_ascii_digit()
            || matches!(letter, '-' | '.')
    };
    if text.starts_with(begins) && text.chars().all(goes_on) {
        Ok(text.to_owned())
    } else {
        Err(XmlErrorKind::Name)
    }
}
