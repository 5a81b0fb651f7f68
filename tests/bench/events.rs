//! The events that every contender gets: 512 bytes of JSON about 10,000 subjects.

use std::fmt::Write as _;

use dragoman_tests::ORDERS;

/// The size of the data of an event, in bytes.
pub(crate) const BYTES: usize = 512;
/// How many subjects there are.
pub(crate) const SUBJECTS: u64 = 10_000;
/// The type of all of them.
pub(crate) const TYPE: &str = ORDERS;
/// The source of those that come by the API or are put into the log.
pub(crate) const SOURCE: &str = "/shop";

/// The id of an event.
pub(crate) fn id(number: u64) -> String {
    format!("event-{number}")
}

/// Which subject an event is about: spread evenly, without a pattern.
pub(crate) fn subject(number: u64) -> String {
    format!("order-{}", scattered(number) % SUBJECTS)
}

/// The data of an event: an order with a note that no compression makes small.
pub(crate) fn data(number: u64) -> String {
    let cents = scattered(number) % 10_000;
    let mut text = format!(
        "{{\"number\": {number}, \"amount\": {}.{:02}, \"sku\": \"sku-{}\", \"currency\": \"EUR\", \"note\": \"",
        cents / 100,
        cents % 100,
        number % 11,
    );
    let mut word = number;
    while text.len() < BYTES - 2 {
        word = scattered(word);
        write!(text, "{word:016x}").expect("text can be written");
    }
    text.truncate(BYTES - 2);
    text.push_str("\"}");
    text
}

/// SplitMix64.
fn scattered(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
