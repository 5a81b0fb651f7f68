//! A secret in a header, as it is. Whoever sees a request can send others: only for
//! senders that cannot sign, and only over TLS.

use dragoman_settings::Secret;
use http::{HeaderMap, HeaderName};
use schemars::JsonSchema;
use serde::Deserialize;

use super::password::Passwords;
use super::{OptionProblem, Refusal, Signed, Verifier, header_name, only_value};

/// A secret in a header.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyOptions {
    /// The header that holds the secret.
    pub header: String,
    /// What stands before the secret in the header, as in `Bearer ` with its space.
    #[serde(default)]
    pub prefix: String,
    /// What only the sender and the hub know; several while one is being changed.
    pub secrets: Vec<Secret>,
}

impl ApiKeyOptions {
    pub(super) fn compile(&self) -> Result<Box<dyn Verifier>, Vec<OptionProblem>> {
        Ok(Box::new(ApiKey {
            header: header_name(&self.header, "X-Api-Key")?,
            prefix: self.prefix.clone(),
            keys: Passwords::new(&self.secrets)?,
        }))
    }
}

#[derive(Debug)]
struct ApiKey {
    header: HeaderName,
    prefix: String,
    keys: Passwords,
}

impl Verifier for ApiKey {
    fn verify(&self, signed: Signed<'_>) -> Result<(), Refusal> {
        let header = self.header.as_str();
        let shown = only_value(signed.headers, header)?
            .strip_prefix(self.prefix.as_bytes())
            .ok_or_else(|| Refusal::secret(header))?;
        if bool::from(self.keys.matches(shown)) {
            Ok(())
        } else {
            Err(Refusal::secret(header))
        }
    }

    fn delivery_id(&self, _: &HeaderMap) -> Option<String> {
        None
    }

    fn proof_headers(&self) -> Vec<&str> {
        vec![self.header.as_str()]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::testing::{at, headers};
    use super::*;

    fn options() -> ApiKeyOptions {
        ApiKeyOptions {
            header: "X-Api-Key".into(),
            prefix: String::new(),
            secrets: vec!["next".into(), "correct horse".into()],
        }
    }

    fn verify(options: &ApiKeyOptions, shown: &[&str]) -> Result<(), Refusal> {
        let pairs: Vec<_> = shown.iter().map(|shown| ("x-api-key", *shown)).collect();
        options.compile().unwrap().verify(Signed {
            headers: &headers(&pairs),
            body: b"",
            now: at(0),
        })
    }

    #[test]
    fn any_of_the_secrets_passes_and_nothing_else() {
        for good in ["correct horse", "next"] {
            assert_eq!(verify(&options(), &[good]), Ok(()));
        }
        for bad in [
            "",
            "correct hors",
            "correct horsf",
            "correct horse ",
            "Next",
        ] {
            assert!(verify(&options(), &[bad]).is_err(), "{bad}");
        }
        assert!(verify(&options(), &[]).is_err());
    }

    #[test]
    fn a_prefix_is_asked_for() {
        let bearer = ApiKeyOptions {
            prefix: "Bearer ".into(),
            ..options()
        };
        assert_eq!(verify(&bearer, &["Bearer next"]), Ok(()));
        assert!(verify(&bearer, &["next"]).is_err());
    }

    #[test]
    fn options_that_cannot_be_used_are_named() {
        let nameless = ApiKeyOptions {
            header: "X Key".into(),
            ..options()
        };
        assert_eq!(nameless.compile().unwrap_err()[0].path, ["header"]);
        for secrets in [vec![], vec!["good".into(), "".into()]] {
            let open = ApiKeyOptions {
                secrets,
                ..options()
            };
            assert_eq!(open.compile().unwrap_err()[0].path, ["secrets"]);
        }
        assert!(!format!("{:?}", options().compile().unwrap()).contains("horse"));
    }
}
