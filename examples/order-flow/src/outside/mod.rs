//! The systems that the hub calls, each with faults of its own. Each counts by itself what
//! it did, by idempotency key, and the count is what the hub's account is compared with.

mod crm;
mod erp;
mod gateway;
mod hook;
mod notification;
mod tokens;

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use serde_json::json;
use stage::{Answer, Received};

pub(crate) use crm::{Crm, thing as known_as};
pub(crate) use erp::{Erp, ErpKeys};
pub(crate) use gateway::{Gateway, GatewaySecrets};
pub(crate) use hook::{Hook, HookTally};
pub(crate) use notification::Notification;

/// What is locked is whole after a panic too: counts.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The key of a request, or what to answer to one without.
fn key(request: &Received) -> Result<&str, Answer> {
    request
        .header("idempotency-key")
        .ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "there must be an Idempotency-Key"))
}

fn refusal(status: StatusCode, why: &str) -> Answer {
    Answer::new(status, json!({ "error": why }).to_string())
}

fn unreadable() -> Answer {
    refusal(StatusCode::BAD_REQUEST, "the body cannot be read")
}

fn done() -> Answer {
    Answer::new(StatusCode::OK, "{}")
}
