//! The ways to reach an agent (`docs/spec/resolver.md`): [`coderd`] asks Coder to dial it,
//! [`tcp`] connects to it.
//!
//! What a dialer must never do is blame an agent for what is ours: `answer` sorts every answer
//! of coderd's into the agent's and the exporter's. Nothing here keeps the time of a dial: that is
//! the resolver's.

mod answer;
pub mod coderd;
mod special;
pub mod tcp;

#[cfg(test)]
mod recorded_tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::coder_api::{CoderApi, SetUpError};
use crate::config::probe_args::Dialing;
use crate::error::Failure;
use crate::resolver::{DialError, Dialer, Target};

use self::coderd::Coderd;
use self::tcp::Tcp;

/// Whichever dialer the settings ask for.
#[derive(Debug)]
pub enum AnyDialer {
    /// Coder dials the agent, and the exporter asks Coder for the result.
    Coderd(Coderd),
    /// The exporter opens a TCP connection to the agent.
    Tcp(Tcp),
}

/// An agent that answered.
#[derive(Debug)]
pub enum Reached {
    /// Coder says so; the connection was its own, and is over.
    ByCoderd,
    /// This is the connection.
    Directly(TcpStream),
}

impl AnyDialer {
    /// The dialer of these settings.
    ///
    /// # Errors
    ///
    /// When TLS to Coder cannot be set up.
    pub fn new(dialing: Dialing) -> Result<Self, SetUpError> {
        Ok(match dialing {
            Dialing::Coderd(url, token) => {
                let api = CoderApi::new(url, Some(token))?;
                Self::Coderd(Coderd::new(Arc::new(api)))
            }
            Dialing::Tcp(address) => Self::Tcp(Tcp::new(address)),
        })
    }
}

impl Dialer for AnyDialer {
    type Connection = Reached;

    async fn dial(&self, target: &Target) -> Result<Reached, DialError> {
        match self {
            Self::Coderd(dialer) => dialer.dial(target).await.map(|()| Reached::ByCoderd),
            Self::Tcp(dialer) => dialer.dial(target).await.map(Reached::Directly),
        }
    }

    fn time_limit(&self) -> Option<Duration> {
        match self {
            Self::Coderd(dialer) => dialer.time_limit(),
            Self::Tcp(dialer) => dialer.time_limit(),
        }
    }

    async fn check_up(&self) -> Result<(), Failure> {
        match self {
            Self::Coderd(dialer) => dialer.check_up().await,
            Self::Tcp(dialer) => dialer.check_up().await,
        }
    }

    fn counts_as_use(&self) -> bool {
        match self {
            Self::Coderd(dialer) => dialer.counts_as_use(),
            Self::Tcp(dialer) => dialer.counts_as_use(),
        }
    }
}
