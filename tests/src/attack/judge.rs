//! The verdict over a life: each invariant by its name, then the decision on what failed.

use dragoman_faults::CrashPoint;

use super::crew::Crew;
use super::invariant::judging;
use super::life::{DRAINED, TABLE};
use super::rough_load::Told;
use super::stage::Stage;
use crate::history::{History, Outcome};
use crate::log::parked;
use crate::{
    Fact, applied, check_histories, check_kafka, check_parked, check_table_without_poison,
};

/// The most memory that a process of the hub may have had.
const MEMORY: u64 = 256 << 20;
/// The most repeats in Kafka after a crash: what was on the wire to the broker.
const REPEATS: usize = 200;

/// What came of a run that ended well.
#[derive(Debug, Clone, Copy)]
pub struct Survived {
    /// Events in the log.
    pub events: usize,
    /// Processes that died.
    pub deaths: u32,
    /// Records that came again in Kafka.
    pub repeats: usize,
}

impl Stage {
    pub(super) async fn judge(
        &self,
        crew: &mut Crew<'_>,
        histories: &[History],
        told: &Told,
    ) -> Survived {
        judging(
            "what was acknowledged is in the log once, as it was sent and in its order; what was refused is not",
        );
        let log = check_histories(&self.project, histories).await;
        judging("a key stands for one content");
        for (number, outcome) in &told.conflicts {
            assert!(
                *outcome != Outcome::Ok,
                "other content under event-{number} was acknowledged"
            );
        }
        self.judge_receiver(crew, &log).await;
        judging("Kafka holds the log: first occurrences complete and in order");
        let repeats = if self.plan.attack.loses_records() {
            0
        } else {
            check_kafka(&self.project, &log)
        };
        judging("records come again only if they were on the wire in a crash");
        assert!(repeats <= REPEATS, "{repeats} repeats");
        judging("what waits is what must wait, in order");
        check_parked(&self.target, TABLE, &log).await;
        self.skip_poison(crew, &log).await;
        judging("a table is the fold of the log");
        check_table_without_poison(&self.target, TABLE, &log).await;
        judging("the account balances");
        let status = self.project.status().expect("there is a status");
        assert!(status["balanced"] == true, "unbalanced: {status}");
        judging("memory is bounded");
        let most = crew.most_memory();
        assert!(most <= MEMORY, "a process had {} MiB", most >> 20);
        judging("everybody stops in good order");
        let deaths = crew.deaths;
        crew.stop().await;
        Survived {
            events: log.len(),
            deaths,
            repeats,
        }
    }

    /// Decides on what failed, until nothing waits any more.
    async fn skip_poison(&self, crew: &mut Crew<'_>, log: &[Fact]) {
        judging("what waited goes on when it was decided on");
        let all = log.iter().filter(|fact| fact.is_order()).count();
        let poisoned = log.iter().filter(|fact| fact.is_poison()).count();
        if self.point() == Some(CrashPoint::ParkingMidDrain) {
            self.arm();
        }
        let skip = ["parked", "skip", "--projection", TABLE];
        let skip = [&skip[..], &["--reason-like", "%", "--reason", "no room"]].concat();
        crew.until("nothing waits any more", DRAINED * 2, async || {
            let _nothing_to_skip_now = self.project.command(&skip);
            parked(&self.target, TABLE).await.is_empty()
        })
        .await;
        crew.until("all that waited took effect", DRAINED, async || {
            let expected = i64::try_from(all - poisoned).unwrap_or(0);
            applied(&self.target, TABLE).await >= expected
        })
        .await;
        if self.point() == Some(CrashPoint::ParkingMidDrain) {
            assert!(
                self.deaths_left() == 0,
                "the point was not met often enough"
            );
        }
    }
}
