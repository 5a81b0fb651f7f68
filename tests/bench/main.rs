//! The figures: what the hub costs, beside what others cost on the same machine, with the
//! same servers, in the same run. `make bench` runs it.
//!
//! A figure has contenders (ours, the raw limit, peers), which run in turn, round after
//! round, each in a process of its own whose cost is read from the kernel. Peers that are
//! programs of ours are this program again, started with `peer NAME TASK`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a figure that cannot be taken ends the run, and tables are for people"
)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are floats, and counts are far below what those hold exactly"
)]

mod arrivals;
mod broker;
mod catch_up;
mod child;
mod contest;
mod counter;
mod cpu;
mod events;
mod fold;
mod footprint;
mod goal;
mod growth;
mod http_driver;
mod ingest;
mod latency;
mod machine;
mod open_loop;
mod outbox;
mod peers;
mod performance;
mod poison;
mod preload;
mod project;
mod receiver;
mod relay;
mod replay;
mod report;
mod rounds;
mod send;
mod servers;
mod settings;
mod turns;
mod window;

use std::process::ExitCode;

use report::Report;
use servers::Servers;
use settings::Settings;
use tikv_jemallocator::Jemalloc;

/// The hub's: a limit or a peer that is a program of ours is not to lose by its allocator.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    if let [_, word, peer, task] = arguments.as_slice()
        && word == "peer"
    {
        runtime.block_on(peers::run(peer, &child::read(task)));
        return ExitCode::SUCCESS;
    }
    // On this thread, which lives as long as the processes that it starts.
    runtime.block_on(measure(&Settings::from_environment()));
    ExitCode::SUCCESS
}

async fn measure(settings: &Settings) {
    let servers = Servers::from_environment();
    let mut report = Report::begin(settings, &servers).await;
    if settings.want(relay::NAMES) {
        report.add(relay::measure(settings, &servers).await);
    }
    if settings.want(&[ingest::SINGLE]) {
        report.add(ingest::measure_single(settings, &servers).await);
    }
    if settings.want(&[ingest::BATCH]) {
        report.add(ingest::measure_batch(settings, &servers).await);
    }
    if settings.want(&[project::NAME]) {
        report.add(project::measure(settings, &servers).await);
    }
    if settings.want(&[fold::NAME]) {
        report.add(fold::measure(settings, &servers).await);
    }
    if settings.want(send::NAMES) {
        report.add(send::measure(settings, &servers).await);
    }
    if settings.want(&[poison::NAME]) {
        report.add(poison::measure(settings, &servers).await);
    }
    if settings.want(&[latency::NAME]) {
        report.add(latency::measure(settings, &servers).await);
    }
    if settings.want(&[replay::REBUILD]) {
        report.add(replay::measure_rebuild(settings, &servers).await);
    }
    if settings.want(&[replay::NULL]) {
        report.add(replay::measure_null(settings, &servers).await);
    }
    if settings.want(&[catch_up::NAME]) {
        report.add(catch_up::measure(settings, &servers).await);
    }
    if settings.want(&[growth::NAME]) {
        report.add(growth::measure(settings, &servers).await);
    }
    if settings.want(&[footprint::NAME]) {
        report.add(footprint::measure(settings, &servers).await);
    }
    report.finish();
}
