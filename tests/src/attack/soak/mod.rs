//! Many events under a storm: nothing lost, nothing twice in effect, nothing in another
//! order. Whoever judges holds a few bits for an event, and walks through the log, Kafka
//! and the fold at once.

mod event;
mod judge;
mod lane;
mod load;
mod run;
mod senders;
mod stage;
mod storm;
mod told;

pub use judge::Wrongs;
pub use run::{SoakPlan, Soaked, soak};
