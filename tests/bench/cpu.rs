//! What processes cost, as the kernel counts it.

use std::collections::{BTreeMap, HashMap};
use std::fs;

/// Ticks per second in `/proc/PID/stat`: the same on every architecture of Linux.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often it is looked until a tree is seen twice alike.
const LOOKS: usize = 50;

/// A process and all that it has started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tree {
    root: u32,
}

impl Tree {
    /// The tree below a process.
    pub(crate) const fn of(root: u32) -> Self {
        Self { root }
    }

    /// The CPU time that it has used, in seconds, with that of children that have ended.
    pub(crate) fn cpu_seconds(self) -> f64 {
        // A child that ends between the look at its parent and the look at itself would be
        // in neither: it is looked until nothing has changed.
        let mut before = self.look();
        for _ in 0..LOOKS {
            let now = self.look();
            if now.keys().eq(before.keys()) {
                return now.values().sum::<u64>() as f64 / TICKS_PER_SECOND;
            }
            before = now;
        }
        panic!("processes below {} never stop coming and going", self.root)
    }

    /// The ticks of each of its processes.
    fn look(self) -> BTreeMap<u32, u64> {
        let all = all_processes();
        all.iter()
            .filter(|(process, _)| self.holds(**process, &all))
            .map(|(process, stat)| (*process, stat.ticks))
            .collect()
    }

    /// The most memory that its first process ever held, in MiB.
    pub(crate) fn peak_memory(self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.root)).unwrap_or_default();
        let kilobytes: f64 = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.trim().strip_suffix("kB"))
            .and_then(|number| number.trim().parse().ok())
            .unwrap_or(f64::NAN);
        kilobytes / 1024.0
    }

    fn holds(self, mut process: u32, all: &HashMap<u32, Stat>) -> bool {
        while process != self.root {
            match all.get(&process) {
                Some(stat) if stat.parent != process => process = stat.parent,
                _ => return false,
            }
        }
        true
    }
}

#[derive(Debug, Clone, Copy)]
struct Stat {
    parent: u32,
    ticks: u64,
}

fn all_processes() -> HashMap<u32, Stat> {
    fs::read_dir("/proc")
        .expect("there is /proc: figures need Linux")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|process| Some((process, read(process)?)))
        .collect()
}

/// `None` when it has gone meanwhile.
fn read(process: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in brackets and may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        ticks: fields
            .get(11..15)?
            .iter()
            .filter_map(|field| field.parse::<u64>().ok())
            .sum(),
    })
}
