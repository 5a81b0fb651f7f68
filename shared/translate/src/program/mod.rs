//! VRL programs: compiled once against what they can see, run on what they read.
//!
//! A program is parsed, its paths are checked ([`scope`]), what it only passes on is
//! marked ([`copies`]), and it is compiled ([`compile`]). To run, it is given exactly
//! the values at the paths that it reads, converted exactly or not at all ([`input`],
//! [`exact`]); what it yields is written down again ([`write`], [`cell`]).

mod cell;
mod compile;
mod copies;
mod each;
mod errors;
mod event_literals;
mod exact;
mod expression;
mod functions;
mod growth;
mod input;
mod kinds;
mod known_kinds;
mod mapped_event;
mod mapping;
mod mapping_check;
mod parse_json;
mod promise;
mod report;
mod run;
mod scope;
mod syntax;
mod variables;
mod view;
mod write;

pub use cell::Cell;
pub use each::Each;
pub use errors::{EvaluateError, MappingError};
pub use exact::InexactNumber;
pub use expression::Expression;
pub use kinds::Kinds;
pub use mapped_event::MappedEvent;
pub use mapping::{Mapping, MappingInput};
pub use report::{CompileError, Problem};
pub use scope::EventScope;
pub use view::{EventView, Item};
