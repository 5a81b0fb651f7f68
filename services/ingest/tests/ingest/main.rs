//! The way in over real HTTP into a real Postgres. Needs `DRAGOMAN_TEST_POSTGRES`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acceptance;
mod api;
mod bad_input;
mod forms;
mod hooks;
mod keys;
mod outages;
mod quarantine;
mod samples;
mod support;
