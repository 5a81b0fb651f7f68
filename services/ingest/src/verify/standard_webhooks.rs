//! Standard Webhooks, symmetric signatures (`v1`).
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dragoman_settings::Secret;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::mac::Macs;
use super::{
    HmacAlgorithm, OptionProblem, Refusal, Signed, Verifier, only_value, require_secrets, timestamp,
};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

/// How many signatures of one delivery are looked at: one for each secret of the
/// sender, of which there are two while one is being changed.
const MOST_SIGNATURES: usize = 8;

/// Deliveries by Standard Webhooks.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StandardWebhooksOptions {
    /// Secrets as the sender shows them: `whsec_` and base64. Several while one is
    /// being changed.
    pub secrets: Vec<Secret>,
}

impl StandardWebhooksOptions {
    pub(super) fn compile(&self) -> Result<Box<dyn Verifier>, Vec<OptionProblem>> {
        require_secrets(self.secrets.len())?;
        let mut keys = Vec::new();
        let mut problems = Vec::new();
        for (number, secret) in self.secrets.iter().enumerate() {
            let text = secret.expose();
            let text = text.strip_prefix("whsec_").unwrap_or(text);
            match STANDARD.decode(text) {
                Ok(key) if !key.is_empty() => keys.push(key),
                _ => problems.push(OptionProblem::new(
                    &["secrets"],
                    format!("secret number {} is not `whsec_` and base64", number + 1),
                    "copy it from the sender as it stands there",
                )),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(StandardWebhooks {
            macs: Macs::new(HmacAlgorithm::Sha256, keys),
        }))
    }
}

#[derive(Debug)]
struct StandardWebhooks {
    macs: Macs,
}

impl Verifier for StandardWebhooks {
    fn verify(&self, signed: Signed<'_>) -> Result<(), Refusal> {
        let id = only_value(signed.headers, ID)?;
        let moment = only_value(signed.headers, TIMESTAMP)?;
        let signatures = only_value(signed.headers, SIGNATURE)?;
        let signed_at = timestamp::parse(TIMESTAMP, moment)?;
        let signatures: Vec<Vec<u8>> = signatures
            .split(|byte| *byte == b' ')
            .take(MOST_SIGNATURES)
            .filter_map(|signature| signature.strip_prefix(b"v1,"))
            .filter_map(|text| STANDARD.decode(text).ok())
            .filter(|signature| !signature.is_empty())
            .collect();
        if id.is_empty() {
            return Err(Refusal::Header {
                header: ID.to_owned(),
            });
        }
        if signatures.is_empty() {
            return Err(Refusal::form(SIGNATURE));
        }
        self.macs
            .require(&[id, b".", moment, b".", signed.body], &signatures)?;
        timestamp::require_recent(signed_at, signed.now)
    }

    fn delivery_id(&self, headers: &HeaderMap) -> Option<String> {
        headers.get(ID)?.to_str().ok().map(str::to_owned)
    }

    fn proof_headers(&self) -> Vec<&str> {
        vec![SIGNATURE]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::DateTime;

    use super::super::testing::headers;
    use super::*;

    /// The vector of the reference implementations.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = b"{\"test\": 2432232314}";
    const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn verify(pairs: &[(&str, &str)], now: i64) -> Result<(), Refusal> {
        let options = StandardWebhooksOptions {
            secrets: vec!["whsec_bmV3IHNlY3JldA==".into(), SECRET.into()],
        };
        options.compile().unwrap().verify(Signed {
            headers: &headers(pairs),
            body: BODY,
            now: DateTime::from_timestamp(now, 0).unwrap(),
        })
    }

    fn with(signature: &str, timestamp: &str, now: i64) -> Result<(), Refusal> {
        verify(
            &[
                (ID, MESSAGE),
                (TIMESTAMP, timestamp),
                (SIGNATURE, signature),
            ],
            now,
        )
    }

    #[test]
    fn the_vector_of_the_reference_passes_among_other_signatures() {
        let at = AT.to_string();
        assert_eq!(with(GOOD, &at, AT), Ok(()));
        let several = format!("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x {GOOD}");
        assert_eq!(with(&several, &at, AT), Ok(()));
    }

    #[test]
    fn five_minutes_are_tolerated_on_both_sides() {
        let at = AT.to_string();
        assert_eq!(with(GOOD, &at, AT + 300), Ok(()));
        assert_eq!(with(GOOD, &at, AT - 300), Ok(()));
        assert_eq!(with(GOOD, &at, AT + 301), Err(Refusal::Timestamp));
        assert_eq!(with(GOOD, &at, AT - 301), Err(Refusal::Timestamp));
    }

    #[test]
    fn what_was_not_signed_does_not_pass() {
        let at = AT.to_string();
        let later = (AT + 1).to_string();
        assert_eq!(with(GOOD, &later, AT), Err(Refusal::Signature));
        for bad in [
            "",
            "v1,",
            "v1a,AAAA",
            GOOD.trim_start_matches("v1,"),
            "v1,AAAA",
        ] {
            assert!(with(bad, &at, AT).is_err(), "{bad}");
        }
        for bad in ["", "now", "99999999999999999999"] {
            assert!(with(GOOD, bad, AT).is_err(), "{bad}");
        }
        assert!(verify(&[(TIMESTAMP, &at), (SIGNATURE, GOOD)], AT).is_err());
        assert!(verify(&[(ID, MESSAGE), (SIGNATURE, GOOD)], AT).is_err());
        assert!(verify(&[(ID, MESSAGE), (TIMESTAMP, &at)], AT).is_err());
    }

    #[test]
    fn a_secret_that_is_none_is_named_by_its_number() {
        let options = StandardWebhooksOptions {
            secrets: vec![SECRET.into(), "whsec_%".into()],
        };
        let problems = options.compile().unwrap_err();
        assert_eq!(problems[0].path, ["secrets"]);
        assert!(problems[0].message.contains("number 2"));
    }
}
