//! Limits that are not the operator's to choose.

/// The most events in one batch of the API, and in one statement.
pub(crate) const BATCH_EVENTS: usize = 1000;

/// The most bytes of events in one statement, unless a single request has more.
pub(crate) const BATCH_BYTES: usize = 8 << 20;

/// How much larger than what was sent a body may become by decompression. JSON rarely
/// shrinks to less than a fiftieth; a bomb shrinks to a thousandth.
pub(crate) const DECOMPRESSION_RATIO: usize = 200;

/// Up to this size, in bytes, the ratio does not matter.
pub(crate) const DECOMPRESSION_FLOOR: usize = 64 << 10;

/// The most extension attributes of an event, and the longest value of one, in bytes:
/// they become headers of a Kafka record.
pub(crate) const EXTENSIONS: usize = 32;
/// See [`EXTENSIONS`].
pub(crate) const EXTENSION_BYTES: usize = 1024;

/// The most header fields of a request.
pub(crate) const HEADERS: usize = 100;
