//! What goes wrong around the hub: on the ways to its servers, and with the servers.

mod needs;
mod refusals;
mod servers;
mod wires;

pub(super) use needs::Needs;
pub use servers::ServerFault;
pub use wires::Line;
