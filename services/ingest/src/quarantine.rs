//! Deliveries that are authentic and cannot become events are kept.

use std::collections::BTreeMap;

use dragoman_store::{AdapterCounts, QuarantinedDelivery, Store, StoreError};
use uuid::Uuid;

use crate::adapters::Webhook;
use crate::credentials::redact;
use crate::delivery::Delivery;
use crate::error::chain;
use crate::translate::DeliveryFault;

/// Keeps a delivery and counts it. Returns the id by which it is found again.
///
/// # Errors
/// When the database does not take it; the sender must be told to send again then.
pub(crate) async fn keep(
    store: &Store,
    webhook: &Webhook,
    delivery: &Delivery,
    fault: &DeliveryFault,
) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    let proof = webhook.verifier.proof_headers();
    store
        .quarantine(&QuarantinedDelivery {
            id,
            adapter: webhook.name.to_string(),
            received_at: delivery.received,
            reason: fault.code().to_owned(),
            detail: printable(&chain(fault)),
            headers: kept(&delivery.headers, &proof),
            query: kept(&delivery.query, &[]),
            body: delivery.body.clone(),
        })
        .await?;
    Ok(id)
}

/// Without credentials, and without NUL, which Postgres cannot hold in text.
fn kept(values: &BTreeMap<String, String>, proof: &[&str]) -> BTreeMap<String, String> {
    let mut kept: BTreeMap<String, String> = values
        .iter()
        .map(|(name, value)| (printable(name), printable(value)))
        .collect();
    redact(&mut kept, proof);
    kept
}

pub(crate) fn printable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Counts a delivery that holds nothing for us. By its id, if it has one, a repeat is
/// known, and counted as a duplicate: false.
///
/// # Errors
/// When the database does not take it.
pub(crate) async fn count_ignored(
    store: &Store,
    webhook: &Webhook,
    delivery_id: Option<&str>,
) -> Result<bool, StoreError> {
    match delivery_id {
        Some(delivery) => store.remember_ignored(&webhook.name, delivery).await,
        None => {
            let counts = AdapterCounts {
                received: 1,
                ignored: 1,
                ..AdapterCounts::default()
            };
            store.count(&webhook.name, counts).await.map(|()| true)
        }
    }
}
