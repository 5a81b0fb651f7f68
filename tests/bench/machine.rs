//! Where a run took place, and what else ran there.

use std::fs;

use serde::Serialize;

use crate::servers::Servers;

/// The machine, as far as it says something about figures.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// Its processor.
    pub(crate) processor: String,
    /// How many of them.
    pub(crate) cores: usize,
    /// Memory, in GiB.
    pub(crate) memory_gib: f64,
    /// The kernel.
    pub(crate) kernel: String,
    /// How many processes wanted to run before anything was measured: above 0 on a machine
    /// that has other work, whose rates are not to be trusted.
    pub(crate) load_before: f64,
    /// The profile of cargo.
    pub(crate) profile: String,
    /// Settings of Postgres, the same for all.
    pub(crate) postgres: Vec<(&'static str, String)>,
}

/// The settings of Postgres that figures depend on.
const SETTINGS: &[&str] = &[
    "server_version",
    "fsync",
    "synchronous_commit",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "autovacuum",
];

impl Machine {
    /// This one, now.
    pub(crate) async fn look(servers: &Servers) -> Self {
        let mut postgres = Vec::new();
        for name in SETTINGS {
            postgres.push((*name, servers.setting(name).await));
        }
        Self {
            processor: line("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: line("/proc/meminfo", "MemTotal")
                .trim_end_matches("kB")
                .trim()
                .parse()
                .map_or(f64::NAN, |kilobytes: f64| kilobytes / 1024.0 / 1024.0),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: read("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or(f64::NAN),
            profile: std::env::var("DRAGOMAN_BENCH_PROFILE").unwrap_or_default(),
            postgres,
        }
    }
}

fn line(file: &str, name: &str) -> String {
    read(file)
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_once(':'))
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}
