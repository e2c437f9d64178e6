//! Connects to the agent itself, where agents are routable.

use std::io;

use tokio::net::TcpStream;

use crate::config::tcp_address::{Placeholder, TcpAddress};
use crate::error::{ErrorKind, Failure};
use crate::resolver::{DialError, Dialer, Target};

/// Dials the address that the template makes of an agent's names.
#[derive(Debug)]
pub struct Tcp(TcpAddress);

impl Tcp {
    /// One that dials this address.
    pub fn new(address: TcpAddress) -> Self {
        Self(address)
    }

    fn address_of(&self, target: &Target) -> Result<(String, u16), DialError> {
        let id = target.agent_id.to_string();
        let filled = self.0.fill(|placeholder| match placeholder {
            Placeholder::Agent => &target.agent,
            Placeholder::Workspace => &target.workspace,
            Placeholder::Owner => &target.owner,
            Placeholder::AgentId => &id,
        });
        // The agent may be well: it is the template that does not suit its names.
        filled.map_err(|error| {
            DialError::Unaddressable(format!("{error}; choose another --probe.tcp-address"))
        })
    }
}

impl Dialer for Tcp {
    /// An open connection; dropping it closes it.
    type Connection = TcpStream;

    async fn dial(&self, target: &Target) -> Result<TcpStream, DialError> {
        let (host, port) = self.address_of(target)?;
        let connected = TcpStream::connect((host.as_str(), port)).await;
        connected.map_err(|error| {
            let message = format!("connecting to {host}:{port}: {error}");
            match is_ours(&error) {
                true => {
                    DialError::Exporter(Failure::new(ErrorKind::Connect, message).caused_by(error))
                }
                false => DialError::Failed(message),
            }
        })
    }

    /// The connection goes past Coder, so the agent does not report it.
    fn counts_as_use(&self) -> bool {
        false
    }
}

/// Whether it did not get as far as to leave this machine, or to learn whereto.
fn is_ours(error: &io::Error) -> bool {
    // EAI_AGAIN has no kind of its own: glibc's words for it, and musl's.
    let words = error.to_string();
    let no_name_server = ["Temporary failure in name resolution", "Try again"];
    if no_name_server.iter().any(|it| words.ends_with(it)) {
        return true;
    }
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::PermissionDenied
    )
}
