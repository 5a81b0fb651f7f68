//! Which event types somebody may write, as they are said on a command line.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// An event type, or a prefix of types: `order.placed`, `order.*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypePattern(String);

/// A text that is no type pattern.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "{0:?} is not a type pattern: write a type (order.placed), a family (order.*) or * for all; a star may only stand at the end, alone or after a dot"
)]
pub struct TypePatternError(String);

impl TypePattern {
    /// Whether the event type falls under this pattern.
    #[must_use]
    pub fn matches(&self, event_type: &str) -> bool {
        self.0
            .strip_suffix('*')
            .map_or(self.0 == event_type, |prefix| {
                event_type.starts_with(prefix)
            })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TypePattern {
    type Err = TypePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let stem = text.strip_suffix('*').unwrap_or(text);
        let family = text.len() == stem.len() || stem.is_empty() || stem.ends_with('.');
        if text.is_empty() || !family || stem.contains('*') || stem.chars().any(char::is_whitespace)
        {
            return Err(TypePatternError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::TypePattern;

    #[test]
    fn a_family_covers_its_types_and_nothing_beside_them() {
        let family: TypePattern = "order.*".parse().unwrap();
        assert!(family.matches("order.placed"));
        assert!(!family.matches("orders.placed"));
        let one: TypePattern = "order.placed".parse().unwrap();
        assert!(one.matches("order.placed") && !one.matches("order.placed.late"));
        assert!("*".parse::<TypePattern>().unwrap().matches("anything"));
        for bad in ["", "or*", "*.placed", "order.**", "order placed"] {
            assert!(bad.parse::<TypePattern>().is_err(), "{bad}");
        }
    }
}
