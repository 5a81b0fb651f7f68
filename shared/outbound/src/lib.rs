//! Calls to the outside: with credentials, within limits, to the receiver that is
//! configured and to nobody else. The only crate that names an HTTP client.
//!
//! [`Endpoint`] makes one call and says what came of it, in the terms that decide what is
//! done next: an [`Answer`], or a [`CallError`] that tells what was certainly not sent from
//! what may have been acted on. When to call again, and what an answer means, is the
//! caller's; [`Breaker`] and [`RateLimit`] help it to call less.
//!
//! [`Guard`] keeps calls out of networks that are not public.

mod answer;
mod auth_options;
mod breaker;
mod call;
mod call_error;
mod client;
mod endpoint;
mod exchange;
mod guard;
mod header_value;
mod http_date;
mod rate;
mod rate_limit;
mod retry_after;
mod token;
mod unsendable;

pub use answer::{Answer, MAX_ANSWER_BYTES};
pub use auth_options::{
    ApiKeyAuthOptions, AuthOptions, BasicAuthOptions, BearerAuthOptions, ClientCredentials,
    NoAuthOptions, Oauth2AuthOptions,
};
pub use breaker::{Admission, Breaker, BreakerState, Permit};
pub use call::Call;
pub use call_error::{
    CallError, NoAnswer, NoAnswerReason, NotConnected, NotConnectedReason, Phase,
};
pub use endpoint::{Endpoint, EndpointError, EndpointOptions, UrlError};
pub use guard::{Guard, Refused, is_global};
pub use rate::{Rate, RateError};
pub use rate_limit::RateLimit;
pub use retry_after::MAX_RETRY_AFTER;
pub use token::{TokenError, TokenProblem};
pub use unsendable::{PathProblem, Unsendable};
