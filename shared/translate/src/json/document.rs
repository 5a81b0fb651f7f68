//! A document as a whole.

use super::node::Node;
use super::{Json, JsonError, parser};

/// One JSON document, read strictly, with its text: any value in it can be had as
/// the bytes that came.
///
/// Needs memory linear in the text (20 bytes a value), time linear in it, and
/// constant stack, whatever the text is.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Document<'a> {
    /// Reads exactly one document: UTF-8 without a byte order mark, no duplicate
    /// keys (compared after their escapes are resolved), at most
    /// [`MAX_DEPTH`](crate::MAX_DEPTH) deep, no NUL and no half surrogate pairs in
    /// strings, numbers within the limits of [`Cell::Decimal`](crate::Cell::Decimal).
    ///
    /// # Errors
    /// The first thing that is wrong, with its place. A duplicate key is found when
    /// its object ends.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let (text, nodes) = parser::parse(bytes)?;
        Ok(Self { text, nodes })
    }

    /// The text as it came, white space around the value included.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The value that the document is.
    #[must_use]
    pub fn root(&self) -> Json<'_> {
        Json {
            document: self,
            node: 0,
        }
    }

    pub(super) fn node(&self, node: u32) -> Node {
        self.nodes[node as usize]
    }
}
