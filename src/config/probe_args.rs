//! Whether and how agents are dialed.

use std::fmt;
use std::time::Duration;

use clap::Args;

use super::SettingError;
use super::coder_args::{TOKEN_FLAG, TOKEN_VARIABLE, URL_FLAG, URL_VARIABLE};
use super::coder_token::Token;
use super::http_url::HttpUrl;
use super::tcp_address::TcpAddress;
use super::values::{at_least_one, positive_duration};
use crate::fleet::probe_scope::ProbeScope;

const TCP_FLAG: &str = "--probe.tcp-address";

/// `--probe.dialer` and what it needs.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Probe")]
pub struct DialArgs {
    /// How agents are dialed to see whether they answer. Unset: the probe is off
    #[arg(
        long = "probe.dialer",
        env = "CODER_EXPORTER_PROBE_DIALER",
        value_name = "HOW"
    )]
    pub dialer: Option<DialerKind>,

    /// Where the tcp dialer connects: host:port with {agent}, {workspace}, {owner} or {agent_id}
    /// in the host. Users choose these names: end the host in a domain of your own
    #[arg(
        long = "probe.tcp-address",
        env = "CODER_EXPORTER_PROBE_TCP_ADDRESS",
        value_name = "HOST:PORT"
    )]
    pub tcp_address: Option<TcpAddress>,
}

/// `--probe.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Probe")]
pub struct ProbeArgs {
    /// How agents are dialed.
    #[command(flatten)]
    pub dial: DialArgs,

    /// Which workspaces are probed. in-use: those whose agent is not connected, by its row and
    /// without a dial, and those that a person uses at the moment, so that no workspace is kept
    /// alive. all: every running workspace; with the coderd dialer each dial counts as use and
    /// pushes autostop on. Default: in-use with the coderd dialer, all with tcp
    #[arg(
        long = "probe.scope",
        env = "CODER_EXPORTER_PROBE_SCOPE",
        value_name = "WHICH"
    )]
    pub scope: Option<ScopeKind>,

    /// From the start of one round of probes to the start of the next
    #[arg(
        long = "probe.interval",
        env = "CODER_EXPORTER_PROBE_INTERVAL",
        value_name = "DURATION",
        default_value = "1m",
        value_parser = positive_duration
    )]
    pub interval: Duration,

    /// Workspaces probed in a round, at most: those with a stale binding or a problem first, then
    /// each in turn. Default: as many as it takes to probe all in scope within --probe.horizon,
    /// at least 20, at most 200
    #[arg(
        long = "probe.sample",
        env = "CODER_EXPORTER_PROBE_SAMPLE",
        value_name = "N",
        value_parser = at_least_one
    )]
    pub sample: Option<usize>,

    /// Workspaces dialed at the same time, at most, those asked for at /probe included
    #[arg(
        long = "probe.concurrency",
        env = "CODER_EXPORTER_PROBE_CONCURRENCY",
        value_name = "N",
        default_value_t = 4,
        value_parser = at_least_one
    )]
    pub concurrency: usize,

    /// For how long the outcome of a dial counts in the probe's gauges
    #[arg(
        long = "probe.horizon",
        env = "CODER_EXPORTER_PROBE_HORIZON",
        value_name = "DURATION",
        default_value = "15m",
        value_parser = positive_duration
    )]
    pub horizon: Duration,
}

/// The ways to dial an agent (`docs/spec/resolver.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DialerKind {
    /// Coder dials it for us.
    Coderd,
    /// Agents are routable, and a TCP connection will do.
    Tcp,
}

/// Which workspaces are probed (`docs/spec/probe.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ScopeKind {
    /// Agents that are not connected, and agents in use.
    InUse,
    /// Every running workspace.
    All,
}

/// A dialer with all it needs.
#[derive(Debug, Clone)]
pub enum Dialing {
    /// Through Coder at this address, with this token.
    Coderd(HttpUrl, Token),
    /// To this address, filled in for each agent.
    Tcp(TcpAddress),
}

impl fmt::Display for Dialing {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coderd(url, _) => write!(to, "agents are dialed by Coder at {url}"),
            Self::Tcp(address) => write!(to, "agents are dialed at {address}"),
        }
    }
}

impl ProbeArgs {
    /// Which workspaces are probed with this dialer.
    pub fn scope(&self, dialing: &Dialing) -> ProbeScope {
        match (self.scope, dialing) {
            (Some(ScopeKind::InUse), _) | (None, Dialing::Coderd(..)) => ProbeScope::InUse,
            (Some(ScopeKind::All), _) | (None, Dialing::Tcp(_)) => ProbeScope::All,
        }
    }
}

impl DialArgs {
    /// What to dial with, if anything is to be dialed.
    ///
    /// # Errors
    ///
    /// When the dialer lacks what it needs, naming the flag that gives it.
    pub fn dialing(
        &self,
        url: Option<HttpUrl>,
        token: Option<Token>,
    ) -> Result<Option<Dialing>, SettingError> {
        let Some(dialer) = self.dialer else {
            return Ok(None);
        };
        let missing = |flag, what: String| SettingError::new(flag, what);
        let dialing = match dialer {
            DialerKind::Coderd => {
                let needed = "--probe.dialer=coderd needs it; give it, or";
                let url =
                    url.ok_or_else(|| missing(URL_FLAG, format!("{needed} {URL_VARIABLE}")))?;
                let token = token
                    .ok_or_else(|| missing(TOKEN_FLAG, format!("{needed} {TOKEN_VARIABLE}")))?;
                Dialing::Coderd(url, token)
            }
            DialerKind::Tcp => {
                let example =
                    "--probe.dialer=tcp needs it, as in {workspace}.{owner}.agents.example:22";
                let address = self.tcp_address.clone();
                Dialing::Tcp(address.ok_or_else(|| missing(TCP_FLAG, example.into()))?)
            }
        };
        Ok(Some(dialing))
    }
}
