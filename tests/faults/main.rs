//! What is killed, frozen, stopped or set back, and that nothing is lost by it. On real
//! Postgres and real Kafka, with the real binary in processes of its own.
//!
//! Run one of them with `scripts/servers with scripts/test -p dragoman-tests --test faults NAME`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod relays;

use std::process::ExitCode;
use std::time::Duration;

use dragoman_tests::{Scenario, run};

const LIMIT: Duration = Duration::from_secs(240);

fn main() -> ExitCode {
    run(&[
        Scenario::new("relay_killed_ten_times", LIMIT, relays::killed_ten_times),
        Scenario::new(
            "relay_frozen_past_its_lease",
            LIMIT,
            relays::frozen_past_its_lease,
        ),
    ])
}
