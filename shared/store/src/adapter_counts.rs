//! What became of the deliveries of each adapter.

use std::collections::BTreeMap;

use sqlx::Row;

use crate::{Store, StoreError};

/// How many deliveries of an adapter met which end. A delivery that yields several
/// events counts as several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdapterCounts {
    /// All of them: the sum of the others.
    pub received: i64,
    /// New events in the log.
    pub stored: i64,
    /// Known already, with the same content.
    pub duplicate: i64,
    /// Sent back to the sender with an error.
    pub refused: i64,
    /// Authentic, and nothing for us.
    pub ignored: i64,
    /// Kept for an operator.
    pub quarantined: i64,
}

/// The counts of an adapter beside what its tables hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdapterTotals {
    /// As they were counted.
    pub counts: AdapterCounts,
    /// Events of this adapter in the log, counted there.
    pub in_log: i64,
}

impl AdapterTotals {
    /// How many deliveries or events are not where they should be: 0 when received =
    /// stored + duplicate + refused + ignored + quarantined, and the log holds as
    /// many events as were counted as stored.
    #[must_use]
    pub const fn unbalanced(&self) -> i64 {
        let counts = &self.counts;
        let ends =
            counts.stored + counts.duplicate + counts.refused + counts.ignored + counts.quarantined;
        (counts.received - ends).abs() + (counts.stored - self.in_log).abs()
    }

    /// Whether nothing is out of place: see [`AdapterTotals::unbalanced`].
    #[must_use]
    pub const fn balanced(&self) -> bool {
        self.unbalanced() == 0
    }
}

impl Store {
    /// Adds to the counts of an adapter.
    ///
    /// # Errors
    /// When the database does not take it; nothing was added then.
    pub async fn count(&self, adapter: &str, counts: AdapterCounts) -> Result<(), StoreError> {
        sqlx::query(
            "insert into dragoman.adapter_counts
                 (adapter, received, stored, duplicate, refused, ignored, quarantined)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(adapter)
        .bind(counts.received)
        .bind(counts.stored)
        .bind(counts.duplicate)
        .bind(counts.refused)
        .bind(counts.ignored)
        .bind(counts.quarantined)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(StoreError::during("counting deliveries"))
    }

    /// The counts of every adapter that ever counted, by name, beside the number of
    /// events that the log holds of it. Both from one snapshot. Reads the whole log.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn adapter_totals(&self) -> Result<BTreeMap<String, AdapterTotals>, StoreError> {
        let rows = sqlx::query(
            "select adapter, sum(received)::bigint, sum(stored)::bigint, sum(duplicate)::bigint,
                    sum(refused)::bigint, sum(ignored)::bigint, sum(quarantined)::bigint,
                    sum(in_log)::bigint
             from (
                 select adapter, received, stored, duplicate, refused, ignored, quarantined, 0 as in_log
                 from dragoman.adapter_counts
                 union all
                 select adapter, 0, 0, 0, 0, 0, 0, count(*) from dragoman.events group by adapter
             ) as both_sides
             group by adapter",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("adding up the deliveries"))?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let counts = AdapterCounts {
                    received: row.get(1),
                    stored: row.get(2),
                    duplicate: row.get(3),
                    refused: row.get(4),
                    ignored: row.get(5),
                    quarantined: row.get(6),
                };
                (
                    row.get(0),
                    AdapterTotals {
                        counts,
                        in_log: row.get(7),
                    },
                )
            })
            .collect())
    }

    /// Folds the increments that are older than a minute into one row per adapter.
    /// Run now and then, so that [`Store::adapter_totals`] stays short.
    ///
    /// # Errors
    /// When the database does not take it; nothing was changed then.
    pub async fn fold_adapter_counts(&self) -> Result<(), StoreError> {
        sqlx::query(
            "with taken as (
                 delete from dragoman.adapter_counts
                 where recorded_at < now() - interval '1 minute'
                 returning *
             )
             insert into dragoman.adapter_counts
                 (adapter, recorded_at, received, stored, duplicate, refused, ignored, quarantined)
             select adapter, min(recorded_at), sum(received), sum(stored), sum(duplicate),
                    sum(refused), sum(ignored), sum(quarantined)
             from taken group by adapter",
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(StoreError::during("folding the counts of deliveries"))
    }
}
