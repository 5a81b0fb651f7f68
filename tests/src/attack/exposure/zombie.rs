//! An instance of the projection that stands still with events in hand until others have
//! moved the owner record of every partition, and then wakes.

use std::time::{Duration, Instant};

use crate::attack::crew::{Crew, Role};
use crate::attack::life::DRAINED;
use crate::attack::stage::Stage;

/// How often.
const ROUNDS: u32 = 2;
/// The rest between two looks.
const LOOK: Duration = Duration::from_millis(30);

impl Stage {
    pub(in crate::attack) async fn freeze_until_replaced(&self, crew: &mut Crew<'_>) {
        for _ in 0..ROUNDS {
            let started = Instant::now();
            self.light("freeze");
            while !crew.stands_still(Role::Projection) {
                self.pass(crew, LOOK).await;
                assert!(started.elapsed() < DRAINED, "no instance stands still");
            }
            self.until_all_partitions_move(crew).await;
            crew.wake(Role::Projection);
        }
    }
}
