//! GitHub's webhooks.
//! <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>

use dragoman_settings::Secret;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::mac::Macs;
use super::{OptionProblem, Refusal, Signed, Verifier, only_value};

const SIGNATURE: &str = "x-hub-signature-256";
const DELIVERY: &str = "x-github-delivery";

/// Deliveries of GitHub.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GithubOptions {
    /// The secret of the webhook in GitHub; several while one is being changed.
    pub secrets: Vec<Secret>,
}

impl GithubOptions {
    pub(super) fn compile(&self) -> Result<Box<dyn Verifier>, Vec<OptionProblem>> {
        Ok(Box::new(Github {
            macs: Macs::sha256(&self.secrets)?,
        }))
    }
}

#[derive(Debug)]
struct Github {
    macs: Macs,
}

impl Verifier for Github {
    fn verify(&self, signed: Signed<'_>) -> Result<(), Refusal> {
        // The id is not signed. It is asked for because nothing else tells a delivery
        // that is sent again from a new one.
        only_value(signed.headers, DELIVERY)?;
        let signature = only_value(signed.headers, SIGNATURE)?
            .strip_prefix(b"sha256=")
            .and_then(|digits| hex::decode(digits).ok())
            .ok_or_else(|| Refusal::form(SIGNATURE))?;
        self.macs.require(&[signed.body], &[signature])
    }

    fn delivery_id(&self, headers: &HeaderMap) -> Option<String> {
        headers.get(DELIVERY)?.to_str().ok().map(str::to_owned)
    }

    fn proof_headers(&self) -> Vec<&str> {
        vec![SIGNATURE, "x-hub-signature"]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::testing::headers;
    use super::*;

    /// The vector of GitHub's documentation.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const GOOD: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn verify(secrets: &[&str], pairs: &[(&str, &str)], body: &[u8]) -> Result<(), Refusal> {
        let options = GithubOptions {
            secrets: secrets.iter().map(|secret| Secret::from(*secret)).collect(),
        };
        options.compile().unwrap().verify(Signed {
            headers: &headers(pairs),
            body,
            now: chrono::Utc::now(),
        })
    }

    #[test]
    fn the_vector_of_the_documentation_passes_with_any_of_the_secrets() {
        let pairs = [(SIGNATURE, GOOD), (DELIVERY, "72d3162e")];
        assert_eq!(verify(&[SECRET], &pairs, BODY), Ok(()));
        assert_eq!(verify(&["new", SECRET], &pairs, BODY), Ok(()));
        assert_eq!(verify(&["new"], &pairs, BODY), Err(Refusal::Signature));
        assert_eq!(
            verify(&[SECRET], &pairs, b"Hello, World?"),
            Err(Refusal::Signature)
        );
    }

    #[test]
    fn what_is_missing_empty_or_twice_does_not_pass() {
        for signature in [
            "",
            "sha256=",
            GOOD.trim_start_matches("sha256="),
            "sha256=zz",
            "sha1=00",
        ] {
            let pairs = [(SIGNATURE, signature), (DELIVERY, "1")];
            assert!(verify(&[SECRET], &pairs, BODY).is_err(), "{signature}");
        }
        assert!(verify(&[SECRET], &[(SIGNATURE, GOOD)], BODY).is_err());
        assert!(verify(&[SECRET], &[(DELIVERY, "1")], BODY).is_err());
        let twice = [(SIGNATURE, GOOD), (SIGNATURE, GOOD), (DELIVERY, "1")];
        let doubled = {
            let mut all = headers(&twice[..1]);
            all.append(SIGNATURE, GOOD.parse().unwrap());
            all
        };
        assert!(only_value(&doubled, SIGNATURE).is_err());
        let none = GithubOptions { secrets: vec![] };
        assert!(none.compile().is_err());
    }
}
