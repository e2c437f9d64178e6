//! HTTP addresses: Coder's, and this exporter's behind a proxy.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// An http or https URL with a host and an optional path prefix, without a user.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(Url);

/// Why a text is not such a URL. Contains no part of it, because it may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HttpUrlError(&'static str);

impl FromStr for HttpUrl {
    type Err = HttpUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: HttpUrlError = HttpUrlError("write a URL such as https://coder.example");
        let mut url = Url::parse(text.trim()).map_err(|_| SHAPE)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(SHAPE);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpUrlError("it must not contain a user or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(HttpUrlError(
                "it must not contain ? or #; end it with the path",
            ));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl HttpUrl {
    /// The URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Whether the scheme is https.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The path without a trailing slash; empty for a URL without a path.
    pub fn prefix(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }

    /// Scheme, host and port, as in a browser's `Origin` header.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Its host, without the port.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether others can read the traffic: the scheme is http and the host is not this machine.
    pub fn is_exposed(&self) -> bool {
        let host = self.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse();
        let is_local = host == "localhost" || address.is_ok_and(|it: IpAddr| it.is_loopback());
        !self.is_secure() && !is_local
    }

    /// The URL of a page or endpoint below it. Segments are percent-encoded.
    pub fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "HttpUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, endpoint: &str) {
        let url: HttpUrl = text.parse().unwrap();
        assert_eq!(url.below(&["api", "v2"]).as_str(), endpoint, "{text:?}");
    }

    #[test]
    fn prefix_and_trailing_slashes_are_taken_as_they_are_meant() {
        check("https://coder.example", "https://coder.example/api/v2");
        check("https://coder.example/", "https://coder.example/api/v2");
        check("http://h:3000/dev/coder", "http://h:3000/dev/coder/api/v2");
        check("http://h:3000/dev//", "http://h:3000/dev/api/v2");
        check(" https://[::1]:7080\n", "https://[::1]:7080/api/v2");
    }

    #[test]
    fn parts_are_named_as_a_browser_names_them() {
        let url: HttpUrl = "https://Ops.example:443/agents/".parse().unwrap();
        assert_eq!(url.prefix(), "/agents");
        assert_eq!(url.origin(), "https://ops.example");
        let url: HttpUrl = "http://ops.example:8080".parse().unwrap();
        assert_eq!(url.prefix(), "");
        assert_eq!(url.origin(), "http://ops.example:8080");
    }

    #[test]
    fn what_leaves_the_machine_in_clear_is_exposed() {
        let is_exposed = |text: &str| text.parse::<HttpUrl>().unwrap().is_exposed();
        assert!(is_exposed("http://coder.example"));
        assert!(is_exposed("http://10.0.0.1:3000"));
        for safe in [
            "https://coder.example",
            "http://localhost:3000",
            "http://127.0.0.9",
            "http://[::1]",
        ] {
            assert!(!is_exposed(safe), "{safe}");
        }
    }

    #[test]
    fn segments_cannot_leave_their_place() {
        let url: HttpUrl = "https://h/prefix".parse().unwrap();
        let below = url.below(&["@a/b?c", "d#e"]);
        assert_eq!(below.as_str(), "https://h/prefix/@a%2Fb%3Fc/d%23e");
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for text in [
            "",
            "coder.example",
            "coder.example:443",
            "ftp://coder.example",
            "https://",
            "https://hunter2@coder.example",
            "https://admin:hunter2@coder.example",
            "https://coder.example?token=hunter2",
            "https://coder.example/#hunter2",
        ] {
            let error = text.parse::<HttpUrl>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
