//! One request and its answer, within a time and a size.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use reqwest::{Client, Request, Response};
use tokio::time::{Instant, timeout_at};

use crate::call_error::Cause;
use crate::{NoAnswer, NoAnswerReason, NotConnected, NotConnectedReason, Phase, Refused};

/// What bounds an exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For the whole of it.
    pub(crate) timeout: Duration,
    /// The most bytes of the answer's body.
    pub(crate) body: usize,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) truncated: bool,
}

/// Why nothing did.
#[derive(Debug)]
pub(crate) enum ExchangeError {
    Refused(Refused),
    NotConnected(NotConnected),
    NoAnswer(NoAnswer),
}

/// Sends the request, once, and reads the answer. Dropped, it closes the connection.
pub(crate) async fn exchange(
    client: &Client,
    request: Request,
    origin: &Arc<str>,
    limits: Limits,
) -> Result<Received, ExchangeError> {
    let deadline = Instant::now() + limits.timeout;
    let no_answer = |phase, status, error: Option<reqwest::Error>| {
        let timed_out = error.as_ref().is_none_or(reqwest::Error::is_timeout);
        ExchangeError::NoAnswer(NoAnswer {
            origin: Arc::clone(origin),
            phase,
            reason: if timed_out {
                NoAnswerReason::Timeout
            } else {
                NoAnswerReason::Broken
            },
            status,
            source: error.map(Cause::new),
        })
    };
    let response = match timeout_at(deadline, client.execute(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if error.is_connect() => return Err(not_connected(origin, error)),
        Ok(Err(error)) => return Err(no_answer(Phase::Head, None, Some(error))),
        Err(_) => return Err(no_answer(Phase::Head, None, None)),
    };
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let (body, truncated) = match timeout_at(deadline, read(response, limits.body)).await {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => return Err(no_answer(Phase::Body, Some(status), Some(error))),
        Err(_) => return Err(no_answer(Phase::Body, Some(status), None)),
    };
    Ok(Received {
        status,
        headers,
        body,
        truncated,
    })
}

/// Reads up to the limit, and leaves the rest with the connection, which is closed.
async fn read(mut response: Response, limit: usize) -> reqwest::Result<(Bytes, bool)> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk.slice(..room));
            return Ok((body.freeze(), true));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body.freeze(), false))
}

fn not_connected(origin: &Arc<str>, error: reqwest::Error) -> ExchangeError {
    if let Some(refused) = refusal(&error) {
        return ExchangeError::Refused(refused);
    }
    let reason = if error.is_timeout() {
        NotConnectedReason::Timeout
    } else if error.is_dns() {
        NotConnectedReason::Name
    } else {
        NotConnectedReason::Connection
    };
    ExchangeError::NotConnected(NotConnected {
        origin: Arc::clone(origin),
        reason,
        source: Cause::new(error),
    })
}

/// What the guard said, which the client has wrapped.
fn refusal(error: &reqwest::Error) -> Option<Refused> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(refused.clone());
        }
        cause = error.source();
    }
    None
}
