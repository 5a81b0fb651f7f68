//! The sender: signs as GitHub does and counts what it is answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use stage::{Client, StageError, hmac_sha256};

use crate::delivery::Delivery;

/// Someone who delivers to one hub.
#[derive(Debug)]
pub(crate) struct Sender {
    client: Client,
    secret: String,
}

/// How often each status was answered.
pub(crate) type Answers = BTreeMap<u16, u64>;

impl Sender {
    pub(crate) fn new(hub: SocketAddr, secret: String) -> Self {
        Self {
            client: Client::new(hub),
            secret,
        }
    }

    /// Sends each as it is, signed.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) async fn send_all(&self, deliveries: &[Delivery]) -> Result<Answers, StageError> {
        let mut answers = Answers::new();
        for delivery in deliveries {
            let status = self.send(delivery, &delivery.body).await?;
            *answers.entry(status).or_default() += 1;
        }
        Ok(answers)
    }

    /// Sends each with one byte altered after it was signed.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) async fn send_all_altered(
        &self,
        deliveries: &[Delivery],
    ) -> Result<Answers, StageError> {
        let mut answers = Answers::new();
        for (number, delivery) in deliveries.iter().enumerate() {
            let status = self.send(&delivery.altered(number), &delivery.body).await?;
            *answers.entry(status).or_default() += 1;
        }
        Ok(answers)
    }

    async fn send(&self, delivery: &Delivery, signed: &Bytes) -> Result<u16, StageError> {
        let signature = hmac_sha256(&self.secret, signed)?;
        let headers = [
            ("content-type", "application/json"),
            ("user-agent", "GitHub-Hookshot/044aadd"),
            ("x-github-event", delivery.event.as_str()),
            ("x-github-delivery", delivery.id.as_str()),
            ("x-hub-signature-256", signature.as_str()),
        ];
        let reply = self
            .client
            .post("/hooks/github", &headers, &delivery.body)
            .await?;
        Ok(reply.status.as_u16())
    }
}
