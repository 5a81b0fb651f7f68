//! What of an event a statement can be given.

use super::StatementError;

/// Something of an event that a statement is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementParameter {
    /// `:id`, text
    Id,
    /// `:source`, text
    Source,
    /// `:type`, text
    Type,
    /// `:subject`, text
    Subject,
    /// `:time`, timestamptz
    Time,
    /// `:data`, jsonb, with every digit
    Data,
    /// `:position`, bigint
    Position,
    /// `:extensions`, jsonb
    Extensions,
}

impl StatementParameter {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Id,
        Self::Source,
        Self::Type,
        Self::Subject,
        Self::Time,
        Self::Data,
        Self::Position,
        Self::Extensions,
    ];

    /// Its name, without the colon.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Source => "source",
            Self::Type => "type",
            Self::Subject => "subject",
            Self::Time => "time",
            Self::Data => "data",
            Self::Position => "position",
            Self::Extensions => "extensions",
        }
    }

    /// What it is cast to, when it travels as something else.
    pub(super) const fn cast(self) -> Option<&'static str> {
        match self {
            Self::Data | Self::Extensions => Some("jsonb"),
            Self::Id | Self::Source | Self::Type | Self::Subject | Self::Time | Self::Position => {
                None
            }
        }
    }

    /// The one of that name.
    pub(super) fn named(name: &str) -> Result<Self, StatementError> {
        Self::ALL
            .into_iter()
            .find(|parameter| parameter.name() == name)
            .ok_or_else(|| StatementError::Unknown {
                name: name.to_owned(),
            })
    }
}
