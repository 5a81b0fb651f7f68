//! Paths into the row of a fold.

use vrl::parser::ast::AssignmentTarget;
use vrl::path::{OwnedSegment, OwnedTargetPath, OwnedValuePath, PathPrefix};

use super::syntax::{field_name, target_path};

/// Where the row is.
pub(super) const ROW: &str = "row";

/// A path into the row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowPath {
    /// The row itself.
    Whole,
    /// A column.
    Column(String),
    /// Something in what a column holds.
    Inside(String),
}

impl RowPath {
    /// What `path` is in the row, if it leads there.
    pub(super) fn of(path: &OwnedTargetPath) -> Option<Self> {
        let Some((column, deeper)) = inside_row(path)?.split_first() else {
            return Some(Self::Whole);
        };
        // What counts elements there is refused before anybody relies on this.
        let column = field_name(column).unwrap_or_default().to_owned();
        Some(if deeper.is_empty() {
            Self::Column(column)
        } else {
            Self::Inside(column)
        })
    }

    /// What an assignment changes of the row, if it does.
    pub(super) fn assigned(target: &AssignmentTarget) -> Option<Self> {
        Self::of(&target_path(target)?)
    }
}

/// The way from the row on, if `path` leads there.
pub(super) fn inside_row(path: &OwnedTargetPath) -> Option<&[OwnedSegment]> {
    let (first, rest) = path.path.segments.split_first()?;
    (path.prefix == PathPrefix::Event && field_name(first)? == ROW).then_some(rest)
}

/// The path of a column from the root.
pub(super) fn column_path(column: &str) -> OwnedValuePath {
    OwnedValuePath::single_field(ROW).with_field_appended(column)
}

/// The columns, for people.
pub(super) fn columns_are<'c>(columns: impl IntoIterator<Item = &'c String>) -> String {
    let names: Vec<String> = columns
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect();
    format!("the columns are {}", names.join(", "))
}
