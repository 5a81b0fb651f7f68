//! `dragoman.yaml`: read whole, every mistake told with its place.

mod access;
mod deserializer;
mod document;
mod events;
mod http;
mod problem;
mod read;
mod read_error;
mod redaction;

pub(crate) use events::EventOptions;
pub(crate) use http::HttpOptions;
pub(crate) use problem::Problem;
pub(crate) use read::Config;
