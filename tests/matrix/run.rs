//! Living through plans, several at a time.

use std::any::Any;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use dragoman_tests::attack::{Plan, STARTS, Survived, fails_silently, invariant, live};

use crate::plans::named;

/// Servers take the machine while they start: so many lives may have their own at a time.
const SERVERS_AT_A_TIME: usize = 2;
/// How many lives a planted bug has to show in.
const LIVES: u64 = 3;
/// The rest between two looks for a plan that may begin.
const LOOK: Duration = Duration::from_millis(100);

/// A life at its end.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) plan: Plan,
    pub(crate) took: Duration,
    /// How many it took: of planted bugs, some show only if the moment comes about.
    pub(crate) lives: u64,
    pub(crate) how: Result<Survived, Broken>,
}

/// An invariant that was broken, and how that showed.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) invariant: &'static str,
    pub(crate) flaw: String,
}

impl Ended {
    /// Whether it ended as it must: with a planted bug caught, without one survived. A hub
    /// that does not even start shows nothing about a bug.
    pub(crate) fn is_well(&self) -> bool {
        match &self.how {
            Ok(_) => self.plan.bug.is_none(),
            Err(broken) => self.plan.bug.is_some() && broken.invariant != STARTS,
        }
    }
}

/// Lives through all of them.
pub(crate) fn all(plans: &[Plan], at_a_time: usize) -> Vec<Ended> {
    silence_expected_failures();
    let waiting = Mutex::new(Waiting {
        plans: plans.to_vec(),
        with_servers: 0,
    });
    let ended = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..at_a_time.clamp(1, plans.len().max(1)) {
            scope.spawn(|| {
                while let Some(plan) = take(&waiting) {
                    let one = until_caught(plan);
                    say(&one);
                    waiting.lock().unwrap().was_lived(&plan);
                    ended.lock().unwrap().push(one);
                }
            });
        }
    });
    ended.into_inner().unwrap()
}

/// What is still to be lived through.
struct Waiting {
    plans: Vec<Plan>,
    /// How many lives with servers of their own are under way.
    with_servers: usize,
}

impl Waiting {
    /// The next plan that may begin now.
    fn next(&mut self) -> Option<Plan> {
        let full = self.with_servers >= SERVERS_AT_A_TIME;
        let place = self
            .plans
            .iter()
            .position(|plan| !(full && plan.has_servers_of_its_own()))?;
        let plan = self.plans.remove(place);
        self.with_servers += usize::from(plan.has_servers_of_its_own());
        Some(plan)
    }

    fn was_lived(&mut self, plan: &Plan) {
        self.with_servers -= usize::from(plan.has_servers_of_its_own());
    }
}

/// Waits for a plan that may begin. `None`: there are none left.
fn take(waiting: &Mutex<Waiting>) -> Option<Plan> {
    loop {
        {
            let mut waiting = waiting.lock().unwrap();
            if let Some(plan) = waiting.next() {
                return Some(plan);
            }
            if waiting.plans.is_empty() {
                return None;
            }
        }
        std::thread::sleep(LOOK);
    }
}

/// Nobody wants to read how a planted bug shows.
pub(crate) fn silence_expected_failures() {
    std::panic::set_hook(Box::new(|panic| {
        if !fails_silently() {
            eprintln!("{panic}");
        }
    }));
}

/// A planted bug may need a late row just where a process dies. A life in which nothing
/// showed is lived again with other moments, a few times.
fn until_caught(plan: Plan) -> Ended {
    let mut ended = one(plan);
    while plan.bug.is_some() && ended.how.is_ok() && ended.lives < LIVES {
        let seed = plan.seed.wrapping_add(ended.lives);
        let next = one(Plan { seed, ..plan });
        ended = Ended {
            took: ended.took + next.took,
            lives: ended.lives + 1,
            ..next
        };
    }
    ended
}

/// On a thread of its own: its processes end with it.
fn one(plan: Plan) -> Ended {
    let started = Instant::now();
    let how = std::thread::Builder::new()
        .name(named(&plan))
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                runtime.block_on(live(plan))
            }));
            lived.map_err(|panic| Broken {
                invariant: invariant(),
                flaw: text(&*panic),
            })
        })
        .expect("a thread can be started")
        .join();
    Ended {
        plan,
        took: started.elapsed(),
        lives: 1,
        how: how.unwrap_or_else(|_| {
            Err(Broken {
                invariant: "the harness works",
                flaw: "its thread ended".to_owned(),
            })
        }),
    }
}

/// What a panic says.
pub(crate) fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

fn say(ended: &Ended) {
    let seconds = ended.took.as_secs_f64();
    let name = named(&ended.plan);
    match (&ended.how, ended.is_well()) {
        (Ok(survived), true) => eprintln!(
            "ok      {name} ({seconds:.0} s, {} events, {} deaths, {} repeats)",
            survived.events, survived.deaths, survived.repeats
        ),
        (Ok(_), false) => eprintln!(
            "MISSED  {name} ({seconds:.0} s): nothing showed in {} lives",
            ended.lives
        ),
        (Err(broken), true) => {
            let lives = match ended.lives {
                1 => String::new(),
                lives => format!(", in life {lives}"),
            };
            eprintln!(
                "caught  {name} ({seconds:.0} s{lives}): {}",
                broken.invariant
            );
        }
        (Err(broken), false) => eprintln!(
            "BROKEN  {name} ({seconds:.0} s): {}: {}\n        again: --seed of this run and the name",
            broken.invariant, broken.flaw
        ),
    }
    if let (false, Some(storm)) = (ended.is_well(), ended.plan.storm()) {
        eprintln!("        a storm {storm}");
    }
}
