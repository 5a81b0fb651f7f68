//! An endpoint against servers that play faults, over real connections of this machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod answers;
mod certificates;
mod connections;
mod faults;
mod proxy;
mod requests;
mod server;
mod tls;
mod tokens;

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use dragoman_outbound::{AuthOptions, Call, Endpoint, EndpointOptions};
use dragoman_settings::Secret;

/// Long enough for a machine that is busy with other tests: nothing waits for it.
const PATIENT: Duration = Duration::from_secs(60);

/// Waited for to its end.
const SHORT: Duration = Duration::from_millis(400);

fn options(url: &str) -> EndpointOptions {
    EndpointOptions {
        url: Secret::from(url),
        auth: AuthOptions::default(),
        timeout: PATIENT,
        private_network: true,
    }
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(&options(url)).unwrap()
}

fn hasty(url: &str) -> Endpoint {
    Endpoint::new(&EndpointOptions {
        timeout: SHORT,
        ..options(url)
    })
    .unwrap()
}

/// A call with everything.
fn order() -> Call {
    Call {
        method: "POST".into(),
        path: "/orders?a=1".into(),
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: Some(r#"{"id":1}"#.into()),
        idempotency_key: Some("key-1".into()),
    }
}

/// An error with everything below it, in every way in which it could be shown.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        write!(text, "{error} | {error:?} | ").unwrap();
        cause = error.source();
    }
    text
}
