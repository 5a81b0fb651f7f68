//! Why there is no token.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::{NoAnswer, NotConnected, Refused};

/// The token endpoint did not give a token. It is no event's failure: the projection waits,
/// or holds until somebody mends the credentials. Nothing of what the endpoint wrote is
/// repeated but the code of its refusal, and that only when RFC 6749 has it.
#[derive(Debug, Clone, Error)]
pub enum TokenError {
    /// It refuses the client: the credentials, or what is asked for, are wrong.
    #[error(
        "{origin} refuses the client ({status}{}); check client_id, client_secret, scope and audience under auth, and with whoever runs the server", code.map(|code| format!(", {code}")).unwrap_or_default()
    )]
    Denied {
        /// Scheme, host and port of the token endpoint.
        origin: Arc<str>,
        /// The status.
        status: u16,
        /// The code of RFC 6749, section 5.2, where there is one.
        code: Option<&'static str>,
    },
    /// It cannot give one now.
    #[error("{origin} gives no tokens at present ({status}); it will be asked again")]
    Unavailable {
        /// Scheme, host and port of the token endpoint.
        origin: Arc<str>,
        /// The status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// It answered with what is no token that can be used.
    #[error("{origin} answers with no token that can be used: {problem}")]
    Unusable {
        /// Scheme, host and port of the token endpoint.
        origin: Arc<str>,
        /// What is wrong with it.
        problem: TokenProblem,
    },
    /// The address guard refuses it.
    #[error("the address guard refuses the token endpoint")]
    Refused(#[source] Refused),
    /// It cannot be reached.
    #[error("the token endpoint cannot be reached; it will be asked again")]
    NotConnected(#[source] NotConnected),
    /// It gave no whole answer.
    #[error("the token endpoint gave no whole answer; it will be asked again")]
    NoAnswer(#[source] NoAnswer),
    /// Whoever asked was stopped before there was an answer, as when the hub ends.
    #[error("the token was being asked for when that was stopped; it will be asked for again")]
    Stopped,
}

/// What is wrong with the answer of a token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenProblem {
    /// Longer than an answer with a token is.
    #[error("it is longer than 64 KiB; check token_url")]
    TooLong,
    /// Not what RFC 6749, section 5.1 describes.
    #[error("it is not JSON with an access_token and a token_type; check token_url")]
    Form,
    /// A token that needs more than to be shown.
    #[error("its token_type is not Bearer; ask the server for bearer tokens")]
    Type,
    /// A token that a header cannot carry.
    #[error("its access_token has characters that a header cannot carry")]
    Value,
}

impl TokenError {
    /// Whether asking again may help: not when the credentials or the configuration are
    /// wrong, until somebody has changed them.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Denied { .. } | Self::Refused(_) => false,
            Self::Unusable { problem, .. } => match problem {
                // What a gateway shows while the server behind it is being mended.
                TokenProblem::TooLong | TokenProblem::Form => true,
                TokenProblem::Type | TokenProblem::Value => false,
            },
            Self::Unavailable { .. }
            | Self::NotConnected(_)
            | Self::NoAnswer(_)
            | Self::Stopped => true,
        }
    }

    /// How long the token endpoint asks to wait before it is asked again, where it says so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Denied { .. }
            | Self::Unusable { .. }
            | Self::Refused(_)
            | Self::NotConnected(_)
            | Self::NoAnswer(_)
            | Self::Stopped => None,
        }
    }
}
