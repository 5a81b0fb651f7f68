#![allow(clippy::panic, clippy::unwrap_used)]

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::Instant;

use super::{Admission, Breaker, BreakerState, Permit};

const WHOLE: f64 = 1.0;

fn go(breaker: &mut Breaker, now: Instant) -> Permit {
    match breaker.admit(now) {
        Admission::Go(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn probe(breaker: &mut Breaker, now: Instant) -> Permit {
    match breaker.admit(now) {
        Admission::Probe(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn wait(breaker: &mut Breaker, now: Instant) -> Duration {
    match breaker.admit(now) {
        Admission::Wait(wait) => wait,
        other => panic!("{other:?}"),
    }
}

/// Opened by five failures, at that moment.
fn opened(now: Instant) -> Breaker {
    let mut breaker = Breaker::new();
    for _ in 0..5 {
        let permit = go(&mut breaker, now);
        breaker.failed(permit, now, WHOLE);
    }
    breaker
}

#[test]
fn five_failures_in_a_row_open_it_for_a_second() {
    let now = Instant::now();
    let mut breaker = opened(now);
    assert_eq!(wait(&mut breaker, now), Duration::from_secs(1));
    let later = now + Duration::from_millis(999);
    assert_eq!(wait(&mut breaker, later), Duration::from_millis(1));
    let _probe = probe(&mut breaker, now + Duration::from_secs(1));
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
}

#[test]
fn the_pause_doubles_to_ten_seconds_and_a_success_forgets_all() {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    for seconds in [1, 2, 4, 8, 10, 10, 10, 10] {
        let pause = wait(&mut breaker, now);
        assert_eq!(pause, Duration::from_secs(seconds));
        now += pause;
        let permit = probe(&mut breaker, now);
        breaker.failed(permit, now, WHOLE);
    }
    now += wait(&mut breaker, now);
    let permit = probe(&mut breaker, now);
    breaker.succeeded(permit);
    assert_eq!(breaker.state(), BreakerState::Closed);
    for _ in 0..5 {
        let permit = go(&mut breaker, now);
        breaker.failed(permit, now, WHOLE);
    }
    assert_eq!(wait(&mut breaker, now), Duration::from_secs(1));
}

#[test]
fn a_probe_that_is_given_up_makes_room_for_the_next() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let later = now + Duration::from_secs(1);
    let permit = probe(&mut breaker, later);
    assert!(wait(&mut breaker, later) > Duration::ZERO);
    drop(permit);
    let next = probe(&mut breaker, later);
    breaker.succeeded(next);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn what_was_let_through_before_says_nothing_of_now() {
    let now = Instant::now();
    let mut breaker = Breaker::new();
    let (early, late) = (go(&mut breaker, now), go(&mut breaker, now));
    for _ in 0..5 {
        let permit = go(&mut breaker, now);
        breaker.failed(permit, now, WHOLE);
    }
    breaker.succeeded(early);
    assert_eq!(wait(&mut breaker, now), Duration::from_secs(1));
    let permit = probe(&mut breaker, now + Duration::from_secs(1));
    breaker.failed(late, now, WHOLE);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    breaker.succeeded(permit);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u16),
    Ask,
    Report { call: usize, failed: bool },
    GiveUp { call: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_u16..5000).prop_map(Step::Pass),
        4 => Just(Step::Ask),
        4 => (any::<usize>(), any::<bool>())
            .prop_map(|(call, failed)| Step::Report { call, failed }),
        1 => any::<usize>().prop_map(|call| Step::GiveUp { call }),
    ]
}

/// A breaker with the calls that are under way, and whether each is a probe.
struct World {
    breaker: Breaker,
    now: Instant,
    calls: Vec<(Permit, bool)>,
}

impl World {
    /// Whether a call was let through.
    fn ask(&mut self) -> bool {
        match self.breaker.admit(self.now) {
            Admission::Go(permit) => self.calls.push((permit, false)),
            Admission::Probe(permit) => self.calls.push((permit, true)),
            Admission::Wait(wait) => {
                assert!(wait > Duration::ZERO && wait <= Duration::from_secs(10));
                return false;
            }
        }
        true
    }

    fn take(&mut self, call: usize) -> Option<Permit> {
        let count = self.calls.len();
        (count > 0).then(|| self.calls.swap_remove(call % count).0)
    }

    fn step(&mut self, step: &Step, random: f64) {
        match step {
            Step::Pass(milliseconds) => self.now += Duration::from_millis((*milliseconds).into()),
            Step::Ask => {
                self.ask();
            }
            Step::Report { call, failed } => {
                if let Some(permit) = self.take(*call) {
                    if *failed {
                        self.breaker.failed(permit, self.now, random);
                    } else {
                        self.breaker.succeeded(permit);
                    }
                }
            }
            Step::GiveUp { call } => drop(self.take(*call)),
        }
    }

    fn probes(&self) -> usize {
        self.calls.iter().filter(|(_, is_probe)| *is_probe).count()
    }
}

fn world() -> World {
    World {
        breaker: Breaker::new(),
        now: Instant::now(),
        calls: Vec::new(),
    }
}

proptest! {
    #[test]
    fn there_are_never_two_probes(steps in vec(step(), 0..300), random in 0.0..1.0) {
        let mut world = world();
        for step in &steps {
            world.step(step, random);
            prop_assert!(world.probes() <= 1, "after {step:?}");
        }
    }

    /// Whatever happened, once the receiver is well and calls end, it is closed again
    /// within the longest pause.
    #[test]
    fn it_always_recovers(steps in vec(step(), 0..300), random in 0.0..1.0) {
        let mut world = world();
        for step in &steps {
            world.step(step, random);
        }
        let deadline = world.now + Duration::from_secs(31);
        loop {
            while let Some(permit) = world.take(0) {
                world.breaker.succeeded(permit);
            }
            if world.breaker.state() == BreakerState::Closed {
                break;
            }
            prop_assert!(world.now <= deadline, "{:?}", world.breaker);
            if !world.ask() {
                world.now += Duration::from_millis(100);
            }
        }
    }

    /// Eight callers who ask all the time for ten minutes, each call failing after a while:
    /// what gets through is what was under way when it opened, and then one per pause.
    #[test]
    fn an_outage_is_met_with_few_calls(
        lasts in 0_u64..2000,
        random in 0.0..1.0,
    ) {
        let mut breaker = Breaker::new();
        let start = Instant::now();
        let mut under_way: Vec<(Permit, Instant)> = Vec::new();
        let mut calls = 0_usize;
        for tick in 0..6000 {
            let now = start + Duration::from_millis(tick * 100);
            let (ended, still) = under_way.into_iter().partition(|(_, end)| *end <= now);
            under_way = still;
            let ended: Vec<(Permit, Instant)> = ended;
            for (permit, _) in ended {
                breaker.failed(permit, now, random);
            }
            while under_way.len() < 8 {
                match breaker.admit(now) {
                    Admission::Go(permit) | Admission::Probe(permit) => {
                        calls += 1;
                        under_way.push((permit, now + Duration::from_millis(lasts)));
                    }
                    Admission::Wait(_) => break,
                }
            }
        }
        // The least pauses: a half of 1, 2, 4, 8 seconds, and 5 from then on.
        prop_assert!(calls <= 8 + 8 + 5 + 600 / 5, "{calls} calls");
        prop_assert!(calls >= 5 + 600 / 13, "{calls} calls");
    }
}
