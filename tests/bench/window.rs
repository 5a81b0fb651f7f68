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
struct Reading {
    at: Instant,
    own: f64,
    postgres: f64,
    broker: f64,
}

impl Reading {
    fn take(own: Tree, servers: &Servers) -> Self {
        Self {
            at: Instant::now(),
            own: own.cpu_seconds(),
            postgres: servers.postgres_tree.cpu_seconds(),
            broker: servers.broker_tree.cpu_seconds(),
        }
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
    mut passed: impl AsyncFnMut() -> i64,
) -> Sample {
    let own = Tree::of(process.id());
    let first = until(process, warm_up + 1, &mut passed).await;
    let begin = Reading::take(own, servers);
    until(process, all, &mut passed).await;
    let end = Reading::take(own, servers);
    let events = (all - first) as f64;
    assert!(
        events > 0.0,
        "{} was through before it could be measured: give more EVENTS",
        process.label()
    );
    sample(&begin, &end, events, own.peak_memory())
}

fn sample(begin: &Reading, end: &Reading, events: f64, memory: f64) -> Sample {
    let each = |seconds: f64| seconds * 1e6 / events;
    let own = each(end.own - begin.own);
    let postgres = each(end.postgres - begin.postgres);
    let broker = each(end.broker - begin.broker);
    Sample::from([
        (RATE, events / (end.at - begin.at).as_secs_f64()),
        (CPU, own),
        (CPU_POSTGRES, postgres),
        (CPU_BROKER, broker),
        (CPU_ALL, own + postgres + broker),
        (MEMORY, memory),
    ])
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
