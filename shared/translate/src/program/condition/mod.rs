//! Conditions on the answer of a receiver.

mod answer;
mod program;

pub use answer::AnswerView;
pub use program::Condition;
