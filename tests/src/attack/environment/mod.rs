//! What goes wrong around the hub: on the ways to its servers, and with the servers.

mod clock;
mod cluster;
mod needs;
mod refusals;
mod servers;
mod wires;

use super::crew::Crew;
use super::life::{AT_WORK, TABLE};
use super::plan::Attack;
use super::stage::Stage;
use crate::applied;

pub(super) use clock::Clock;
pub(super) use needs::Needs;
pub use servers::ServerFault;
pub use wires::Line;

impl Stage {
    /// Lets it go wrong when everything has been at work.
    pub(super) async fn turn_on_environment(&self, crew: &mut Crew<'_>) {
        crew.until("something took effect", AT_WORK, async || {
            applied(&self.target, TABLE).await > 0
        })
        .await;
        match self.plan.attack {
            Attack::Wire(line, weather) => self.bad_weather(crew, line, weather).await,
            Attack::Server(fault) => self.server_fault(crew, fault).await,
            _ => {
                let storm = self.plan.storm().expect("a storm has one");
                self.storm(crew, storm).await;
            }
        }
    }
}
