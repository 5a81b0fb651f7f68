//! A Postgres of the project's own, for `dragoman dev` without `postgres:`.
//!
//! ```text
//! .dragoman/
//!   .gitignore       everything in here stays out of version control
//!   dev.lock         held by the `dragoman dev` that runs here
//!   password         of the database user, readable by the owner only
//!   port             of the last time
//!   postgres.url     while it runs: how other commands find it
//!   postgres/        the cluster (data/) and its log (server.log)
//! ```
//!
//! It listens on the loopback interface only, on a free port, with a password, and
//! is stopped when `dragoman dev` ends. One that a killed run left behind is stopped
//! before the next start.

mod account;
mod binaries;
mod cluster;
mod error;
mod folder;
mod server;

pub(crate) use error::PrivatePostgresError;
pub(crate) use folder::{Folder, running_url};
pub(crate) use server::Server;
