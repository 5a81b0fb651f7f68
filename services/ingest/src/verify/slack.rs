//! Slack's requests. <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use dragoman_settings::Secret;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::mac::Macs;
use super::{OptionProblem, Refusal, Signed, Verifier, only_value, timestamp};

const SIGNATURE: &str = "x-slack-signature";
const TIMESTAMP: &str = "x-slack-request-timestamp";

/// Requests of Slack.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackOptions {
    /// The signing secret of the app; several while one is being changed.
    pub secrets: Vec<Secret>,
}

impl SlackOptions {
    pub(super) fn compile(&self) -> Result<Box<dyn Verifier>, Vec<OptionProblem>> {
        Ok(Box::new(Slack {
            macs: Macs::sha256(&self.secrets)?,
        }))
    }
}

#[derive(Debug)]
struct Slack {
    macs: Macs,
}

impl Verifier for Slack {
    fn verify(&self, signed: Signed<'_>) -> Result<(), Refusal> {
        let moment = only_value(signed.headers, TIMESTAMP)?;
        let signed_at = timestamp::parse(TIMESTAMP, moment)?;
        let signature = only_value(signed.headers, SIGNATURE)?
            .strip_prefix(b"v0=")
            .and_then(|digits| hex::decode(digits).ok())
            .ok_or_else(|| Refusal::form(SIGNATURE))?;
        self.macs
            .require(&[b"v0:", moment, b":", signed.body], &[signature])?;
        timestamp::require_recent(signed_at, signed.now)
    }

    /// It stands in the body alone, as `event_id`.
    fn delivery_id(&self, _: &HeaderMap) -> Option<String> {
        None
    }

    fn proof_headers(&self) -> Vec<&str> {
        vec![SIGNATURE]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::testing::{at, headers};
    use super::*;

    /// The vector of Slack's documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const AT: i64 = 1_531_420_618;
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const GOOD: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn verify(pairs: &[(&str, &str)], body: &str, now: i64) -> Result<(), Refusal> {
        let options = SlackOptions {
            secrets: vec!["next".into(), SECRET.into()],
        };
        options.compile().unwrap().verify(Signed {
            headers: &headers(pairs),
            body: body.as_bytes(),
            now: at(now),
        })
    }

    fn with(signature: &str, moment: &str, now: i64) -> Result<(), Refusal> {
        verify(&[(SIGNATURE, signature), (TIMESTAMP, moment)], BODY, now)
    }

    #[test]
    fn the_vector_of_the_documentation_passes_for_five_minutes() {
        let moment = AT.to_string();
        assert_eq!(with(GOOD, &moment, AT), Ok(()));
        assert_eq!(with(GOOD, &moment, AT + 300), Ok(()));
        assert_eq!(with(GOOD, &moment, AT + 301), Err(Refusal::Timestamp));
        assert_eq!(with(GOOD, &moment, AT - 301), Err(Refusal::Timestamp));
    }

    #[test]
    fn a_byte_off_does_not_pass() {
        let moment = AT.to_string();
        let pairs = [(SIGNATURE, GOOD), (TIMESTAMP, moment.as_str())];
        let other = BODY.replacen("xyzz", "xyzy", 1);
        assert_eq!(verify(&pairs, &other, AT), Err(Refusal::Signature));
        assert!(verify(&pairs[..1], BODY, AT).is_err());
        assert!(verify(&pairs[1..], BODY, AT).is_err());
        for bad in ["", "v0=", &GOOD[3..], &GOOD[..65], &GOOD.replace('a', "b")] {
            assert!(with(bad, &moment, AT).is_err(), "{bad}");
        }
        for bad in ["", "now", &(AT + 1).to_string()] {
            assert!(with(GOOD, bad, AT).is_err(), "{bad}");
        }
        let none = SlackOptions { secrets: vec![] };
        assert_eq!(none.compile().unwrap_err()[0].path, ["secrets"]);
    }
}
