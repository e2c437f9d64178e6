//! JSON responses, with an `ETag` for conditional requests.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use headers::{HeaderMapExt, IfNoneMatch};
use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::fleet::report::sanitize::sanitize_json;

use super::problem::Problem;

const JSON: &str = "application/json";

/// JSON in one line. Characters that a terminal would interpret are escaped.
pub(super) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    // Most have none.
    let is_plain = json.bytes().all(|it| (b' '..=b'~').contains(&it));
    Ok(match is_plain {
        true => json,
        false => sanitize_json(&json),
    })
}

/// Responds with `body`, or with 304 if the client has the same content. `content` is the body
/// without fields that change with time alone.
///
/// The `ETag` is a digest of the content, so it covers everything that affects it (collection,
/// query, settings, probe). It is weak, because all encodings of the body have the same one.
pub(super) fn tagged(
    headers: &HeaderMap,
    content: &impl Serialize,
    body: &impl Serialize,
) -> Response {
    match (json(content), json(body)) {
        (Ok(content), Ok(body)) => answer(headers, &tag_of(&content), JSON, body),
        (Err(error), _) | (_, Err(error)) => broken(&error),
    }
}

/// As [`tagged`], for a body that does not change with time.
pub(super) fn whole(headers: &HeaderMap, body: &impl Serialize) -> Response {
    match json(body) {
        Ok(body) => answer(headers, &tag_of(&body), JSON, body),
        Err(error) => broken(&error),
    }
}

/// As [`whole`], for CSV.
pub(super) fn table(headers: &HeaderMap, body: String) -> Response {
    answer(headers, &tag_of(&body), "text/csv; charset=utf-8", body)
}

fn broken(error: &serde_json::Error) -> Response {
    tracing::error!(%error, "an answer of the API could not be written");
    Problem::broken().into_response()
}

fn answer(headers: &HeaderMap, tag: &str, content_type: &str, body: String) -> Response {
    let common = [
        (header::ETAG, tag),
        // Names of people: the client's own copy alone, and that only after asking.
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "accept-encoding"),
    ];
    if has(headers, tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

fn tag_of(content: &str) -> String {
    let digest = digest(&SHA256, content.as_bytes());
    let digits = digest.as_ref().iter().take(16);
    let digits: String = digits.map(|it| format!("{it:02x}")).collect();
    format!("W/\"{digits}\"")
}

/// Whether `If-None-Match` contains this tag, by the weak comparison of RFC 9110, 13.1.2.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.typed_get::<IfNoneMatch>();
    let tag = tag.parse().ok();
    known
        .zip(tag)
        .is_some_and(|(known, tag)| !known.precondition_passes(&tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[&str], expected: StatusCode) {
        let mut headers = HeaderMap::new();
        for value in given {
            headers.append(header::IF_NONE_MATCH, value.parse().unwrap());
        }
        assert_eq!(whole(&headers, &"body").status(), expected, "{given:?}");
    }

    #[test]
    fn client_that_has_it_is_told_so() {
        let tag = whole(&HeaderMap::new(), &"body").headers()[header::ETAG].clone();
        let tag = tag.to_str().unwrap();
        let strong = tag.trim_start_matches("W/");
        let have = StatusCode::NOT_MODIFIED;
        check(&[tag], have);
        check(&[strong], have);
        check(&["*"], have);
        check(&[&format!("\"a\", {tag}")], have);
        check(&["\"a\"", tag], have);
        check(&[], StatusCode::OK);
        check(
            &["\"a\"", "", "W/", strong.trim_matches('"')],
            StatusCode::OK,
        );
    }

    #[test]
    fn tag_follows_the_content_and_not_the_rest_of_the_body() {
        let tag = |content: &str, body: &str| {
            let response = tagged(&HeaderMap::new(), &content, &body);
            response.headers()[header::ETAG].clone()
        };
        assert_eq!(tag("a", "1"), tag("a", "2"));
        assert_ne!(tag("a", "1"), tag("b", "1"));
    }
}
