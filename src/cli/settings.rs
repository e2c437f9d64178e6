//! From the flags to what each part needs to know.

use clap::CommandFactory;
use secrecy::SecretString;

use crate::config::args::ExporterArgs;
use crate::config::coder_args::{TOKEN_VARIABLE, URL_VARIABLE};
use crate::config::postgres_args::PostgresArgs;
use crate::config::postgres_url::PostgresUrl;
use crate::config::probe_args::Dialing;
use crate::config::web_args::WebArgs;
use crate::config::{self, SettingError};
use crate::metrics::page::Detail;
use crate::postgres::database::Database;
use crate::web::{Lifecycle, Limits, LiveConfig};
use crate::{collect, web};

use super::Cli;

/// The database URL of these settings, or of Coder's own variable.
///
/// # Errors
///
/// When there is none, or it is none.
pub(super) fn postgres_url(args: &PostgresArgs) -> Result<PostgresUrl, SettingError> {
    let coder_url = variable(config::CODER_URL_VARIABLE);
    config::postgres_url(args, coder_url.map(SecretString::from))
}

/// One of Coder's own variables; one that is empty is none.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}

/// What agents are dialed with, if they are.
///
/// # Errors
///
/// When the address or the token of Coder cannot be used, or the dialer lacks what it needs.
pub(super) fn dialing(args: &ExporterArgs) -> Result<Option<Dialing>, SettingError> {
    let url = args.coder.url(variable(URL_VARIABLE))?;
    let token = variable(TOKEN_VARIABLE).map(SecretString::from);
    args.probe.dialing(url, args.coder.token(token)?)
}

/// The database of this URL.
///
/// # Errors
///
/// When something it names on this machine, as a certificate, cannot be read.
pub(super) fn database(
    url: &PostgresUrl,
    max_connections: usize,
) -> Result<Database, SettingError> {
    Database::new(url, max_connections)
        .map_err(|failure| SettingError::new("--postgres.url", failure.to_string()))
}

/// What the collection needs to know.
///
/// # Errors
///
/// When every collector is off.
pub(super) fn collection(args: &ExporterArgs) -> Result<collect::Settings, SettingError> {
    if args.collectors.enabled.is_empty() {
        let problem = "every collector is off; leave at least one on";
        return Err(SettingError::new("--no-collector.*", problem));
    }
    Ok(collect::Settings {
        collectors: args.collectors.enabled.clone(),
        limits: args.agent.limits(),
        named_apps: args.metrics.coderd_compat,
        min_interval: args.collect.min_interval,
    })
}

/// What protects the endpoint.
///
/// # Errors
///
/// When the file cannot be used.
pub(super) fn web_config(args: &WebArgs) -> Result<LiveConfig, SettingError> {
    // Blank, as an empty variable is, means none.
    let path = args.config_file.as_deref();
    LiveConfig::load(path.filter(|it| !it.as_os_str().is_empty()))
        .map_err(|problem| SettingError::new("--web.config.file", problem))
}

/// What the web side needs to know.
pub(super) fn web(args: &ExporterArgs, lifecycle: Lifecycle) -> web::Settings {
    web::Settings {
        telemetry_path: args.web.telemetry_path.clone(),
        max_requests: args.web.max_requests,
        timeout_offset: args.web.timeout_offset,
        collect_timeout: args.collect.timeout,
        detail: Detail {
            agent_series: args.metrics.agent_series,
            max_agent_series: args.metrics.max_agent_series,
            coderd_compat: args.metrics.coderd_compat,
        },
        ui: !args.web.disable_ui,
        limits: Limits::default(),
        lifecycle,
    }
}

/// The settings as a Markdown table: what the README shows.
pub fn settings_table() -> String {
    let mut table =
        String::from("| flag | variable | default | effect |\n| --- | --- | --- | --- |\n");
    let command = Cli::command();
    let serve = command.find_subcommand("serve");
    let arguments = serve.into_iter().flat_map(clap::Command::get_arguments);
    for argument in arguments.filter(|it| !it.is_hide_set() && it.get_long().is_some()) {
        let flag = argument.get_long().unwrap_or_default();
        let Some(variable) = argument.get_env() else {
            continue;
        };
        let defaults: Vec<_> = argument
            .get_default_values()
            .iter()
            .map(|it| format!("`{}`", it.to_string_lossy()))
            .collect();
        let help = argument.get_help().map(ToString::to_string);
        table.push_str(&format!(
            "| `--{flag}` | `{}` | {} | {} |\n",
            variable.to_string_lossy(),
            defaults.join(", "),
            help.unwrap_or_default().replace('\n', " "),
        ));
    }
    table
}
