//! The values a configuration file is made of: text with environment references, secrets, durations, sizes.
