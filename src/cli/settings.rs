//! Turns the flags into the settings of each part of the program.

use std::sync::Arc;

use clap::CommandFactory;
use secrecy::SecretString;

use crate::coder_api::CoderApi;
use crate::coder_watch::CoderWatch;
use crate::collect::Collect;
use crate::config::args::{AgentArgs, ExporterArgs, ServeArgs};
use crate::config::coder_args::{CoderArgs, TOKEN_VARIABLE, URL_VARIABLE};
use crate::config::coder_token::Token;
use crate::config::http_url::HttpUrl;
use crate::config::postgres_args::PostgresArgs;
use crate::config::postgres_url::PostgresUrl;
use crate::config::probe_args::{DialArgs, DialerKind, Dialing};
use crate::config::web_args::WebArgs;
use crate::config::{self, SettingError};
use crate::dialer::AnyDialer;
use crate::error::{ErrorKind, Failure};
use crate::fleet::stats::collection::Collector;
use crate::incident::model::IncidentSettings;
use crate::metrics::page::{AgentLabels, Detail};
use crate::postgres::database::{Database, UrlSource};
use crate::probe::Probe;
use crate::web::{Lifecycle, Links, LiveConfig, ServerLimits};
use crate::{collect, probe, resolver, web};

use super::Cli;

/// The database URL: from the flags, else from Coder's own variable, completed by libpq's
/// variables.
///
/// # Errors
///
/// When no URL is set, or it is invalid.
pub(super) fn postgres_url(args: &PostgresArgs) -> Result<PostgresUrl, SettingError> {
    let coder_url = variable(config::CODER_URL_VARIABLE);
    let variables = |name: &str| std::env::var(name).ok();
    config::postgres_url(args, coder_url.map(SecretString::from), &variables)
}

/// The value of one of Coder's variables; `None` if it is unset or empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}

/// How agents are dialed; `None` if the probe is off.
///
/// # Errors
///
/// When Coder's URL or token is invalid, or the dialer lacks a setting.
pub(super) fn dialing(args: &ExporterArgs) -> Result<Option<Dialing>, SettingError> {
    let url = args.coder.url(variable(URL_VARIABLE))?;
    let token = variable(TOKEN_VARIABLE).map(SecretString::from);
    args.probe.dial.dialing(url, args.coder.token(token)?)
}

/// The settings in effect as text, with the dialer that follows from Coder's own variables.
///
/// # Errors
///
/// The same as [`dialing`].
pub(super) fn effective(flags: &str, args: &ExporterArgs) -> Result<Arc<str>, SettingError> {
    let probe = match dialing(args)? {
        Some(dialing) => dialing.to_string(),
        None => "off".into(),
    };
    Ok(format!("probe: {probe:?}\n{flags}").into())
}

/// How a command that always dials reaches agents: through Coder if its URL is known and no dialer
/// is set.
///
/// # Errors
///
/// The same as [`dialing`], and when neither a dialer nor Coder's URL is set.
pub(super) fn dialing_now(coder: &CoderArgs, dial: &DialArgs) -> Result<Dialing, SettingError> {
    let url = coder.url(variable(URL_VARIABLE))?;
    let token = coder.token(variable(TOKEN_VARIABLE).map(SecretString::from))?;
    let by_coder = url.as_ref().map(|_| DialerKind::Coderd);
    let dial = DialArgs {
        dialer: dial.dialer.or(by_coder),
        ..dial.clone()
    };
    let dialing = dial.dialing(url, token)?;
    dialing.ok_or_else(|| {
        let problem =
            "set coderd with --coder.url and --coder.token-file, or tcp with --probe.tcp-address";
        SettingError::new("--probe.dialer", problem)
    })
}

/// A database with this URL.
///
/// # Errors
///
/// When a local file that the URL names, such as a certificate, cannot be read.
pub(super) fn database(url: &PostgresUrl, args: &PostgresArgs) -> Result<Database, SettingError> {
    let read_again = args.clone();
    let source = UrlSource(Arc::new(move || {
        let url = postgres_url(&read_again);
        url.map_err(|error| Failure::new(ErrorKind::Authentication, error.to_string()))
    }));
    Database::reading(url, Some(source), args.max_connections)
        .map_err(|failure| SettingError::new("--postgres.url", failure.to_string()))
}

