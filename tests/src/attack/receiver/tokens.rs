//! The token endpoint (OAuth 2.0, client credentials), and what it gave.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::message::{Answer, Request};

/// How long a token lives: so short that some end in every life.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(2);
/// Who the hub is to the endpoint.
pub(super) const CLIENT: &str = "courier";
/// What only the two know.
pub(super) const SECRET: &str = "known-to-both";

/// Every token that was given, by its number.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    given: Vec<Instant>,
    /// How often one was asked for, in vain or not.
    pub(super) asked: usize,
}

impl Tokens {
    /// How many were given.
    pub(super) fn given(&self) -> usize {
        self.given.len()
    }

    /// When those were given that were given since a moment.
    pub(super) fn given_since(&self, moment: Instant) -> Vec<Instant> {
        let since = self.given.iter().filter(|given| **given >= moment);
        since.copied().collect()
    }

    /// Gives one to whoever knows the secret.
    pub(super) fn give(&mut self, request: &Request) -> Answer {
        let pair = STANDARD.encode(format!("{CLIENT}:{SECRET}"));
        let asked = String::from_utf8_lossy(&request.body);
        if request.header("authorization") != format!("Basic {pair}")
            || !asked.contains("grant_type=client_credentials")
        {
            return Answer::json(401, "{\"error\":\"invalid_client\"}");
        }
        let number = self.given.len();
        self.given.push(Instant::now());
        let grant = json!({
            "access_token": format!("token-{number}"),
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE.as_secs(),
        });
        Answer::json(200, &grant.to_string())
    }

    /// Whether the request shows a token that has not ended.
    pub(super) fn is_good(&self, request: &Request) -> bool {
        let shown = request.header("authorization");
        let number = shown
            .strip_prefix("Bearer token-")
            .and_then(|number| number.parse::<usize>().ok());
        let given = number.and_then(|number| self.given.get(number));
        given.is_some_and(|given| given.elapsed() < TOKEN_LIFE)
    }
}
