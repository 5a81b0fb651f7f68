//! Who has the partitions of the projection, as its owner records tell.

use std::collections::BTreeMap;
use std::time::Duration;

use dragoman_core::{partition_for, subject_hash};
use sqlx::Row as _;

use crate::attack::crew::{Crew, Role};
use crate::attack::life::TABLE;
use crate::attack::stage::Stage;
use crate::{Database, read_log};

/// How long it may take until partitions have gone from one to another: a group waits for
/// those who died without a word.
const TAKEN_OVER: Duration = Duration::from_secs(60);

impl Stage {
    /// Waits until somebody moves the owner record of every partition.
    pub(super) async fn until_all_partitions_move(&self, crew: &mut Crew<'_>) {
        let before = self.owner_records().await;
        let partitions = usize::try_from(self.project.kafka().partitions).unwrap_or(0);
        crew.until("every owner record has moved", TAKEN_OVER, async || {
            let now = self.owner_records().await;
            let moved = |(reader, position): (&i64, &i64)| before.get(reader) < Some(position);
            now.iter().filter(|record| moved(*record)).count() >= partitions
        })
        .await;
    }

    /// Lets a second instance come, for which the first must let partitions go, until
    /// enough have died of it.
    pub(in crate::attack) async fn take_partitions_away(&self, crew: &mut Crew<'_>) {
        while self.deaths_left() > 0 {
            // The first has all of them then, and not what is left of a dead one.
            self.until_all_partitions_move(crew).await;
            let left = self.deaths_left();
            crew.start(Role::Projection);
            crew.until("an instance dies of letting go", TAKEN_OVER, async || {
                self.deaths_left() < left
            })
            .await;
            crew.dismiss(Role::Projection).await;
        }
    }

    /// The last position that each partition of the orders has by the log.
    pub(in crate::attack) async fn ends_of_partitions(&self) -> BTreeMap<i32, i64> {
        let partitions = self.project.kafka().partitions;
        let log = read_log(&self.project.database).await;
        log.iter()
            .filter(|fact| fact.is_order())
            .map(|fact| {
                let partition = partition_for(subject_hash(&fact.subject), partitions);
                (partition, fact.position)
            })
            .collect()
    }

    /// Whether the owner records of the live table say that all of it was read: what is
    /// not there by then never comes, and need not be waited for.
    pub(in crate::attack) async fn is_read_to(&self, ends: &BTreeMap<i32, i64>) -> bool {
        self.is_read_by(&self.target, TABLE, ends).await
    }

    /// The same of a projection whose owner records are in that database.
    pub(in crate::attack) async fn is_read_by(
        &self,
        database: &Database,
        projection: &str,
        ends: &BTreeMap<i32, i64>,
    ) -> bool {
        let read: BTreeMap<i32, i64> = sqlx::query(
            "select reader.partition, max(position) as position
             from dragoman_projection.readers reader
             join dragoman_projection.checkpoints on checkpoints.reader = reader.id
             join dragoman_projection.generations generation
               on generation.projection = reader.projection
              and generation.number = reader.generation
             where reader.topic is not null and generation.state = 'live'
               and reader.projection = $1
             group by reader.partition",
        )
        .bind(projection)
        .fetch_all(&mut database.connect().await)
        .await
        .unwrap_or_default()
        .into_iter()
        .map(|row| (row.get("partition"), row.get("position")))
        .collect();
        ends.iter()
            .all(|(partition, end)| read.get(partition) >= Some(end))
    }

    /// How far each partition's owner record says that its reader is. Nothing before the
    /// projection has begun.
    async fn owner_records(&self) -> BTreeMap<i64, i64> {
        sqlx::query(
            "select reader.id, max(position) as position
             from dragoman_projection.readers reader
             join dragoman_projection.checkpoints on checkpoints.reader = reader.id
             where reader.topic is not null group by reader.id",
        )
        .fetch_all(&mut self.target.connect().await)
        .await
        .unwrap_or_default()
        .into_iter()
        .map(|row| (row.get("id"), row.get("position")))
        .collect()
    }
}
