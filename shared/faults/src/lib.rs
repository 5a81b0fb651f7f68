//! Places where a process can be made to die, and mistakes that can be switched on.
//!
//! `make faults` builds the hub with the feature `armed` and attacks it. In every other
//! build [`crash`] does nothing and [`planted`] is `false`, both known to the compiler:
//! no branch, no environment variable and no file of it is left.

mod crash;
mod planted;

pub use crash::{CrashPoint, Part, crash};
pub use planted::{Bug, planted};
