//! The URL that a configuration gives, and nothing else's.

use std::sync::Arc;

use thiserror::Error;
use url::{Host, Url};

use crate::{Guard, Refused};

/// A URL that cannot be called. It is not repeated: there may be a secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlError {
    /// Not a URL.
    #[error("the URL cannot be read; write it as https://host/path")]
    Unreadable(#[source] url::ParseError),
    /// Neither http nor https.
    #[error("the URL must begin with http:// or https://")]
    Scheme,
    /// A user or a password.
    #[error("the URL must not hold a user or a password; give them under auth, as scheme: basic")]
    Credentials,
    /// A fragment.
    #[error("the URL must not hold a fragment: leave out the number sign and what follows it")]
    Fragment,
    /// Characters that a URL may hold, and a request may not.
    #[error("the URL holds characters that HTTP does not carry; percent-encode them")]
    Characters,
    /// The address guard refuses its host.
    #[error("the URL cannot be called")]
    Refused(#[source] Refused),
}

/// A URL that was looked at.
#[derive(Clone)]
pub(crate) struct CheckedUrl {
    url: Url,
    origin: Arc<str>,
}

impl CheckedUrl {
    /// Reads it, and has its host judged.
    pub(crate) fn parse(text: &str, guard: Guard) -> Result<Self, UrlError> {
        let url = Url::parse(text).map_err(UrlError::Unreadable)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme);
        }
        // An empty user, as in `https://@host/`, leaves no trace in what was read.
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return Err(UrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        if http::Uri::try_from(url.as_str()).is_err() {
            return Err(UrlError::Characters);
        }
        let host = url
            .host()
            .ok_or(UrlError::Unreadable(url::ParseError::EmptyHost))?;
        guard.check_host(&host).map_err(UrlError::Refused)?;
        let origin = origin_of(&url, &host);
        Ok(Self { url, origin })
    }

    /// As it is called.
    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host and port: what may be shown of it.
    pub(crate) fn origin(&self) -> Arc<str> {
        Arc::clone(&self.origin)
    }
}

impl std::fmt::Debug for CheckedUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.origin)
    }
}

fn origin_of(url: &Url, host: &Host<&str>) -> Arc<str> {
    let scheme = url.scheme();
    url.port().map_or_else(
        || format!("{scheme}://{host}").into(),
        |port| format!("{scheme}://{host}:{port}").into(),
    )
}

/// What stands between the slashes and the path.
fn authority(text: &str) -> &str {
    let rest = text.split_once(':').map_or("", |(_, rest)| rest);
    let rest = rest.trim_start_matches(['/', '\\', '\t', '\r', '\n']);
    rest.split(['/', '\\', '?', '#']).next().unwrap_or(rest)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{CheckedUrl, UrlError};
    use crate::Guard;

    fn parse(text: &str) -> Result<CheckedUrl, UrlError> {
        CheckedUrl::parse(text, Guard::new(false))
    }

    #[test]
    fn only_the_origin_is_shown() {
        let url = parse("https://CRM.example:8443/hooks/s3cret?key=s3cret").unwrap();
        assert_eq!(format!("{url:?}"), "https://crm.example:8443");
        assert_eq!(
            &*parse("https://crm.example:443").unwrap().origin(),
            "https://crm.example"
        );
        assert_eq!(
            &*parse("https://[2606:4700::1]/").unwrap().origin(),
            "https://[2606:4700::1]"
        );
    }

    #[test]
    fn what_is_no_url_to_call_is_named() {
        assert!(matches!(parse("crm.example"), Err(UrlError::Unreadable(_))));
        assert!(matches!(parse("https://"), Err(UrlError::Unreadable(_))));
        assert!(matches!(
            parse("https://a b/"),
            Err(UrlError::Unreadable(_))
        ));
        for scheme in [
            "ftp://a/",
            "file:///etc/passwd",
            "gopher://a/",
            "crm.example:80",
        ] {
            assert_eq!(parse(scheme).unwrap_err(), UrlError::Scheme, "{scheme}");
        }
        for user in [
            "https://user@crm.example/",
            "https://user:password@crm.example/",
            "https://:password@crm.example/",
            "https://@crm.example/",
            "https:\\\\@crm.example/",
        ] {
            assert_eq!(parse(user).unwrap_err(), UrlError::Credentials, "{user}");
        }
        assert!(parse("https://crm.example/@me").is_ok());
        assert!(parse("https://crm.example?to=a@b.example").is_ok());
        assert_eq!(parse("https://a`b/").unwrap_err(), UrlError::Characters);
        assert_eq!(
            parse("https://crm.example/#a").unwrap_err(),
            UrlError::Fragment
        );
        assert!(matches!(parse("https://127.1/"), Err(UrlError::Refused(_))));
    }
}
