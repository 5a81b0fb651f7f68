//! What can be wrong with a body that should be XML or a form.

use thiserror::Error;

use crate::JsonError;

/// A body that is not in the form in which it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// It is not JSON.
    #[error("the body is not strict JSON")]
    Json(#[source] JsonError),
    /// It is not XML that can be taken.
    #[error("the body is not XML that can be taken")]
    Xml(#[source] XmlError),
    /// It is not a form.
    #[error("the body is not a form")]
    Form(#[source] FormError),
}

/// An XML document that cannot be taken, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} (line {line}, column {column})")]
pub struct XmlError {
    /// What is wrong.
    pub kind: XmlErrorKind,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// What is wrong with an XML document. No variant holds anything of the text, so it can
/// be shown to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum XmlErrorKind {
    /// There is no element.
    #[error("there is no element; send one XML document")]
    Empty,
    /// Its encoding is not known, or it is not in the one that it declares.
    #[error(
        "the text is not in the encoding that it declares; without a declaration that is UTF-8"
    )]
    Encoding,
    /// UTF-16 is declared and there is no byte order mark.
    #[error("UTF-16 needs a byte order mark; if it is UTF-8 in truth, declare that")]
    NoByteOrderMark,
    /// A character that XML 1.0 does not have, as it is or by its number.
    #[error("a character that XML does not have")]
    Character,
    /// A document type declaration: it may define entities that grow without a bound,
    /// or read files.
    #[error("a document type declaration (DOCTYPE) is refused; leave it out")]
    DocumentType,
    /// More than [`MAX_XML_DEPTH`](crate::MAX_XML_DEPTH) elements in each other.
    #[error("nested more than {} elements deep", super::MAX_XML_DEPTH)]
    TooDeep,
    /// An entity other than the five that XML defines.
    #[error("an entity that XML does not define: only amp, lt, gt, quot and apos are known")]
    Entity,
    /// A tag that closes what is not open, or is not closed.
    #[error("an element that is not closed, or closed and not open")]
    Unbalanced,
    /// Not written as XML is.
    #[error("not well-formed XML")]
    Syntax,
    /// A name that XML does not have.
    #[error("the name of an element or attribute is none in XML")]
    Name,
    /// Two attributes of one element have the same name.
    #[error("two attributes of one element with the same name")]
    AttributeTwice,
    /// Something that is no comment stands before or behind the one element.
    #[error("text or a second element outside the one element of a document")]
    OutsideRoot,
}

/// A form that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FormError {
    /// A percent sign without two hexadecimal digits.
    #[error("field {field}: a percent sign must stand before two hexadecimal digits")]
    Percent {
        /// Which field, from 1.
        field: usize,
    },
    /// What stands there is not UTF-8.
    #[error("field {field} is not UTF-8")]
    NotUtf8 {
        /// Which field, from 1.
        field: usize,
    },
    /// The character NUL, which no database text can hold.
    #[error("field {field}: the character NUL cannot be stored")]
    Nul {
        /// Which field, from 1.
        field: usize,
    },
}
