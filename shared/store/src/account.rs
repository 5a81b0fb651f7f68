//! Counting in the log what should have been applied.

use std::collections::BTreeSet;

use dragoman_core::Position;

use crate::{Store, StoreError};

/// What a checkpoint of somebody outside covers of one type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Coverage {
    /// The type.
    pub event_type: String,
    /// The subjects that it covers: those of a partition (from 0) of a topic with so
    /// many of them. `None`: all.
    pub partition: Option<(i32, i32)>,
    /// It covers up to here.
    pub through: Position,
}

/// Events of the log, by whether some [`Coverage`] covers them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Covered {
    /// Covered.
    pub done: i64,
    /// Not covered.
    pub pending: i64,
    /// The first that is not covered.
    pub first_pending: Option<Position>,
    /// Where the ledger ended when this was counted.
    pub head: Position,
}

/// A stretch of whole batches, both ends in it; empty when the first is above the last.
#[derive(Debug, Clone, Copy)]
struct Batches {
    first: i64,
    last: i64,
}

impl Batches {
    const NONE: Self = Self { first: 1, last: 0 };
}

impl Store {
    /// Counts the sealed events of some types above a position by whether one of the
    /// coverages covers them. Reads the whole log above that position. Batches that are
    /// covered whole are final, and counted by themselves without giving their events a
    /// rank, which is most of the work; the others in one statement, so in one moment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_covered(
        &self,
        types: &[String],
        above: Position,
        coverages: &[Coverage],
    ) -> Result<Covered, StoreError> {
        let whole = self.batches_covered_whole(types, above, coverages).await?;
        let done_whole = self.count_batches(types, whole).await?;
        let rest = self.count_rest(types, above, coverages, whole).await?;
        Ok(Covered {
            done: rest.done + done_whole,
            ..rest
        })
    }

    /// The batches of which every event of these types is covered, wherever in its batch
    /// it stands.
    async fn batches_covered_whole(
        &self,
        types: &[String],
        above: Position,
        coverages: &[Coverage],
    ) -> Result<Batches, StoreError> {
        let through = types.iter().map(|name| covered_through(name, coverages));
        let Some(through) = through.min().flatten() else {
            return Ok(Batches::NONE);
        };
        sqlx::query_as(
            "select coalesce((select batch from dragoman.ledger
                              where first_position > $1 and event_count > 0
                              order by first_position limit 1), 9223372036854775807),
                    coalesce((select batch from dragoman.ledger
                              where first_position <= $2 + 1 and event_count > 0
                              order by first_position desc limit 1) - 1, 0)",
        )
        .bind(above.0)
        .bind(through.0)
        .fetch_one(&self.pool)
        .await
        .map(|(first, last)| Batches { first, last })
        .map_err(StoreError::during("finding what a projection has passed"))
    }

    async fn count_batches(&self, types: &[String], batches: Batches) -> Result<i64, StoreError> {
        sqlx::query_scalar(
            "select count(*) from dragoman.sealed_members
             where batch between $2 and $3 and type = any ($1)",
        )
        .bind(types)
        .bind(batches.first)
        .bind(batches.last)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("counting what a projection has passed"))
    }

    async fn count_rest(
        &self,
        types: &[String],
        above: Position,
        coverages: &[Coverage],
        whole: Batches,
    ) -> Result<Covered, StoreError> {
        let covered_types: Vec<&str> = coverages
            .iter()
            .map(|coverage| coverage.event_type.as_str())
            .collect();
        let partition = |coverage: &Coverage| coverage.partition.map(|(partition, _)| partition);
        let count = |coverage: &Coverage| coverage.partition.map(|(_, partitions)| partitions);
        let partitions: Vec<Option<i32>> = coverages.iter().map(partition).collect();
        let counts: Vec<Option<i32>> = coverages.iter().map(count).collect();
        let throughs: Vec<i64> = coverages
            .iter()
            .map(|coverage| coverage.through.0)
            .collect();
        let (done, pending, first_pending, head): (i64, i64, Option<i64>, i64) = sqlx::query_as(
            "select count(*) filter (where covered), count(*) filter (where not covered),
                    min(position) filter (where not covered),
                    (select first_position + event_count - 1
                     from dragoman.ledger order by batch desc limit 1)
             from (
                 select position, exists (
                     select from unnest($3::text[], $4::int[], $5::int[], $6::bigint[])
                                 as coverage (type, partition, partitions, through)
                     where coverage.type = sealed.type and sealed.position <= coverage.through
                       and (coverage.partition is null
                            or sealed.subject_hash % coverage.partitions = coverage.partition)
                 ) as covered
                 from dragoman.sealed_events as sealed
                 where batch >= coalesce((select batch from dragoman.ledger
                                          where first_position <= $2 + 1 and event_count > 0
                                          order by first_position desc limit 1), 0)
                   and batch not between $7 and $8
                   and position > $2 and type = any ($1)
             ) as wanted",
        )
        .bind(types)
        .bind(above.0)
        .bind(&covered_types)
        .bind(&partitions)
        .bind(&counts)
        .bind(&throughs)
        .bind(whole.first)
        .bind(whole.last)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("counting what a projection has passed"))?;
        Ok(Covered {
            done,
            pending,
            first_pending: first_pending.map(Position),
            head: Position(head),
        })
    }
}

/// Up to where every event of a type is covered, whichever partition its subject is in;
/// `None` when that cannot be said without looking at each.
fn covered_through(event_type: &str, coverages: &[Coverage]) -> Option<Position> {
    let of_type: Vec<&Coverage> = coverages
        .iter()
        .filter(|coverage| coverage.event_type == event_type)
        .collect();
    let [first, ..] = of_type.as_slice() else {
        return None;
    };
    let partitions = first.partition.map_or(1, |(_, partitions)| partitions);
    let mut seen = BTreeSet::new();
    for coverage in &of_type {
        let (partition, of) = coverage.partition.unwrap_or((0, 1));
        if of != partitions {
            return None;
        }
        seen.insert(partition);
    }
    (seen.len() == usize::try_from(partitions).ok()?)
        .then(|| of_type.iter().map(|coverage| coverage.through).min())
        .flatten()
}
