//! Deliveries that were authentic and could not become events: kept whole, shown,
//! and run again after the mapping is mended.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Store, StoreError};

/// Where a quarantined delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuarantineState {
    /// It waits for somebody.
    Waiting,
    /// A retry went through: its events are in the log, or it held nothing for us.
    Stored,
    /// An operator gave it up, with a reason that is kept.
    Dropped,
}

impl QuarantineState {
    /// Its name in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Stored => "stored",
            Self::Dropped => "dropped",
        }
    }
}

/// A delivery as it is kept. Credentials must be out of the headers before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedDelivery {
    /// Its name for people and commands.
    pub id: Uuid,
    /// The adapter that took it.
    pub adapter: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// A stable word for what was wrong.
    pub reason: String,
    /// What was wrong, for people.
    pub detail: String,
    /// Its headers, lower case, without credentials.
    pub headers: BTreeMap<String, String>,
    /// Its query parameters.
    pub query: BTreeMap<String, String>,
    /// Its body, as it came.
    pub body: Vec<u8>,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedSummary {
    /// Its name.
    pub id: Uuid,
    /// The adapter that took it.
    pub adapter: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// A stable word for what was wrong.
    pub reason: String,
    /// What was wrong, for people.
    pub detail: String,
    /// The size of its body.
    pub bytes: i64,
}

impl Store {
    /// Keeps a delivery and counts it as quarantined, in one statement: when this
    /// returns, both are flushed.
    ///
    /// # Errors
    /// When the database does not take it; the sender must not be told that it was kept then.
    pub async fn quarantine(&self, delivery: &QuarantinedDelivery) -> Result<(), StoreError> {
        sqlx::query(
            "with kept as (
                 insert into dragoman.quarantine
                     (id, adapter, received_at, reason, detail, headers, query, body)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)
                 returning adapter
             )
             insert into dragoman.adapter_counts (adapter, received, quarantined)
             select adapter, 1, 1 from kept",
        )
        .bind(delivery.id)
        .bind(&delivery.adapter)
        .bind(delivery.received_at)
        .bind(&delivery.reason)
        .bind(&delivery.detail)
        .bind(Json(&delivery.headers))
        .bind(Json(&delivery.query))
        .bind(&delivery.body)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(StoreError::during("keeping a delivery in quarantine"))
    }

    /// Those that wait, oldest first, `limit` at the most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_quarantine(
        &self,
        adapter: Option<&str>,
        limit: i64,
    ) -> Result<Vec<QuarantinedSummary>, StoreError> {
        let rows: Vec<(Uuid, String, DateTime<Utc>, String, String, i64)> = sqlx::query_as(
            "select id, adapter, received_at, reason, detail, length(body)::bigint
             from dragoman.quarantine
             where state = 'waiting' and ($1::text is null or adapter = $1)
             order by received_at, id limit $2",
        )
        .bind(adapter)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("listing the quarantine"))?;
        Ok(rows
            .into_iter()
            .map(
                |(id, adapter, received_at, reason, detail, bytes)| QuarantinedSummary {
                    id,
                    adapter,
                    received_at,
                    reason,
                    detail,
                    bytes,
                },
            )
            .collect())
    }

    /// One of them, whole, and where it stands.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn quarantined(
        &self,
        id: Uuid,
    ) -> Result<Option<(QuarantinedDelivery, QuarantineState)>, StoreError> {
        type Row = (
            String,
            DateTime<Utc>,
            String,
            String,
            Json<BTreeMap<String, String>>,
            Json<BTreeMap<String, String>>,
            Vec<u8>,
            String,
        );
        let row: Option<Row> = sqlx::query_as(
            "select adapter, received_at, reason, detail, headers, query, body, state
             from dragoman.quarantine where id = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::during("reading the quarantine"))?;
        row.map(
            |(adapter, received_at, reason, detail, headers, query, body, state)| {
                let state = match state.as_str() {
                    "waiting" => QuarantineState::Waiting,
                    "stored" => QuarantineState::Stored,
                    "dropped" => QuarantineState::Dropped,
                    other => {
                        return Err(StoreError::Corrupt {
                            table: "quarantine",
                            what: format!("the state {other:?}"),
                        });
                    }
                };
                let delivery = QuarantinedDelivery {
                    id,
                    adapter,
                    received_at,
                    reason,
                    detail,
                    headers: headers.0,
                    query: query.0,
                    body,
                };
                Ok((delivery, state))
            },
        )
        .transpose()
    }

    /// Says why a retried delivery still waits.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn requarantine(
        &self,
        id: Uuid,
        reason: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update dragoman.quarantine set reason = $2, detail = $3
             where id = $1 and state = 'waiting'",
        )
        .bind(id)
        .bind(reason)
        .bind(detail)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(StoreError::during("renewing a quarantine"))
    }

    /// Takes a delivery out of the quarantine, with what became of it, and takes it
    /// out of the adapter's counts: the retry counts its events itself, and a
    /// dropped one counts as refused. False when it did not wait any more.
    ///
    /// # Errors
    /// When the database does not take it; it waits on then.
    pub async fn release_quarantine(
        &self,
        id: Uuid,
        state: QuarantineState,
        decision: &str,
    ) -> Result<bool, StoreError> {
        let released: i64 = sqlx::query_scalar(
            "with released as (
                 update dragoman.quarantine
                 set state = $2, decision = $3, decided_at = now()
                 where id = $1 and state = 'waiting' and $2 <> 'waiting'
                 returning adapter, state
             ), counted as (
                 insert into dragoman.adapter_counts (adapter, received, quarantined, refused)
                 select adapter, case state when 'dropped' then 0 else -1 end, -1,
                        case state when 'dropped' then 1 else 0 end
                 from released
             )
             select count(*) from released",
        )
        .bind(id)
        .bind(state.as_str())
        .bind(decision)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("deciding on a quarantined delivery"))?;
        Ok(released > 0)
    }

    /// Remembers a delivery that held nothing for us and counts it; false, counted as
    /// a duplicate, when it was remembered before. One statement.
    ///
    /// # Errors
    /// When the database does not take it; nothing was counted then.
    pub async fn remember_ignored(
        &self,
        adapter: &str,
        delivery: &str,
    ) -> Result<bool, StoreError> {
        sqlx::query_scalar(
            "with remembered as (
                 insert into dragoman.ignored_deliveries (adapter, delivery) values ($1, $2)
                 on conflict do nothing returning 1
             ), counted as (
                 insert into dragoman.adapter_counts (adapter, received, ignored, duplicate)
                 select $1, 1, (select count(*) from remembered), 1 - (select count(*) from remembered)
             )
             select exists (select from remembered)",
        )
        .bind(adapter)
        .bind(delivery)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("remembering an ignored delivery"))
    }
}
