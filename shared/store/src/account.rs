//! Counting in the log what should have been applied.

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

impl Store {
    /// Counts the sealed events of some types above a position by whether one of the
    /// coverages covers them. One statement, so one moment; reads the whole log above
    /// that position.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_covered(
        &self,
        types: &[String],
        above: Position,
        coverages: &[Coverage],
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
                   and position > $2 and type = any ($1)
             ) as wanted",
        )
        .bind(types)
        .bind(above.0)
        .bind(&covered_types)
        .bind(&partitions)
        .bind(&counts)
        .bind(&throughs)
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
