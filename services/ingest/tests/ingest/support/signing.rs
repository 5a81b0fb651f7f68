use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// As GitHub writes it into `X-Hub-Signature-256`.
pub(crate) fn github(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hmac(secret, body))
}

/// In hexadecimal digits.
pub(crate) fn hmac(secret: &str, body: &[u8]) -> String {
    hex::encode(mac(secret.as_bytes(), &[body]))
}

/// As Standard Webhooks writes it; the secret is the base64 behind `whsec_`.
pub(crate) fn standard(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let key = STANDARD.decode(secret).unwrap();
    let timestamp = timestamp.to_string();
    let signature = mac(
        &key,
        &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body],
    );
    format!("v1,{}", STANDARD.encode(signature))
}
