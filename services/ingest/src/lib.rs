//! Events in: adapters authenticate, validate, translate and append.
