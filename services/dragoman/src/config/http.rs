//! `http:` where the hub listens.

use std::net::{Ipv4Addr, SocketAddr};

use dragoman_settings::{ByteSize, ListenAddress};
use schemars::JsonSchema;
use serde::Deserialize;

/// Where the hub listens. Both are on the loopback interface unless said otherwise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpOptions {
    /// Events in: the CloudEvents API and webhooks.
    pub(crate) listen: ListenAddress,
    /// Health, metrics and the admin API. It asks for no credentials: keep it inside.
    pub(crate) admin: ListenAddress,
    /// The largest body that is accepted, after decompression.
    pub(crate) body_limit: ByteSize,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            listen: loopback(8080),
            admin: loopback(8081),
            body_limit: ByteSize(1 << 20),
        }
    }
}

fn loopback(port: u16) -> ListenAddress {
    ListenAddress(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}
