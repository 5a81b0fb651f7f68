//! Proving that a delivery comes from whom it says. One file for each scheme, one line
//! for it in the registry below.
//!
//! Every scheme compares in constant time, over the raw bytes, with each of several
//! secrets, so that a secret can be changed without losing a delivery: add the new one,
//! change the sender, remove the old one.

mod api_key;
mod basic;
mod github;
mod hmac;
mod mac;
mod password;
mod shopify;
mod slack;
mod standard_webhooks;
mod stripe;
mod timestamp;

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName};
use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;

pub use self::api_key::ApiKeyOptions;
pub use self::basic::BasicOptions;
pub use self::github::GithubOptions;
pub use self::hmac::{Encoding, HmacAlgorithm, HmacOptions};
pub use self::shopify::ShopifyOptions;
pub use self::slack::SlackOptions;
pub use self::standard_webhooks::StandardWebhooksOptions;
pub use self::stripe::StripeOptions;

macro_rules! schemes {
    ($($(#[$docs:meta])* $scheme:ident($options:ty),)*) => {
        /// How a delivery proves where it comes from.
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[schemars(tag = "scheme")]
        pub enum VerifyOptions {
            $($(#[$docs])* $scheme($options),)*
        }

        impl VerifyOptions {
            /// Prepares the secrets.
            ///
            /// # Errors
            /// Every option that cannot be used.
            pub(crate) fn compile(&self) -> Result<Box<dyn Verifier>, Vec<OptionProblem>> {
                match self {
                    $(Self::$scheme(options) => options.compile(),)*
                }
            }
        }
    };
}

schemes! {
    /// GitHub's webhooks: HMAC-SHA256 of the body in `X-Hub-Signature-256`, and
    /// `X-GitHub-Delivery` remembered.
    Github(GithubOptions),
    /// Standard Webhooks (<https://www.standardwebhooks.com>): HMAC-SHA256 of id,
    /// timestamp and body, five minutes of tolerance.
    StandardWebhooks(StandardWebhooksOptions),
    /// Stripe's webhooks: HMAC-SHA256 of timestamp and body in `Stripe-Signature`, five
    /// minutes of tolerance. Within them the id of the event, `.body.id`, tells a repeat.
    Stripe(StripeOptions),
    /// Shopify's webhooks: HMAC-SHA256 of the body in `X-Shopify-Hmac-Sha256`, and
    /// `X-Shopify-Webhook-Id` remembered.
    Shopify(ShopifyOptions),
    /// Slack's requests: HMAC-SHA256 of timestamp and body in `X-Slack-Signature`, five
    /// minutes of tolerance.
    Slack(SlackOptions),
    /// An HMAC of the body in a header of the sender's choice. It does not say when it
    /// was made: only the event's id protects from a delivery that is sent again.
    Hmac(HmacOptions),
    /// A secret in a header, as it is: for senders that cannot sign.
    ApiKey(ApiKeyOptions),
    /// HTTP Basic authentication: for senders that cannot sign.
    Basic(BasicOptions),
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) now: DateTime<Utc>,
}

/// A way to verify deliveries.
pub(crate) trait Verifier: Debug + Send + Sync {
    /// Whether the delivery is authentic.
    ///
    /// # Errors
    /// Why it is not; no word of it helps to forge one.
    fn verify(&self, signed: Signed<'_>) -> Result<(), Refusal>;

    /// The id by which the sender calls this delivery, the same when it sends it again;
    /// `None` when the scheme has none.
    fn delivery_id(&self, headers: &HeaderMap) -> Option<String>;

    /// The headers that carry proof, by their lower-case names: they are not kept.
    fn proof_headers(&self) -> Vec<&str>;
}

/// Why a delivery is not taken for authentic.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    /// A header that proves something is not there, or is there twice.
    #[error("the header {header} must be there once")]
    Header { header: String },
    /// The header does not have the form of a signature.
    #[error("the header {header} does not hold a signature")]
    Form { header: String },
    /// It was signed too long ago, or in the future.
    #[error("it was signed more than five minutes from now by this clock")]
    Timestamp,
    /// No secret makes this signature.
    #[error("the signature is not the one of this body with any of the secrets")]
    Signature,
    /// The header does not show what only the sender knows.
    #[error("the header {header} does not hold the right credentials")]
    Secret { header: String },
}

impl Refusal {
    fn form(header: &str) -> Self {
        Self::Form {
            header: header.to_owned(),
        }
    }

    fn secret(header: &str) -> Self {
        Self::Secret {
            header: header.to_owned(),
        }
    }
}

/// An option of a scheme that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OptionProblem {
    /// Keys under `verify`.
    pub(crate) path: Vec<String>,
    pub(crate) message: String,
    pub(crate) remedy: String,
}

impl OptionProblem {
    fn new(path: &[&str], message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

/// The one value of a header.
fn only_value<'h>(headers: &'h HeaderMap, header: &str) -> Result<&'h [u8], Refusal> {
    let mut values = headers.get_all(header).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        _ => Err(Refusal::Header {
            header: header.to_owned(),
        }),
    }
}

/// The name of a header that the sender chose.
fn header_name(name: &str, example: &str) -> Result<HeaderName, Vec<OptionProblem>> {
    HeaderName::try_from(name).map_err(|_| {
        vec![OptionProblem::new(
            &["header"],
            format!("{name:?} cannot be the name of a header"),
            format!("write the name as the sender's documentation has it, as in {example}"),
        )]
    })
}

/// At least one secret must be given.
fn require_secrets(count: usize) -> Result<(), Vec<OptionProblem>> {
    if count > 0 {
        return Ok(());
    }
    Err(vec![OptionProblem::new(
        &["secrets"],
        "there is no secret to verify deliveries with",
        "give one that the sender knows too, as in secrets: [file:secrets/name]",
    )])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod testing {
    use chrono::{DateTime, Utc};
    use http::{HeaderMap, HeaderName, HeaderValue};

    /// A moment, in seconds since 1970.
    pub(super) fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    pub(super) fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::try_from(*name).unwrap(),
                    HeaderValue::try_from(*value).unwrap(),
                )
            })
            .collect()
    }
}
