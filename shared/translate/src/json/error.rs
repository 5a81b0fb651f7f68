//! What can be wrong with a text that should be JSON.

use thiserror::Error;

/// A text that is no strict JSON document, and where it stops being one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} (line {line}, column {column}{})", place(pointer))]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// JSON pointer of the value that is being read there; empty for the whole document.
    pub pointer: String,
    /// Bytes before it.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() {
        String::new()
    } else {
        format!(", at {pointer}")
    }
}

/// What is wrong with a text that is no strict JSON document. No variant holds
/// anything of the text, so it can be shown to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// Nothing but white space.
    #[error("the body is empty; send one JSON document")]
    Empty,
    /// It begins with a byte order mark.
    #[error("the body begins with a byte order mark; leave it out")]
    ByteOrderMark,
    /// A byte that is no UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// It has 4 GiB or more.
    #[error("the body is too large to be read")]
    TooLarge,
    /// It ends in the middle of a value.
    #[error("the body ends in the middle of a value; it may have been cut off")]
    UnexpectedEnd,
    /// A value should begin here.
    #[error("a JSON value should begin here")]
    ExpectedValue,
    /// A key should begin here.
    #[error("a key in double quotes should begin here")]
    ExpectedKey,
    /// A colon should follow the key.
    #[error("a colon should follow the key")]
    ExpectedColon,
    /// The object goes on without a comma.
    #[error("a comma or the end of the object should follow")]
    ExpectedCommaOrBrace,
    /// The array goes on without a comma.
    #[error("a comma or the end of the array should follow")]
    ExpectedCommaOrBracket,
    /// Something follows the document.
    #[error("something follows the end of the document; send exactly one")]
    TrailingCharacters,
    /// Deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("nested more than {} levels deep", super::MAX_DEPTH)]
    TooDeep,
    /// The same key twice in one object, escapes resolved.
    #[error("the object has this key twice")]
    DuplicateKey,
    /// A control character inside a string.
    #[error("a control character must be escaped in a string")]
    ControlCharacter,
    /// The escape of the character NUL, which no database text can hold.
    #[error("the character NUL (\\u0000) cannot be stored")]
    NulCharacter,
    /// An escape that JSON does not have.
    #[error("JSON has no such escape in strings")]
    BadEscape,
    /// Half of a surrogate pair.
    #[error("half of a surrogate pair is no character")]
    LoneSurrogate,
    /// Not written as JSON writes numbers.
    #[error(
        "not a number as JSON writes it: no leading zero or plus sign, digits on both sides of the point"
    )]
    BadNumber,
    /// Outside what a decimal of Postgres holds.
    #[error(
        "the number has more than 131072 digits before the point or 16383 after it, its exponent applied"
    )]
    NumberOutOfRange,
}
