//! What a running program is given.

use vrl::compiler::{SecretTarget, Target};
use vrl::path::{OwnedTargetPath, PathPrefix};
use vrl::value::{ObjectMap, Value};

use super::row_path::{ROW, RowPath};

/// All that a program is given: the values at the paths that it reads. They can be
/// read only, the compiler sees to that; the row of a fold can be changed.
#[derive(Debug)]
pub(super) struct Given<'p> {
    places: Vec<(&'p OwnedTargetPath, Option<Value>)>,
    nothing: Value,
    /// An object with the row in its place, for a fold.
    row: Option<Value>,
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
        self.row = Some(Value::Object(ObjectMap::from([(ROW.into(), row)])));
    }

    /// What the row is now; null, when there is none.
    pub(super) fn into_row(self) -> Value {
        match self.row {
            Some(Value::Object(mut places)) => places.remove(ROW).unwrap_or(Value::Null),
            _ => Value::Null,
        }
    }

    fn row_for(&mut self, path: &OwnedTargetPath) -> Result<&mut Value, String> {
        match &mut self.row {
            Some(row) if RowPath::of(path).is_some() => Ok(row),
            _ => Err(READ_ONLY.to_owned()),
        }
    }
}

const READ_ONLY: &str = "what comes in cannot be changed";

impl Target for Given<'_> {
    fn target_get(&self, path: &OwnedTargetPath) -> Result<Option<&Value>, String> {
        if let Some((_, value)) = self.places.iter().find(|(at, _)| *at == path) {
            return Ok(value.as_ref());
        }
        if path.path.is_root() {
            // The runtime asks for the root of every program, to see that there is one.
            return Ok(Some(&self.nothing));
        }
        match &self.row {
            Some(row) if path.prefix == PathPrefix::Event => Ok(row.get(&path.path)),
            _ => Ok(None),
        }
    }

    fn target_insert(&mut self, path: &OwnedTargetPath, value: Value) -> Result<(), String> {
        self.row_for(path)?.insert(&path.path, value);
        Ok(())
    }

    fn target_get_mut(&mut self, path: &OwnedTargetPath) -> Result<Option<&mut Value>, String> {
        Ok(self.row_for(path)?.get_mut(&path.path))
    }

    fn target_remove(
        &mut self,
        path: &OwnedTargetPath,
        compact: bool,
    ) -> Result<Option<Value>, String> {
        Ok(self.row_for(path)?.remove(&path.path, compact))
    }
}

impl SecretTarget for Given<'_> {
    fn get_secret(&self, _key: &str) -> Option<&str> {
        None
    }
    fn insert_secret(&mut self, _key: &str, _value: &str) {}
    fn remove_secret(&mut self, _key: &str) {}
}
