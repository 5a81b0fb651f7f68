//! A receiver of calls, as it is configured.

mod credentials;
mod error;
mod headers;
mod options;
mod path;
mod prepared;
mod url;

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};
use reqwest::{Client, Request};

pub use self::error::EndpointError;
pub use self::options::EndpointOptions;
pub(crate) use self::url::CheckedUrl;
pub use self::url::UrlError;

use self::credentials::Credentials;
use self::prepared::Prepared;
use crate::answer::joined;
use crate::exchange::{ExchangeError, Limits, Received, exchange};
use crate::guard::GuardedResolver;
use crate::token::{TokenCache, TokenEndpoint};
use crate::{Answer, AuthOptions, Call, CallError, Guard, MAX_ANSWER_BYTES, client};

/// A receiver of calls, with its address, its credentials and its connections. A clone is
/// the same one: clones share connections and token.
///
/// It calls the host of its URL and no other: neither an event, nor a redirect, nor a
/// proxy variable of the environment, nor a name server can lead it to one, and
/// to an address that is not public only when that is allowed (see [`Guard`]). It has no
/// retry of its own: what is called once is sent at most once, but for the one repetition
/// after a 401 when the credentials are OAuth 2.0.
#[derive(Clone)]
pub struct Endpoint {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    url: CheckedUrl,
    auth: Auth,
    limits: Limits,
}

enum Auth {
    None,
    Fixed(Credentials),
    Token(TokenCache<TokenEndpoint>),
}

impl Endpoint {
    /// Looks at the options, and sets the client up. Nothing is called, and no name is
    /// resolved.
    ///
    /// # Errors
    /// The first option that cannot be used.
    pub fn new(options: &EndpointOptions) -> Result<Self, EndpointError> {
        let resolver = GuardedResolver::new(Guard::new(options.private_network));
        Self::with_resolver(options, resolver)
    }

    fn with_resolver(
        options: &EndpointOptions,
        resolver: GuardedResolver,
    ) -> Result<Self, EndpointError> {
        if options.timeout.is_zero() {
            return Err(EndpointError::Timeout);
        }
        let guard = Guard::new(options.private_network);
        let url = CheckedUrl::parse(options.url.expose(), guard).map_err(EndpointError::Url)?;
        let auth = Auth::new(&options.auth, guard, resolver)?;
        let client = client::new(resolver, options.timeout).map_err(client_error)?;
        let limits = Limits {
            timeout: options.timeout,
            body: MAX_ANSWER_BYTES,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                client,
                url,
                auth,
                limits,
            }),
        })
    }

    /// Scheme, host and port: what may be shown of its URL.
    #[must_use]
    pub fn origin(&self) -> Arc<str> {
        self.shared.url.origin()
    }

    /// Makes one call and returns the answer, whatever its status; redirects too.
    ///
    /// The timeout is for the whole of a request and its answer. Time spent on a token is
    /// not taken from it (that is bounded by ten seconds of its own): a slow token endpoint
    /// must not make of a call one whose answer is not waited for. Answered with 401, a call
    /// with OAuth 2.0 credentials is repeated once with a new token and the whole timeout;
    /// a second 401 is the answer.
    ///
    /// The body of an answer is kept up to [`MAX_ANSWER_BYTES`]. Dropping the future closes
    /// the connection: whether the receiver acted is then not known.
    ///
    /// # Errors
    /// Why there is no answer, by what that says of the receiver: see [`CallError`].
    pub async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        let shared = &*self.shared;
        let prepared = Prepared::new(call, shared.url.url(), shared.auth.header())
            .map_err(CallError::Unsendable)?;
        let received = match &shared.auth {
            Auth::None => shared.exchange(prepared.request(None)).await?,
            Auth::Fixed(credentials) => {
                let value = Some((&credentials.header, &credentials.value));
                shared.exchange(prepared.request(value)).await?
            }
            Auth::Token(tokens) => shared.exchange_with_token(&prepared, tokens).await?,
        };
        Ok(Answer {
            status: received.status,
            headers: joined(&received.headers),
            body: received.body,
            truncated: received.truncated,
        })
    }
}

impl Shared {
    async fn exchange_with_token(
        &self,
        prepared: &Prepared,
        tokens: &TokenCache<TokenEndpoint>,
    ) -> Result<Received, CallError> {
        let request = |value: &HeaderValue| prepared.request(Some((&header::AUTHORIZATION, value)));
        let token = tokens.token().await.map_err(CallError::Token)?;
        let received = self.exchange(request(&token.authorization)).await?;
        if received.status != 401 {
            return Ok(received);
        }
        let token = tokens.renewed(&token).await.map_err(CallError::Token)?;
        self.exchange(request(&token.authorization)).await
    }

    async fn exchange(&self, request: Request) -> Result<Received, CallError> {
        let origin = self.url.origin();
        exchange(&self.client, request, &origin, self.limits)
            .await
            .map_err(|error| match error {
                ExchangeError::Refused(refused) => CallError::Refused(refused),
                ExchangeError::NotConnected(error) => CallError::NotConnected(error),
                ExchangeError::NoAnswer(error) => CallError::NoAnswer(error),
            })
    }
}

impl Auth {
    fn new(
        options: &AuthOptions,
        guard: Guard,
        resolver: GuardedResolver,
    ) -> Result<Self, EndpointError> {
        let credentials = match options {
            AuthOptions::None(_) => return Ok(Self::None),
            AuthOptions::ApiKey(options) => Credentials::api_key(options)?,
            AuthOptions::Basic(options) => Credentials::basic(options)?,
            AuthOptions::Bearer(options) => Credentials::bearer(options)?,
            AuthOptions::Oauth2(options) => {
                let url = CheckedUrl::parse(options.token_url.as_str(), guard)
                    .map_err(EndpointError::TokenUrl)?;
                let endpoint = TokenEndpoint::new(url, options, resolver).map_err(client_error)?;
                return Ok(Self::Token(TokenCache::new(endpoint)));
            }
        };
        Ok(Self::Fixed(credentials))
    }

    /// The header that authenticates, where it may be another than `Authorization`, which is
    /// never an event's.
    const fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::Fixed(credentials) => Some(&credentials.header),
            Self::None | Self::Token(_) => None,
        }
    }
}

/// Its origin alone.
impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Endpoint")
            .field(&self.shared.url)
            .finish()
    }
}

fn client_error(error: reqwest::Error) -> EndpointError {
    EndpointError::Client(Box::new(error.without_url()))
}

#[cfg(test)]
mod tests;
