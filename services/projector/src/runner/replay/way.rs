//! How the events of a projection take effect again.

use std::sync::Arc;

use super::ReplayError;
use crate::runner::ProjectorError;
use crate::sinks::http::Receiver;
use crate::{Definition, Effect, StatementEffect};

/// How many events are sent before what came of them is written down.
const SENT: usize = 500;
/// How many are executed in one transaction: live events that change the same rows wait for
/// its end.
const EXECUTED: usize = 100;

/// How the events of a projection take effect again. Every kind of effect that a rebuild
/// does not make anew has its place here.
pub(super) enum Way<'d> {
    /// They are sent to a receiver, under keys of the replay.
    Send(Box<Receiver>),
    /// They are given to their statements, in the transaction that moves the replay.
    Execute(&'d StatementEffect),
}

impl<'d> Way<'d> {
    /// # Errors
    /// When its effects are rows, or nothing can be called with the options of its sink.
    pub(super) fn of(definition: &'d Arc<Definition>) -> Result<Self, ReplayError> {
        let tables = || ReplayError::WritesTable {
            projection: definition.name.clone(),
        };
        match &definition.effect {
            Effect::Table(_) => Err(tables()),
            Effect::Statements(effect) => Ok(Self::Execute(effect)),
            Effect::Requests(_) => Receiver::of(definition)
                .map_err(|source| ProjectorError::Receiver {
                    projection: definition.name.clone(),
                    source,
                })?
                .map(|receiver| Self::Send(Box::new(receiver)))
                .ok_or_else(tables),
        }
    }

    /// How many events are read at once, about.
    pub(super) const fn batch(&self) -> usize {
        match self {
            Self::Send(_) => SENT,
            Self::Execute(_) => EXECUTED,
        }
    }
}
