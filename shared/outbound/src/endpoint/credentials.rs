//! What authenticates without asking anybody: a header that is always the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, header};

use super::EndpointError;
use super::headers::is_owned;
use crate::{ApiKeyAuthOptions, BasicAuthOptions, BearerAuthOptions, header_value};

/// Where a secret stands in the configuration, below the endpoint's own keys.
type Path = &'static [&'static str; 2];

const PASSWORD: Path = &["auth", "password"];

/// A header that authenticates. Its value is never shown.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) header: HeaderName,
    pub(crate) value: HeaderValue,
}

impl Credentials {
    pub(super) fn api_key(options: &ApiKeyAuthOptions) -> Result<Self, EndpointError> {
        let header = HeaderName::try_from(options.header.as_str())
            .ok()
            .filter(|name| *name == header::AUTHORIZATION || !is_owned(name))
            .ok_or_else(|| EndpointError::ApiKeyHeader(options.header.clone()))?;
        Self::new(header, options.key.expose(), &["auth", "key"])
    }

    pub(super) fn basic(options: &BasicAuthOptions) -> Result<Self, EndpointError> {
        let user = options.user.as_str();
        if user.contains(':') || user.chars().any(char::is_control) {
            return Err(EndpointError::BasicUser);
        }
        let password = options.password.expose();
        if password.chars().any(char::is_control) {
            return Err(EndpointError::Unsendable { path: PASSWORD });
        }
        let pair = STANDARD.encode(format!("{user}:{password}"));
        Self::new(header::AUTHORIZATION, &format!("Basic {pair}"), PASSWORD)
    }

    pub(super) fn bearer(options: &BearerAuthOptions) -> Result<Self, EndpointError> {
        let value = format!("Bearer {}", options.token.expose());
        Self::new(header::AUTHORIZATION, &value, &["auth", "token"])
    }

    fn new(header: HeaderName, value: &str, path: Path) -> Result<Self, EndpointError> {
        let value = header_value::secret(value).ok_or(EndpointError::Unsendable { path })?;
        Ok(Self { header, value })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use dragoman_settings::{Secret, Text};

    use super::Credentials;
    use crate::endpoint::EndpointError;
    use crate::{ApiKeyAuthOptions, BasicAuthOptions, BearerAuthOptions};

    fn api_key(header: &str, key: &str) -> Result<Credentials, EndpointError> {
        Credentials::api_key(&ApiKeyAuthOptions {
            header: header.into(),
            key: Secret::from(key),
        })
    }

    fn basic(user: &str, password: &str) -> Result<Credentials, EndpointError> {
        Credentials::basic(&BasicAuthOptions {
            user: Text::from(user),
            password: Secret::from(password),
        })
    }

    fn bearer(token: &str) -> Result<Credentials, EndpointError> {
        Credentials::bearer(&BearerAuthOptions {
            token: Secret::from(token),
        })
    }

    /// The examples of RFC 7617, sections 2 and 2.1.
    #[test]
    fn basic_is_as_the_rfc_has_it() {
        let value = |user, password| basic(user, password).unwrap().value;
        assert_eq!(
            value("Aladdin", "open sesame"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(value("test", "123£"), "Basic dGVzdDoxMjPCow==");
    }

    #[test]
    fn keys_and_tokens_stand_in_their_headers_and_are_not_shown() {
        let key = api_key("X-Key", "s3cret").unwrap();
        assert_eq!(key.header, "x-key");
        assert_eq!(key.value, "s3cret");
        assert!(!format!("{key:?}").contains("s3cret"));
        assert_eq!(bearer("abc").unwrap().value, "Bearer abc");
        assert!(!format!("{:?}", bearer("s3cret").unwrap()).contains("s3cret"));
    }

    #[test]
    fn what_cannot_be_sent_is_named_and_not_shown() {
        for header in ["", "a b", "Host", "content-length", "ä"] {
            let error = api_key(header, "k").unwrap_err();
            assert!(matches!(error, EndpointError::ApiKeyHeader(_)), "{header}");
            assert_eq!(error.path(), ["auth", "header"]);
        }
        assert!(api_key("Authorization", "Token k").is_ok());
        for error in [
            api_key("X-Key", "s3cret\n").unwrap_err(),
            bearer("s3cret\r\nX: y").unwrap_err(),
            bearer("s3crét").unwrap_err(),
            basic("u", "s3cret\n").unwrap_err(),
        ] {
            assert!(matches!(error, EndpointError::Unsendable { .. }));
            assert!(!format!("{error} {error:?}").contains("s3cr"));
        }
        assert!(matches!(basic("a:b", "p"), Err(EndpointError::BasicUser)));
    }
}