/// What the collection needs to know.
///
/// # Errors
///
/// When every collector is off, or two settings contradict each other.
pub(super) fn collection(args: &ExporterArgs) -> Result<collect::CollectSettings, SettingError> {
    if args.metrics.coderd_compat && args.metrics.agent_labels == AgentLabels::Ids {
        let problem = "ids leaves out the names of users, which --metrics.coderd-compat serves; \
                       choose one of them";
        return Err(SettingError::new("--metrics.agent-labels", problem));
    }
    if args.collectors.enabled.is_empty() {
        let problem = "all collectors are off; enable at least one";
        return Err(SettingError::new("--no-collector.*", problem));
    }
    let metadata_keys = args.incident.metadata_keys();
    let mut collectors = args.collectors.enabled.clone();
    if !metadata_keys.is_empty() {
        collectors.push(Collector::Metadata);
    }
    Ok(collect::CollectSettings {
        collectors,
        limits: args.agent.limits(),
        named_apps: args.metrics.coderd_compat,
        metadata_keys,
        incidents: IncidentSettings {
            gap: args.incident.gap,
        },
        min_interval: args.collect.min_interval,
    })
}

/// The settings of `--web.config.file`: TLS, passwords, headers and rate limit.
///
/// # Errors
///
/// When the file is missing or invalid.
pub(super) fn web_config(args: &WebArgs) -> Result<LiveConfig, SettingError> {
    // Blank, as an empty variable is, means none.
    let path = args.config_file.as_deref();
    LiveConfig::load(path.filter(|it| !it.as_os_str().is_empty()))
        .map_err(|problem| SettingError::new("--web.config.file", problem))
}

/// The targets of links on the pages: Coder, and this exporter behind a proxy.
///
/// # Errors
///
/// When a URL is invalid.
pub(super) fn links(args: &ExporterArgs) -> Result<Links, SettingError> {
    let [grafana, alertmanager] = args.web.companions();
    Ok(Links {
        grafana: grafana?,
        alertmanager: alertmanager?,
        coder: args.coder.url(variable(URL_VARIABLE))?,
        external: args.web.external_url()?,
    })
}

