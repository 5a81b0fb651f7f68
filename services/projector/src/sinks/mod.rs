//! Where projections write: one folder for each kind.

pub(crate) mod postgres;
