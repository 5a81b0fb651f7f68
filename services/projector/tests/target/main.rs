//! The Postgres sink against a real Postgres: what it promises to whoever brings it
//! events. Needs `DRAGOMAN_TEST_POSTGRES`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cached_rows;
mod effects;
mod folds;
mod folds_of_elements;
mod opening;
mod ownership;
mod parking;
mod rebuild;
mod statements;
mod support;
mod total_order;
