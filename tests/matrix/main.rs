//! `make faults`: every place to die at, every environment fault, and every planted bug,
//! each in a life of a whole hub. Writes `target/faults/report.json`.
//!
//! ```text
//! matrix                everything
//! matrix --quick        each crash point once, fewer environment faults, each planted bug
//! matrix TEXT…          what contains one of the texts, as `relay.after_seal` or `planted`
//! matrix --seed N       the same choices and the same random moments again
//! matrix --at-a-time N  so many lives beside each other
//! matrix --soak N       N events under a storm, instead of all that
//!        --planted BUG  with that mistake, which must show
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stderr, reason = "the report is for people too")]

mod arguments;
mod environment;
mod plans;
mod report;
mod run;
mod soak;

use std::process::ExitCode;

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::read(std::env::args().skip(1));
    if let Some(events) = arguments.soak {
        return soak::run(&arguments, events);
    }
    let plans = plans::chosen(&arguments);
    eprintln!(
        "faults: {} lives, {} at a time, seed {}",
        plans.len(),
        arguments.at_a_time,
        arguments.seed
    );
    let ended = run::all(&plans, arguments.at_a_time);
    report::write(&arguments, &ended)
}
