//! Events sent or executed again on purpose, against a real Postgres and a receiver of our own. Needs
//! `DRAGOMAN_TEST_POSTGRES`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod executing;
mod resuming;
mod selecting;
mod sending;
mod shop;
mod stage;
#[allow(dead_code, unused_imports)]
#[path = "../runner/support/mod.rs"]
mod support;
