//! Text that a header can carry without a doubt.

use http::HeaderValue;

/// The text as the value of a header, or `None` when it holds anything but printable ASCII,
/// spaces and tabs. More could be sent (RFC 9110, section 5.5), and each receiver would take
/// it for something else.
pub(crate) fn of(text: &str) -> Option<HeaderValue> {
    if text.is_ascii() {
        HeaderValue::from_str(text).ok()
    } else {
        None
    }
}

/// The same for what nobody may see: it is left out when headers are shown.
pub(crate) fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = of(text)?;
    value.set_sensitive(true);
    Some(value)
}
