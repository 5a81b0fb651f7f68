//! Marks while Kafka has not acknowledged: its producer waits long before it sends, so
//! that events are always in flight when a mark is due, and the relay is killed then.

use std::time::{Duration, Instant};

use crate::attack::crew::{Crew, Role};
use crate::attack::invariant::judging;
use crate::attack::life::{DRAINED, UNDER_ATTACK};
use crate::attack::stage::Stage;
use crate::{read_topic, sealed_head};

/// The settings of Kafka's clients that make it so: longer than two marks apart.
pub(in crate::attack) const SLOW: [(&str, &str); 1] = [("linger.ms", "2500")];

/// Settings with which a partition is sent when it has ten records, while the others wait:
/// at any moment some partition lacks what is older than the newest record of another.
pub(in crate::attack) const UNEVEN: [(&str, &str); 2] =
    [("linger.ms", "2500"), ("batch.num.messages", "10")];

/// How many events must not be in Kafka yet.
const UNSENT: i64 = 40;
/// How often the relay is killed between partitions.
const KILLS: u32 = 3;
/// How long marks are looked at.
const LOOKED_AT: Duration = Duration::from_millis(2_000);

impl Stage {
    pub(in crate::attack) async fn kill_before_acknowledged(&self, crew: &mut Crew<'_>) {
        crew.until("events wait to be sent", DRAINED, async || {
            sealed_head(&self.project.database).await >= self.last_in_kafka() + UNSENT
        })
        .await;
        let started = Instant::now();
        while started.elapsed() < LOOKED_AT {
            let marked = self.marked_through().await;
            let in_kafka = self.last_in_kafka();
            judging("a mark says only what Kafka has acknowledged");
            assert!(
                marked <= in_kafka,
                "marked through {marked} when Kafka ends with {in_kafka}"
            );
            judging(UNDER_ATTACK);
            crew.tend().await;
        }
        crew.first(Role::Relay).kill();
        crew.tend().await;
    }

    /// Kills the relay when it has published something since it was last started.
    pub(in crate::attack) async fn kill_between_partitions(&self, crew: &mut Crew<'_>) {
        for _ in 0..KILLS {
            let before = self.last_in_kafka();
            crew.until("more has come to Kafka", DRAINED, async || {
                self.last_in_kafka() > before + UNSENT
            })
            .await;
            crew.first(Role::Relay).kill();
            crew.tend().await;
        }
    }

    async fn marked_through(&self) -> i64 {
        let through = "select coalesce(max(through), 0) from dragoman.published";
        self.project.database.number(through).await
    }

    /// The highest position that Kafka holds.
    fn last_in_kafka(&self) -> i64 {
        let kafka = self.project.kafka();
        let records = self
            .project
            .topics()
            .into_iter()
            .flat_map(|(_, topic)| read_topic(&kafka.brokers, topic));
        records
            .filter_map(|record| record.header("ce_sequence")?.parse().ok())
            .max()
            .unwrap_or(0)
    }
}
