//! What an answer means.

use std::time::Duration;

use chrono::{DateTime, Utc};
use dragoman_core::chain;
use dragoman_faults::{Bug, planted};
use dragoman_outbound::{Answer, CallError};
use dragoman_translate::AnswerView;

use crate::RequestEffect;
use crate::bookkeeping::reason::shortened;

/// The most that is shown of the body of an answer, in characters.
const SHOWN: usize = 200;

/// What one call came to, for its event and for the projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The event has taken effect.
    Done,
    /// The receiver is there and refuses this event: again would be refused again.
    Rejected(String),
    /// Not now.
    Again(Again),
    /// Nobody's event is at fault: the projection holds, and tries one now and then.
    Hold(Hold),
}

/// A call that is to be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Again {
    pub(super) reason: String,
    /// What the receiver asked for (`Retry-After`).
    pub(super) after: Option<Duration>,
    /// The receiver is well, and only wants less of it (429): no sign of an outage.
    pub(super) throttled: bool,
}

/// What stands between the projection and its receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    /// A stable word for it, as `status` shows it.
    pub(super) code: &'static str,
    pub(super) reason: String,
    pub(super) remedy: &'static str,
}

/// The one place that says what an answer means (CONTRACTS, What an answer means): to the
/// configured conditions first, then by its status.
pub(super) fn verdict(
    effect: &RequestEffect,
    called: &Result<Answer, CallError>,
    now: DateTime<Utc>,
) -> Verdict {
    let answer = match called {
        Ok(_) if planted(Bug::AnyAnswerIsSuccess) => return Verdict::Done,
        Err(CallError::NoAnswer(_)) if planted(Bug::NoAnswerIsSuccess) => return Verdict::Done,
        Ok(answer) => answer,
        Err(error) => return without_answer(error),
    };
    match by_conditions(effect, answer, now) {
        Ok(Some(verdict)) => verdict,
        Ok(None) => by_status(answer, now),
        Err(reason) => Verdict::Rejected(shortened(&format!("{}: {reason}", described(answer)))),
    }
}

/// What the configuration says of an answer; `None`: nothing but the usual.
fn by_conditions(
    effect: &RequestEffect,
    answer: &Answer,
    now: DateTime<Utc>,
) -> Result<Option<Verdict>, String> {
    if effect.success.is_none() && effect.retry.on.is_none() {
        return Ok((answer.status < 300).then_some(Verdict::Done));
    }
    let view = AnswerView::new(answer.status, answer.headers.clone(), &answer.body);
    let succeeded = match &effect.success {
        Some(success) => success
            .holds(&view)
            .map_err(|error| format!("success: {}", chain(&error)))?,
        None => answer.status < 300,
    };
    if succeeded {
        return Ok(Some(Verdict::Done));
    }
    let again = match &effect.retry.on {
        Some(on) => on
            .holds(&view)
            .map_err(|error| format!("retry.on: {}", chain(&error)))?,
        None => false,
    };
    Ok(again.then(|| again_after(answer, now)))
}

fn by_status(answer: &Answer, now: DateTime<Utc>) -> Verdict {
    match answer.status {
        429 | 500..=599 if planted(Bug::BusyIsRefusal) => Verdict::Rejected(described(answer)),
        408 | 425 | 429 | 500..=599 => again_after(answer, now),
        401 => Verdict::Hold(Hold {
            code: "unauthorized",
            reason: described(answer),
            remedy: "The receiver does not take the credentials under `sink.auth`. Correct them and start the projection again; every event is kept until then.",
        }),
        200..=299 => Verdict::Rejected(format!("{}: it fails `success`", described(answer))),
        _ => Verdict::Rejected(described(answer)),
    }
}

fn again_after(answer: &Answer, now: DateTime<Utc>) -> Verdict {
    Verdict::Again(Again {
        reason: described(answer),
        after: answer
            .retry_after(now)
            .filter(|_| !planted(Bug::RetryAfterIgnored)),
        throttled: answer.status == 429,
    })
}

fn without_answer(error: &CallError) -> Verdict {
    let reason = shortened(&chain(error));
    match error {
        CallError::Unsendable(_) => Verdict::Rejected(reason),
        CallError::NotConnected(_) | CallError::NoAnswer(_) => Verdict::Again(Again {
            reason,
            after: None,
            throttled: false,
        }),
        CallError::Refused(_) => Verdict::Hold(Hold {
            code: "address_refused",
            reason,
            remedy: "The receiver's name leads to an address that is not public. If it is meant to, set `sink.private_network: true`.",
        }),
        CallError::Token(_) => Verdict::Hold(Hold {
            code: "no_token",
            reason,
            remedy: "The token endpoint under `sink.auth` gives no token. It is asked again by itself; look at it, and at `client_id` and `client_secret`.",
        }),
    }
}

/// An answer in one line: its status and the beginning of its body.
fn described(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let mut line = String::new();
    // A terminal would obey control characters, and Postgres takes no NUL.
    let parts = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    for word in parts.filter(|part| !part.is_empty()) {
        if line.chars().count() + word.chars().count() > SHOWN {
            line.push_str(" …");
            break;
        }
        line.push(' ');
        line.push_str(word);
    }
    format!("the receiver answered {}{line}", answer.status)
}
