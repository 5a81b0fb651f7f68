//! The row that a running fold reads and changes.

use vrl::path::OwnedSegment;
use vrl::value::Value;

use super::syntax::field_name;

/// What is at `.row`: paths here begin there.
#[derive(Debug)]
pub(super) struct GivenRow {
    /// `None`: the program has deleted it.
    value: Option<Value>,
}

impl GivenRow {
    pub(super) fn new(row: Value) -> Self {
        Self { value: Some(row) }
    }

    pub(super) fn into_value(self) -> Value {
        self.value.unwrap_or(Value::Null)
    }

    pub(super) fn get(&self, path: &[OwnedSegment]) -> Option<&Value> {
        self.value.as_ref()?.get(path)
    }

    pub(super) fn get_mut(&mut self, path: &[OwnedSegment]) -> Option<&mut Value> {
        self.value.as_mut()?.get_mut(path)
    }

    pub(super) fn insert(&mut self, path: &[OwnedSegment], value: Value) {
        // Nearly always a column that the row has: without a name made for it.
        if let [column] = path
            && let Some(Value::Object(columns)) = &mut self.value
            && let Some(held) = field_name(column).and_then(|name| columns.get_mut(name))
        {
            *held = value;
            return;
        }
        self.value.get_or_insert(Value::Null).insert(path, value);
    }

    /// `compact`: what is empty then goes, too.
    pub(super) fn remove(&mut self, path: &[OwnedSegment], compact: bool) -> Option<Value> {
        if path.is_empty() {
            return self.value.take();
        }
        let removed = self.value.as_mut()?.remove(path, compact);
        let empty = match &self.value {
            Some(Value::Object(columns)) => columns.is_empty(),
            Some(Value::Array(elements)) => elements.is_empty(),
            _ => false,
        };
        if compact && empty && removed.is_some() {
            self.value = None;
        }
        removed
    }
}
