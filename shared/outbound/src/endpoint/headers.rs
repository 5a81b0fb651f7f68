//! The headers of a call: the event's, as far as they are the event's to set.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{Call, Unsendable, header_value};

/// By which key a receiver tells a repeat (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is set here, what belongs to the connection (RFC 9110, section 7.6.1), and what
/// proves who calls. A coding of the answer's body is not asked for, since none is undone.
const OWNED: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "idempotency-key",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers to send, without those that authenticate. `credentials` is the header that
/// does, when it is not `Authorization`.
pub(super) fn of_call(
    call: &Call,
    credentials: Option<&HeaderName>,
) -> Result<HeaderMap, Unsendable> {
    let mut headers = HeaderMap::with_capacity(call.headers.len() + 4);
    for (name, value) in &call.headers {
        let name = HeaderName::try_from(name.as_str())
            .map_err(|_| Unsendable::HeaderName(name.clone()))?;
        if OWNED.contains(&name.as_str()) || credentials == Some(&name) {
            return Err(Unsendable::HeaderOwned(name.as_str().to_owned()));
        }
        let value = header_value::of(value)
            .ok_or_else(|| Unsendable::HeaderValue(name.as_str().to_owned()))?;
        headers.append(name, value);
    }
    if let Some(key) = &call.idempotency_key {
        let value = header_value::of(key)
            .filter(|_| !key.trim().is_empty())
            .ok_or(Unsendable::IdempotencyKey)?;
        headers.insert(IDEMPOTENCY_KEY, value);
    }
    headers
        .entry(header::USER_AGENT)
        .or_insert(HeaderValue::from_static(crate::client::USER_AGENT));
    Ok(headers)
}

/// Whether the hub sets that header itself.
pub(super) fn is_owned(name: &HeaderName) -> bool {
    OWNED.contains(&name.as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http::HeaderName;

    use super::{OWNED, of_call};
    use crate::{Call, Unsendable};

    fn call(headers: &[(&str, &str)]) -> Call {
        Call {
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Call::new("POST", "/")
        }
    }

    #[test]
    fn the_events_headers_and_the_key_are_sent() {
        let mut call = call(&[("X-Tag", "a"), ("x-tag", "b"), ("Content-Type", "text/csv")]);
        call.idempotency_key = Some("k1".into());
        let headers = of_call(&call, None).unwrap();
        assert_eq!(headers.get_all("x-tag").iter().count(), 2);
        assert_eq!(headers["content-type"], "text/csv");
        assert_eq!(headers["idempotency-key"], "k1");
        assert!(
            headers["user-agent"]
                .to_str()
                .unwrap()
                .starts_with("dragoman/")
        );
    }

    #[test]
    fn what_is_the_hubs_is_refused_in_any_case_of_letters() {
        let key = HeaderName::from_static("x-api-key");
        for name in OWNED.iter().copied().chain(["x-api-key"]) {
            for name in [name.to_owned(), name.to_uppercase()] {
                let refused = of_call(&call(&[(&name, "x")]), Some(&key)).unwrap_err();
                assert_eq!(refused, Unsendable::HeaderOwned(name.to_lowercase()));
            }
        }
        assert!(of_call(&call(&[("x-api-key", "x")]), None).is_ok());
    }

    #[test]
    fn what_http_cannot_carry_is_refused_without_its_value() {
        for name in ["", "a b", "a:", "a\r\nb", "ä", ":path"] {
            let refused = of_call(&call(&[(name, "x")]), None).unwrap_err();
            assert_eq!(refused, Unsendable::HeaderName(name.to_owned()));
        }
        for value in [
            "s3cret\r\nHost: evil",
            "s3cret\n",
            "s3cret\0",
            "s3cret ä",
            "s3cret\u{7f}",
        ] {
            let refused = of_call(&call(&[("x-a", value)]), None).unwrap_err();
            assert_eq!(refused, Unsendable::HeaderValue("x-a".into()));
            assert!(!format!("{refused} {refused:?}").contains("s3cret"));
            let keyed = Call {
                idempotency_key: Some(value.into()),
                ..Call::new("POST", "")
            };
            assert_eq!(of_call(&keyed, None), Err(Unsendable::IdempotencyKey));
        }
        for empty in ["", " ", "\t"] {
            let keyed = Call {
                idempotency_key: Some(empty.into()),
                ..Call::new("POST", "")
            };
            assert_eq!(of_call(&keyed, None), Err(Unsendable::IdempotencyKey));
        }
    }
}
