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
    #[schemars(default = "default_listen")]
    pub(crate) listen: ListenAddress,
    /// Health, metrics and the admin API. It asks for no credentials: keep it inside.
    #[schemars(default = "default_admin")]
    pub(crate) admin: ListenAddress,
    /// The largest body that is accepted, after decompression.
    #[schemars(default = "default_body_limit")]
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

fn default_listen() -> String {
    HttpOptions::default().listen.to_string()
}

fn default_admin() -> String {
    HttpOptions::default().admin.to_string()
}

fn default_body_limit() -> String {
    HttpOptions::default().body_limit.to_string()
}
