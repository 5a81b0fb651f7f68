//! Somebody who would like to be believed: payments that nobody has made, parcels that
//! nobody has sent.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use stage::{Client, Reply, StageError, stripe_signature};

use crate::counters::Counters;

/// How often he tries, in a run.
const ATTEMPTS: u64 = 40;

/// The stranger.
#[derive(Debug)]
pub(crate) struct Stranger {
    pub(crate) hub: SocketAddr,
    pub(crate) orders: u64,
}

impl Stranger {
    /// Tries all the time, and says how often. Each time he must be refused.
    ///
    /// # Errors
    /// When he is not.
    pub(crate) async fn run(&self, counters: &Arc<Counters>) -> Result<u64, StageError> {
        let client = Client::new(self.hub);
        for number in 0..ATTEMPTS {
            counters
                .charges
                .reach(self.orders * number / ATTEMPTS)
                .await;
            let reply = attempt(&client, number).await?;
            if reply.status != StatusCode::UNAUTHORIZED {
                let said = reply.summary();
                return Err(StageError::Unexpected(format!(
                    "the hub answered a stranger: {said}"
                )));
            }
        }
        Ok(ATTEMPTS)
    }
}

/// Not signed, signed with another secret, or with another key.
async fn attempt(client: &Client, number: u64) -> Result<Reply, StageError> {
    let payment = format!(
        r#"{{"id":"forged-{number}","type":"payment.captured","data":{{"order":"order-0-000000","charge":"none","amount":0.01}}}}"#
    );
    let advice = format!(
        r#"<DispatchAdvice number="forged"><Line order="order-0-000000" parcel="forged-{number}"><Pieces>1</Pieces></Line></DispatchAdvice>"#
    );
    // Long ago, too: what is wrong with the time is not for a stranger to learn.
    let signature = stripe_signature("a stranger's secret", 1_700_000_000, payment.as_bytes())?;
    let json = ("content-type", "application/json");
    let xml = ("content-type", "application/xml");
    let (path, headers, body) = match number % 3 {
        0 => ("/hooks/payments", vec![json], payment),
        1 => (
            "/hooks/payments",
            vec![json, ("stripe-signature", signature.as_str())],
            payment,
        ),
        _ => (
            "/hooks/erp",
            vec![xml, ("x-erp-key", "open sesame")],
            advice,
        ),
    };
    client.post(path, &headers, &Bytes::from(body)).await
}
