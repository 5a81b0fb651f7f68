//! Requests to a receiver, one for an event.

mod check;
mod mapped;
mod path;
mod program;

pub use mapped::{MappedRequest, RequestBody};
pub use program::RequestProgram;
