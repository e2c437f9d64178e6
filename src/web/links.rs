//! Targets of links: pages of this exporter, also behind a proxy, and pages of Coder.

use reqwest::Url;

use crate::config::http_url::HttpUrl;
use crate::metrics::page::Addresses;

/// URLs of Coder and of this exporter, for links.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// `--coder.url`; `None` disables links to Coder.
    pub coder: Option<HttpUrl>,
    /// `--web.external-url`; `None` if browsers use the listen address.
    pub external: Option<HttpUrl>,
    /// `--web.grafana-url`; `None` disables links to the dashboards.
    pub grafana: Option<HttpUrl>,
    /// `--web.alertmanager-url`; `None` disables links to silences.
    pub alertmanager: Option<HttpUrl>,
}

impl Links {
    /// The addresses for links of alerts and dashboards.
    pub(super) fn addresses(&self) -> Addresses {
        let text = |it: &Option<HttpUrl>| {
            it.as_ref()
                .map_or_else(String::new, |it| it.as_str().to_owned())
        };
        Addresses {
            coder: text(&self.coder),
            external: text(&self.external),
        }
    }

    /// The path of the runbook with this name.
    pub(super) fn runbook(name: &str) -> String {
        format!("/runbooks/{name}")
    }

    /// A link to a path of this exporter, which starts with a slash. It includes the prefix, but
    /// not the host.
    pub(super) fn here(&self, path: &str) -> String {
        format!("{}{path}", self.prefix())
    }

    /// The absolute URL of a path if `--web.external-url` is set; otherwise the same as
    /// [`here`](Self::here).
    pub(super) fn whole(&self, path: &str) -> String {
        let external = self.external.as_ref();
        format!("{}{path}", external.map_or("", HttpUrl::as_str))
    }

    /// The path of `--web.external-url` without a trailing slash; may be empty.
    pub(super) fn prefix(&self) -> &str {
        self.external.as_ref().map_or("", HttpUrl::prefix)
    }

    /// The URL of the fleet's dashboard with these values of its variables; `None` without
    /// `--web.grafana-url`.
    pub(super) fn dashboard(&self, variables: &[(&str, &str)]) -> Option<String> {
        let grafana = self.grafana.as_ref()?.as_str();
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in variables {
            query.append_pair(&format!("var-{name}"), value);
        }
        let query = query.finish();
        let separator = if query.is_empty() { "" } else { "?" };
        Some(format!("{grafana}/d/coder-agent-fleet{separator}{query}"))
    }

    /// The URL of a new silence for alerts with these labels; `None` without
    /// `--web.alertmanager-url`.
    pub(super) fn silence(&self, labels: &[(&str, &str)]) -> Option<String> {
        let alertmanager = self.alertmanager.as_ref()?.as_str();
        let labels = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""));
        let filter = format!("{{{}}}", labels.collect::<Vec<_>>().join(","));
        let filter = form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
        // Its page reads the fragment, where a plus is no space.
        let filter = filter.replace('+', "%20");
        Some(format!("{alertmanager}/#/silences/new?filter={filter}"))
    }

    /// The URL of a workspace in Coder; `None` without `--coder.url`. Names are percent-encoded.
    pub(super) fn workspace(&self, owner: &str, workspace: &str) -> Option<String> {
        let coder = self.coder.as_ref()?;
        let owner = format!("@{owner}");
        Some(coder.below(&[&owner, workspace]).into())
    }
}

/// An address that someone else wrote, as the target of a link; `None` if it is none of the web or
/// has a user, which looks like a host to a reader.
pub(super) fn other_site(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    let is_of_the_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let has_user = !url.username().is_empty() || url.password().is_some();
    (is_of_the_web && !has_user).then(|| url.into())
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
    fn dashboards_and_silences_are_linked_where_they_are_known() {
        let url = |text: &str| text.parse().ok();
        let links = Links {
            grafana: url("https://ops.example/grafana/"),
            alertmanager: url("http://alerts.example:9093"),
            ..Links::default()
        };
        let dashboard = links.dashboard(&[("template", "a b&c")]).unwrap();
        let expected = "https://ops.example/grafana/d/coder-agent-fleet?var-template=a+b%26c";
        assert_eq!(dashboard, expected);
        let silence = links.silence(&[("alertname", "CoderIncident"), ("kind", "root")]);
        let filter = "%7Balertname%3D%22CoderIncident%22%2Ckind%3D%22root%22%7D";
        let expected = format!("http://alerts.example:9093/#/silences/new?filter={filter}");
        assert_eq!(silence.unwrap(), expected);
        let none = Links::default();
        assert_eq!((none.dashboard(&[]), none.silence(&[])), (None, None));
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

    #[test]
    fn only_an_address_of_the_web_is_a_link() {
        let check = |address: &str, expected: Option<&str>| {
            assert_eq!(other_site(address).as_deref(), expected, "{address}");
        };
        let help = "https://help.example/a%20b?c=d#e";
        check(help, Some(help));
        check(" HTTP://Help.example ", Some("http://help.example/"));
        for address in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//help.example",
            "/help",
            "https://coder.example@evil.example/",
            "mailto:ops@coder.example",
            "https://",
        ] {
            check(address, None);
        }
    }
}
