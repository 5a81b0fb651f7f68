//! Dragoman, the one binary: command line, configuration, telemetry, lifecycle.
//! The work itself is done by the services that it composes.

mod admin;
mod bound;
mod checks;
mod clock_watch;
mod command_line;
mod commands;
mod config;
mod failure;
mod globals;
mod hub;
mod lifecycle;
mod output;
mod private_postgres;
mod progress;
mod projections;
mod schema;
mod services;
mod status;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;
use tikv_jemallocator::Jemalloc;

/// What one thread takes, another one gives back all day: events are read by one and sent
/// or written by others. See docs/adr/0007-an-allocator-for-many-threads.md.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let line = command_line::CommandLine::parse();
    telemetry::start_logs(line.globals.log.as_deref());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = failure::Failure::failed(
                format!("no threads could be started: {error}"),
                "look at the limits of this user (ulimit -u)",
            );
            return failure.report();
        }
    };
    // The command runs on this very thread: see private_postgres::server.
    let result = runtime.block_on(line.command.run(&line.globals));
    // What is still running (a name look-up, a blocking read) must not hold the exit.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
