//! One run: a hub at work, an attack, and the verdict.

use std::time::{Duration, Instant};

use dragoman_faults::{CrashPoint, Part};

use super::crew::{Crew, Role};
use super::environment::Line;
use super::invariant::{STARTS, fail_silently, judging};
use super::judge::Survived;
use super::late_load::{LateLoad, write_large};
use super::plan::{Attack, Hit, Plan};
use super::rough_load::RoughLoad;
use super::stage::Stage;
use super::wire::{Asked, Weather};
use crate::flow::orders_in_kafka;
use crate::history::History;
use crate::log::{parked, stored_orders};
use crate::{Topics, applied, end_leases, sealed_head, stored};

/// The projection, and its table.
pub(super) const TABLE: &str = "tally";
/// How long senders go on when nothing else holds them up.
const LIFE: Duration = Duration::from_millis(2_500);
/// How much is sent in most lives.
const LOAD: Load = Load {
    interval: Duration::from_millis(8),
    writers: 4,
};
/// And where each event is a call, too.
const LOAD_OF_CALLS: Load = Load {
    interval: Duration::from_millis(16),
    writers: 2,
};
/// How long the attack itself may take.
pub(super) const ATTACK_LIMIT: Duration = Duration::from_secs(150);
/// What is judged while it goes wrong.
pub(super) const UNDER_ATTACK: &str = "nobody gives up under the attack";
/// Generations that are being built.
const BUILDING: &str =
    "select count(*) from dragoman_projection.generations where state = 'building'";
/// How many records the projection has left unread when Kafka loses them.
const UNREAD: i64 = 60;
/// How long everybody may take to be at work, on a machine on which much else starts.
pub(super) const AT_WORK: Duration = Duration::from_secs(90);
/// How soon after it everything must be drained.
pub(super) const DRAINED: Duration = Duration::from_secs(30);

struct Load {
    /// The rest between two events of the HTTP senders.
    interval: Duration,
    /// Sessions that write into the log.
    writers: u64,
}

/// Lives through a plan.
///
/// # Panics
/// When an invariant is broken; [`invariant`](super::invariant()) says which.
pub async fn live(plan: Plan) -> Survived {
    fail_silently(plan.bug.is_some());
    judging(STARTS);
    let stage = Stage::set(plan).await;
    let mut crew = Crew::new(&stage.project, TABLE);
    crew.start(Role::Relay);
    crew.start(Role::Projection);
    if stage.receiver.is_some() {
        crew.start(Role::Courier);
    }
    if plan.attack == Attack::ZombieProjection {
        crew.start(Role::Projection);
    }
    crew.start(Role::Ingest);
    let load = match &stage.receiver {
        Some(_) => LOAD_OF_CALLS,
        None => LOAD,
    };
    let rough = RoughLoad::start(stage.project.sender(plan.attack.adapter()), load.interval);
    let late = LateLoad::start(&stage.project.database, load.writers, plan.seed);
    judging(UNDER_ATTACK);
    let more = stage.attack(&mut crew, &rough).await;
    let told = rough.stop().await;
    let mut histories = late.stop().await;
    histories.extend(more);
    histories.push(told.history.clone());
    if plan.attack == Attack::LateInQuiet {
        histories.push(stage.become_visible_late(&mut crew).await);
    }
    stage.drain(&mut crew).await;
    stage.judge(&mut crew, &histories, &told).await
}

