//! How a call fails, by what the failure says of the receiver.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::{Refused, TokenError, Unsendable};

/// A call that has no answer. Neither secrets nor anything of a URL but scheme, host and
/// port stand in it or in its causes.
#[derive(Debug, Clone, Error)]
pub enum CallError {
    /// The call cannot be sent as the event made it: trying again changes nothing. It was
    /// not sent.
    #[error("the request cannot be sent; mend the program that makes it, or the event")]
    Unsendable(#[source] Unsendable),
    /// The address guard does not let it through: the configuration's, or a name server's.
    /// It was not sent.
    #[error("the address guard refuses the receiver")]
    Refused(#[source] Refused),
    /// No connection came about: certainly nothing was acted on.
    #[error("the receiver cannot be reached; nothing was sent, and it will be tried again")]
    NotConnected(#[source] NotConnected),
    /// It was sent, wholly or in part, and no whole answer came: it may have been acted on.
    #[error(
        "the receiver gave no whole answer; whether it acted is not known, and it will be asked again"
    )]
    NoAnswer(#[source] NoAnswer),
    /// There is no token to authenticate with: no event's fault. The call was not sent, or
    /// was answered with 401 before the token was asked for.
    #[error("there is no access token to call the receiver with")]
    Token(#[source] TokenError),
}

/// A connection that did not come about.
#[derive(Debug, Clone, Error)]
#[error("no connection to {origin}: {reason}")]
pub struct NotConnected {
    /// Scheme, host and port.
    pub origin: Arc<str>,
    /// What was not done.
    pub reason: NotConnectedReason,
    /// What the network said.
    #[source]
    pub(crate) source: Cause,
}

/// Where on the way to a connection it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotConnectedReason {
    /// The name has no address, or no name server answers.
    Name,
    /// Nobody listens there, or there is no agreement on TLS.
    Connection,
    /// It took too long, wherever it was.
    Timeout,
}

impl fmt::Display for NotConnectedReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Name => "its name was not resolved; check the name and the name servers",
            Self::Connection => {
                "it was refused or broke off; check the port, the firewalls and, for https, the certificate"
            }
            Self::Timeout => {
                "it took too long; check the port and the firewalls, or raise the timeout"
            }
        })
    }
}

/// An answer that did not come, or not wholly.
#[derive(Debug, Clone, Error)]
#[error("{origin} {reason}")]
pub struct NoAnswer {
    /// Scheme, host and port.
    pub origin: Arc<str>,
    /// How far it came.
    pub phase: Phase,
    /// What happened in it.
    pub reason: NoAnswerReason,
    /// The status, when the beginning of an answer came.
    pub status: Option<u16>,
    /// What the network said; nothing when the time was up.
    #[source]
    pub(crate) source: Option<Cause>,
}

/// How far a call came that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It was being sent, or the status and headers of the answer were waited for.
    Head,
    /// Status and headers were there, and the body was being read.
    Body,
}

/// Why there is no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswerReason {
    /// The time for the whole call was up.
    Timeout,
    /// The connection broke, or what came is not HTTP.
    Broken,
}

impl fmt::Display for NoAnswerReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Timeout => {
                "did not answer wholly within the timeout; raise it if the receiver needs longer"
            }
            Self::Broken => "broke off, or answered with what is not HTTP; look at its log",
        })
    }
}

/// What was below a failure: shared, since all who waited for one token hear of it.
#[derive(Clone)]
pub(crate) struct Cause(Arc<dyn StdError + Send + Sync>);

impl Cause {
    /// The URL, which may hold a secret, is taken out.
    pub(crate) fn new(error: reqwest::Error) -> Self {
        Self(Arc::new(error.without_url()))
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
