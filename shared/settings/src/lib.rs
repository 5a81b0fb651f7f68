//! The values a configuration file is made of: text with environment references,
//! secrets, durations, sizes, paths.
//!
//! Each adapter and each sink owns the struct of its options, in its own crate, and
//! derives `Deserialize` and `JsonSchema` for it. What such a struct is made of
//! stands here, because a service may not import the binary that reads the file.
//!
//! References (`${NAME}`, `${NAME:-default}`, `file:PATH`) are resolved *inside*
//! `Deserialize`, so that whoever reads the file can say at which line and column a
//! variable is unset or a file unreadable. Where relative paths start and which
//! environment counts is said by the [`scope`] around the reading.

mod byte_size;
mod duration;
mod listen_address;
mod path;
mod reference;
mod scope;
mod secret;
mod suggestion;
mod text;

pub use byte_size::{ByteSize, ByteSizeError};
pub use duration::{Period, PeriodError};
pub use listen_address::ListenAddress;
pub use path::{FilePath, FolderPath};
pub use reference::{ReferenceError, resolve};
pub use scope::{Environment, scope, scope_with};
pub use secret::Secret;
pub use suggestion::suggest;
pub use text::Text;
