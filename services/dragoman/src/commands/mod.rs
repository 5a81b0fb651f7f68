//! One file per command.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod dev;
pub(crate) mod events;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod parked;
pub(crate) mod projection;
pub(crate) mod quarantine;
pub(crate) mod rebuild;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod status;
