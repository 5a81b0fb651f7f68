//! Asking a token endpoint.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::Utc;
use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::{Client, Request};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::cache::Source;
use super::{Grant, TokenError, grant};
use crate::client::{self, USER_AGENT};
use crate::endpoint::CheckedUrl;
use crate::exchange::{ExchangeError, Limits, exchange};
use crate::guard::GuardedResolver;
use crate::{ClientCredentials, Oauth2AuthOptions, header_value};

/// What bounds one request for a token.
const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(10),
    body: 64 << 10,
};

/// A token endpoint, with what it is asked for.
#[derive(Debug, Clone)]
pub(crate) struct TokenEndpoint {
    client: Client,
    url: CheckedUrl,
    /// Sensitive where the secret stands in it.
    headers: HeaderMap,
    body: Form,
}

/// The body of the request, in which the secret may stand.
#[derive(Clone)]
struct Form(Bytes);

impl std::fmt::Debug for Form {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Form(…)")
    }
}

impl TokenEndpoint {
    /// With a client of its own, since the endpoint's may be set to connect faster than a
    /// server of tokens does.
    pub(crate) fn new(
        url: CheckedUrl,
        options: &Oauth2AuthOptions,
        resolver: GuardedResolver,
    ) -> reqwest::Result<Self> {
        let mut headers = HeaderMap::from_iter([
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            ),
            (header::USER_AGENT, HeaderValue::from_static(USER_AGENT)),
        ]);
        if options.credentials == ClientCredentials::Header {
            headers.extend(basic(options).map(|value| (header::AUTHORIZATION, value)));
        }
        Ok(Self {
            client: client::new(resolver, LIMITS.timeout)?,
            url,
            headers,
            body: Form(Bytes::from(form(options))),
        })
    }
}

impl Source for TokenEndpoint {
    async fn token(&self) -> Result<Grant, TokenError> {
        let mut request = Request::new(Method::POST, self.url.url().clone());
        *request.headers_mut() = self.headers.clone();
        *request.body_mut() = Some(self.body.0.clone().into());
        let origin = self.url.origin();
        let received = exchange(&self.client, request, &origin, LIMITS)
            .await
            .map_err(|error| match error {
                ExchangeError::Refused(refused) => TokenError::Refused(refused),
                ExchangeError::NotConnected(error) => TokenError::NotConnected(error),
                ExchangeError::NoAnswer(error) => TokenError::NoAnswer(error),
            })?;
        grant::read(&received, &Arc::clone(&origin), Utc::now())
    }
}

/// Id and secret, each encoded as in a form before they are put together (RFC 6749, section
/// 2.3.1 and appendix B): a colon in the id would else end it. Base64 is always a header.
fn basic(options: &Oauth2AuthOptions) -> Option<HeaderValue> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let id = encoded(options.client_id.as_str());
    let secret = encoded(options.client_secret.expose());
    let pair = STANDARD.encode(format!("{id}:{secret}"));
    header_value::secret(&format!("Basic {pair}"))
}

fn form(options: &Oauth2AuthOptions) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    for (name, value) in [("scope", &options.scope), ("audience", &options.audience)] {
        if let Some(value) = value {
            form.append_pair(name, value.as_str());
        }
    }
    if options.credentials == ClientCredentials::Body {
        form.append_pair("client_id", options.client_id.as_str());
        form.append_pair("client_secret", options.client_secret.expose());
    }
    form.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use dragoman_settings::{Secret, Text};

    use super::{TokenEndpoint, basic, form};
    use crate::endpoint::CheckedUrl;
    use crate::guard::GuardedResolver;
    use crate::{ClientCredentials, Guard, Oauth2AuthOptions};

    fn options(credentials: ClientCredentials) -> Oauth2AuthOptions {
        Oauth2AuthOptions {
            token_url: Text::from("https://id.example/token"),
            client_id: Text::from("hub:1 ü"),
            client_secret: Secret::from("s3cret/+ %&="),
            scope: Some(Text::from("orders.read orders.write")),
            audience: None,
            credentials,
        }
    }

    #[test]
    fn id_and_secret_are_encoded_before_they_are_put_together() {
        let value = basic(&options(ClientCredentials::Header)).unwrap();
        let pair = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
        let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
        assert_eq!(pair, "hub%3A1+%C3%BC:s3cret%2F%2B+%25%26%3D");
    }

    #[test]
    fn the_form_asks_for_what_is_configured_and_holds_the_secret_only_where_it_must() {
        assert_eq!(
            form(&options(ClientCredentials::Header)),
            "grant_type=client_credentials&scope=orders.read+orders.write"
        );
        let options = Oauth2AuthOptions {
            scope: None,
            audience: Some(Text::from("https://crm.example")),
            ..options(ClientCredentials::Body)
        };
        assert_eq!(
            form(&options),
            "grant_type=client_credentials&audience=https%3A%2F%2Fcrm.example\
             &client_id=hub%3A1+%C3%BC&client_secret=s3cret%2F%2B+%25%26%3D"
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        let guard = Guard::new(false);
        for credentials in [ClientCredentials::Header, ClientCredentials::Body] {
            let url = CheckedUrl::parse("https://id.example/token?key=s3cret", guard).unwrap();
            let resolver = GuardedResolver::new(guard);
            let endpoint = TokenEndpoint::new(url, &options(credentials), resolver).unwrap();
            let shown = format!("{endpoint:?}");
            assert!(!shown.contains("s3cret"), "{shown}");
            assert!(shown.contains("https://id.example"), "{shown}");
        }
    }
}
