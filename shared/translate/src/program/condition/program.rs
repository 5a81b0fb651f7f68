//! Programs that say yes or no about an answer.

use vrl::value::{Kind, Value};

use super::super::compile::{Program, compile, parse};
use super::super::copies::Reach;
use super::super::deep_stack::with_deep_stack;
use super::super::known_kinds::kinds_in;
use super::super::scope::Scope;
use super::answer::{AnswerInput, AnswerView};
use crate::{CompileError, EvaluateError, Kinds};

const HELP: &str = "a condition is true or false, as in `.status < 300` or `.body.ok == true`";

/// A program that says yes or no about the answer of a receiver.
///
/// It sees `.status`, an integer; `.headers`, an object of text with names in lower
/// case; and `.body`, of which nothing is known: the JSON when the body is JSON, else
/// its text, null when there is none.
#[derive(Debug)]
pub struct Condition {
    program: Program,
}

impl Condition {
    /// Compiles it; `name` is its place in the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it; also, that it may yield something else than
    /// true or false.
    pub fn compile(name: &str, source: &str) -> Result<Self, CompileError> {
        let scope = Scope::of_answer();
        with_deep_stack(name, source, || {
            let ast = parse(name, source, &scope)?.ast;
            let program = compile(name, source, ast, &scope, Reach::Whole)?;
            let kinds = kinds_in(&program.kind);
            if kinds == Kinds::BOOLEAN {
                return Ok(Self { program });
            }
            let may = if kinds.intersects(Kinds::BOOLEAN) {
                "may yield"
            } else {
                "yields"
            };
            let others = if kinds == Kinds::ANY {
                kinds
            } else {
                kinds.without(Kinds::BOOLEAN)
            };
            let message = format!("this {may} {others}, and a condition must be true or false");
            Err(CompileError::of_whole(name, source, &message, HELP))
        })
    }

    /// Whether it holds for an answer.
    ///
    /// # Errors
    /// The program failed, or a number that it may read is inexact.
    pub fn holds(&self, answer: &AnswerView<'_>) -> Result<bool, EvaluateError> {
        let name = &self.program.name;
        let outcome = self
            .program
            .run(&AnswerInput(answer))
            .map_err(|stopped| EvaluateError::new(name, stopped))?;
        match outcome.value {
            Value::Boolean(holds) => Ok(holds),
            other => {
                let yielded = kinds_in(&Kind::from(&other)).to_string();
                Err(EvaluateError::unusable(name, yielded, HELP))
            }
        }
    }
}
