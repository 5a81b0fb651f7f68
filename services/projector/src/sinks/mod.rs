//! Where projections write: one folder for each kind.

pub(crate) mod http;
pub(crate) mod postgres;
