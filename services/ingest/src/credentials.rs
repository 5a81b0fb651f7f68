//! Taking credentials out of what is kept of a request.

use std::collections::BTreeMap;

/// What stands where a credential stood.
const REDACTED: &str = "[redacted]";

/// Parts of names that sound like a credential. Rather one too many: a mapping has no
/// business with any of them.
const SOUNDS_SECRET: [&str; 9] = [
    "authorization",
    "cookie",
    "secret",
    "token",
    "password",
    "passwd",
    "api-key",
    "apikey",
    "signature",
];

/// Replaces the values of headers and parameters that are credentials, by the sound of
/// their name or because the adapter verifies by them.
pub(crate) fn redact(values: &mut BTreeMap<String, String>, verified_by: &[&str]) {
    for (name, value) in values {
        let sound = name.to_ascii_lowercase().replace('_', "-");
        let secret = SOUNDS_SECRET.iter().any(|word| sound.contains(word))
            || matches!(sound.as_str(), "sig" | "key" | "auth")
            || verified_by
                .iter()
                .any(|header| header.eq_ignore_ascii_case(name));
        if secret {
            REDACTED.clone_into(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn what_could_be_a_credential_is_not_kept() {
        let names = [
            ("authorization", true),
            ("x-api-key", true),
            ("x_token", true),
            ("set-cookie", true),
            ("x-sig", true),
            ("x-hub-signature-256", true),
            ("key", true),
            ("content-type", false),
            ("x-github-event", false),
            ("monkey", false),
        ];
        let mut values = names
            .iter()
            .map(|(name, _)| ((*name).to_owned(), "hunter2".to_owned()))
            .collect();
        redact(&mut values, &["X-Sig"]);
        for (name, secret) in names {
            assert_eq!(values[name] != "hunter2", secret, "{name}");
        }
    }
}
