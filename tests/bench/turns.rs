//! Two processes that take turns on the machine, half a second each: a difference of two per
//! cent is not seen between two runs, which differ by five on their own.

use std::time::{Duration, Instant};

use dragoman_tests::Process;

use crate::contest::Sample;
use crate::cpu::Tree;
use crate::servers::Servers;
use crate::window::{Reading, Spent};

/// How long a turn is.
const TURN: Duration = Duration::from_millis(500);
/// How often it is looked how far the one has come whose turn it is.
const LOOK: Duration = Duration::from_millis(10);
/// The longest that one waits for another step of either.
const LIMIT: Duration = Duration::from_secs(120);

/// One of the two, and how many events have passed it.
pub(crate) struct Runner<'r> {
    pub(crate) process: &'r mut Process,
    pub(crate) passed: Box<dyn Fn() -> i64 + 'r>,
}

/// Lets both take turns from the moment at which events pass both of them until `all` have
/// passed one. Whoever has no turn stands still (SIGSTOP); the time of its own clocks goes on.
/// Both run when this returns.
pub(crate) async fn in_turns(
    servers: &Servers,
    mut runners: [Runner<'_>; 2],
    all: i64,
) -> [Sample; 2] {
    let deadline = Instant::now() + LIMIT;
    while runners.iter().any(|runner| (runner.passed)() == 0) {
        assert!(Instant::now() < deadline, "nothing passes after {LIMIT:?}");
        tokio::time::sleep(LOOK).await;
    }
    for runner in &mut runners {
        runner.process.freeze();
    }
    let mut spent = [(Spent::default(), 0_i64); 2];
    // Each comes first in every second pair.
    let order = [0, 1, 1, 0].into_iter().cycle();
    for turn in order {
        let (Some(runner), Some((spent, events))) = (runners.get_mut(turn), spent.get_mut(turn))
        else {
            break;
        };
        let (more, passed) = take_turn(servers, runner, all).await;
        spent.add(more);
        *events += passed;
        if (runner.passed)() >= all {
            break;
        }
    }
    let samples = [0, 1].map(|index| {
        let (spent, events) = spent[index];
        assert!(events > 0, "one was through before the other had a turn");
        spent.on(Tree::of(runners[index].process.id()), events as f64)
    });
    for runner in &mut runners {
        runner.process.wake();
    }
    samples
}

/// What was spent in a turn, and how many events passed.
async fn take_turn(servers: &Servers, runner: &mut Runner<'_>, all: i64) -> (Spent, i64) {
    let own = Tree::of(runner.process.id());
    let before = (runner.passed)();
    let begin = Reading::take(own, servers);
    let end = Instant::now() + TURN;
    runner.process.wake();
    while Instant::now() < end && (runner.passed)() < all {
        tokio::time::sleep(LOOK).await;
    }
    runner.process.freeze();
    (begin.spent(own, servers), (runner.passed)() - before)
}
