//! A call that was looked at, ready to be sent, and to be sent again.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Request;
use url::Url;

use super::{headers, path};
use crate::{Call, Unsendable};

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

pub(super) struct Prepared {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Prepared {
    pub(super) fn new(
        call: &Call,
        base: &Url,
        credentials: Option<&HeaderName>,
    ) -> Result<Self, Unsendable> {
        let method = METHODS
            .into_iter()
            .find(|method| *method == *call.method)
            .ok_or_else(|| Unsendable::Method(call.method.clone()))?;
        Ok(Self {
            method,
            url: path::append(base, &call.path).map_err(Unsendable::Path)?,
            headers: headers::of_call(call, credentials)?,
            body: call.body.clone(),
        })
    }

    /// A request with that header to authenticate.
    pub(super) fn request(&self, credentials: Option<(&HeaderName, &HeaderValue)>) -> Request {
        let mut request = Request::new(self.method.clone(), self.url.clone());
        *request.headers_mut() = self.headers.clone();
        if let Some((name, value)) = credentials {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        *request.body_mut() = self.body.clone().map(Into::into);
        request
    }
}
