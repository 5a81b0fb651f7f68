//! What can be wrong with how an endpoint is configured.

use std::error::Error as StdError;

use thiserror::Error;

use super::UrlError;

/// An endpoint that cannot be made. No secret stands in it or in its causes.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// The URL cannot be called.
    #[error("the endpoint has no URL that can be called")]
    Url(#[source] UrlError),
    /// The URL of the token endpoint cannot be called.
    #[error("the token endpoint has no URL that can be called")]
    TokenUrl(#[source] UrlError),
    /// No time at all.
    #[error("a call cannot be made in no time; set a timeout of 1ms or more, as in timeout: 10s")]
    Timeout,
    /// No name for a header, or the name of one that the hub needs.
    #[error(
        "{0:?} cannot be the header of a key; take the one of the receiver's documentation, as in header: X-Api-Key"
    )]
    ApiKeyHeader(String),
    /// A user that Basic authentication cannot carry.
    #[error(
        "a user of Basic authentication has neither a colon nor control characters in its name (RFC 7617); write the name alone, the password stands under password"
    )]
    BasicUser,
    /// A secret that a header cannot carry.
    #[error("the value of {}.{} cannot be sent in a header: it holds a line break or what is not ASCII; check the variable or the file it comes from", path[0], path[1])]
    Unsendable {
        /// Where it stands, below the endpoint's own keys.
        path: &'static [&'static str; 2],
    },
    /// The HTTP client cannot be set up.
    #[error(
        "the HTTP client cannot be set up; check that this machine has the certificates of the public authorities (the package ca-certificates)"
    )]
    Client(#[source] Box<dyn StdError + Send + Sync>),
}

impl EndpointError {
    /// The keys, below the endpoint's own, that the error is about; empty for none.
    #[must_use]
    pub const fn path(&self) -> &'static [&'static str] {
        match self {
            Self::Url(_) => &["url"],
            Self::TokenUrl(_) => &["auth", "token_url"],
            Self::Timeout => &["timeout"],
            Self::ApiKeyHeader(_) => &["auth", "header"],
            Self::BasicUser => &["auth", "user"],
            Self::Unsendable { path } => *path,
            Self::Client(_) => &[],
        }
    }
}
