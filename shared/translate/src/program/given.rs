//! What a running program is given.

use vrl::compiler::{SecretTarget, Target};
use vrl::path::OwnedTargetPath;
use vrl::value::Value;

use super::given_row::GivenRow;
use super::row_path::inside_row;

/// All that a program is given: the values at the paths that it reads. They can be
/// read only, the compiler sees to that; the row of a fold can be changed.
#[derive(Debug)]
pub(super) struct Given<'p> {
    places: Vec<(&'p OwnedTargetPath, Option<Value>)>,
    nothing: Value,
    /// For a fold.
    row: Option<GivenRow>,
}

impl<'p> Given<'p> {
    pub(super) fn with_room_for(places: usize) -> Self {
        Self {
            places: Vec::with_capacity(places),
            nothing: Value::Null,
            row: None,
        }
    }

    pub(super) fn give(&mut self, at: &'p OwnedTargetPath, value: Option<Value>) {
        self.places.push((at, value));
    }

    pub(super) fn give_row(&mut self, row: Value) {
        self.row = Some(GivenRow::new(row));
    }

    /// What the row is now; null, when there is none.
    pub(super) fn into_row(self) -> Value {
        self.row.map_or(Value::Null, GivenRow::into_value)
    }
}

const READ_ONLY: &str = "what comes in cannot be changed";

impl Target for Given<'_> {
    fn target_get(&self, path: &OwnedTargetPath) -> Result<Option<&Value>, String> {
        if let Some(row) = &self.row
            && let Some(rest) = inside_row(path)
        {
            return Ok(row.get(rest));
        }
        if let Some((_, value)) = self.places.iter().find(|(at, _)| *at == path) {
            return Ok(value.as_ref());
        }
        // The runtime asks for the root of every program, to see that there is one.
        Ok(path.path.is_root().then_some(&self.nothing))
    }

    fn target_insert(&mut self, path: &OwnedTargetPath, value: Value) -> Result<(), String> {
        match (&mut self.row, inside_row(path)) {
            (Some(row), Some(rest)) => {
                row.insert(rest, value);
                Ok(())
            }
            _ => Err(READ_ONLY.to_owned()),
        }
    }

    fn target_get_mut(&mut self, path: &OwnedTargetPath) -> Result<Option<&mut Value>, String> {
        match (&mut self.row, inside_row(path)) {
            (Some(row), Some(rest)) => Ok(row.get_mut(rest)),
            _ => Err(READ_ONLY.to_owned()),
        }
    }

    fn target_remove(
        &mut self,
        path: &OwnedTargetPath,
        compact: bool,
    ) -> Result<Option<Value>, String> {
        match (&mut self.row, inside_row(path)) {
            (Some(row), Some(rest)) => Ok(row.remove(rest, compact)),
            _ => Err(READ_ONLY.to_owned()),
        }
    }
}

impl SecretTarget for Given<'_> {
    fn get_secret(&self, _key: &str) -> Option<&str> {
        None
    }
    fn insert_secret(&mut self, _key: &str, _value: &str) {}
    fn remove_secret(&mut self, _key: &str) {}
}
