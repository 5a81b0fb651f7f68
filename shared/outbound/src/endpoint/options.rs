//! What an endpoint is made of.

use std::time::Duration;

use dragoman_settings::Secret;

use crate::AuthOptions;

/// How a receiver is called. Not part of the configuration file: a sink makes it of its
/// own options.
#[derive(Debug, Clone)]
pub struct EndpointOptions {
    /// `http` or `https`, without user, password and fragment. A path and a query of its
    /// own stand before those of each call. Secret, since many receivers know a sender by
    /// what stands there.
    pub url: Secret,
    /// How the hub shows who it is.
    pub auth: AuthOptions,
    /// For the whole of a request and its answer. Three quarters of it, and five seconds at
    /// the most, are for the connection.
    pub timeout: Duration,
    /// Whether addresses that are not public may be called, for the token endpoint too.
    pub private_network: bool,
}
