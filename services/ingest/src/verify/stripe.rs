//! Stripe's webhooks. <https://docs.stripe.com/webhooks#verify-manually>

use dragoman_settings::Secret;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::mac::Macs;
use super::{OptionProblem, Refusal, Signed, Verifier, only_value, timestamp};

const SIGNATURE: &str = "stripe-signature";

/// How many signatures of one delivery are looked at: one for each secret of the
/// endpoint, of which there are two while one is being changed.
const MOST_SIGNATURES: usize = 8;

/// Deliveries of Stripe.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StripeOptions {
    /// The secret of the endpoint as Stripe shows it, `whsec_` included; several while one
    /// is being changed.
    pub secrets: Vec<Secret>,
}

impl StripeOptions {
    pub(super) fn compile(&self) -> Result<Box<dyn Verifier>, Vec<OptionProblem>> {
        Ok(Box::new(Stripe {
            macs: Macs::sha256(&self.secrets)?,
        }))
    }
}

#[derive(Debug)]
struct Stripe {
    macs: Macs,
}

impl Verifier for Stripe {
    fn verify(&self, signed: Signed<'_>) -> Result<(), Refusal> {
        let header = only_value(signed.headers, SIGNATURE)?;
        let parts = || header.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let mut moments = parts().filter_map(|part| part.strip_prefix(b"t="));
        let (Some(moment), None) = (moments.next(), moments.next()) else {
            return Err(Refusal::form(SIGNATURE));
        };
        let signed_at = timestamp::parse(SIGNATURE, moment)?;
        // `v0` is what Stripe signs its tests with: not with the secret.
        let signatures: Vec<Vec<u8>> = parts()
            .filter_map(|part| part.strip_prefix(b"v1="))
            .take(MOST_SIGNATURES)
            .filter_map(|digits| hex::decode(digits).ok())
            .collect();
        if signatures.is_empty() {
            return Err(Refusal::form(SIGNATURE));
        }
        self.macs
            .require(&[moment, b".", signed.body], &signatures)?;
        timestamp::require_recent(signed_at, signed.now)
    }

    /// It stands in the body alone, as the id of the event.
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

    const SECRET: &str = "whsec_test_secret";
    const AT: i64 = 1_492_774_577;
    const BODY: &[u8] = br#"{"id":"evt_test_webhook","object":"event"}"#;
    /// By another program.
    const GOOD: &str = "88a022085c6bdb887b02cb26ff76dd681234d9675c0f22844059f55552a8883a";

    fn verify(signature: &str, body: &[u8], now: i64) -> Result<(), Refusal> {
        let options = StripeOptions {
            secrets: vec!["whsec_next".into(), SECRET.into()],
        };
        options.compile().unwrap().verify(Signed {
            headers: &headers(&[(SIGNATURE, signature)]),
            body,
            now: at(now),
        })
    }

    #[test]
    fn a_signature_passes_among_others() {
        for good in [
            format!("t={AT},v1={GOOD}"),
            format!("t={AT},v1={},v1={GOOD},v0=6ffbb5", GOOD.replace('a', "b")),
            format!("v1={GOOD}, t={AT}"),
        ] {
            assert_eq!(verify(&good, BODY, AT), Ok(()), "{good}");
        }
    }

    #[test]
    fn five_minutes_are_tolerated_on_both_sides() {
        let good = format!("t={AT},v1={GOOD}");
        assert_eq!(verify(&good, BODY, AT + 300), Ok(()));
        assert_eq!(verify(&good, BODY, AT - 300), Ok(()));
        assert_eq!(verify(&good, BODY, AT + 301), Err(Refusal::Timestamp));
        assert_eq!(verify(&good, BODY, AT - 301), Err(Refusal::Timestamp));
    }

    #[test]
    fn a_byte_off_does_not_pass() {
        let good = format!("t={AT},v1={GOOD}");
        let other = br#"{"id":"evt_test_webhook","object":"Event"}"#;
        assert_eq!(verify(&good, other, AT), Err(Refusal::Signature));
        for bad in [
            String::new(),
            format!("v1={GOOD}"),
            format!("t={AT}"),
            format!("t=,v1={GOOD}"),
            format!("t={AT},t={AT},v1={GOOD}"),
            format!("t={},v1={GOOD}", AT + 1),
            format!("t={AT},v0={GOOD}"),
            format!("t={AT},v1="),
            format!("t={AT},v1={}", &GOOD[..62]),
            format!("t={AT},v1={}", GOOD.replace('a', "b")),
        ] {
            assert!(verify(&bad, BODY, AT).is_err(), "{bad}");
        }
        let none = StripeOptions { secrets: vec![] };
        assert_eq!(none.compile().unwrap_err()[0].path, ["secrets"]);
    }
}
