//! The text of an XML document, whatever its encoding.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::{XmlError, XmlErrorKind};

/// The text: by the byte order mark if there is one, else by what the document declares,
/// else UTF-8 (XML 1.0, appendix F). Every character is one that XML has.
///
/// # Errors
/// [`XmlErrorKind::Encoding`], [`XmlErrorKind::NoByteOrderMark`] or
/// [`XmlErrorKind::Character`].
pub(super) fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, XmlError> {
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, bytes.get(mark..).unwrap_or_default()),
        None => (declared(bytes).map_err(|kind| at(kind, "", 0))?, bytes),
    };
    let text = encoding
        .decode_without_bom_handling_and_without_replacement(rest)
        .ok_or_else(|| {
            // Where it ends to be what it is said to be is known of UTF-8 alone.
            let right = match std::str::from_utf8(rest) {
                Err(error) if encoding == UTF_8 => rest.get(..error.valid_up_to()),
                _ => None,
            };
            let right = String::from_utf8_lossy(right.unwrap_or_default());
            at(XmlErrorKind::Encoding, &right, right.len())
        })?;
    match text.char_indices().find(|(_, one)| !is_character(*one)) {
        None => Ok(text),
        Some((offset, _)) => Err(at(XmlErrorKind::Character, &text, offset)),
    }
}

/// An error at so many bytes in a text.
pub(super) fn at(kind: XmlErrorKind, text: &str, offset: usize) -> XmlError {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    XmlError {
        kind,
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
    }
}

/// What a document without a byte order mark says that it is encoded in.
fn declared(bytes: &[u8]) -> Result<&'static Encoding, XmlErrorKind> {
    if bytes.starts_with(b"<\0") || bytes.starts_with(b"\0<") {
        return Err(XmlErrorKind::NoByteOrderMark);
    }
    let Ok(Event::Decl(declaration)) = Reader::from_reader(bytes).read_event() else {
        return Ok(UTF_8);
    };
    let Some(label) = declaration.encoding() else {
        return Ok(UTF_8);
    };
    let label = label.map_err(|_| XmlErrorKind::Syntax)?;
    let encoding = Encoding::for_label(&label).ok_or(XmlErrorKind::Encoding)?;
    if encoding == UTF_16LE || encoding == UTF_16BE {
        return Err(XmlErrorKind::NoByteOrderMark);
    }
    Ok(encoding)
}

/// Production 2 of XML 1.0.
pub(super) const fn is_character(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}'
    )
}
