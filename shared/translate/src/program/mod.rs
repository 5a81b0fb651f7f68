//! VRL programs: compiled once against what they can see, run on what they read.
//!
//! A program is parsed, its paths are checked ([`scope`]), what it only passes on is
//! marked ([`copies`]), and it is compiled ([`compile`]). To run, it is given exactly
//! the values at the paths that it reads, converted exactly or not at all ([`input`],
//! [`exact`]); what it yields is written down again ([`write`], [`cell`]).

mod cell;
mod compile;
mod condition;
mod copies;
mod deep_stack;
mod each;
mod errors;
mod event_scope;
mod exact;
mod expression;
mod fold;
mod functions;
mod given;
mod given_row;
mod growth;
mod input;
mod kinds;
mod known_kinds;
mod literals;
mod mapped_event;
mod mapping;
mod mapping_check;
mod marking;
mod parse_json;
mod part;
mod promise;
mod report;
mod request;
mod row_path;
mod run;
mod scope;
mod stand_in;
mod statements;
mod syntax;
mod variables;
mod view;
mod write;

pub use cell::Cell;
pub use condition::{AnswerView, Condition};
pub use each::Each;
pub use errors::{EvaluateError, MappingError};
pub use event_scope::EventScope;
pub use exact::InexactNumber;
pub use expression::Expression;
pub use fold::{ColumnKind, Fold, FoldColumn, FoldInput, FoldOutcome, FoldRunner};
pub use kinds::Kinds;
pub use mapped_event::MappedEvent;
pub use mapping::{Mapping, MappingInput};
pub use report::{CompileError, Problem};
pub use request::{MappedRequest, RequestBody, RequestProgram};
pub use view::{EventView, Item};
