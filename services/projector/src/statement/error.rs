//! Why a text is no statement for events.

use dragoman_settings::suggest;
use thiserror::Error;

use super::BEGINNINGS;
use super::parameter::StatementParameter;

/// A text that is no statement for events.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StatementError {
    /// There is nothing in it.
    #[error("there is no statement here")]
    Nothing,
    /// Something follows the statement.
    #[error("there are several statements here, and an event is given to one")]
    Several,
    /// A statement of another kind.
    #[error("`{first}` begins no statement that an event can be given to")]
    OtherKind {
        /// What it begins with.
        first: String,
    },
    /// A parameter that there is not.
    #[error("there is no parameter `:{name}`")]
    Unknown {
        /// What was written, without the colon.
        name: String,
    },
    /// A parameter by number.
    #[error("`{number}` says nothing here: parameters have names")]
    Numbered {
        /// What was written.
        number: String,
    },
    /// A quote or a comment has no end.
    #[error("a quote or a comment is not closed")]
    Unclosed,
}

impl StatementError {
    /// What to write instead.
    #[must_use]
    pub fn remedy(&self) -> String {
        let names = || StatementParameter::ALL.map(StatementParameter::name);
        match self {
            Self::Nothing => "write one, as in \"select shop.reserve(:subject, :data)\"".to_owned(),
            Self::Several => {
                "keep one; what needs several belongs in a function that this one calls".to_owned()
            }
            Self::OtherKind { .. } => format!(
                "begin with {}; what needs more belongs in a function that the statement calls",
                BEGINNINGS.join(", ")
            ),
            Self::Unknown { name } => suggest(name, names()),
            Self::Numbered { .. } => format!("write one of :{}", names().join(", :")),
            Self::Unclosed => "close it".to_owned(),
        }
    }
}
