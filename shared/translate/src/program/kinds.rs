//! The kinds of value that a program may yield.

use std::fmt;

/// The kinds of value that a program may yield, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u16);

impl Kinds {
    /// None at all: the program always fails.
    pub const NEVER: Self = Self(0);
    /// null, which is also what a path to something missing yields.
    pub const NULL: Self = Self(1);
    /// true or false
    pub const BOOLEAN: Self = Self(2);
    /// A whole number.
    pub const INTEGER: Self = Self(4);
    /// Any other number.
    pub const FLOAT: Self = Self(8);
    /// Text.
    pub const STRING: Self = Self(16);
    /// A point in time.
    pub const TIMESTAMP: Self = Self(32);
    /// An array.
    pub const ARRAY: Self = Self(64);
    /// An object.
    pub const OBJECT: Self = Self(128);
    /// Whole or not.
    pub(crate) const NUMBER: Self = Self(4 | 8);
    /// What JSON has: everything but timestamps.
    pub(crate) const JSON: Self = Self(255 - 32);
    /// Everything: nothing is known.
    pub const ANY: Self = Self(255);

    /// Both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in `self` and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether they have something in common.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all of `self` is in `other`.
    #[must_use]
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// As people say it: "text or null", "number", "anything".
impl fmt::Display for Kinds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if Self::JSON.within(*self) {
            return formatter.write_str("anything");
        }
        let whole_only = !self.intersects(Self::FLOAT);
        let names: Vec<&str> = [
            (Self::STRING, "text"),
            (Self::INTEGER, if whole_only { "integer" } else { "" }),
            (Self::FLOAT, "number"),
            (Self::BOOLEAN, "boolean"),
            (Self::TIMESTAMP, "timestamp"),
            (Self::ARRAY, "array"),
            (Self::OBJECT, "object"),
            (Self::NULL, "null"),
        ]
        .into_iter()
        .filter(|(kind, name)| self.intersects(*kind) && !name.is_empty())
        .map(|(_, name)| name)
        .collect();
        match names.split_last() {
            None => formatter.write_str("nothing"),
            Some((last, [])) => formatter.write_str(last),
            Some((last, others)) => write!(formatter, "{} or {last}", others.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kinds;

    #[test]
    fn kinds_read_as_people_say_them() {
        let cases = [
            (Kinds::NEVER, "nothing"),
            (Kinds::STRING.union(Kinds::NULL), "text or null"),
            (Kinds::NUMBER, "number"),
            (Kinds::INTEGER, "integer"),
            (
                Kinds::NUMBER.union(Kinds::ARRAY).union(Kinds::NULL),
                "number, array or null",
            ),
            (Kinds::ANY, "anything"),
            (Kinds::JSON, "anything"),
        ];
        for (kinds, said) in cases {
            assert_eq!(kinds.to_string(), said);
        }
    }
}
