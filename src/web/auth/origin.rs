//! Whether a request comes from a page of this exporter, and not from another site that the user
//! has open: a browser says so, and no site can make it say otherwise.

use std::net::IpAddr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri, header};

use crate::web::links::Links;

/// Sent by today's browsers wherever the way to us is encrypted, or is to this machine.
const FETCH_SITE: &str = "sec-fetch-site";

/// What every header begins with in which a browser says where a request comes from.
const FETCH: &str = "sec-fetch-";

/// A GET that costs more than a look: it dials.
const COSTLY: &str = "/probe";

/// Why a browser's request is refused; `None` where it is not, or no browser has sent it.
///
/// No other site makes a browser change anything here, or ask what costs something. It may lead its
/// user to a page. A site that has its own name point at the exporter (DNS rebinding) is the same
/// origin for the browser: so what changes or costs something is done only where the exporter is
/// asked by an address, as localhost or by the name of `--web.external-url`.
pub(crate) fn refusal(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    links: &Links,
) -> Option<&'static str> {
    let says_more = |name: &str| name.starts_with(FETCH) || name == header::ORIGIN.as_str();
    if !headers.keys().any(|name| says_more(name.as_str())) {
        return None;
    }
    let changes = !method.is_safe();
    if (changes || uri.path() == COSTLY) && !is_known_host(headers, uri, links) {
        return Some(
            "refused: a browser may do this only where the exporter is opened by an IP address, as \
             localhost or by the host of --web.external-url",
        );
    }
    let is_from_here = match (headers.get(FETCH_SITE), changes) {
        // Typed, or a bookmark.
        (Some(site), false) if site == "none" => true,
        (None, false) if !headers.contains_key(header::ORIGIN) => true,
        _ => is_from_here(headers, uri, links),
    };
    let leads_to_page = !changes
        && uri.path() != COSTLY
        && headers
            .get("sec-fetch-mode")
            .is_some_and(|it| it == "navigate")
        && headers
            .get("sec-fetch-dest")
            .is_some_and(|it| it == "document");
    match is_from_here || leads_to_page {
        true => None,
        false => Some("refused: the request came from another site"),
    }
}

/// Whether the exporter is asked by a name that no other site can have, or from a page of the
/// address where browsers are to find it, behind a proxy that asks by a name of its own.
fn is_known_host(headers: &HeaderMap, uri: &Uri, links: &Links) -> bool {
    let external = links.external.as_ref();
    let origin = headers.get(header::ORIGIN).and_then(|it| it.to_str().ok());
    if external.is_some_and(|it| Some(&*it.origin()) == origin) {
        return true;
    }
    let Some(asked) = asked_host(headers, uri).and_then(|it| it.parse::<Authority>().ok()) else {
        return false;
    };
    let host = asked.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || external.is_some_and(|it| host.eq_ignore_ascii_case(it.host()))
}

