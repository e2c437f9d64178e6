//! Compression of responses.

use std::convert::Infallible;
use std::future::ready;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::GetAll;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use lru::LruCache;
use parking_lot::Mutex;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::web::joined::Encoding;

/// gzip or zstd, as the client accepts, at the lowest level: the scrape waits for it, and most
/// results are sent once. For 47.5 MB (a series for each of 100,000 agents) gzip takes 195 ms for
/// 12.7 MB at level 1 and 391 ms for 7.9 MB at level 6. zstd takes 61 ms for 7.0 MB at level 1, and
/// higher levels are not smaller. A default page takes less than a millisecond.
pub(crate) fn compression() -> CompressionLayer {
    CompressionLayer::new()
        .gzip(true)
        .zstd(true)
        .quality(CompressionLevel::Fastest)
}

/// Lets every answer be sent as it is, whatever `Accept-Encoding` rules out: a client that takes
/// nothing we have gets the plain answer, as from Go's client library, and no error.
pub(crate) fn allow_identity(mut request: Request) -> Request {
    let headers = request.headers_mut();
    let asked: Vec<_> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','))
        .collect();
    let kept: Vec<_> = asked.iter().copied().filter(|it| !rules_out(it)).collect();
    if kept.len() == asked.len() {
        return request;
    }
    match HeaderValue::from_str(kept.join(",").trim()) {
        Ok(value) if !value.is_empty() => headers.insert(header::ACCEPT_ENCODING, value),
        _ => headers.remove(header::ACCEPT_ENCODING),
    };
    request
}

/// Whether it forbids the answer as it is: `identity` or `*` of quality zero.
fn rules_out(coding: &str) -> bool {
    let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
    let quality = parameters.split_once('=').map(|it| it.1.trim().parse());
    let is_zero = matches!(quality, Some(Ok(0.0_f32)));
    is_zero && matches!(name.trim().to_ascii_lowercase().as_str(), "identity" | "*")
}

/// The encodings that were found out last, by what was accepted. A server scrapes with the same
/// headers each time, and to find out takes a compressor.
static KNOWN: LazyLock<Mutex<LruCache<Vec<u8>, Encoding>>> =
    LazyLock::new(|| Mutex::new(LruCache::new(MOST_KNOWN)));

const MOST_KNOWN: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// Nothing longer is kept.
const LONGEST_KNOWN: usize = 256;

/// The encoding in which [`compression`] would send an answer to this request.
pub(crate) async fn encoding(asked: &HeaderMap) -> Encoding {
    let accepted = asked.get_all(header::ACCEPT_ENCODING);
    // No value has a line break.
    let lines = accepted.iter().flat_map(|it| [it.as_bytes(), b"\n"]);
    let key = lines.collect::<Vec<_>>().concat();
    if let Some(known) = KNOWN.lock().get(&key) {
        return *known;
    }
    let found = find_out(accepted).await;
    if key.len() <= LONGEST_KNOWN {
        KNOWN.lock().put(key, found);
    }
    found
}

async fn find_out(accepted: GetAll<'_, HeaderValue>) -> Encoding {
    /// Longer than what is too short to be compressed.
    const ANSWER: &str = "An answer that is never sent, to find out how it would be.";
    let mut request = Request::new(Body::empty());
    for value in accepted {
        let headers = request.headers_mut();
        headers.append(header::ACCEPT_ENCODING, value.clone());
    }
    let answers =
        service_fn(|_: Request| ready(Ok::<_, Infallible>(Response::new(Body::from(ANSWER)))));
    let Ok(answer) = compression().layer(answers).oneshot(request).await;
    let encoding = answer.headers().get(header::CONTENT_ENCODING);
    let all = [Encoding::Gzip, Encoding::Zstd];
    let chosen = all.into_iter().find(|it| {
        let name = it.name().map(str::as_bytes);
        name == encoding.map(HeaderValue::as_bytes)
    });
    chosen.unwrap_or(Encoding::Identity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::fuzz;

    #[test]
    fn plain_answer_is_never_ruled_out() {
        for (asked, expected) in [
            ("gzip", Some("gzip")),
            ("gzip, identity;q=0.5", Some("gzip, identity;q=0.5")),
            ("identity;q=0", None),
            ("*;q=0", None),
            ("Identity; q=0.000", None),
            ("gzip;q=0, identity;q=0", Some("gzip;q=0")),
            ("zstd, *;q=0", Some("zstd")),
            ("identity;q=x", Some("identity;q=x")),
        ] {
            let mut request = Request::new(Body::empty());
            let headers = request.headers_mut();
            headers.insert(header::ACCEPT_ENCODING, asked.parse().unwrap());
            let request = allow_identity(request);
            let found = request.headers().get(header::ACCEPT_ENCODING);
            let found = found.map(|it| it.to_str().unwrap());
            assert_eq!(found, expected, "{asked}");
        }
    }

    #[tokio::test]
    async fn encoding_is_the_same_when_it_is_known() {
        let lines = |lines: &[&str]| -> HeaderMap {
            let values = lines.iter().map(|it| it.parse().unwrap());
            values.map(|it| (header::ACCEPT_ENCODING, it)).collect()
        };
        let long = format!("gzip;q=0, x-{}", "y".repeat(LONGEST_KNOWN));
        for (asked, expected) in [
            (lines(&[]), Encoding::Identity),
            (lines(&["gzip"]), Encoding::Gzip),
            (lines(&["gzip;q=0.5, zstd"]), Encoding::Zstd),
            (lines(&["identity", "gzip"]), Encoding::Gzip),
            (lines(&[&long]), Encoding::Identity),
        ] {
            for _ in 0..2 {
                assert_eq!(encoding(&asked).await, expected, "{asked:?}");
            }
        }
    }

    #[test]
    fn fuzzed_accept_encoding_never_rules_the_plain_answer_out() {
        let good = [
            "gzip, zstd;q=0.5",
            "identity;q=0",
            "*;q=0, gzip",
            "br, deflate;q=1.0",
        ];
        fuzz(&good, |input| {
            let Ok(asked) = HeaderValue::from_bytes(input) else {
                return;
            };
            let mut request = Request::new(Body::empty());
            request.headers_mut().insert(header::ACCEPT_ENCODING, asked);
            let request = allow_identity(request);
            let left = request.headers().get(header::ACCEPT_ENCODING);
            if let Some(Ok(left)) = left.map(|it| it.to_str()) {
                assert!(!left.split(',').any(rules_out), "{left}");
            }
        });
    }
}
