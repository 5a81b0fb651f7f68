//! Folds: what a row becomes, event by event.

mod check;
mod columns;
mod copies;
mod kinds;
mod program;
mod row;
mod runner;

pub use columns::{ColumnKind, FoldColumn};
pub use program::Fold;
pub use row::{FoldInput, FoldOutcome};
pub use runner::FoldRunner;
