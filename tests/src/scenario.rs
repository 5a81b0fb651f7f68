//! Running scenarios beside each other. Unlike `cargo test`'s own runner this one is not
//! bound to the number of cores: a scenario mostly waits for an outage to pass.

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How many run at a time when nobody says (`--test-threads`).
const AT_A_TIME: usize = 6;

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// Something that happens to a hub, and what must be so afterwards.
pub struct Scenario {
    name: &'static str,
    limit: Duration,
    work: Box<dyn Fn() -> Work + Send + Sync>,
}

impl Scenario {
    /// A scenario, and how long it may take at the very most.
    pub fn new<F, W>(name: &'static str, limit: Duration, work: F) -> Self
    where
        F: Fn() -> W + Send + Sync + 'static,
        W: Future<Output = ()> + 'static,
    {
        Self {
            name,
            limit,
            work: Box::new(move || Box::pin(work())),
        }
    }

    /// Runs it on this thread, which is also the one that starts its processes.
    fn run(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        runtime.block_on(async {
            // Dropped while panicking when it takes too long, so that it shows its logs.
            let mut work = (self.work)();
            let ended = tokio::time::timeout(self.limit, &mut work).await;
            assert!(
                ended.is_ok(),
                "{} is not through after {:?}",
                self.name,
                self.limit
            );
        });
    }
}

/// Runs the scenarios whose names contain one of the arguments; without arguments all.
/// Knows `--list`, `--exact` and `--test-threads` of `cargo test`.
///
/// Put the longest first: those that begin late should be short.
#[must_use]
pub fn run(scenarios: &[Scenario]) -> ExitCode {
    let arguments = Arguments::read(std::env::args().skip(1));
    let wanted: Vec<&Scenario> = scenarios
        .iter()
        .filter(|scenario| arguments.want(scenario.name))
        .collect();
    if arguments.list {
        for scenario in wanted {
            eprintln!("{}: test", scenario.name);
        }
        return ExitCode::SUCCESS;
    }
    eprintln!("\nrunning {} scenarios", wanted.len());
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..arguments.at_a_time.min(wanted.len()) {
            scope.spawn(|| {
                while let Some(scenario) = wanted.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if !ends_well(scenario) {
                        failed.lock().unwrap().push(scenario.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    if failed.is_empty() {
        eprintln!("\nscenarios: all {} ended well\n", wanted.len());
        ExitCode::SUCCESS
    } else {
        eprintln!("\nscenarios: failed: {}\n", failed.join(", "));
        ExitCode::FAILURE
    }
}

/// Says something about the scenario that runs on this thread, for whoever reads the
/// output.
pub fn note(text: &str) {
    let thread = std::thread::current();
    eprintln!("  {}: {text}", thread.name().unwrap_or_default());
}

/// Runs one on a thread of its own, whose name a panic shows.
fn ends_well(scenario: &Scenario) -> bool {
    let started = Instant::now();
    let ended = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name(scenario.name.to_owned())
            .spawn_scoped(scope, || scenario.run())
            .expect("a thread can be started")
            .join()
    });
    let word = if ended.is_ok() { "ok" } else { "FAILED" };
    eprintln!(
        "test {} ... {word} ({:.1} s)",
        scenario.name,
        started.elapsed().as_secs_f64()
    );
    ended.is_ok()
}

struct Arguments {
    names: Vec<String>,
    exact: bool,
    list: bool,
    at_a_time: usize,
}

impl Arguments {
    fn read(arguments: impl Iterator<Item = String>) -> Self {
        let mut read = Self {
            names: Vec::new(),
            exact: false,
            list: false,
            at_a_time: AT_A_TIME,
        };
        let mut number_follows = false;
        for argument in arguments {
            if let Some(number) = argument.strip_prefix("--test-threads=") {
                read.at_a_time = number.parse().unwrap_or(AT_A_TIME);
            } else if number_follows {
                read.at_a_time = argument.parse().unwrap_or(AT_A_TIME);
                number_follows = false;
            } else {
                match argument.as_str() {
                    "--test-threads" => number_follows = true,
                    "--exact" => read.exact = true,
                    "--list" => read.list = true,
                    other if other.starts_with("--") => {}
                    name => read.names.push(name.to_owned()),
                }
            }
        }
        read
    }

    fn want(&self, name: &str) -> bool {
        self.names.is_empty()
            || self.names.iter().any(|wanted| {
                if self.exact {
                    name == wanted
                } else {
                    name.contains(wanted)
                }
            })
    }
}
