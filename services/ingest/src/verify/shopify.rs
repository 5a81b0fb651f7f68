//! Shopify's webhooks.
//! <https://shopify.dev/docs/apps/build/webhooks/subscribe/https#step-2-validate-the-origin-of-your-webhook-to-ensure-its-coming-from-shopify>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dragoman_settings::Secret;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::mac::Macs;
use super::{OptionProblem, Refusal, Signed, Verifier, only_value};

const SIGNATURE: &str = "x-shopify-hmac-sha256";
const DELIVERY: &str = "x-shopify-webhook-id";

/// Deliveries of Shopify.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopifyOptions {
    /// The client secret of the app, or the one that the shop shows under its
    /// notifications; several while one is being changed.
    pub secrets: Vec<Secret>,
}

impl ShopifyOptions {
    pub(super) fn compile(&self) -> Result<Box<dyn Verifier>, Vec<OptionProblem>> {
        Ok(Box::new(Shopify {
            macs: Macs::sha256(&self.secrets)?,
        }))
    }
}

#[derive(Debug)]
struct Shopify {
    macs: Macs,
}

impl Verifier for Shopify {
    fn verify(&self, signed: Signed<'_>) -> Result<(), Refusal> {
        // The id is not signed. It is asked for because nothing else tells a delivery
        // that is sent again from a new one.
        only_value(signed.headers, DELIVERY)?;
        let signature = STANDARD
            .decode(only_value(signed.headers, SIGNATURE)?)
            .map_err(|_| Refusal::form(SIGNATURE))?;
        self.macs.require(&[signed.body], &[signature])
    }

    fn delivery_id(&self, headers: &HeaderMap) -> Option<String> {
        headers.get(DELIVERY)?.to_str().ok().map(str::to_owned)
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

    const SECRET: &str = "hush";
    const BODY: &[u8] = br#"{"id":820982911946154508}"#;
    /// By another program.
    const GOOD: &str = "qBvrsZF7RfB1iS6BX6IHqJTp5L911P7intnPeTPsH0I=";

    fn verify(pairs: &[(&str, &str)], body: &[u8]) -> Result<(), Refusal> {
        let options = ShopifyOptions {
            secrets: vec!["next".into(), SECRET.into()],
        };
        options.compile().unwrap().verify(Signed {
            headers: &headers(pairs),
            body,
            now: at(0),
        })
    }

    #[test]
    fn a_signature_passes_with_the_id_of_its_delivery() {
        let pairs = [(SIGNATURE, GOOD), (DELIVERY, "b54557e4")];
        assert_eq!(verify(&pairs, BODY), Ok(()));
        assert!(verify(&pairs[..1], BODY).is_err());
        assert!(verify(&pairs[1..], BODY).is_err());
    }

    #[test]
    fn a_byte_off_does_not_pass() {
        let pairs = [(SIGNATURE, GOOD), (DELIVERY, "b54557e4")];
        let other = br#"{"id":820982911946154509}"#;
        assert_eq!(verify(&pairs, other), Err(Refusal::Signature));
        let turned = GOOD.chars().rev().collect::<String>();
        for bad in ["", "=", GOOD.trim_end_matches('='), &GOOD[4..], &turned] {
            let pairs = [(SIGNATURE, bad), (DELIVERY, "b54557e4")];
            assert!(verify(&pairs, BODY).is_err(), "{bad}");
        }
        let none = ShopifyOptions { secrets: vec![] };
        assert_eq!(none.compile().unwrap_err()[0].path, ["secrets"]);
    }
}
