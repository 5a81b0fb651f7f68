//! `parse_json`, strict and exact, in the place of VRL's own, which rounds numbers
//! silently.

use vrl::compiler::prelude::{
    ArgumentList, Compiled, Context, Example, Expression, Function, FunctionCompileContext,
    FunctionExpression, Kind, Parameter, Resolved, TypeDef, example, kind, state,
};
use vrl::value::Value;

use super::input::exact_value;
use crate::Document;

#[derive(Debug, Clone, Copy)]
pub(super) struct ParseJson;

impl Function for ParseJson {
    fn identifier(&self) -> &'static str {
        "parse_json"
    }

    fn usage(&self) -> &'static str {
        "Reads a text as one JSON document, strictly; numbers are exact or an error."
    }

    fn category(&self) -> &'static str {
        "Parse"
    }

    fn return_kind(&self) -> u16 {
        kind::ANY
    }

    fn parameters(&self) -> &'static [Parameter] {
        const PARAMETERS: &[Parameter] =
            &[Parameter::required("value", kind::BYTES, "The JSON text.")];
        PARAMETERS
    }

    fn examples(&self) -> &'static [Example] {
        &[example! {
            title: "An object",
            source: r#"parse_json!(s'{"n": 1}')"#,
            result: Ok(r#"{ "n": 1 }"#),
        }]
    }

    fn compile(
        &self,
        _state: &state::TypeState,
        _context: &mut FunctionCompileContext,
        arguments: ArgumentList,
    ) -> Compiled {
        let value = arguments.required("value");
        Ok(ParseJsonFn { value }.as_expr())
    }
}

#[derive(Debug, Clone)]
struct ParseJsonFn {
    value: Box<dyn Expression>,
}

impl FunctionExpression for ParseJsonFn {
    fn resolve(&self, context: &mut Context) -> Resolved {
        let value = self.value.resolve(context)?;
        let bytes = match &value {
            Value::Bytes(bytes) => &bytes[..],
            Value::String(text) => text.as_bytes(),
            other => return Err(format!("expected text, got {}", other.kind_str()).into()),
        };
        let document = Document::parse(bytes).map_err(|error| error.to_string())?;
        Ok(exact_value(document.root())?)
    }

    fn type_def(&self, _state: &state::TypeState) -> TypeDef {
        TypeDef::from(Kind::json()).fallible()
    }
}
