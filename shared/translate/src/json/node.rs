//! What the tape is made of.

use super::JsonKind;

/// One value, or one key, of a document. Positions are bytes of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Where it begins.
    pub(super) start: u32,
    /// Behind its last byte.
    pub(super) end: u32,
    /// The node behind it and all that is in it.
    pub(super) next: u32,
    /// How many elements or members it has.
    pub(super) count: u32,
    pub(super) kind: JsonKind,
    /// Whether it is a string with escapes.
    pub(super) escaped: bool,
}
