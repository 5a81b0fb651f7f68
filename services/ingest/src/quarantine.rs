//! Deliveries that are authentic and cannot become events: kept, and run again after
//! the mapping is mended.

use std::collections::BTreeMap;
use std::sync::Arc;

use dragoman_store::{
    AdapterCounts, AppendOutcome, AppendRequest, Appended, QuarantineState, QuarantinedDelivery,
    Store, StoreError,
};
use uuid::Uuid;

use crate::adapters::Webhook;
use crate::credentials::redact;
use crate::delivery::Delivery;
use crate::error::chain;
use crate::translate::{DeliveryFault, events_of};
use crate::{Adapters, Catalogue};

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

fn printable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// What became of a delivery that was run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryOutcome {
    /// Its events are in the log: so many were stored, the others were there already.
    Stored {
        /// Events that were put there now.
        stored: usize,
        /// Events that were there already, with the same content.
        duplicate: usize,
    },
    /// The mapping says now that it holds nothing for us.
    Ignored,
    /// It stays in quarantine.
    Kept {
        /// A stable word for what is wrong.
        reason: String,
        /// What is wrong, for people.
        detail: String,
    },
    /// It was decided on before.
    NotWaiting(QuarantineState),
    /// There is none of that id.
    Unknown,
}

/// Runs a kept delivery again through its adapter, as the configuration has it now.
/// Interrupted anywhere it can be run again: its events are stored once.
///
/// The mapping sees the time of receipt, and headers without credentials.
///
/// # Errors
/// When the database does not answer; the delivery waits on then.
pub async fn retry(
    store: &Store,
    adapters: &Adapters,
    catalogue: &Catalogue,
    id: Uuid,
) -> Result<RetryOutcome, StoreError> {
    let Some((kept, state)) = store.quarantined(id).await? else {
        return Ok(RetryOutcome::Unknown);
    };
    if state != QuarantineState::Waiting {
        return Ok(RetryOutcome::NotWaiting(state));
    }
    let Some(webhook) = adapters.webhook(&kept.adapter) else {
        let reason = "adapter_gone";
        let detail = format!(
            "there is no webhook named {} in the configuration any more",
            kept.adapter
        );
        return stay(store, id, reason, detail).await;
    };
    catalogue.note_limits(store.topics().await?);
    let delivery = Delivery {
        headers: kept.headers,
        query: kept.query,
        body: kept.body,
        received: kept.received_at,
    };
    let events = match events_of(webhook, &delivery, |event, data| {
        catalogue.check(event, data.root())
    }) {
        Ok(events) => events,
        Err(fault) => return stay(store, id, fault.code(), chain(&fault)).await,
    };
    if events.is_empty() {
        return ignore(store, webhook, &delivery, id).await;
    }
    append(store, webhook, events, id).await
}

async fn stay(
    store: &Store,
    id: Uuid,
    reason: &str,
    detail: String,
) -> Result<RetryOutcome, StoreError> {
    let detail = printable(&detail);
    store.requarantine(id, reason, &detail).await?;
    Ok(RetryOutcome::Kept {
        reason: reason.to_owned(),
        detail,
    })
}

/// Counted first, released second: in between it counts as both, and the account is
/// level at each moment.
async fn ignore(
    store: &Store,
    webhook: &Webhook,
    delivery: &Delivery,
    id: Uuid,
) -> Result<RetryOutcome, StoreError> {
    count_ignored(store, webhook, delivery_id(webhook, delivery).as_deref()).await?;
    store
        .release_quarantine(id, QuarantineState::Stored, "retried: nothing for us")
        .await?;
    Ok(RetryOutcome::Ignored)
}

fn delivery_id(webhook: &Webhook, delivery: &Delivery) -> Option<String> {
    let headers = delivery
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
        .collect();
    webhook.verifier.delivery_id(&headers)
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

async fn append(
    store: &Store,
    webhook: &Webhook,
    events: Vec<dragoman_core::Event>,
    id: Uuid,
) -> Result<RetryOutcome, StoreError> {
    let request = AppendRequest {
        adapter: webhook.name.clone(),
        events,
    };
    let result = store.append(&[request]).await.pop();
    let appended = match result {
        Some(Ok(AppendOutcome::Appended(appended))) => appended,
        Some(Ok(AppendOutcome::Conflict(conflicts))) => {
            let fault = DeliveryFault::conflict(&conflicts);
            return stay(store, id, fault.code(), chain(&fault)).await;
        }
        Some(Err(error)) => {
            return match Arc::try_unwrap(error) {
                Ok(error) if error.is_unavailable() => Err(error),
                Ok(error) => {
                    stay(store, id, DeliveryFault::NotStorable.code(), chain(&error)).await
                }
                // Shared by nobody: it was the only request.
                Err(error) => {
                    stay(store, id, DeliveryFault::NotStorable.code(), chain(&*error)).await
                }
            };
        }
        None => Vec::new(),
    };
    let stored = appended
        .iter()
        .filter(|event| **event == Appended::Stored)
        .count();
    let duplicate = appended.len() - stored;
    let decision = format!("retried: {stored} events stored, {duplicate} known already");
    store
        .release_quarantine(id, QuarantineState::Stored, &decision)
        .await?;
    Ok(RetryOutcome::Stored { stored, duplicate })
}
