//! Carrying out what a storm has drawn, and healing everything afterwards.

use std::fmt;
use std::time::{Duration, Instant};

use super::{Deed, Storm};
use crate::attack::crew::{Crew, Role};
use crate::attack::environment::Line;
use crate::attack::life::DRAINED;
use crate::attack::stage::Stage;
use crate::attack::wire::Weather;

/// One thing that happens, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// From the beginning of the storm.
    pub(super) at: Duration,
    pub(super) deed: Deed,
}

impl fmt::Display for Act {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ms {:?}", self.at.as_millis(), self.deed)
    }
}

impl Stage {
    /// A storm from its beginning to the end of a life's, and everything whole again.
    pub(in crate::attack) async fn storm(&self, crew: &mut Crew<'_>, storm: Storm) {
        self.gather_for(crew, &storm);
        let began = Instant::now();
        for act in storm.acts() {
            self.carry_out(crew, began, act).await;
        }
        self.heal(crew).await;
    }

    /// Lets whoever come that a storm wants to have there.
    pub(in crate::attack) fn gather_for(&self, crew: &mut Crew<'_>, storm: &Storm) {
        if storm.freezes_relay() {
            crew.start(Role::Relay);
        }
    }

    /// Waits for the moment of an act, and carries it out. One whose moment has passed
    /// meanwhile comes at once.
    pub(in crate::attack) async fn carry_out(&self, crew: &mut Crew<'_>, began: Instant, act: Act) {
        self.pass(crew, act.at.saturating_sub(began.elapsed()))
            .await;
        match act.deed {
            Deed::Kill(who) => crew.first(who.role()).kill(),
            Deed::Arm => self.light("1"),
            Deed::EndSessions(Line::Hub) => self.project.database.end_sessions().await,
            Deed::EndSessions(_) => self.target.end_sessions().await,
            Deed::LoseAnswer(line, asked) => self.wire(line).lose(asked, 1),
            Deed::Weather(line, weather) => self.wire(line).set(weather),
            Deed::FreezeRelay => crew.freeze(Role::Relay),
            Deed::WakeRelay => crew.wake(Role::Relay),
            Deed::InstanceComes => crew.start(Role::Projection),
            Deed::InstanceGoes => crew.kill_last(Role::Projection),
            Deed::Rebuild => crew.rebuild(),
            Deed::KillPostgres(away) => self.kill_postgres(crew, away).await,
            Deed::KillKafka(away) => self.kill_kafka(crew, away).await,
        }
    }

    /// Ends everything that a storm may have left.
    pub(in crate::attack) async fn heal(&self, crew: &mut Crew<'_>) {
        for line in self.lines() {
            self.wire(line).set(Weather::Clear);
            self.wire(line).lose_nothing();
        }
        self.light("0");
        crew.wake(Role::Relay);
        crew.until_rebuilt(DRAINED).await;
        for role in [Role::Relay, Role::Projection] {
            while crew.count(role) > 1 {
                crew.dismiss(role).await;
            }
        }
    }
}
