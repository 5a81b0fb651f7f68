//! In which form deliveries come.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In which form deliveries come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decode {
    /// Strict JSON (RFC 8259): no duplicate keys, at most 128 deep.
    #[default]
    Json,
    /// Not there yet.
    #[schemars(skip)]
    Xml,
    /// Not there yet.
    #[schemars(skip)]
    Form,
}

impl Decode {
    /// Its name in the configuration, when this version cannot do it.
    pub(crate) const fn not_there_yet(self) -> Option<&'static str> {
        match self {
            Self::Json => None,
            Self::Xml => Some("xml"),
            Self::Form => Some("form"),
        }
    }
}
