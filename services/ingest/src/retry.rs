//! Running quarantined deliveries again, after the mapping is mended.

use std::sync::Arc;

use dragoman_core::Event;
use dragoman_store::{AppendOutcome, AppendRequest, Appended, QuarantineState, Store, StoreError};
use uuid::Uuid;

use crate::adapters::Webhook;
use crate::delivery::Delivery;
use crate::error::chain;
use crate::quarantine::{count_ignored, printable};
use crate::translate::{DeliveryFault, events_of};
use crate::{Adapters, Catalogue};

/// What a kept delivery would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prospect {
    /// These events; none: it holds nothing for us. Whether the log has some of them
    /// already is not looked at.
    Events(Vec<Event>),
    /// It would stay in quarantine.
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

/// What a kept delivery would become by the configuration as it is now. Changes nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn preview(
    store: &Store,
    adapters: &Adapters,
    catalogue: &Catalogue,
    id: Uuid,
) -> Result<Prospect, StoreError> {
    let looked = look(store, adapters, catalogue, id).await?;
    Ok(match looked {
        Looked::Mapped { events, .. } => Prospect::Events(events),
        Looked::Wrong { reason, detail } => Prospect::Kept {
            reason: reason.to_owned(),
            detail: printable(&detail),
        },
        Looked::NotWaiting(state) => Prospect::NotWaiting(state),
        Looked::Unknown => Prospect::Unknown,
    })
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
    match look(store, adapters, catalogue, id).await? {
        Looked::Unknown => Ok(RetryOutcome::Unknown),
        Looked::NotWaiting(state) => Ok(RetryOutcome::NotWaiting(state)),
        Looked::Wrong { reason, detail } => stay(store, id, reason, detail).await,
        Looked::Mapped {
            webhook,
            delivery,
            events,
        } if events.is_empty() => ignore(store, webhook, &delivery, id).await,
        Looked::Mapped {
            webhook, events, ..
        } => append(store, webhook, events, id).await,
    }
}

/// A kept delivery, run through its adapter.
enum Looked<'a> {
    Mapped {
        webhook: &'a Webhook,
        delivery: Delivery,
        events: Vec<Event>,
    },
    Wrong {
        reason: &'static str,
        detail: String,
    },
    NotWaiting(QuarantineState),
    Unknown,
}

async fn look<'a>(
    store: &Store,
    adapters: &'a Adapters,
    catalogue: &Catalogue,
    id: Uuid,
) -> Result<Looked<'a>, StoreError> {
    let Some((kept, state)) = store.quarantined(id).await? else {
        return Ok(Looked::Unknown);
    };
    if state != QuarantineState::Waiting {
        return Ok(Looked::NotWaiting(state));
    }
    let Some(webhook) = adapters.webhook(&kept.adapter) else {
        return Ok(Looked::Wrong {
            reason: "adapter_gone",
            detail: format!(
                "there is no webhook named {} in the configuration any more",
                kept.adapter
            ),
        });
    };
    catalogue.note_limits(store.topics().await?);
    let delivery = Delivery {
        headers: kept.headers,
        query: kept.query,
        body: kept.body,
        received: kept.received_at,
    };
    let mapped = events_of(webhook, &delivery, |event, data| {
        catalogue.check(event, data.root())
    });
    Ok(match mapped {
        Ok(events) => Looked::Mapped {
            webhook,
            delivery,
            events,
        },
        Err(fault) => Looked::Wrong {
            reason: fault.code(),
            detail: chain(&fault),
        },
    })
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