/// Whether a request that changes something comes from here: from the same origin by the
/// browser's own word, else from the origin that is asked or that `--web.external-url` names.
/// Without either word it does not: browsers send one, and others can ask `/probe`.
pub(crate) fn is_from_here(headers: &HeaderMap, uri: &Uri, links: &Links) -> bool {
    let mut said = headers.get_all(FETCH_SITE).iter();
    if let Some(site) = said.next() {
        return site == "same-origin" && said.next().is_none();
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return false;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let external = links.external.as_ref().map(|it| it.origin());
    if external.is_some_and(|it| it.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let Some((_scheme, host)) = origin.split_once("://") else {
        return false;
    };
    // Of the scheme nothing is known here: a proxy may have taken TLS off.
    asked_host(headers, uri).is_some_and(|asked| asked.eq_ignore_ascii_case(host))
}

/// The host and port that were asked: in the address with HTTP/2, else in a header.
fn asked_host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let authority = uri.authority().map(|it| it.as_str());
    authority.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    const HOST: (&str, &str) = ("host", "exporter.example:21120");

    #[track_caller]
    fn check(said: &[(&'static str, &str)], external: Option<&str>, expected: bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            let name = HeaderName::from_static(name);
            headers.append(name, value.parse().unwrap());
        }
        let links = Links {
            external: external.map(|it| it.parse().unwrap()),
            ..Links::default()
        };
        let uri = Uri::from_static("/agents/1");
        let found = is_from_here(&headers, &uri, &links);
        assert_eq!(found, expected, "{said:?} {external:?}");
    }

    const HERE: (&str, &str) = ("sec-fetch-site", "same-origin");
    const ELSEWHERE: (&str, &str) = ("sec-fetch-site", "cross-site");

    #[track_caller]
    fn passes(request: &str, said: &[(&'static str, &str)], external: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let links = Links {
            external: external.map(|it| it.parse().unwrap()),
            ..Links::default()
        };
        let (method, path) = request.split_once(' ').unwrap();
        let (method, uri) = (method.parse().unwrap(), path.parse().unwrap());
        refusal(&method, &uri, &headers, &links).is_none()
    }

    #[test]
    fn what_is_no_browser_is_not_asked_where_it_comes_from() {
        for request in ["POST /-/reload", "GET /probe?workspace=a/b", "GET /metrics"] {
            assert!(passes(request, &[HOST], None), "{request}");
            assert!(passes(request, &[], None), "{request}");
        }
    }

    #[test]
    fn other_site_makes_a_browser_change_nothing_and_cost_nothing() {
        let address = ("host", "10.0.0.7:21120");
        let navigate = ("sec-fetch-mode", "navigate");
        let document = ("sec-fetch-dest", "document");
        let site = |it| ("sec-fetch-site", it);
        let evil = ("origin", "http://evil.example");
        for (request, said, expected) in [
            ("POST /-/reload", &[address, HERE][..], true),
            ("POST /-/reload", &[address, ELSEWHERE], false),
            ("POST /-/reload", &[address, site("same-site")], false),
            ("POST /-/reload", &[address, site("none")], false),
            ("POST /-/reload", &[address, evil], false),
            (
                "POST /-/reload",
                &[address, ELSEWHERE, navigate, document],
                false,
            ),
            (
                "POST /-/reload",
                &[address, ("origin", "http://10.0.0.7:21120")],
                true,
            ),
            ("GET /probe", &[address, site("none")], true),
            ("GET /probe", &[address, HERE], true),
            (
                "GET /probe",
                &[address, ELSEWHERE, navigate, document],
                false,
            ),
            ("GET /metrics", &[address, ELSEWHERE], false),
            ("GET /metrics", &[address, evil], false),
            (
                "GET /metrics",
                &[address, ELSEWHERE, ("sec-fetch-mode", "no-cors")],
                false,
            ),
            // A link, as in a notification, leads to a page; a frame is none.
            (
                "GET /agents/1",
                &[address, ELSEWHERE, navigate, document],
                true,
            ),
            (
                "GET /agents/1",
                &[address, ELSEWHERE, navigate, ("sec-fetch-dest", "iframe")],
                false,
            ),
            ("GET /", &[address, HERE, HERE], false),
        ] {
            assert_eq!(passes(request, said, None), expected, "{request} {said:?}");
        }
    }

    #[test]
    fn name_that_any_site_could_have_is_not_taken_where_something_is_done() {
        for (host, external, expected) in [
            ("127.0.0.1:21120", None, true),
            ("[::1]:21120", None, true),
            ("localhost", None, true),
            ("LocalHost:21120", None, true),
            ("evil.example:21120", None, false),
            ("localhost.evil.example", None, false),
            ("127.0.0.1.evil.example", None, false),
            (
                "evil.example:21120",
                Some("https://ops.example/fleet"),
                false,
            ),
            ("ops.example", Some("https://ops.example/fleet"), true),
            ("OPS.example:443", Some("https://ops.example/fleet"), true),
            ("user@10.0.0.7@x y", None, false),
            ("", None, false),
        ] {
            for request in ["POST /agents/1", "GET /probe?workspace=a/b"] {
                let said = [("host", host), HERE];
                assert_eq!(
                    passes(request, &said, external),
                    expected,
                    "{request} {host}"
                );
            }
            // Pages are for reading.
            assert!(passes("GET /", &[("host", host), HERE], external), "{host}");
        }
        let said = [
            ("host", "exporter:21120"),
            ("origin", "https://ops.example"),
        ];
        let external = Some("https://ops.example/fleet");
        assert!(
            passes("POST /agents/1", &said, external),
            "a proxy's own name for us"
        );
    }

    #[test]
    fn browsers_word_for_the_same_origin_is_enough_and_any_other_is_not() {
        for (site, expected) in [
            ("same-origin", true),
            ("same-site", false),
            ("cross-site", false),
            ("none", false),
            ("", false),
        ] {
            let here = ("origin", "http://exporter.example:21120");
            check(&[HOST, here, ("sec-fetch-site", site)], None, expected);
        }
        let twice = ("sec-fetch-site", "same-origin");
        check(&[HOST, twice, twice], None, false);
    }

    #[test]
    fn without_it_the_origin_is_the_host_that_is_asked() {
        for (origin, expected) in [
            ("http://exporter.example:21120", true),
            ("https://Exporter.example:21120", true),
            ("http://exporter.example", false),
            ("http://exporter.example:21120.evil.example", false),
            ("http://evil.example", false),
            ("exporter.example:21120", false),
            ("null", false),
            ("", false),
        ] {
            check(&[HOST, ("origin", origin)], None, expected);
        }
        check(&[HOST], None, false);
        check(&[("origin", "http://exporter.example:21120")], None, false);
        let here = ("origin", "http://exporter.example:21120");
        check(&[HOST, here, here], None, false);
    }

    #[test]
    fn behind_a_proxy_the_origin_is_that_of_the_external_url() {
        let external = Some("https://ops.example/agents/");
        let host = ("host", "10.0.0.7:21120");
        check(&[host, ("origin", "https://ops.example")], external, true);
        check(&[host, ("origin", "http://ops.example")], external, false);
        check(&[host, ("origin", "https://evil.example")], external, false);
    }

    #[test]
    fn host_of_http_2_is_in_the_address() {
        let mut headers = HeaderMap::new();
        headers.insert("origin", "https://exporter.example".parse().unwrap());
        let uri = Uri::from_static("https://exporter.example/agents/1");
        assert!(is_from_here(&headers, &uri, &Links::default()));
        let uri = Uri::from_static("https://other.example/agents/1");
        assert!(!is_from_here(&headers, &uri, &Links::default()));
    }
}
