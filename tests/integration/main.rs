//! Dragoman beside programs of others, where nothing goes wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod partitions;
