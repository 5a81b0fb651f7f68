//! The processes of a hub, each started again when it has died where it was meant to.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use super::invariant::judging;
use crate::{Process, Project, end_leases};

/// SIGABRT and SIGKILL: what crash points and the attack itself end processes with.
const MEANT: [i32; 2] = [6, 9];
/// The rest between two looks.
const LOOK: Duration = Duration::from_millis(30);

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Ingest,
    Relay,
    Projection,
}

impl Role {
    /// All of them, in the order in which they are started.
    pub(super) const ALL: [Self; 3] = [Self::Relay, Self::Projection, Self::Ingest];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Relay => "relay",
            Self::Projection => "projection",
        }
    }
}

/// Everybody at work.
pub(super) struct Crew<'a> {
    project: &'a Project,
    projection: &'static str,
    members: Vec<(Role, Process)>,
    pub(super) deaths: u32,
}

impl<'a> Crew<'a> {
    pub(super) fn new(project: &'a Project, projection: &'static str) -> Self {
        Self {
            project,
            projection,
            members: Vec::new(),
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

    /// Wakes everybody of a role.
    pub(super) fn wake(&mut self, role: Role) {
        let members = self.members.iter_mut();
        members
            .filter(|(of, _)| *of == role)
            .for_each(|(_, process)| process.wake());
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
            let meant = status
                .signal()
                .is_some_and(|signal| MEANT.contains(&signal));
            if !meant {
                judging("nobody ends by itself");
                panic!("{role:?} has ended by itself: {status}");
            }
            self.deaths += 1;
            if role == Role::Relay {
                // Waiting for the lease of a dead one would do the same.
                end_leases(&self.project.database).await;
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
