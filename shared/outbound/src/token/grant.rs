//! What a token endpoint answers.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderValue;
use serde::Deserialize;

use super::{TokenError, TokenProblem};
use crate::answer::joined;
use crate::exchange::Received;
use crate::{header_value, retry_after};

/// A token as it was given. Its value is never shown.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// `Bearer` and the token: what `Authorization` holds.
    pub(crate) authorization: HeaderValue,
    /// How long it lives; `None` when the server does not say.
    pub(crate) life: Option<Duration>,
}

#[derive(Deserialize)]
struct Success {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: Option<ExpiresIn>,
}

/// A number; some servers write it as text, or with a fraction.
#[derive(Deserialize)]
#[serde(untagged)]
enum ExpiresIn {
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
struct Failure {
    error: String,
}

/// The codes of RFC 6749, section 5.2.
const CODES: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// Reads the answer.
pub(super) fn read(
    received: &Received,
    origin: &Arc<str>,
    now: DateTime<Utc>,
) -> Result<Grant, TokenError> {
    if received.status == 200 {
        return read_success(received).map_err(|problem| TokenError::Unusable {
            origin: Arc::clone(origin),
            problem,
        });
    }
    let (status, origin) = (received.status, Arc::clone(origin));
    if matches!(status, 408 | 425 | 429 | 500..) {
        let headers = joined(&received.headers);
        let date = headers.get("date").map(String::as_str);
        let retry_after = headers
            .get("retry-after")
            .and_then(|header| retry_after::wait(header, date, now));
        return Err(TokenError::Unavailable {
            origin,
            status,
            retry_after,
        });
    }
    let code = serde_json::from_slice(&received.body)
        .ok()
        .and_then(|Failure { error }| CODES.into_iter().find(|code| *code == error));
    Err(TokenError::Denied {
        origin,
        status,
        code,
    })
}

fn read_success(received: &Received) -> Result<Grant, TokenProblem> {
    if received.truncated {
        return Err(TokenProblem::TooLong);
    }
    // The cause is not kept: it may quote what it could not read.
    let success: Success =
        serde_json::from_slice(&received.body).map_err(|_| TokenProblem::Form)?;
    if success.access_token.is_empty() {
        return Err(TokenProblem::Form);
    }
    if !success.token_type.eq_ignore_ascii_case("bearer") {
        return Err(TokenProblem::Type);
    }
    let authorization = header_value::secret(&format!("Bearer {}", success.access_token))
        .ok_or(TokenProblem::Value)?;
    let life = match success.expires_in {
        None => None,
        Some(ExpiresIn::Number(seconds)) => Some(seconds),
        Some(ExpiresIn::Text(text)) => Some(text.trim().parse().map_err(|_| TokenProblem::Form)?),
    };
    Ok(Grant {
        authorization,
        // What is beyond the type is beyond any life.
        life: life.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::{Grant, read};
    use crate::exchange::Received;
    use crate::{TokenError, TokenProblem};

    fn answered(status: u16, body: &str) -> Result<Grant, TokenError> {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("7"));
        let received = Received {
            status,
            headers,
            body: Bytes::from(body.to_owned()),
            truncated: body.len() > 1000,
        };
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        read(&received, &Arc::from("https://id.example"), now)
    }

    fn life(expires_in: &str) -> Option<Duration> {
        let body = format!(r#"{{"access_token":"t","token_type":"bEaReR"{expires_in}}}"#);
        answered(200, &body).unwrap().life
    }

    #[test]
    fn a_token_is_read_with_its_life() {
        assert_eq!(
            life(r#","expires_in":3600"#),
            Some(Duration::from_secs(3600))
        );
        assert_eq!(
            life(r#","expires_in":"3600""#),
            Some(Duration::from_secs(3600))
        );
        assert_eq!(
            life(r#","expires_in":3599.5"#),
            Some(Duration::from_millis(3_599_500))
        );
        assert_eq!(life(r#","expires_in":-1"#), Some(Duration::ZERO));
        assert_eq!(life(r#","expires_in":null"#), None);
        assert_eq!(life(r#","expires_in":1e300"#), None);
        assert_eq!(life(r#","scope":"a b","more":{}"#), None);
        let grant = answered(200, r#"{"access_token":"s3cret","token_type":"Bearer"}"#).unwrap();
        assert_eq!(grant.authorization, "Bearer s3cret");
        assert!(!format!("{grant:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_no_token_is_named_and_not_repeated() {
        let long = format!(
            r#"{{"access_token":"{}","token_type":"Bearer"}}"#,
            "s3cret".repeat(200)
        );
        for (body, problem) in [
            ("", TokenProblem::Form),
            ("<html>s3cret</html>", TokenProblem::Form),
            (
                r#"{"access_token":"","token_type":"Bearer"}"#,
                TokenProblem::Form,
            ),
            (r#"{"access_token":"s3cret"}"#, TokenProblem::Form),
            (r#"{"token_type":"Bearer"}"#, TokenProblem::Form),
            (
                r#"{"access_token":["s3cret"],"token_type":"Bearer"}"#,
                TokenProblem::Form,
            ),
            (
                r#"{"access_token":"s3cret","token_type":"Bearer","expires_in":"s3cret"}"#,
                TokenProblem::Form,
            ),
            (
                r#"{"access_token":"s3cret","token_type":"DPoP"}"#,
                TokenProblem::Type,
            ),
            (
                r#"{"access_token":"s3cret\r\nHost: evil","token_type":"Bearer"}"#,
                TokenProblem::Value,
            ),
            (
                r#"{"access_token":"s3cret é","token_type":"Bearer"}"#,
                TokenProblem::Value,
            ),
            (&long, TokenProblem::TooLong),
        ] {
            let error = answered(200, body).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{body}");
            match error {
                TokenError::Unusable { problem: found, .. } => assert_eq!(found, problem, "{body}"),
                other => unreachable!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_is_final_and_an_outage_is_not() {
        for (status, body, known) in [
            (401, r#"{"error":"invalid_client"}"#, Some("invalid_client")),
            (400, r#"{"error":"invalid_scope"}"#, Some("invalid_scope")),
            (400, r#"{"error":"s3cret"}"#, None),
            (403, "s3cret", None),
            (404, "", None),
            (302, "", None),
            (201, "", None),
        ] {
            let error = answered(status, body).unwrap_err();
            assert!(!error.is_retryable(), "{status}");
            assert!(!format!("{error} {error:?}").contains("s3cret"));
            match error {
                TokenError::Denied { code, .. } => assert_eq!(code, known, "{status}"),
                other => unreachable!("{other:?}"),
            }
        }
        for status in [408, 425, 429, 500, 503, 599] {
            let error = answered(status, r#"{"error":"invalid_client"}"#).unwrap_err();
            assert!(error.is_retryable(), "{status}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        }
    }
}
