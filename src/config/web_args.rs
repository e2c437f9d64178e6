//! Settings of the web server.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::SettingError;
use super::http_url::HttpUrl;
use super::values::{OWN_PATHS, at_least_one, boolean, duration, listen_address, telemetry_path};

/// `--web.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Web")]
pub struct WebArgs {
    /// Address to listen on; repeatable. Without a host: all interfaces
    #[arg(
        long = "web.listen-address",
        env = "CODER_EXPORTER_WEB_LISTEN_ADDRESS",
        value_name = "[HOST]:PORT",
        value_delimiter = ',',
        default_value = ":21120",
        value_parser = listen_address
    )]
    pub listen_addresses: Vec<String>,

    /// File that configures TLS, basic authentication, headers and rate limit, in the format of
    /// Prometheus' exporter-toolkit; reloaded when it changes
    #[arg(
        long = "web.config.file",
        env = "CODER_EXPORTER_WEB_CONFIG_FILE",
        value_name = "FILE"
    )]
    pub config_file: Option<PathBuf>,

    /// Path under which to expose metrics
    #[arg(
        long = "web.telemetry-path",
        env = "CODER_EXPORTER_WEB_TELEMETRY_PATH",
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = telemetry_path
    )]
    pub telemetry_path: String,

    /// URL at which browsers reach this exporter, if it differs from the listen address, for
    /// example behind a proxy. Requests are accepted with and without its path
    // Read later, by code that does not repeat a password: clap would.
    #[arg(
        long = "web.external-url",
        env = "CODER_EXPORTER_WEB_EXTERNAL_URL",
        value_name = "URL"
    )]
    pub external_url: Option<String>,

    /// URL of Grafana, for links from an incident to the dashboard of the fleet
    #[arg(
        long = "web.grafana-url",
        env = "CODER_EXPORTER_WEB_GRAFANA_URL",
        value_name = "URL"
    )]
    pub grafana_url: Option<String>,

    /// URL of Alertmanager, for links from an incident to a new silence of its alert
    #[arg(
        long = "web.alertmanager-url",
        env = "CODER_EXPORTER_WEB_ALERTMANAGER_URL",
        value_name = "URL"
    )]
    pub alertmanager_url: Option<String>,

    /// Maximum number of metrics pages that are written and read at the same time; more scrapes get
    /// a page with coder_exporter_up 0
    #[arg(
        long = "web.max-requests",
        env = "CODER_EXPORTER_WEB_MAX_REQUESTS",
        value_name = "N",
        default_value_t = 40,
        value_parser = at_least_one
    )]
    pub max_requests: usize,

    /// Subtracted from the scrape timeout to leave time for the response
    #[arg(
        long = "web.timeout-offset",
        env = "CODER_EXPORTER_WEB_TIMEOUT_OFFSET",
        value_name = "DURATION",
        default_value = "500ms",
        value_parser = duration
    )]
    pub timeout_offset: Duration,

    /// Disable the web page at /
    #[arg(
        long = "web.disable-ui",
        env = "CODER_EXPORTER_WEB_DISABLE_UI",
        value_parser = boolean,
        action = clap::ArgAction::SetTrue
    )]
    pub disable_ui: bool,
}

impl WebArgs {
    /// The URLs of Grafana and of Alertmanager; `None` if they are not set.
    ///
    /// # Errors
    ///
    /// When one is not a URL. The message contains no part of it.
    pub fn companions(&self) -> [Result<Option<HttpUrl>, SettingError>; 2] {
        [
            url("--web.grafana-url", self.grafana_url.as_deref()),
            url("--web.alertmanager-url", self.alertmanager_url.as_deref()),
        ]
    }

    /// The URL at which browsers reach this exporter; `None` if it is not set.
    ///
    /// # Errors
    ///
    /// When it is not a URL. The message contains no part of it.
    pub fn external_url(&self) -> Result<Option<HttpUrl>, SettingError> {
        let flag = "--web.external-url";
        let Some(url) = url(flag, self.external_url.as_deref())? else {
            return Ok(None);
        };
        let wrong = |problem: String| SettingError::new(flag, problem);
        let first = url.prefix().split('/').nth(1).unwrap_or_default();
        // Nothing would tell whether a proxy has taken the prefix off.
        if OWN_PATHS.contains(&first) {
            return Err(wrong(format!(
                "its path begins with /{first}, which the exporter uses itself: choose another, \
                 such as /coder-agents"
            )));
        }
        Ok(Some(url))
    }
}

/// The URL that a flag has; `None` if it is not set or blank.
fn url(flag: &'static str, given: Option<&str>) -> Result<Option<HttpUrl>, SettingError> {
    let Some(given) = given.filter(|it| !it.trim().is_empty()) else {
        return Ok(None);
    };
    let url = given.parse();
    url.map(Some)
        .map_err(|error| SettingError::new(flag, format!("{error}")))
}
