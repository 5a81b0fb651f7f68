//! The source host: signed webhooks as GitHub sends them, and somebody who would like
//! to send some too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use stage::{Client, Reply, StageError, hmac_sha256};
use tokio::time::{Instant, sleep_until};

use crate::counters::Counters;

/// The adapter that it delivers to.
pub(crate) const ADAPTER: &str = "code_host";
/// How many deliveries it has to make.
const DELIVERIES: u32 = 400;

/// Where the source host delivers, and what it signs with. Half-way it changes the secret.
#[derive(Debug, Clone)]
pub(crate) struct CodeHost {
    pub(crate) hub: SocketAddr,
    pub(crate) old_secret: String,
    pub(crate) secret: String,
    pub(crate) time: Duration,
}

/// What it was told.
#[derive(Debug, Default)]
pub(crate) struct CodeHostTally {
    /// Deliveries that must be in the log: pushes and published releases.
    pub(crate) wanted: u64,
    /// Deliveries that hold nothing for the hub.
    pub(crate) ignored: u64,
    /// Wanted deliveries that were sent once more.
    pub(crate) repeated: u64,
    /// Deliveries that were not the source host's, or not as it signed them.
    pub(crate) forged: u64,
    /// How many of those were refused.
    pub(crate) refused: u64,
}

/// A delivery before it is signed.
struct Delivery {
    id: String,
    event: &'static str,
    body: String,
    wanted: bool,
}

impl CodeHost {
    /// Delivers all of it.
    ///
    /// # Errors
    /// When the hub answers what it must not, or not at all.
    pub(crate) async fn run(&self, counters: &Arc<Counters>) -> Result<CodeHostTally, StageError> {
        let client = Client::new(self.hub);
        let mut tally = CodeHostTally::default();
        let mut due = Instant::now();
        for number in 0..DELIVERIES {
            sleep_until(due).await;
            due += self.time / DELIVERIES;
            let secret = if number < DELIVERIES / 2 {
                &self.old_secret
            } else {
                &self.secret
            };
            let delivery = Delivery::numbered(number);
            deliver(&client, &delivery, secret).await?;
            counters.deliveries.add(1);
            if delivery.wanted {
                tally.wanted += 1;
            } else {
                tally.ignored += 1;
            }
            if delivery.wanted && number % 10 == 0 {
                deliver(&client, &delivery, secret).await?;
                counters.deliveries.add(1);
                tally.repeated += 1;
            }
            if number % 8 == 0 {
                tally.forged += 1;
                let reply = forge(&client, number, secret).await?;
                counters.deliveries.add(1);
                if reply.status != StatusCode::UNAUTHORIZED {
                    return Err(unexpected(&reply));
                }
                tally.refused += 1;
            }
        }
        Ok(tally)
    }
}

impl Delivery {
    fn numbered(number: u32) -> Self {
        let repository = ["teapots/storefront", "teapots/warehouse", "teapots/recipes"]
            .get(number as usize % 3)
            .copied()
            .unwrap_or("teapots/storefront");
        let (event, action, wanted) = match number % 5 {
            0 | 1 => ("push", "pushed", true),
            2 => ("release", "published", true),
            3 => ("release", "edited", false),
            _ => ("star", "created", false),
        };
        Self {
            id: format!("delivery-{number:05}"),
            event,
            body: format!(
                r#"{{"action":"{action}","number":{number},"repository":{{"full_name":"{repository}","stars":1234.50}}}}"#
            ),
            wanted,
        }
    }
}

async fn deliver(client: &Client, delivery: &Delivery, secret: &str) -> Result<(), StageError> {
    let signature = hmac_sha256(secret, delivery.body.as_bytes())?;
    let reply = post(
        client,
        &delivery.id,
        delivery,
        delivery.body.clone(),
        Some(&signature),
    )
    .await?;
    if reply.status == StatusCode::OK {
        Ok(())
    } else {
        Err(unexpected(&reply))
    }
}

/// A delivery that nobody may believe: altered on the way, signed by a stranger, not signed.
async fn forge(client: &Client, number: u32, secret: &str) -> Result<Reply, StageError> {
    let delivery = Delivery::numbered(number);
    let body = delivery.body.clone();
    let id = format!("forged-{number:05}");
    match number / 8 % 3 {
        0 => {
            let signature = hmac_sha256(secret, body.as_bytes())?;
            let altered = body.replacen("teapots", "t3apots", 1);
            post(client, &id, &delivery, altered, Some(&signature)).await
        }
        1 => {
            let signature = hmac_sha256("a stranger's secret", body.as_bytes())?;
            post(client, &id, &delivery, body, Some(&signature)).await
        }
        _ => post(client, &id, &delivery, body, None).await,
    }
}

async fn post(
    client: &Client,
    id: &str,
    delivery: &Delivery,
    body: String,
    signature: Option<&str>,
) -> Result<Reply, StageError> {
    let mut headers = vec![
        ("content-type", "application/json"),
        ("user-agent", "GitHub-Hookshot/044aadd"),
        ("x-github-event", delivery.event),
        ("x-github-delivery", id),
    ];
    headers.extend(signature.map(|value| ("x-hub-signature-256", value)));
    client
        .post(&format!("/hooks/{ADAPTER}"), &headers, &Bytes::from(body))
        .await
}

fn unexpected(reply: &Reply) -> StageError {
    StageError::Unexpected(format!(
        "the hub answered the source host: {}",
        reply.summary()
    ))
}
