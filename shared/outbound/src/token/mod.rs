//! Access tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4).
//!
//! One file asks for a token, one reads the answer, one keeps it: asked for once however
//! many wait, renewed before it ends, and thrown away when the receiver refuses it.

mod cache;
mod error;
mod grant;
mod request;

pub(crate) use self::cache::TokenCache;
pub use self::error::{TokenError, TokenProblem};
pub(crate) use self::grant::Grant;
pub(crate) use self::request::TokenEndpoint;
