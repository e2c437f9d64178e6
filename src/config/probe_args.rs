//! Settings of the probe and its dialers.

use std::fmt;
use std::time::Duration;

use clap::Args;

use crate::fleet::probe::scope::ProbeScope;

use super::SettingError;
use super::coder_args::{TOKEN_FLAG, TOKEN_VARIABLE, URL_FLAG, URL_VARIABLE};
use super::coder_token::Token;
use super::http_url::HttpUrl;
use super::tcp_address::TcpAddress;
use super::values::{at_least_one, boolean, positive_duration};

const TCP_FLAG: &str = "--probe.tcp-address";

/// `--probe.dialer` and the settings of the dialers.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Probe")]
pub struct DialArgs {
    /// How the probe dials agents to check that they answer. Unset: the probe is off
    #[arg(
        long = "probe.dialer",
        env = "CODER_EXPORTER_PROBE_DIALER",
        value_name = "HOW"
    )]
    pub dialer: Option<DialerKind>,

    /// Address that the tcp dialer connects to: host:port with {agent}, {workspace}, {owner} or
    /// {agent_id} in the host. Users choose these names, so end the host in a domain that you own
    #[arg(
        long = "probe.tcp-address",
        env = "CODER_EXPORTER_PROBE_TCP_ADDRESS",
        value_name = "HOST:PORT"
    )]
    pub tcp_address: Option<TcpAddress>,

    /// Let the tcp dialer connect to loopback, link-local and cloud metadata addresses, which
    /// names that users choose could lead to
    #[arg(
        long = "probe.allow-special-addresses",
        env = "CODER_EXPORTER_PROBE_ALLOW_SPECIAL_ADDRESSES",
        value_parser = boolean,
        action = clap::ArgAction::SetTrue
    )]
    pub allow_special_addresses: bool,
}

/// `--probe.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Probe")]
pub struct ProbeArgs {
    /// How agents are dialed; without a dialer the probe is off.
    #[command(flatten)]
    pub dial: DialArgs,

    /// Workspaces to probe. in-use: workspaces that a person is using are dialed, and workspaces
    /// whose agent is not connected are judged from the database without a dial, so the probe keeps
    /// no workspace alive. all: every running workspace is dialed; with the coderd dialer each dial
    /// counts as use and delays autostop. Default: in-use with the coderd dialer, all with tcp
    #[arg(
        long = "probe.scope",
        env = "CODER_EXPORTER_PROBE_SCOPE",
        value_name = "WHICH"
    )]
    pub scope: Option<ScopeKind>,

    /// Time between the starts of two probe rounds
    #[arg(
        long = "probe.interval",
        env = "CODER_EXPORTER_PROBE_INTERVAL",
        value_name = "DURATION",
        default_value = "1m",
        value_parser = positive_duration
    )]
    pub interval: Duration,

    /// Maximum number of workspaces probed in a round: those with a stale binding or a problem
    /// first, then the others in turn. Default: enough to probe all workspaces in scope within
    /// --probe.horizon, at least 20 and at most 200
    #[arg(
        long = "probe.sample",
        env = "CODER_EXPORTER_PROBE_SAMPLE",
        value_name = "N",
        value_parser = at_least_one
    )]
    pub sample: Option<usize>,

    /// Maximum number of workspaces that a round dials at the same time. One more may be dialed for
    /// requests to /probe
    #[arg(
        long = "probe.concurrency",
        env = "CODER_EXPORTER_PROBE_CONCURRENCY",
        value_name = "N",
        default_value_t = 4,
        value_parser = at_least_one
    )]
    pub concurrency: usize,

    /// How long the result of a dial counts in the probe's gauges
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
    /// Coder dials the agent.
    Coderd,
    /// The exporter opens a TCP connection to the agent.
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

/// A dialer with its settings.
#[derive(Debug, Clone)]
pub enum Dialing {
    /// Through Coder: its URL and a session token.
    Coderd(HttpUrl, Token),
    /// By TCP: an address with placeholders for each agent.
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
    /// The workspaces that are probed with this dialer.
    pub fn scope(&self, dialing: &Dialing) -> ProbeScope {
        match (self.scope, dialing) {
            (Some(ScopeKind::InUse), _) | (None, Dialing::Coderd(..)) => ProbeScope::InUse,
            (Some(ScopeKind::All), _) | (None, Dialing::Tcp(_)) => ProbeScope::All,
        }
    }
}

impl DialArgs {
    /// The dialer with its settings; `None` if no dialer is set.
    ///
    /// # Errors
    ///
    /// When a setting of the dialer is missing; the message names its flag.
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
                let needed = "--probe.dialer=coderd requires it; set it or";
                let url =
                    url.ok_or_else(|| missing(URL_FLAG, format!("{needed} {URL_VARIABLE}")))?;
                let token = token
                    .ok_or_else(|| missing(TOKEN_FLAG, format!("{needed} {TOKEN_VARIABLE}")))?;
                Dialing::Coderd(url, token)
            }
            DialerKind::Tcp => {
                let example = "--probe.dialer=tcp requires it, for example {workspace}.{owner}.agents.example:22";
                let address = self.tcp_address.clone();
                let address = address.ok_or_else(|| missing(TCP_FLAG, example.into()))?;
                Dialing::Tcp(match self.allow_special_addresses {
                    true => address.allowing_special(),
                    false => address,
                })
            }
        };
        Ok(Some(dialing))
    }
}
