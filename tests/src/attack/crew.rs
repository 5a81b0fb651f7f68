//! The processes of a hub, each started again when it has died where it was meant to.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::invariant::judging;
use super::receiver::COURIER;
use crate::log::try_to_end_leases;
use crate::{Process, Project};

/// SIGABRT and SIGKILL: what crash points and the attack itself end processes with.
const MEANT: [i32; 2] = [6, 9];
/// How long halting may take.
const HALTS: Duration = Duration::from_secs(30);
/// The rest between two looks.
const LOOK: Duration = Duration::from_millis(30);

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Ingest,
    Relay,
    Projection,
    /// The projection that calls a receiver.
    Courier,
}

impl Role {
    /// Those that every hub has, in the order in which they are started.
    pub(super) const ALL: [Self; 3] = [Self::Relay, Self::Projection, Self::Ingest];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Relay => "relay",
            Self::Projection => "projection",
            Self::Courier => "courier",
        }
    }
}

/// Whether a process died as it was meant to.
pub(super) fn is_meant(status: ExitStatus) -> bool {
    let signal = status.signal();
    signal.is_some_and(|signal| MEANT.contains(&signal))
}

/// Everybody at work.
pub(super) struct Crew<'a> {
    project: &'a Project,
    projection: &'static str,
    members: Vec<(Role, Process)>,
    /// Rebuilds that were begun. Those under attack may fail.
    rebuilds: Vec<Process>,
    pub(super) deaths: u32,
}

impl<'a> Crew<'a> {
    pub(super) fn new(project: &'a Project, projection: &'static str) -> Self {
        Self {
            project,
            projection,
            members: Vec::new(),
            rebuilds: Vec::new(),
            deaths: 0,
        }
    }

    pub(super) fn start(&mut self, role: Role) {
        let process = self.started(role);
        self.members.push((role, process));
    }

    fn started(&self, role: Role) -> Process {
        match role {
            Role::Ingest => self.project.starting_ingest(),
            Role::Relay => self.project.relay(),
            Role::Projection => self.project.projection(self.projection),
            Role::Courier => self.project.projection_with_admin(COURIER),
        }
    }

    /// Lets the one of a role go that came last.
    pub(super) async fn dismiss(&mut self, role: Role) {
        let last = self.members.iter().rposition(|(of, _)| *of == role);
        let Some(last) = last else { return };
        let (_, mut process) = self.members.remove(last);
        if process.exit_status().is_none() {
            process.signal("TERM");
            process.ended().await;
        }
    }

    /// Begins to rebuild the table.
    pub(super) fn rebuild(&mut self) {
        self.rebuilds.push(self.project.rebuild(self.projection));
    }

    /// Tends until no rebuild is under way.
    pub(super) async fn until_rebuilt(&mut self, limit: Duration) {
        let mut rebuilds = std::mem::take(&mut self.rebuilds);
        let is_over = async || {
            rebuilds.retain_mut(|rebuild| rebuild.exit_status().is_none());
            rebuilds.is_empty()
        };
        self.until("no rebuild is under way", limit, is_over).await;
    }

    /// How many have a role.
    pub(super) fn count(&self, role: Role) -> usize {
        self.members.iter().filter(|(of, _)| *of == role).count()
    }

    /// Kills the one of a role that came last. Nobody comes in its place.
    pub(super) fn kill_last(&mut self, role: Role) {
        let last = self.members.iter().rposition(|(of, _)| *of == role);
        if let Some(last) = last.filter(|_| self.count(role) > 1) {
            let (_, mut process) = self.members.remove(last);
            process.kill();
        }
    }

    /// Takes the first of a role out when it has halted by itself, as one that needs an
    /// operator does, and returns what it wrote.
    pub(super) async fn halted(&mut self, role: Role) -> String {
        let first = self.members.iter().position(|(of, _)| *of == role);
        let (_, mut process) = self.members.remove(first.expect("somebody has that role"));
        let halted = async || process.exit_status().is_some();
        self.until("it halts", HALTS, halted).await;
        let status = process.ended().await;
        assert_eq!(status.code(), Some(1), "{role:?} did not halt: {status}");
        process.log()
    }

    /// Freezes the first of a role, if it lives.
    pub(super) fn freeze(&mut self, role: Role) {
        let process = self.first(role);
        if process.exit_status().is_none() {
            process.freeze();
        }
    }

    /// Wakes everybody of a role.
    pub(super) fn wake(&mut self, role: Role) {
        let members = self.members.iter_mut();
        members
            .filter_map(|(of, process)| (*of == role).then_some(process))
            .filter_map(|process| process.exit_status().is_none().then_some(process))
            .for_each(|process| process.wake());
    }

    /// Whether somebody of a role was stopped where it stood.
    pub(super) fn stands_still(&self, role: Role) -> bool {
        let mut members = self.members.iter();
        members.any(|(of, process)| *of == role && process.is_frozen())
    }

    /// The first process of a role.
    pub(super) fn first(&mut self, role: Role) -> &mut Process {
        self.members
            .iter_mut()
            .find(|(of, _)| *of == role)
            .map(|(_, process)| process)
            .expect("somebody has that role")
    }

    /// Starts those again that died where they were meant to. Whoever ended otherwise
    /// fails the run.
    pub(super) async fn tend(&mut self) {
        for index in 0..self.members.len() {
            let (role, process) = &mut self.members[index];
            let (role, ended) = (*role, process.exit_status());
            let Some(status) = ended else { continue };
            if !is_meant(status) {
                judging("nobody ends by itself");
                panic!("{role:?} has ended by itself: {status}");
            }
            self.deaths += 1;
            if role == Role::Relay && self.count(role) == 1 {
                // Waiting for the lease of a dead one would do the same. Without a database
                // there is nothing to wait for either.
                let _ended = try_to_end_leases(&self.project.database).await;
            }
            self.members[index].1 = self.started(role);
        }
    }

    /// Tends until something is so.
    pub(super) async fn until(
        &mut self,
        what: &str,
        limit: Duration,
        mut is_so: impl AsyncFnMut() -> bool,
    ) {
        let deadline = Instant::now() + limit;
        loop {
            self.tend().await;
            if is_so().await {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "waited {limit:?} in vain until {what}"
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The most memory that any of them has had, in bytes.
    pub(super) fn most_memory(&self) -> u64 {
        let members = self.members.iter();
        members
            .map(|(_, process)| process.most_memory())
            .max()
            .unwrap_or(0)
    }

    /// Keeps the most memory that a process of each role has had, in bytes. Of one that
    /// has died nothing is known any more, so look often.
    pub(super) fn look_at_memory(&self, most: &mut BTreeMap<&'static str, u64>) {
        for (role, process) in &self.members {
            let most = most.entry(role.name()).or_default();
            *most = process.most_memory().max(*most);
        }
    }

    /// Asks everybody to stop, and waits for that.
    pub(super) async fn stop(&mut self) {
        for (_, process) in &mut self.members {
            process.stop().await;
        }
    }
}
