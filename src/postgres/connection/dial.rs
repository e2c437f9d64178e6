//! A wire to a server: its addresses, and a stream to one of them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The port of a URL that names none.
const DEFAULT_PORT: u16 = 5432;

/// One of the servers of a URL.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// As the URL names it; what its certificate is checked for.
    pub(crate) host: Host,
    /// Where it is, if the URL says that apart.
    address: Option<IpAddr>,
    pub(crate) port: u16,
}

/// One of the addresses of a server.
#[derive(Debug, Clone)]
pub(crate) enum Endpoint {
    /// A socket of this machine.
    Unix(PathBuf),
    /// An address of the network.
    Tcp(SocketAddr),
}

/// A stream to a server, of either sort.
pub(crate) type Wire = Box<dyn Duplex>;

/// What can be read and written.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// The servers of a URL, in its order.
pub(crate) fn servers(config: &Config) -> Vec<Server> {
    let (addresses, ports) = (config.get_hostaddrs(), config.get_ports());
    let hosts = config.get_hosts().iter().enumerate();
    let server = hosts.map(|(index, host)| Server {
        host: host.clone(),
        address: addresses.get(index).copied(),
        port: *ports.get(index).or(ports.first()).unwrap_or(&DEFAULT_PORT),
    });
    server.collect()
}

impl Server {
    /// What its certificate is for; empty for a socket.
    pub(crate) fn name(&self) -> &str {
        match &self.host {
            Host::Tcp(name) => name,
            Host::Unix(_) => "",
        }
    }

    /// Its addresses, in the order in which they are to be tried.
    pub(crate) async fn endpoints(&self) -> io::Result<Vec<Endpoint>> {
        if let Some(address) = self.address {
            return Ok(vec![Endpoint::Tcp((address, self.port).into())]);
        }
        match &self.host {
            Host::Unix(folder) => {
                let socket = folder.join(format!(".s.PGSQL.{}", self.port));
                Ok(vec![Endpoint::Unix(socket)])
            }
            Host::Tcp(name) => {
                let found = lookup_host((name.as_str(), self.port)).await?;
                Ok(found.map(Endpoint::Tcp).collect())
            }
        }
    }
}

impl Endpoint {
    /// Opens a stream, with the URL's settings of TCP.
    pub(crate) async fn dial(&self, config: &Config) -> io::Result<Wire> {
        match self {
            Self::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let socket = SockRef::from(&stream);
                #[cfg(target_os = "linux")]
                socket.set_tcp_user_timeout(config.get_tcp_user_timeout().copied())?;
                if config.get_keepalives() {
                    socket.set_tcp_keepalive(&keepalive(config))?;
                }
                Ok(Box::new(stream))
            }
        }
    }
}

fn keepalive(config: &Config) -> TcpKeepalive {
    let mut keepalive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
    if let Some(interval) = config.get_keepalives_interval() {
        keepalive = keepalive.with_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        keepalive = keepalive.with_retries(retries);
    }
    keepalive
}
