//! Bodies: read within a time and a size, and decompressed.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::limits::{DECOMPRESSION_FLOOR, DECOMPRESSION_RATIO};
use crate::problem::{Problem, ProblemKind};

/// Reads a body whole and decompresses it.
///
/// # Errors
/// It is too large, comes too slowly, breaks off, or is compressed in another way than
/// with gzip, or badly.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Incoming,
    limit: usize,
    patience: Duration,
) -> Result<Vec<u8>, Problem> {
    let compressed = is_gzip(headers)?;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX) > limit) {
        return Err(too_large(limit));
    }
    let collected = tokio::time::timeout(patience, Limited::new(body, limit).collect()).await;
    let body = match collected {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large(limit)),
        Ok(Err(_)) => {
            return Err(Problem::new(
                ProblemKind::InvalidJson,
                "the body breaks off before its end",
            ));
        }
        Err(_) => {
            return Err(Problem::new(
                ProblemKind::RequestTimeout,
                format!("the body did not come within {} s", patience.as_secs()),
            ));
        }
    };
    if compressed {
        decompress(&body, limit)
    } else {
        Ok(body.into())
    }
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Problem> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else {
        return Ok(false);
    };
    let encoding = String::from_utf8_lossy(encoding.as_bytes()).to_ascii_lowercase();
    match encoding.trim() {
        "" | "identity" => Ok(false),
        "gzip" | "x-gzip" => Ok(true),
        other => Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            format!("a body cannot be decompressed from {other:?}; send gzip, or as it is"),
        )),
    }
}

/// Decompresses no more than is allowed, however much it would become.
fn decompress(compressed: &[u8], limit: usize) -> Result<Vec<u8>, Problem> {
    let by_ratio = compressed
        .len()
        .saturating_mul(DECOMPRESSION_RATIO)
        .max(DECOMPRESSION_FLOOR);
    let most = limit.min(by_ratio);
    let mut plain = Vec::new();
    let one_more = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(compressed)
        .take(one_more)
        .read_to_end(&mut plain)
        .map_err(|_| {
            Problem::new(
                ProblemKind::InvalidEncoding,
                "the body is not gzip, or ends too early",
            )
        })?;
    if plain.len() <= most {
        Ok(plain)
    } else if most == limit {
        Err(too_large(limit))
    } else {
        Err(Problem::new(
            ProblemKind::TooLarge,
            format!(
                "the body becomes more than {DECOMPRESSION_RATIO} times as large by decompression"
            ),
        ))
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(
        ProblemKind::TooLarge,
        format!("a body has {limit} bytes at the most (http.body_limit)"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_compressed_comes_back_and_a_bomb_does_not_go_off() {
        let plain = b"{\"a\":1}".repeat(100);
        assert_eq!(decompress(&gzip(&plain), 1 << 20).unwrap(), plain);
        let large = decompress(&gzip(&vec![b' '; 2 << 20]), 1 << 20).unwrap_err();
        assert_eq!(large.kind, ProblemKind::TooLarge);
        let bomb = gzip(&vec![b' '; 64 << 20]);
        assert!(decompress(&bomb, usize::MAX).is_err(), "by its ratio");
        let mut cut = gzip(&plain);
        cut.truncate(cut.len() - 4);
        for bad in [&cut[..], b"plain", b""] {
            let problem = decompress(bad, 1 << 20).unwrap_err();
            assert_eq!(problem.kind, ProblemKind::InvalidEncoding);
        }
    }
}