/// Everything that is wrong with the settings of the exporter. Empty if it can start.
pub(super) fn wrong(serve: &ServeArgs) -> Vec<SettingError> {
    let args = &serve.exporter;
    let dialing = dialing(args);
    let coder = coder_access(args);
    let url = postgres_url(&serve.postgres);
    let [grafana, alertmanager] = args.web.companions();
    let mut results = vec![
        grafana.map(drop),
        alertmanager.map(drop),
        args.web.external_url().map(drop),
        collection(args).map(drop),
        web_config(&args.web).map(drop),
    ];
    if let Ok(Some((url, token))) = &coder {
        results.push(coder_api(url, token.as_ref()).map(drop));
    }
    if let Ok(Some(dialing)) = &dialing {
        results.push(connections_for_the_probe(serve.postgres.max_connections));
        results.push(dialer(dialing.clone()).map(drop));
    }
    if let Ok(url) = &url {
        results.push(database(url, &serve.postgres).map(drop));
    }
    let first = [url.map(drop), coder.map(drop), dialing.map(drop)];
    let mut errors = Vec::new();
    for error in first.into_iter().chain(results).filter_map(Result::err) {
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
    errors
}

/// Scrapes and the probe need a connection each.
fn connections_for_the_probe(max_connections: usize) -> Result<(), SettingError> {
    if max_connections < 2 {
        let problem = "the probe needs its own connection, so that scrapes do not wait for it; set at least 2";
        return Err(SettingError::new("--postgres.max-connections", problem));
    }
    Ok(())
}

/// The probe of the fleet that `collect` reads; `None` if it is off.
///
/// # Errors
///
/// When the dialer lacks a setting, or `--postgres.max-connections` is 1, since scrapes and the
/// probe need a connection each.
pub(super) fn probe(
    args: &ExporterArgs,
    max_connections: usize,
    collect: &Collect,
) -> Result<Option<Probe<AnyDialer>>, SettingError> {
    let Some(dialing) = dialing(args)? else {
        return Ok(None);
    };
    connections_for_the_probe(max_connections)?;
    let scope = args.probe.scope(&dialing);
    let dialer = dialer(dialing)?;
    let settings = probe::ProbeSettings {
        scope,
        interval: args.probe.interval,
        sample: args.probe.sample,
        concurrency: args.probe.concurrency,
        horizon: args.probe.horizon,
        collect_timeout: args.collect.timeout,
        limits: args.agent.limits(),
        resolver: resolver(&args.agent),
    };
    Ok(Some(Probe::new(collect.clone(), dialer, settings)))
}

/// A client of Coder.
///
/// # Errors
///
/// When TLS cannot be set up.
pub(super) fn coder_api(url: &HttpUrl, token: Option<&Token>) -> Result<CoderApi, SettingError> {
    let api = CoderApi::new(url.clone(), token.cloned());
    api.map_err(|error| SettingError::new("--coder.url", error.to_string()))
}

/// Where Coder is, and a token for it if there is one.
pub(super) type CoderAccess = (HttpUrl, Option<Token>);

/// How Coder is asked, where its URL is known.
///
/// # Errors
///
/// When the URL or the token cannot be used.
pub(super) fn coder_access(args: &ExporterArgs) -> Result<Option<CoderAccess>, SettingError> {
    let Some(url) = args.coder.url(variable(URL_VARIABLE))? else {
        return Ok(None);
    };
    let token = variable(TOKEN_VARIABLE).map(SecretString::from);
    Ok(Some((url, args.coder.token(token)?)))
}

/// What asks Coder how it is, where its URL is known.
///
/// # Errors
///
/// When the URL or the token cannot be used.
pub(super) fn coder(args: &ExporterArgs) -> Result<Option<CoderWatch>, SettingError> {
    let Some((url, token)) = coder_access(args)? else {
        return Ok(None);
    };
    let api = coder_api(&url, token.as_ref())?;
    Ok(Some(CoderWatch::new(Arc::new(api))))
}

/// A dialer with these settings.
///
/// # Errors
///
/// When it cannot be set up.
pub(super) fn dialer(dialing: Dialing) -> Result<AnyDialer, SettingError> {
    AnyDialer::new(dialing).map_err(|error| SettingError::new("--probe.dialer", error.to_string()))
}

/// The resolver's settings, with the same limit for a lost agent as everywhere else.
pub(super) fn resolver(args: &AgentArgs) -> resolver::ResolverSettings {
    resolver::ResolverSettings {
        inactive_timeout: args.inactive_timeout,
        ..resolver::ResolverSettings::default()
    }
}

/// The settings of the web server.
pub(super) fn web(
    args: &ExporterArgs,
    lifecycle: Lifecycle,
    links: Links,
    probe: Option<Probe<AnyDialer>>,
    coder: Option<CoderWatch>,
) -> web::WebSettings {
    web::WebSettings {
        telemetry_path: args.web.telemetry_path.clone(),
        max_requests: args.web.max_requests,
        timeout_offset: args.web.timeout_offset,
        collect_timeout: args.collect.timeout,
        detail: Detail {
            agent_series: args.metrics.agent_series,
            max_agent_series: args.metrics.max_agent_series,
            coderd_compat: args.metrics.coderd_compat,
            agent_labels: args.metrics.agent_labels,
            max_page_bytes: args.metrics.max_page_bytes,
        },
        ui: !args.web.disable_ui,
        links,
        probe,
        activity: None,
        coder,
        limits: ServerLimits::default(),
        lifecycle,
    }
}

/// The settings of `serve` as a Markdown table, for `docs/configuration.md`.
pub fn settings_table() -> String {
    table_of("serve", "")
}

/// The settings that only `demo` has, as a Markdown table for `docs/demo.md`.
pub fn demo_settings_table() -> String {
    table_of("demo", "demo.")
}

/// The flags of a command that start with `prefix`, as a Markdown table.
fn table_of(command: &str, prefix: &str) -> String {
    let mut table =
        String::from("| flag | variable | default | effect |\n| --- | --- | --- | --- |\n");
    let cli = Cli::command();
    let command = cli.find_subcommand(command);
    let arguments = command.into_iter().flat_map(clap::Command::get_arguments);
    for argument in arguments.filter(|it| !it.is_hide_set() && it.get_long().is_some()) {
        let flag = argument.get_long().unwrap_or_default();
        let Some(variable) = argument.get_env().filter(|_| flag.starts_with(prefix)) else {
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
