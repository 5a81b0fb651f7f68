//! An HMAC (RFC 2104) of the body, in a header of the sender's choice.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dragoman_settings::Secret;
use http::{HeaderMap, HeaderName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mac::Macs;
use super::{OptionProblem, Refusal, Signed, Verifier, header_name, only_value};

/// An HMAC of the body in a header.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HmacOptions {
    /// The header that holds the signature.
    pub header: String,
    /// The hash.
    #[serde(default)]
    pub algorithm: HmacAlgorithm,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before the signature in the header, as in `sha256=`.
    #[serde(default)]
    pub prefix: String,
    /// What only the sender and the hub know; several while one is being changed.
    pub secrets: Vec<Secret>,
}

/// The hash of an HMAC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HmacAlgorithm {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal digits.
    #[default]
    Hex,
    /// Base64 with padding (RFC 4648, section 4).
    Base64,
}

impl Encoding {
    fn decode(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
        }
        .filter(|bytes| !bytes.is_empty())
    }
}

impl HmacOptions {
    pub(super) fn compile(&self) -> Result<Box<dyn Verifier>, Vec<OptionProblem>> {
        Ok(Box::new(HeaderHmac {
            header: header_name(&self.header, "X-Signature")?,
            encoding: self.encoding,
            prefix: self.prefix.clone(),
            macs: Macs::of(self.algorithm, &self.secrets)?,
        }))
    }
}

#[derive(Debug)]
struct HeaderHmac {
    header: HeaderName,
    encoding: Encoding,
    prefix: String,
    macs: Macs,
}

impl Verifier for HeaderHmac {
    fn verify(&self, signed: Signed<'_>) -> Result<(), Refusal> {
        let signature = only_value(signed.headers, self.header.as_str())?
            .strip_prefix(self.prefix.as_bytes())
            .and_then(|text| self.encoding.decode(text))
            .ok_or_else(|| Refusal::form(self.header.as_str()))?;
        self.macs.require(&[signed.body], &[signature])
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
    use super::super::testing::headers;
    use super::*;

    /// RFC 4231, test case 2.
    const KEY: &str = "Jefe";
    const BODY: &[u8] = b"what do ya want for nothing?";
    const SHA256: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const SHA512: &str = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";

    fn options() -> HmacOptions {
        HmacOptions {
            header: "X-Sig".into(),
            algorithm: HmacAlgorithm::Sha256,
            encoding: Encoding::Hex,
            prefix: String::new(),
            secrets: vec![KEY.into()],
        }
    }

    fn verify(options: &HmacOptions, signature: &str) -> Result<(), Refusal> {
        options.compile().unwrap().verify(Signed {
            headers: &headers(&[("x-sig", signature)]),
            body: BODY,
            now: chrono::Utc::now(),
        })
    }

    #[test]
    fn the_vectors_of_rfc_4231_pass_in_every_writing() {
        assert_eq!(verify(&options(), SHA256), Ok(()));
        assert_eq!(verify(&options(), &SHA256.to_uppercase()), Ok(()));
        let long = HmacOptions {
            algorithm: HmacAlgorithm::Sha512,
            ..options()
        };
        assert_eq!(verify(&long, SHA512), Ok(()));
        assert_eq!(verify(&long, SHA256), Err(Refusal::Signature));
        let base64 = HmacOptions {
            encoding: Encoding::Base64,
            prefix: "v=".into(),
            ..options()
        };
        let written = format!("v={}", STANDARD.encode(hex::decode(SHA256).unwrap()));
        assert_eq!(verify(&base64, &written), Ok(()));
        assert!(verify(&base64, written.trim_start_matches("v=")).is_err());
    }

    #[test]
    fn an_empty_or_shortened_signature_never_passes() {
        for bad in ["", "00", &SHA256[..32], &SHA256[1..], "sha256="] {
            assert!(verify(&options(), bad).is_err(), "{bad}");
        }
        let other = HmacOptions {
            secrets: vec!["other".into()],
            ..options()
        };
        assert_eq!(verify(&other, SHA256), Err(Refusal::Signature));
        let both = HmacOptions {
            secrets: vec!["other".into(), KEY.into()],
            ..options()
        };
        assert_eq!(verify(&both, SHA256), Ok(()));
    }

    #[test]
    fn options_that_cannot_be_used_are_named() {
        let nameless = HmacOptions {
            header: "X Sig".into(),
            ..options()
        };
        assert_eq!(nameless.compile().unwrap_err()[0].path, ["header"]);
        let open = HmacOptions {
            secrets: vec![],
            ..options()
        };
        assert_eq!(open.compile().unwrap_err()[0].path, ["secrets"]);
        assert!(!format!("{:?}", options().compile().unwrap()).contains(KEY));
    }
}
