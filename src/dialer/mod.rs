//! The ways to reach an agent (`docs/spec/resolver.md`): [`coderd`] asks Coder to dial it,
//! [`tcp`] connects to it.
//!
//! What a dialer must never do is blame an agent for what is ours: `answer` sorts every answer
//! of coderd's, and every way it can fail to answer, into the agent's and the exporter's.
//! Nothing here keeps time but for connecting to coderd itself: a coderd that cannot be reached
//! must not use up the time of a dial and look like an agent that does not answer.

mod answer;
pub mod coderd;
mod special;
pub mod tcp;

use tokio::net::TcpStream;

use crate::config::probe_args::Dialing;
use crate::resolver::{DialError, Dialer, Target};

use self::coderd::{Coderd, SetUpError};
use self::tcp::Tcp;

/// Whichever dialer the settings ask for.
#[derive(Debug)]
pub enum AnyDialer {
    /// Coder dials.
    Coderd(Coderd),
    /// We do.
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
            Dialing::Coderd(url, token) => Self::Coderd(Coderd::new(url, token)?),
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

    fn counts_as_use(&self) -> bool {
        match self {
            Self::Coderd(dialer) => dialer.counts_as_use(),
            Self::Tcp(dialer) => dialer.counts_as_use(),
        }
    }
}
