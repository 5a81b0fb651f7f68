//! HTTP Basic authentication (RFC 7617). Whoever sees a request can send others: only
//! for senders that cannot sign, and only over TLS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dragoman_settings::Secret;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::password::{Passwords, is_same};
use super::{OptionProblem, Refusal, Signed, Verifier, only_value};

const AUTHORIZATION: &str = "authorization";
const SCHEME: &[u8] = b"basic ";

/// A user and a password, by HTTP Basic authentication.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicOptions {
    /// The user, which has no colon in it.
    pub user: String,
    /// The password; several while one is being changed.
    pub secrets: Vec<Secret>,
}

impl BasicOptions {
    pub(super) fn compile(&self) -> Result<Box<dyn Verifier>, Vec<OptionProblem>> {
        if self.user.contains(':') {
            return Err(vec![OptionProblem::new(
                &["user"],
                "a user of Basic authentication has no colon in its name (RFC 7617)",
                "write the name alone; the password stands under secrets",
            )]);
        }
        Ok(Box::new(Basic {
            user: self.user.clone(),
            passwords: Passwords::new(&self.secrets)?,
        }))
    }
}

#[derive(Debug)]
struct Basic {
    user: String,
    passwords: Passwords,
}

impl Verifier for Basic {
    fn verify(&self, signed: Signed<'_>) -> Result<(), Refusal> {
        let shown = only_value(signed.headers, AUTHORIZATION)?;
        let decoded = shown
            .split_at_checked(SCHEME.len())
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
            .and_then(|(_, credentials)| STANDARD.decode(credentials.trim_ascii()).ok())
            .ok_or_else(|| Refusal::secret(AUTHORIZATION))?;
        let colon = decoded.iter().position(|byte| *byte == b':');
        let (user, password) = colon
            .and_then(|colon| Some((decoded.get(..colon)?, decoded.get(colon + 1..)?)))
            .ok_or_else(|| Refusal::secret(AUTHORIZATION))?;
        let is_right = is_same(user, self.user.as_bytes()) & self.passwords.matches(password);
        if bool::from(is_right) {
            Ok(())
        } else {
            Err(Refusal::secret(AUTHORIZATION))
        }
    }

    fn delivery_id(&self, _: &HeaderMap) -> Option<String> {
        None
    }

    fn proof_headers(&self) -> Vec<&str> {
        vec![AUTHORIZATION]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::testing::{at, headers};
    use super::*;

    fn verify(user: &str, secrets: &[&str], shown: &str) -> Result<(), Refusal> {
        let options = BasicOptions {
            user: user.into(),
            secrets: secrets.iter().map(|secret| Secret::from(*secret)).collect(),
        };
        options.compile().unwrap().verify(Signed {
            headers: &headers(&[(AUTHORIZATION, shown)]),
            body: b"",
            now: at(0),
        })
    }

    /// The examples of RFC 7617, sections 2 and 2.1.
    #[test]
    fn the_vectors_of_the_rfc_pass() {
        let aladdin = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        let secrets = ["next", "open sesame"];
        assert_eq!(verify("Aladdin", &secrets, aladdin), Ok(()));
        assert_eq!(
            verify("Aladdin", &secrets, &aladdin.replace("Basic", "bAsIc")),
            Ok(())
        );
        assert_eq!(verify("test", &["123£"], "Basic dGVzdDoxMjPCow=="), Ok(()));
    }

    #[test]
    fn a_byte_off_does_not_pass() {
        let secrets = ["open sesame"];
        let shown = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert_eq!(
            verify("Aladdin", &secrets, &shown("Aladdin:open sesame")),
            Ok(())
        );
        for bad in [
            "",
            ":",
            "Aladdin",
            "Aladdin:",
            "aladdin:open sesame",
            "Aladdin:open sesamf",
            "Aladdin:open sesame:",
            ":open sesame",
        ] {
            assert!(verify("Aladdin", &secrets, &shown(bad)).is_err(), "{bad}");
        }
        for bad in [
            "",
            "Basic",
            "Basic ",
            "Basic %",
            "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ] {
            assert!(verify("Aladdin", &secrets, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn options_that_cannot_be_used_are_named() {
        let of = |user: &str, secrets| BasicOptions {
            user: user.into(),
            secrets,
        };
        let colon = of("a:b", vec!["x".into()]);
        assert_eq!(colon.compile().unwrap_err()[0].path, ["user"]);
        assert_eq!(of("a", vec![]).compile().unwrap_err()[0].path, ["secrets"]);
    }
}
