//! A whole hub under attack: everything that it has at work, senders that go on, one thing
//! that goes wrong again and again, and the judges.

mod crew;
mod environment;
mod exposure;
mod invariant;
mod judge;
mod late_load;
mod late_transaction;
mod life;
mod plan;
mod receiver;
mod rough_load;
mod soak;
mod stage;
mod storm;
mod wire;

pub use environment::{Line, ServerFault};
pub use invariant::{STARTS, fails_silently, invariant};
pub use judge::Survived;
pub use life::live;
pub use plan::{Attack, Deaths, Hit, Plan};
pub use receiver::Mood;
pub use soak::{SoakPlan, Soaked, Wrongs, soak};
pub use storm::Storm;
pub use wire::Weather;
