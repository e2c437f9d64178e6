//! Whether a form was sent from a page of this exporter, and not by another site that the user
//! has open: a browser says so, and no site can make it say otherwise.

use axum::http::{HeaderMap, Uri, header};

use crate::web::links::Links;

/// Sent by today's browsers wherever the way to us is encrypted, or is to this machine.
const FETCH_SITE: &str = "sec-fetch-site";

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