impl Stage {
    /// Lets senders go on while it goes wrong.
    async fn attack(&self, crew: &mut Crew<'_>, rough: &RoughLoad) -> Option<History> {
        let mut more = None;
        let started = Instant::now();
        crew.until("anything is sent", AT_WORK, async || rough.sent() > 20)
            .await;
        let part = match self.hit() {
            Some(Hit::First) => LIFE / 10,
            Some(Hit::Last) => LIFE * 4 / 5,
            Some(Hit::Middle) | None => LIFE / 2,
        };
        self.pass(crew, part).await;
        match self.plan.attack {
            Attack::Crash(..) | Attack::Entry(..) => self.crash(crew).await,
            Attack::InsertsHeld => more = Some(self.hold_inserts(crew, &rough.sender).await),
            Attack::SlowAcknowledgements => self.kill_before_acknowledged(crew).await,
            Attack::SessionsEnded => {
                for _ in 0..6 {
                    self.project.database.end_sessions().await;
                    self.target.end_sessions().await;
                    self.pass(crew, LIFE / 8).await;
                }
            }
            Attack::UnevenPartitions => self.kill_between_partitions(crew).await,
            Attack::RelayKilled => {
                for _ in 0..4 {
                    crew.first(Role::Relay).kill();
                    self.pass(crew, LIFE / 3).await;
                }
            }
            Attack::ZombieProjection => self.freeze_until_replaced(crew).await,
            // It has read some, and reads on when the others are gone.
            Attack::RecordsLost => {
                self.leave_the_rest_unread(crew).await;
                self.until_published(crew).await;
                self.lose_orders();
                let lost = orders_in_kafka(&self.project);
                crew.until("records follow those", DRAINED, async || {
                    orders_in_kafka(&self.project) > lost + UNREAD
                })
                .await;
            }
            Attack::TailLost => self.leave_the_rest_unread(crew).await,
            Attack::Rebuilt => {
                // Only what the live table has can be missing behind it.
                crew.until("something took effect", AT_WORK, async || {
                    applied(&self.target, TABLE).await > 0
                })
                .await;
                self.overtake_rebuild(crew).await;
                self.rebuild(crew).await;
            }
            Attack::ClockSteps => {
                let clock = self.clock.as_ref().expect("a clock that can be set");
                for ahead in [3_600, -3_600, -7_200, 0] {
                    clock.set(ahead);
                    self.pass(crew, LIFE).await;
                }
            }
            Attack::RebuildAnswersLost => self.rebuild_unanswered(crew).await,
            Attack::CommitAnswerLost => {
                self.lose_answers(crew, Line::Target, &[Asked::Commit; 5])
                    .await;
            }
            Attack::HubAnswersLost => {
                let asked = [Asked::Append, Asked::Seal].repeat(3);
                self.lose_answers(crew, Line::Hub, &asked).await;
            }
            Attack::Wire(..) | Attack::Server(_) | Attack::Storm(_) => {
                self.turn_on_environment(crew).await;
            }
            Attack::ReplayKilled => {
                more = Some(write_large(&self.project.database, self.plan.seed).await);
                self.kill_replay(crew).await;
            }
            Attack::Receiver(mood) => self.bear(crew, mood).await,
            Attack::LargeLate => {
                more = Some(write_large(&self.project.database, self.plan.seed).await);
            }
            Attack::Nothing => self.until_poisoned(crew).await,
            Attack::LateInQuiet => {}
        }
        self.pass(crew, LIFE.saturating_sub(started.elapsed()).max(LIFE / 5))
            .await;
        more
    }

    async fn crash(&self, crew: &mut Crew<'_>) {
        match self.point() {
            Some(CrashPoint::ParkingMidDrain) => return,
            Some(point) if point.part() == Part::Migration => return,
            _ => {}
        }
        if self.hit() != Some(Hit::First) || self.waits() {
            self.arm();
        }
        if self.is_part(Part::Replay) {
            return self.replay_until_met(crew).await;
        }
        while self.is_part(Part::Rebuild) && self.deaths_left() > 0 {
            self.rebuild(crew).await;
            self.pass(crew, LIFE / 8).await;
        }
        match self.point() {
            Some(CrashPoint::ProjectionOnRevoke) => self.take_partitions_away(crew).await,
            Some(CrashPoint::RelayAfterRecovery) if self.hit() != Some(Hit::First) => {
                crew.first(Role::Relay).kill();
            }
            _ => {}
        }
        crew.until(
            "it has died as often as planned",
            ATTACK_LIMIT,
            async || self.deaths_left() == 0,
        )
        .await;
    }

