//! Events passing a process: how fast, and at what cost to whom.

use std::time::{Duration, Instant};

use dragoman_tests::Process;

use crate::contest::Sample;
use crate::cpu::Tree;
use crate::servers::Servers;

/// How often it is looked how far they have come.
const LOOK: Duration = Duration::from_millis(10);
/// The longest that a run may take.
const LIMIT: Duration = Duration::from_secs(1200);

/// Events per second.
pub(crate) const RATE: &str = "events_per_second";
/// CPU time of the contender's own process, in microseconds per event.
pub(crate) const CPU: &str = "cpu_us_per_event";
/// The same of Postgres.
pub(crate) const CPU_POSTGRES: &str = "cpu_postgres_us_per_event";
/// The same of the broker.
pub(crate) const CPU_BROKER: &str = "cpu_broker_us_per_event";
/// All three together.
pub(crate) const CPU_ALL: &str = "cpu_all_us_per_event";
/// The most memory that the contender's process held, in MiB.
pub(crate) const MEMORY: &str = "memory_mib";

/// Costs up to a moment.
pub(crate) struct Reading {
    at: Instant,
    own: f64,
    postgres: f64,
    broker: f64,
}

impl Reading {
    /// Reads what a process and the servers have cost by now.
    pub(crate) fn take(own: Tree, servers: &Servers) -> Self {
        Self {
            at: Instant::now(),
            own: own.cpu_seconds(),
            postgres: servers.postgres_tree.cpu_seconds(),
            broker: servers.broker_tree.cpu_seconds(),
        }
    }

    /// What was spent since this reading.
    pub(crate) fn spent(&self, own: Tree, servers: &Servers) -> Spent {
        let end = Self::take(own, servers);
        Spent {
            seconds: (end.at - self.at).as_secs_f64(),
            own: end.own - self.own,
            postgres: end.postgres - self.postgres,
            broker: end.broker - self.broker,
        }
    }

    /// What so many events have cost since this reading.
    pub(crate) fn since(&self, own: Tree, servers: &Servers, events: f64) -> Sample {
        self.spent(own, servers).on(own, events)
    }
}

/// Time that passed, and CPU time, in seconds.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Spent {
    seconds: f64,
    own: f64,
    postgres: f64,
    broker: f64,
}

impl Spent {
    /// This and more.
    pub(crate) fn add(&mut self, more: Self) {
        self.seconds += more.seconds;
        self.own += more.own;
        self.postgres += more.postgres;
        self.broker += more.broker;
    }

    /// What each of so many events has cost that these processes took.
    pub(crate) fn on(&self, own: Tree, events: f64) -> Sample {
        let each = |seconds: f64| seconds * 1e6 / events;
        let (own_cpu, postgres, broker) = (each(self.own), each(self.postgres), each(self.broker));
        Sample::from([
            (RATE, events / self.seconds),
            (CPU, own_cpu),
            (CPU_POSTGRES, postgres),
            (CPU_BROKER, broker),
            (CPU_ALL, own_cpu + postgres + broker),
            (MEMORY, own.peak_memory()),
        ])
    }
}

/// Measures from the moment at which more than `warm_up` events have passed to that at which
/// `all` have: starting a process, connecting and, where a warm-up is allowed, compiling are
/// left out, for everybody in the same way.
pub(crate) async fn passing(
    servers: &Servers,
    process: &mut Process,
    warm_up: i64,
    all: i64,
    passed: impl AsyncFnMut() -> i64,
) -> Sample {
    passing_beside(servers, process, None, warm_up, all, passed).await
}

/// The same while another process works on the same events. Its CPU time is among that of
/// all together, and not in the contender's own.
pub(crate) async fn passing_beside(
    servers: &Servers,
    process: &mut Process,
    mut other: Option<&mut Process>,
    warm_up: i64,
    all: i64,
    mut passed: impl AsyncFnMut() -> i64,
) -> Sample {
    let own = Tree::of(process.id());
    let other_tree = other.as_ref().map(|other| Tree::of(other.id()));
    let of_other = || other_tree.map_or(0.0, Tree::cpu_seconds);
    let mut passed = async || {
        if let Some(other) = &mut other {
            other.assert_running();
        }
        passed().await
    };
    let first = until(process, warm_up + 1, &mut passed).await;
    let (begin, other_begin) = (Reading::take(own, servers), of_other());
    until(process, all, &mut passed).await;
    let events = (all - first) as f64;
    let mut sample = begin.since(own, servers, events);
    *sample.entry(CPU_ALL).or_default() += (of_other() - other_begin) * 1e6 / events;
    assert!(
        events > 0.0,
        "{} was through before it could be measured: give more EVENTS",
        process.label()
    );
    sample
}

async fn until(process: &mut Process, wanted: i64, passed: &mut impl AsyncFnMut() -> i64) -> i64 {
    let deadline = Instant::now() + LIMIT;
    loop {
        let now = passed().await;
        if now >= wanted {
            return now;
        }
        process.assert_running();
        assert!(
            Instant::now() < deadline,
            "{}: only {now} of {wanted} events have passed after {LIMIT:?}",
            process.label()
        );
        tokio::time::sleep(LOOK).await;
    }
}
