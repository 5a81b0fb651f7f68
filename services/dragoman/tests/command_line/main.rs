//! The binary as people and scripts meet it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod dev;
mod documents;
mod help;
mod mistakes;
mod new_project;
mod private_postgres;
mod project;
mod replaying;
mod samples;
mod support;