    /// The answers to what a rebuild commits get lost; it comes to its end all the same.
    async fn rebuild_unanswered(&self, crew: &mut Crew<'_>) {
        crew.dismiss(Role::Projection).await;
        let wire = self.wire(Line::Target);
        // Slowly enough that a commit can be met; one that was not is tried again.
        wire.set(Weather::Delayed);
        let (mut lost, mut rebuilds) = (0, 0);
        while lost == 0 {
            assert!(rebuilds < 6, "no answer got lost in {rebuilds} rebuilds");
            rebuilds += 1;
            let mut rebuild = self.project.rebuild(TABLE);
            crew.until("it is being rebuilt", AT_WORK, async || {
                self.target.number(BUILDING).await > 0 || rebuild.exit_status().is_some()
            })
            .await;
            wire.lose(Asked::Commit, 1);
            crew.until("it is rebuilt", ATTACK_LIMIT, async || {
                if !wire.is_to_lose() {
                    lost += 1;
                    wire.lose(Asked::Commit, 1);
                }
                rebuild.exit_status().is_some()
            })
            .await;
            wire.lose_nothing();
            let status = rebuild.ended().await;
            assert!(status.success(), "the rebuild failed: {}", rebuild.log());
        }
        wire.set(Weather::Clear);
        crew.start(Role::Projection);
    }

    async fn rebuild(&self, crew: &mut Crew<'_>) {
        let started = Instant::now();
        while !self.project.command(&["rebuild", TABLE]).status.success() {
            crew.tend().await;
            end_leases(&self.project.database).await;
            assert!(started.elapsed() < ATTACK_LIMIT, "it cannot be rebuilt");
        }
    }

    /// Stops the projection when it has read some events from Kafka.
    async fn leave_the_rest_unread(&self, crew: &mut Crew<'_>) {
        // What is there before it begins it brings from the log.
        crew.until("the projection has begun", AT_WORK, async || {
            applied(&self.target, TABLE).await > 0
        })
        .await;
        self.pass(crew, LIFE / 2).await;
        crew.dismiss(Role::Projection).await;
        let read = applied(&self.target, TABLE).await;
        crew.until("Kafka has what was not read", AT_WORK, async || {
            orders_in_kafka(&self.project) > read + UNREAD
        })
        .await;
    }

    fn lose_orders(&self) {
        let [(_, orders), _] = self.project.topics();
        let kafka = self.project.kafka();
        Topics::at(&kafka.brokers).truncate(orders, kafka.partitions);
    }

    /// Lets time pass.
    pub(super) async fn pass(&self, crew: &mut Crew<'_>, time: Duration) {
        let until = Instant::now() + time;
        crew.until("time has passed", ATTACK_LIMIT, async || {
            Instant::now() >= until
        })
        .await;
    }

    async fn until_published(&self, crew: &mut Crew<'_>) {
        let all = stored(&self.project.database).await;
        crew.until("everything is sealed", DRAINED, async || {
            sealed_head(&self.project.database).await >= all
        })
        .await;
        crew.until("everything is published", DRAINED, async || {
            let status = self.project.status();
            status.is_ok_and(|status| status["log"]["published"].as_i64() >= Some(all))
        })
        .await;
    }

    /// Nothing goes wrong any more.
    async fn drain(&self, crew: &mut Crew<'_>) {
        judging("everything is drained within 30 s after the attack");
        if let Some(receiver) = &self.receiver {
            receiver.heal();
        }
        self.until_published(crew).await;
        if matches!(self.plan.attack, Attack::RecordsLost | Attack::TailLost) {
            if self.plan.attack == Attack::TailLost {
                self.lose_orders();
            }
            crew.start(Role::Projection);
        }
        self.until_taken_in(crew).await;
        self.until_delivered(crew).await;
    }

    async fn until_taken_in(&self, crew: &mut Crew<'_>) {
        let orders = stored_orders(&self.project.database).await;
        let ends = self.ends_of_partitions().await;
        crew.until(
            "every order took effect or is parked",
            DRAINED,
            async || {
                let waiting = i64::try_from(parked(&self.target, TABLE).await.len()).unwrap_or(0);
                applied(&self.target, TABLE).await + waiting >= orders
                    || self.is_read_to(&ends).await
            },
        )
        .await;
    }
}
