//! What is killed, frozen, stopped, lost or set back, and that no event is lost by it. On
//! real Postgres and real Kafka, with the real binary in processes of its own.
//!
//! One of them: `scripts/servers with scripts/test -p dragoman-tests --test faults NAME`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod losses;
mod outages;
mod projections;
mod relays;
mod set_back;

use std::process::ExitCode;
use std::time::Duration;

use dragoman_tests::{Scenario, run};

/// The most that one may take on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(400);

fn main() -> ExitCode {
    run(&[
        Scenario::new(
            "projection_killed_ten_times",
            LIMIT,
            projections::killed_ten_times,
        ),
        Scenario::new(
            "kafka_frozen_then_stopped",
            LIMIT,
            outages::kafka_frozen_then_stopped,
        ),
        Scenario::new(
            "relay_cut_off_while_it_starts",
            LIMIT,
            relays::cut_off_while_it_starts,
        ),
        Scenario::new("relay_killed_ten_times", LIMIT, relays::killed_ten_times),
        Scenario::new(
            "projection_rebalanced_each_second",
            LIMIT,
            projections::rebalanced_each_second,
        ),
        Scenario::new("postgres_crashed", LIMIT, outages::postgres_crashed),
        Scenario::new(
            "tail_lost_on_quiet_partitions",
            LIMIT,
            losses::tail_lost_on_quiet_partitions,
        ),
        Scenario::new(
            "relay_frozen_past_its_lease",
            LIMIT,
            relays::frozen_past_its_lease,
        ),
        Scenario::new(
            "topic_truncated_behind_a_projection",
            LIMIT,
            losses::topic_truncated_behind_a_projection,
        ),
        Scenario::new(
            "postgres_set_back_behind_a_table",
            LIMIT,
            set_back::older_than_a_table,
        ),
        Scenario::new(
            "postgres_set_back_behind_kafka",
            LIMIT,
            set_back::older_than_kafka,
        ),
    ])
}
