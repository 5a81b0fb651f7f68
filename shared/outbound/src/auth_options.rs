//! `auth:` as the configuration has it.

use dragoman_settings::{Secret, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the hub shows a receiver who it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(tag = "scheme")]
pub enum AuthOptions {
    /// Not at all.
    None(NoAuthOptions),
    /// A secret in a header, as it is.
    ApiKey(ApiKeyAuthOptions),
    /// HTTP Basic authentication (RFC 7617).
    Basic(BasicAuthOptions),
    /// A token that does not change (RFC 6750).
    Bearer(BearerAuthOptions),
    /// A token from a token endpoint, by OAuth 2.0 client credentials (RFC 6749, section
    /// 4.4). It is renewed at 80 % of its life, and once when the receiver answers 401.
    Oauth2(Oauth2AuthOptions),
}

impl Default for AuthOptions {
    fn default() -> Self {
        Self::None(NoAuthOptions {})
    }
}

/// No authentication. It has no options.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoAuthOptions {}

/// A secret in a header.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyAuthOptions {
    /// The header that holds the key.
    #[serde(default = "api_key_header")]
    pub header: String,
    /// The key.
    pub key: Secret,
}

/// A user and a password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuthOptions {
    /// The user, which has no colon in it.
    pub user: Text,
    /// The password.
    pub password: Secret,
}

/// A token that does not change.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BearerAuthOptions {
    /// The token.
    pub token: Secret,
}

/// A client of an authorization server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oauth2AuthOptions {
    /// The token endpoint.
    pub token_url: Text,
    /// By which name the server knows the hub.
    pub client_id: Text,
    /// What only the server and the hub know.
    pub client_secret: Secret,
    /// What the token shall be good for, separated by spaces. Left out: what the server
    /// has for this client.
    #[serde(default)]
    pub scope: Option<Text>,
    /// For whom the token shall be, where the server asks for it.
    #[serde(default)]
    pub audience: Option<Text>,
    /// Where id and secret stand in the request for a token.
    #[serde(default)]
    pub credentials: ClientCredentials,
}

/// Where a client's id and secret stand (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientCredentials {
    /// In the header `Authorization`, as every server must take them.
    #[default]
    Header,
    /// In the body, for servers that take them there alone.
    Body,
}

fn api_key_header() -> String {
    "X-Api-Key".to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::{AuthOptions, ClientCredentials};

    fn read(json: &str) -> Result<AuthOptions, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        match read(r#"{"api_key": {"key": "k"}}"#).unwrap() {
            AuthOptions::ApiKey(options) => assert_eq!(options.header, "X-Api-Key"),
            other => panic!("{other:?}"),
        }
        let oauth2 =
            r#"{"oauth2": {"token_url": "https://a/t", "client_id": "i", "client_secret": "s"}}"#;
        match read(oauth2).unwrap() {
            AuthOptions::Oauth2(options) => {
                assert_eq!(options.credentials, ClientCredentials::Header);
                assert!(options.scope.is_none() && options.audience.is_none());
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(AuthOptions::default(), AuthOptions::None(_)));
    }

    #[test]
    fn unknown_keys_and_empty_secrets_are_errors_and_secrets_are_not_shown() {
        assert!(read(r#"{"none": {"key": "k"}}"#).is_err());
        assert!(read(r#"{"bearer": {"token": ""}}"#).is_err());
        assert!(read(r#"{"basic": {"user": "u", "password": "p", "realm": "r"}}"#).is_err());
        let basic = read(r#"{"basic": {"user": "u", "password": "s3cret"}}"#).unwrap();
        assert!(!format!("{basic:?}").contains("s3cret"));
    }

    #[test]
    fn the_schema_says_scheme() {
        let schema = serde_json::to_string(&schemars::schema_for!(AuthOptions)).unwrap();
        for scheme in ["none", "api_key", "basic", "bearer", "oauth2"] {
            assert!(
                schema.contains(&format!("\"const\":\"{scheme}\"")),
                "{scheme}"
            );
        }
        assert!(schema.contains("\"default\":\"X-Api-Key\""), "{schema}");
    }
}
