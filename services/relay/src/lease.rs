//! Being the one relay.

/// The name of the lease, and of the component in `status`.
pub const LEASE: &str = "relay";
