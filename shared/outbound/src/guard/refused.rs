//! What the guard says.

use std::net::IpAddr;

use thiserror::Error;

/// A host that may not be called: its address is not public.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{host} is at {address}, which is {purpose} and not public; if it is meant to be called, set private_network: true where its url stands"
)]
pub struct Refused {
    /// The host as the configuration has it.
    pub host: Box<str>,
    /// The first of its addresses that is not public.
    pub address: IpAddr,
    /// What such addresses are for.
    pub purpose: &'static str,
}
