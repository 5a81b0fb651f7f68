//! What a call may not hold.

use thiserror::Error;

/// Why a call cannot be sent. Names of headers and what is wrong are said; values are not,
/// since they may hold what nobody else may see.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unsendable {
    /// Not a method that is sent.
    #[error(
        "{0:?} is not a method that is sent; take one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, in capitals"
    )]
    Method(String),
    /// The path cannot be appended to the endpoint's URL.
    #[error("the path cannot be sent: {0}")]
    Path(PathProblem),
    /// A name that HTTP does not have.
    #[error("{0:?} cannot be the name of a header; letters, digits and hyphens can")]
    HeaderName(String),
    /// A value that HTTP does not carry.
    #[error(
        "the value of the header {0} cannot be sent; only printable ASCII can, without line breaks"
    )]
    HeaderValue(String),
    /// A header that the hub sets itself, or that belongs to the connection.
    #[error(
        "the header {0} is not the event's to set; leave it out: the hub sends what is needed of it"
    )]
    HeaderOwned(String),
    /// The idempotency key cannot be the value of a header.
    #[error(
        "the idempotency key cannot be sent; only printable ASCII can, at least one letter of it"
    )]
    IdempotencyKey,
}

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathProblem {
    /// An absolute URL, or something that a URL would not take for a path.
    #[error(
        "it must begin with a slash (or be a query that begins with a question mark); which server is called is said in the configuration alone"
    )]
    Beginning,
    /// Two slashes at the beginning: what follows them would be a host elsewhere.
    #[error("it may not begin with two slashes; an empty value where a name should be?")]
    TwoSlashes,
    /// A segment that leads up, or nowhere.
    #[error(
        "it may not hold . or .. as a segment, percent-encoded or not; an id that comes from outside?"
    )]
    DotSegment,
    /// A backslash, which some take for a slash.
    #[error("it may not hold a backslash, percent-encoded or not in its path")]
    Backslash,
    /// A fragment, which is never sent.
    #[error("it may not hold a number sign; write it as %23")]
    Fragment,
    /// A line break, a tab, NUL or another control character.
    #[error("it may not hold control characters, as line breaks are")]
    Control,
    /// A percent sign without two hexadecimal digits.
    #[error(
        "a percent sign must stand before two hexadecimal digits; write the sign itself as %25"
    )]
    Percent,
    /// Longer than servers take.
    #[error("it may not have more than 8000 bytes")]
    TooLong,
}
