//! The kinds of problem: each is a page that says what it means and what to do.

use http::StatusCode;

/// What kind of problem a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    InvalidEvent,
    InvalidJson,
    InvalidEncoding,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    TooLarge,
    UnsupportedMediaType,
    UnknownType,
    SchemaViolated,
    Internal,
    Overloaded,
    Unavailable,
}

/// All kinds, in the order of their status.
pub(super) const ALL: [ProblemKind; 16] = [
    ProblemKind::InvalidEvent,
    ProblemKind::InvalidJson,
    ProblemKind::InvalidEncoding,
    ProblemKind::Unauthorized,
    ProblemKind::Forbidden,
    ProblemKind::NotFound,
    ProblemKind::MethodNotAllowed,
    ProblemKind::RequestTimeout,
    ProblemKind::Conflict,
    ProblemKind::TooLarge,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::UnknownType,
    ProblemKind::SchemaViolated,
    ProblemKind::Internal,
    ProblemKind::Overloaded,
    ProblemKind::Unavailable,
];

/// What is said of a kind.
pub(super) struct Page {
    /// The last part of its URI.
    pub(super) name: &'static str,
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    /// What it means.
    pub(super) meaning: &'static str,
    /// What to do.
    pub(super) remedy: &'static str,
}

const fn page(
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    meaning: &'static str,
    remedy: &'static str,
) -> Page {
    Page {
        name,
        status,
        title,
        meaning,
        remedy,
    }
}

impl ProblemKind {
    /// The kind of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.page().name == name)
    }

    /// Its name: a stable word, for metrics too.
    pub(crate) const fn name(self) -> &'static str {
        self.page().name
    }

    pub(super) const fn page(self) -> Page {
        match self {
            Self::InvalidEvent => page(
                "invalid-event",
                StatusCode::BAD_REQUEST,
                "Not a CloudEvent that can be stored",
                "An attribute is missing, empty, too long, or not what CloudEvents 1.0 wants: `specversion` is `1.0`; `id`, `source`, `type` and `subject` are there, 1,024 bytes at the most and without control characters; `time`, when given, is RFC 3339; extensions are text, numbers or truths under lower-case names.",
                "Correct the attribute that the detail names. `subject` is required: it is the ordering key.",
            ),
            Self::InvalidJson => page(
                "invalid-json",
                StatusCode::BAD_REQUEST,
                "Not strict JSON",
                "The body is not one JSON document (RFC 8259) in UTF-8, or it repeats a key within an object, nests deeper than 128, or has NUL in a string. A body that was cut off looks like this too.",
                "Correct it at the place that the detail names. Nothing of the request was stored.",
            ),
            Self::InvalidEncoding => page(
                "invalid-encoding",
                StatusCode::BAD_REQUEST,
                "The body cannot be decompressed",
                "`Content-Encoding` says gzip, and the body is not, or ends too early.",
                "Compress it with gzip, or send it as it is without that header.",
            ),
            Self::Unauthorized => page(
                "unauthorized",
                StatusCode::UNAUTHORIZED,
                "No valid credentials",
                "At the API: there is no `Authorization: Bearer dgm_…`, or the key is unknown, revoked or at its end. At a webhook: the signature is missing, is not the one of this body, or is too old.",
                "API: make or rotate a key with `dragoman keys`. Webhook: compare the secret, and the clock, with the sender's; the detail says what was missing.",
            ),
            Self::Forbidden => page(
                "forbidden",
                StatusCode::FORBIDDEN,
                "The key may not write this",
                "The key is valid, and not for this source or this type.",
                "Use the key of that source, or make one: `dragoman keys create NAME --source S --type T`. Nothing of the request was stored.",
            ),
            Self::NotFound => page(
                "not-found",
                StatusCode::NOT_FOUND,
                "There is nothing here",
                "Events go to `/v1/events`, deliveries to `/hooks/NAME` with the name of a webhook adapter in the configuration.",
                "Correct the path, or add the adapter.",
            ),
            Self::MethodNotAllowed => page(
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "Not with this method",
                "Events and deliveries are sent with POST.",
                "Use one of the methods in the header `Allow`.",
            ),
            Self::RequestTimeout => page(
                "request-timeout",
                StatusCode::REQUEST_TIMEOUT,
                "The body came too slowly",
                "The whole body must come within 30 seconds.",
                "Send it again, in smaller batches if the line is slow. Nothing of the request was stored.",
            ),
            Self::Conflict => page(
                "conflict",
                StatusCode::CONFLICT,
                "The id stands for other content",
                "An event with this source and id is in the log, or in the same batch, with another type, subject, content type or data. `stored_at` is when the first came. Time is no content: an event may be sent again with another.",
                "Give the new fact an id of its own. If it was to be the same, compare what is sent with what `dragoman events get` shows. Nothing of the request was stored.",
            ),
            Self::TooLarge => page(
                "too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "Too large",
                "The body is larger than `http.body_limit`, also after decompression; or it grows suspiciously by decompression; or a batch has more than 1,000 events; or an event is larger than its topic takes.",
                "Send smaller batches; keep large content elsewhere and send a reference; or raise the limit that the detail names.",
            ),
            Self::UnsupportedMediaType => page(
                "unsupported-media-type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Not in this form",
                "Events come as `application/cloudevents+json`, as `application/cloudevents-batch+json`, or with `ce-` headers and a body of `application/json` (or another type that ends with `+json`), as UTF-8, as they are or with gzip.",
                "Correct `Content-Type`, `datacontenttype` or `Content-Encoding`. Data that is not JSON cannot be stored: send a reference to it.",
            ),
            Self::UnknownType => page(
                "unknown-type",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The type is not in the catalogue",
                "Only event types under `events:` in the configuration can enter the log.",
                "Correct the type, or add it to the catalogue and start the hub again.",
            ),
            Self::SchemaViolated => page(
                "schema-violated",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The data breaks its schema",
                "The data is not what the JSON Schema of its type asks for. `errors` names each place by a JSON pointer into the request.",
                "Correct the data, or the schema. Nothing of the request was stored.",
            ),
            Self::Internal => page(
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "The hub could not store it",
                "The hub's database refused this very event. The log of the hub says why.",
                "Tell whoever runs the hub. Nothing of the request was stored.",
            ),
            Self::Overloaded => page(
                "overloaded",
                StatusCode::SERVICE_UNAVAILABLE,
                "No room for now",
                "More is coming in than can be written, and nothing waits in memory without bounds.",
                "Send it again after the time in `Retry-After`. Nothing of the request was stored.",
            ),
            Self::Unavailable => page(
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "Not stored for now",
                "The hub's database is away, did not answer in time, or another transaction holds the event's id. Whether the event was stored is not known.",
                "Send the same again after the time in `Retry-After`, with the same id: if it was stored the answer is `duplicate`.",
            ),
        }
    }
}
