//! Replaying what the courier has brought, while it goes on: by the command of the hub,
//! which dies in the middle of it and is started again until it has come to its end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::replayed::Replayed;
use super::{COURIER, Receiver};
use crate::Process;
use crate::attack::crew::{Crew, is_meant};
use crate::attack::invariant::judging;
use crate::attack::life::{AT_WORK, ATTACK_LIMIT};
use crate::attack::stage::Stage;
use crate::log::{end_lease, parked, sealed_orders};

/// How many orders are replayed at once where a place to die is in every replay.
const SOME: usize = 40;
/// How many positions stand before each selection that nothing may bring again.
const LEFT_OUT: i64 = 12;
/// How often a replay is killed, wherever it stands.
const KILLS: usize = 10;
/// The most that one brings again before it is killed.
const MOST_BEFORE_KILL: usize = 250;
/// What is brought again while it is looked whether it is time for that.
const BETWEEN_LOOKS: usize = 50;

impl Stage {
    /// Replays one selection after the other until the place to die was met often enough.
    pub(in crate::attack) async fn replay_until_met(&self, crew: &mut Crew<'_>) {
        let started = Instant::now();
        while self.deaths_left() > 0 {
            assert!(started.elapsed() < ATTACK_LIMIT, "the point was not met");
            let replay = self.select(crew, SOME).await;
            self.replay_to_its_end(crew, replay).await;
        }
    }

    /// Kills a long replay ten times, at moments that its seed has chosen.
    pub(in crate::attack) async fn kill_replay(&self, crew: &mut Crew<'_>) {
        let mut random = StdRng::seed_from_u64(self.plan.seed);
        let enough = KILLS * (MOST_BEFORE_KILL + BETWEEN_LOOKS);
        let mut replay = self.select(crew, enough).await;
        for kill in 1..=KILLS {
            let began = Instant::now();
            let mut process = self.replaying(replay);
            let more = random.random_range(1..=MOST_BEFORE_KILL);
            let brought = self.courier_receiver().brought_again() + more;
            crew.until("it has brought some again", AT_WORK, async || {
                assert!(
                    process.exit_status().is_none(),
                    "it ended before kill {kill}"
                );
                self.courier_receiver().brought_again() >= brought
            })
            .await;
            process.kill();
            replay.took += began.elapsed();
            crew.deaths += 1;
            // The last lease runs out by itself, and is waited for.
            if kill < KILLS {
                end_lease(&self.project.database, &lease()).await;
            }
        }
        self.replay_to_its_end(crew, replay).await;
    }

    /// A selection behind the last one, when so many orders in it took effect.
    async fn select(&self, crew: &mut Crew<'_>, enough: usize) -> Replayed {
        let last = self.replayed.lock().await.last().map_or(0, |last| last.to);
        let mut replay = Replayed {
            from: last + 1 + LEFT_OUT,
            to: last,
            took: Duration::ZERO,
        };
        let database = &self.project.database;
        let orders = async |to| sealed_orders(database, replay.from, to).await;
        crew.until("there are orders", ATTACK_LIMIT, async || {
            orders(i64::MAX).await >= enough
        })
        .await;
        crew.until("they are passed", ATTACK_LIMIT, async || {
            let status = self.project.status().unwrap_or_default();
            let passed = &status["projections"][COURIER]["position"];
            replay.to = passed.as_i64().unwrap_or(0);
            orders(replay.to).await >= enough
        })
        .await;
        // Passed is parked, too, and what is parked is not replayed.
        crew.until("they took effect", ATTACK_LIMIT, async || {
            let waiting = parked(database, COURIER).await;
            waiting.first().is_none_or(|first| *first > replay.to)
        })
        .await;
        replay
    }

    /// Starts it until it says that it is done.
    async fn replay_to_its_end(&self, crew: &mut Crew<'_>, mut replay: Replayed) {
        loop {
            let began = Instant::now();
            let mut process = self.replaying(replay);
            crew.until("the replay ends", ATTACK_LIMIT, async || {
                process.exit_status().is_some()
            })
            .await;
            replay.took += began.elapsed();
            let status = process.ended().await;
            if status.success() {
                break;
            }
            if !is_meant(status) {
                judging("a replay that died is taken up where it stood");
                panic!(
                    "the replay has ended by itself: {status}: {}",
                    process.log()
                );
            }
            crew.deaths += 1;
            end_lease(&self.project.database, &lease()).await;
        }
        self.replayed.lock().await.push(replay);
    }

    fn replaying(&self, replay: Replayed) -> Process {
        let (from, to) = (replay.from.to_string(), replay.to.to_string());
        self.project.replay(COURIER, &from, &to)
    }

    fn courier_receiver(&self) -> &Receiver {
        self.receiver.as_ref().expect("a receiver")
    }
}

impl Receiver {
    /// How many effects came of events that had taken effect.
    fn brought_again(&self) -> usize {
        self.notes(|notes| {
            let ids: BTreeSet<&str> = notes.effects().map(|effect| effect.id.as_str()).collect();
            notes.effects().count() - ids.len()
        })
    }
}

/// What one process at a time holds that replays.
fn lease() -> String {
    format!("replay {COURIER}")
}
