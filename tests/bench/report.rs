//! What a run found: a table for people, and `report.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::contest::{Contest, OURS};
use crate::goal::{Goal, Reached};
use crate::machine::Machine;
use crate::performance;
use crate::rounds::Spread;
use crate::servers::Servers;
use crate::settings::Settings;

/// A figure: ours, and beside it the peer and the raw limit where there are such.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) name: String,
    /// Ours: the median.
    pub(crate) ours: f64,
    /// The peer's.
    pub(crate) peer: Option<f64>,
    /// What the same servers give without any of us.
    pub(crate) limit: Option<f64>,
    /// Of all three.
    pub(crate) unit: &'static str,
    /// Ours divided by the peer's.
    pub(crate) ratio_peer: Option<f64>,
    /// Ours divided by the limit.
    pub(crate) ratio_limit: Option<f64>,
    /// What we want; nothing: the figure is there to be seen.
    pub(crate) goals: Vec<String>,
    /// Whether all of that is reached.
    pub(crate) met: bool,
    /// Which contender the peer is.
    pub(crate) peer_name: Option<&'static str>,
    /// Which contender the limit is.
    pub(crate) limit_name: Option<&'static str>,
    /// Every contender's measures: medians, ranges, rounds.
    pub(crate) details: BTreeMap<&'static str, BTreeMap<&'static str, Spread>>,
}

/// What of a contest makes a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    /// The name of the row.
    pub(crate) name: &'static str,
    /// The measure.
    pub(crate) measure: &'static str,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// The contender that is the peer.
    pub(crate) peer: Option<&'static str>,
    /// The contender that is the limit.
    pub(crate) limit: Option<&'static str>,
    /// What we want.
    pub(crate) goals: &'static [Goal],
}

impl Figure {
    /// The row of it.
    pub(crate) fn of(&self, contest: &Contest) -> Row {
        self.with_ours(contest, OURS)
    }

    /// The row of it, with that contender as ours.
    pub(crate) fn with_ours(&self, contest: &Contest, ours: &'static str) -> Row {
        let median = |contender: &str| contest.median(contender, self.measure);
        let ours = median(ours).unwrap_or(f64::NAN);
        let peer = self.peer.and_then(median);
        let limit = self.limit.and_then(median);
        let reached = Reached {
            ours,
            by_peer: peer.map(|peer| ours / peer),
            by_limit: limit.map(|limit| ours / limit),
        };
        Row {
            name: self.name.to_owned(),
            ours,
            peer,
            limit,
            unit: self.unit,
            ratio_peer: reached.by_peer,
            ratio_limit: reached.by_limit,
            goals: self.goals.iter().map(ToString::to_string).collect(),
            met: self.goals.iter().all(|goal| goal.is_met(reached)),
            peer_name: self.peer,
            limit_name: self.limit,
            details: contest.details(),
        }
    }
}

/// A run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// What to type for it.
    pub(crate) command: String,
    /// Where it ran, and what else did.
    pub(crate) machine: Machine,
    /// What it found.
    pub(crate) rows: Vec<Row>,
}

impl Report {
    /// A run that begins now.
    pub(crate) async fn begin(settings: &Settings, servers: &Servers) -> Self {
        Self {
            command: settings.command(),
            machine: Machine::look(servers).await,
            rows: Vec::new(),
        }
    }

    /// Takes in what a figure found, and writes everything down that there is by now: a
    /// run that is broken off has shown something.
    pub(crate) fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
        let text = serde_json::to_string_pretty(self).expect("it is JSON");
        write(&path(), &text);
        write(&page_path(), &performance::page(self));
    }

    /// Prints the table, and says where the rest is.
    pub(crate) fn finish(&self) {
        println!("{}", performance::table(&self.rows));
        println!("figures: {}", path().display());
        println!(
            "as a page, to be copied to docs/performance.md: {}",
            page_path().display()
        );
    }
}

fn page_path() -> PathBuf {
    path().with_file_name("performance.md")
}

fn path() -> PathBuf {
    std::env::var_os("DRAGOMAN_BENCH_REPORT")
        .expect("DRAGOMAN_BENCH_REPORT is not set: run make bench")
        .into()
}

fn write(path: &std::path::Path, text: &str) {
    let folder = path.parent().expect("a report is in a folder");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, format!("{text}\n")))
        .unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
}
