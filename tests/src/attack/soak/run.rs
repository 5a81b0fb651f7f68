//! A soak: many events under a storm, and the verdict over all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::judge::{Judge, Wrongs};
use super::load::Load;
use super::senders::Senders;
use super::stage::{Stage, TABLE};
use super::storm::Storm;
use crate::attack::crew::{Crew, Role};
use crate::attack::invariant::{fail_silently, judging};
use crate::log::{parked, sealed_in_parts, stored_orders};
use crate::{applied, read_rows, sealed_head, stored};

/// The rest between two looks.
const LOOK: Duration = Duration::from_millis(30);
/// How often it is said how far it is.
const SAY: Duration = Duration::from_secs(10);
/// The most memory that a process of the hub may have had.
const MEMORY: u64 = 256 << 20;
/// How soon everything must be drained when nothing goes wrong any more.
const DRAINED: Duration = Duration::from_secs(30);
/// Nothing is waited for longer than this while nobody is told anything.
const STALL: Duration = Duration::from_secs(120);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct SoakPlan {
    /// So many events are to be acknowledged.
    pub events: u64,
    /// From which everything random in it follows.
    pub seed: u64,
    /// The mistake that the hub makes beside.
    pub planted: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Soaked {
    /// Events in the log.
    pub events: u64,
    /// Events that senders were told to be stored.
    pub acknowledged: u64,
    /// Events that were refused or rolled back.
    pub refused: u64,
    /// Events that senders got no answer for, as often as they got none.
    pub unknown: u64,
    /// Processes that died.
    pub deaths: u32,
    /// What went wrong, how often.
    pub strokes: BTreeMap<&'static str, u32>,
    /// Records that came again in Kafka.
    pub repeats: u64,
    /// What is not as it must be.
    pub wrongs: Wrongs,
    /// How long sending, draining and judging took.
    pub sending: Duration,
    /// See `sending`.
    pub draining: Duration,
    /// See `sending`.
    pub judging: Duration,
    /// The most memory that a process of each role has had, in bytes.
    pub memory: BTreeMap<&'static str, u64>,
}

/// Sends so many events while it storms, and judges.
///
/// # Panics
/// When an invariant is broken that leaves nothing to count.
pub async fn soak(plan: &SoakPlan) -> Soaked {
    fail_silently(plan.planted.is_some());
    let stage = Stage::set(plan.planted.as_deref()).await;
    let mut crew = Crew::new(&stage.project, TABLE);
    for role in Role::ALL {
        crew.start(role);
    }
    let mut memory = BTreeMap::new();
    judging("nobody gives up under the storm");
    let started = Instant::now();
    let load = Load::of(plan.events);
    let senders = Senders::start(&stage.project, &load, plan.seed);
    let watching =
        Arc::clone(&load).watch(stage.project.database.clone(), stage.target.clone(), TABLE);
    let watching = tokio::spawn(watching);
    let strokes = weather(&stage, &mut crew, &load, plan.seed, &mut memory).await;
    let told = until_told(senders, &mut crew).await;
    watching.await.expect("watching does not fail");
    let sending = started.elapsed();
    let started = Instant::now();
    drain(&stage, &mut crew).await;
    let draining = started.elapsed();
    crew.look_at_memory(&mut memory);
    let deaths = crew.deaths;
    judging("the account balances");
    let status = stage.project.status().expect("there is a status");
    assert!(status["balanced"] == true, "unbalanced: {status}");
    judging("nothing waits that has nothing to wait for");
    assert_eq!(parked(&stage.target, TABLE).await, Vec::<i64>::new());
    judging("everybody stops in good order");
    crew.stop().await;

    let started = Instant::now();
    judging("the log, Kafka and the table hold what was sent");
    let mut judge = Judge::new(stage.project.kafka(), stage.project.topics(), told);
    let mut parts = sealed_in_parts(&stage.project.database);
    while let Some(facts) = parts.recv().await {
        for fact in &facts {
            judge.take(fact);
        }
    }
    let events = judge.position;
    assert_eq!(
        events,
        stored(&stage.project.database).await,
        "not everything that is stored is sealed"
    );
    let (wrongs, repeats) = judge.finish(&read_rows(&stage.target, TABLE).await);
    judging("memory is bounded");
    for (role, most) in &memory {
        assert!(*most <= MEMORY, "{role} had {} MiB", most >> 20);
    }
    Soaked {
        events: events.unsigned_abs(),
        acknowledged: load.acknowledged(),
        refused: load.refused(),
        unknown: load.unknown(),
        deaths,
        strokes,
        repeats,
        wrongs,
        sending,
        draining,
        judging: started.elapsed(),
        memory,
    }
}

/// Lets it storm for as long as there is something to send.
async fn weather(
    stage: &Stage,
    crew: &mut Crew<'_>,
    load: &Load,
    seed: u64,
    memory: &mut BTreeMap<&'static str, u64>,
) -> BTreeMap<&'static str, u32> {
    let mut storm = Storm::over(stage, seed);
    let mut said = Said::now(load);
    let mut moved = (Instant::now(), 0);
    while !load.is_enough() {
        crew.look_at_memory(memory);
        crew.tend().await;
        storm.blow(crew, load.acknowledged()).await;
        if said.at.elapsed() >= SAY {
            said = said.say(load, crew.deaths);
        }
        if load.acknowledged() > moved.1 {
            moved = (Instant::now(), load.acknowledged());
        }
        assert!(
            moved.0.elapsed() < STALL,
            "nothing was acknowledged for {STALL:?}: {load:?}"
        );
        tokio::time::sleep(LOOK).await;
    }
    storm.pass()
}

/// What was said last.
struct Said {
    at: Instant,
    acknowledged: u64,
}

impl Said {
    fn now(load: &Load) -> Self {
        Self {
            at: Instant::now(),
            acknowledged: load.acknowledged(),
        }
    }

    fn say(self, load: &Load, deaths: u32) -> Self {
        let now = Self::now(load);
        let seconds = self.at.elapsed().as_secs_f64();
        let rate = (now.acknowledged - self.acknowledged) as f64 / seconds;
        eprintln!(
            "soak: {} of {} acknowledged ({rate:.0}/s), {} published, {} orders applied, {deaths} deaths",
            now.acknowledged,
            load.wanted(),
            load.published(),
            load.applied(),
        );
        now
    }
}

/// Tends until every sender has its last answer.
async fn until_told(mut senders: Senders, crew: &mut Crew<'_>) -> Vec<super::told::Told> {
    crew.until("every sender has its answer", STALL, async || {
        senders.are_through()
    })
    .await;
    senders.told()
}

/// Nothing goes wrong any more.
async fn drain(stage: &Stage, crew: &mut Crew<'_>) {
    judging("everything is drained within 30 s after the storm");
    let hub = &stage.project.database;
    let (all, orders) = (stored(hub).await, stored_orders(hub).await);
    let deadline = Instant::now() + DRAINED;
    let left = || deadline.saturating_duration_since(Instant::now());
    crew.until("everything is sealed", left(), async || {
        sealed_head(hub).await >= all
    })
    .await;
    crew.until("everything is published", left(), async || {
        published(hub).await >= all
    })
    .await;
    crew.until("every order took effect", left(), async || {
        applied(&stage.target, TABLE).await >= orders
    })
    .await;
}

async fn published(hub: &crate::Database) -> i64 {
    hub.number("select coalesce(max(through), 0) from dragoman.published")
        .await
}
