//! `make fuzz`: the decoders and `dragoman check`, fed with examples that were spoiled.
//! Nothing may panic, and what is taken must be JSON that a mapping can read.
//!
//! ```text
//! fuzz [TARGET…]    json, xml, form, check; all of them, beside each other, when none is named
//! fuzz --seconds N  each so long (600)
//! fuzz --seed N     the same again
//! ```
//!
//! Without looking at what is covered: that needs an instrumented build.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stderr, reason = "it speaks to people")]

mod spoil;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use spoil::Spoiler;
use targets::Target;

/// How often it says how far it is.
const SAID: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let (mut seconds, mut seed, mut names) = (600, rand::random_range(1..1_000_000), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            arguments
                .next()
                .and_then(|text| text.parse().ok())
                .expect("a number")
        };
        match argument.as_str() {
            "--seconds" => seconds = number(),
            "--seed" => seed = number(),
            name => names.push(name.to_owned()),
        }
    }
    let chosen: Vec<Target> = Target::ALL
        .into_iter()
        .filter(|target| names.is_empty() || names.iter().any(|name| name == target.name()))
        .collect();
    if chosen.is_empty() {
        eprintln!("fuzz: there are json, xml, form, check");
        return ExitCode::from(2);
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    let found: usize = std::thread::scope(|scope| {
        let running: Vec<_> = chosen
            .iter()
            .map(|target| scope.spawn(move || fuzz(*target, seed, until)))
            .collect();
        running
            .into_iter()
            .map(|running| running.join().unwrap_or(1))
            .sum()
    });
    if found == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Feeds a target until then, or until something is found.
fn fuzz(target: Target, seed: u64, until: Instant) -> usize {
    let mut spoiler = Spoiler::new(seed, target.examples(), target.words());
    let (mut fed, mut taken, mut said) = (0_u64, 0_u64, Instant::now());
    while Instant::now() < until {
        let input = spoiler.spoilt();
        match catch_unwind(AssertUnwindSafe(|| target.feed(&input))) {
            Ok(Ok(true)) => taken += 1,
            Ok(Ok(false)) => {}
            Ok(Err(flaw)) => return keep(target, &input, &flaw),
            Err(_) => return keep(target, &input, "it panicked"),
        }
        fed += 1;
        if said.elapsed() >= SAID {
            said = Instant::now();
            eprintln!("fuzz: {}: {fed} inputs, {taken} taken", target.name());
        }
    }
    eprintln!(
        "fuzz: {}: {fed} inputs, {taken} taken, nothing found (seed {seed})",
        target.name()
    );
    0
}

/// Keeps what something was found with.
fn keep(target: Target, input: &[u8], flaw: &str) -> usize {
    let folder = Path::new("target/fuzz");
    std::fs::create_dir_all(folder).expect("a folder can be made");
    let file = folder.join(target.name());
    std::fs::write(&file, input).expect("a file can be written");
    eprintln!(
        "fuzz: {}: {flaw}; the input: {}",
        target.name(),
        file.display()
    );
    1
}
