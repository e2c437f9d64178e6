//! Where pages lead: on this exporter, wherever a proxy has put it, and on Coder.

use crate::config::http_url::HttpUrl;

/// Where pages lead.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// `--coder.url`: where workspaces can be looked at.
    pub coder: Option<HttpUrl>,
    /// `--web.external-url`: where browsers reach this exporter.
    pub external: Option<HttpUrl>,
}

impl Links {
    /// A path of this exporter, which begins with a slash, as a browser asks for it.
    pub(super) fn here(&self, path: &str) -> String {
        format!("{}{path}", self.prefix())
    }

    /// The same for those who are elsewhere: a whole address, where that is known.
    pub(super) fn whole(&self, path: &str) -> String {
        let external = self.external.as_ref();
        format!("{}{path}", external.map_or("", HttpUrl::as_str))
    }

    /// What a proxy may leave before every path: empty, or a path without a slash at its end.
    pub(super) fn prefix(&self) -> &str {
        self.external.as_ref().map_or("", HttpUrl::prefix)
    }

    /// A workspace's page on Coder, where that is known. Names may hold anything.
    pub(super) fn workspace(&self, owner: &str, workspace: &str) -> Option<String> {
        let coder = self.coder.as_ref()?;
        let owner = format!("@{owner}");
        Some(coder.below(&[&owner, workspace]).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_carry_the_prefix_of_a_proxy() {
        let external = "https://ops.example/fleet/".parse().ok();
        let links = Links {
            external,
            ..Links::default()
        };
        assert_eq!(links.here("/probes"), "/fleet/probes");
        assert_eq!(Links::default().here("/probes"), "/probes");
        let whole = "https://ops.example/fleet/probes";
        assert_eq!(links.whole("/probes"), whole);
        assert_eq!(Links::default().whole("/probes"), "/probes");
    }

    #[test]
    fn names_stay_in_their_place_on_coder() {
        let coder = "https://coder.example".parse().ok();
        let links = Links {
            coder,
            ..Links::default()
        };
        let link = links.workspace("ada", "a/../b?x").unwrap();
        assert_eq!(link, "https://coder.example/@ada/a%2F..%2Fb%3Fx");
        assert_eq!(Links::default().workspace("ada", "box"), None);
    }
}
