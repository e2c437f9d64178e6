//! Connection URLs in the form that Coder accepts.
//!
//! The parser of tokio-postgres rejects options that Coder's URLs may have (`sslmode=verify-full`,
//! `sslrootcert`, pool options) and cuts a password at its first `@`. So this module parses the URL
//! and passes it to tokio-postgres option by option, with the options from the environment.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::config::Host;

use super::pg_service;
use super::pgpass::{self, Login};
use super::postgres_env::{self, Variables};
use super::postgres_session::{TargetSession, is_parameter};
use super::postgres_tls::{TlsOptions, TlsSettings};
use super::postgres_url_parts::Parts;

/// A parsed connection URL. `Debug` and [`target`](Self::target) print no password.
#[derive(Clone)]
pub struct PostgresUrl {
    /// All connection options except TLS certificates, for tokio-postgres.
    pub config: tokio_postgres::Config,
    /// How the server's certificate is verified.
    pub tls: TlsSettings,
    /// Which server is wanted of several.
    pub target_session: TargetSession,
    /// The command that yields the password, at each connection.
    pub password_command: Option<String>,
    /// Run-time parameters for each session, such as `search_path`.
    pub parameters: Vec<(String, String)>,
    /// Options of the URL that are not supported and were ignored.
    pub ignored: Vec<String>,
    /// Notes for the operator about ignored files, one sentence each.
    pub notes: Vec<String>,
}

/// Why a URL is invalid: a sentence that says what to do and contains no part of the URL, which may
/// contain the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(pub(super) String);

/// Options that tokio-postgres accepts unchanged.
const PASSED_ON: &[&str] = &[
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "channel_binding",
    "load_balance_hosts",
    "sslnegotiation",
];

/// Parses the URL without the environment.
impl FromStr for PostgresUrl {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        Self::read(url, &|_| None)
    }
}

impl PostgresUrl {
    /// Parses the URL, completed by libpq's variables such as `PGHOST`, the password file and the
    /// certificates in `~/.postgresql`.
    ///
    /// # Errors
    ///
    /// When the URL is invalid or has no host. The message contains no part of it.
    pub fn read(url: &str, variables: Variables<'_>) -> Result<Self, UrlError> {
        let parts = Parts::split(url)?;
        let mut options = parts.authority_options()?;
        options.extend(parts.query_options()?);
        pg_service::fill_in(&mut options, variables)?;
        postgres_env::fill_in(&mut options, variables);
        let mut tls = TlsOptions::default();
        let mut passed_on = Vec::new();
        let mut password_file = None;
        let mut target_session = TargetSession::default();
        let mut parameters = Vec::new();
        let mut ignored = Vec::new();
        for (name, value) in options {
            match name.as_str() {
                "sslmode" => tls.mode = Some(value),
                "sslrootcert" => tls.root_certificates = Some(value),
                "sslcert" => tls.certificate = Some(value),
                "sslkey" => tls.key = Some(value),
                "sslcrl" => tls.revoked = Some(value),
                "passfile" => password_file = Some(PathBuf::from(value)),
                "target_session_attrs" => target_session = TargetSession::parse(&value)?,
                known if PASSED_ON.contains(&known) => passed_on.push((name, value)),
                other if is_parameter(other) => parameters.push((name, value)),
                _ => ignored.push(name),
            }
        }
        let mut config = parse_options(&passed_on)?;
        check_hosts(&config)?;
        name_addresses(&mut config);
        if is_local(&config) {
            // libpq's rule: a socket of this machine needs no TLS and offers none.
            tls = TlsOptions::disabled();
        }
        let home = variables("HOME").map(PathBuf::from);
        let tls = tls.resolve(home.as_deref())?;
        let mut url = Self {
            config,
            tls,
            target_session,
            password_command: None,
            parameters,
            ignored,
            notes: Vec::new(),
        };
        if url.config.get_password().is_none() {
            let default = home.map(|home| home.join(".pgpass"));
            url.take_password(password_file, default, variables)?;
        }
        Ok(url)
    }

    /// Reads the password from the password file that the options name, else from the default one.
    fn take_password(
        &mut self,
        named: Option<PathBuf>,
        default: Option<PathBuf>,
        variables: Variables<'_>,
    ) -> Result<(), UrlError> {
        let is_named = named.is_some();
        let Some(path) = named.or(default) else {
            return Ok(());
        };
        match pgpass::read(&path) {
            Ok(Some(text)) => {
                if let Some(password) = pgpass::find(&text, &self.logins(variables))? {
                    self.config.password(password);
                }
            }
            Ok(None) if is_named => self.notes.push(format!(
                "the password file {} does not exist",
                path.display()
            )),
            Ok(None) => {}
            Err(note) => self.notes.push(note),
        }
        Ok(())
    }

    /// The logins to look up in the password file, one for each host.
    fn logins(&self, variables: Variables<'_>) -> Vec<Login> {
        let user = self.config.get_user().map(str::to_owned);
        let user = user.or_else(|| variables("USER")).unwrap_or_default();
        let database = self.config.get_dbname().unwrap_or(&user).to_owned();
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate();
        hosts
            .map(|(index, host)| Login {
                host: host.clone(),
                port: *ports.get(index).or(ports.first()).unwrap_or(&5432),
                database: database.clone(),
                user: user.clone(),
            })
            .collect()
    }

    /// The destination for messages: `user@host:port/database`. Without a user in the URL it is the
    /// system's user, as in libpq.
    pub fn target(&self) -> String {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate();
        let hosts = hosts.map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).unwrap_or(&5432);
            shown(host, *port)
        });
        self.target_at(&hosts.collect::<Vec<_>>().join(","))
    }

    /// The same, of one of its hosts.
    pub fn target_of(&self, host: &Host, port: u16) -> String {
        self.target_at(&shown(host, port))
    }

    fn target_at(&self, hosts: &str) -> String {
        let user = self.config.get_user().unwrap_or("(system user)");
        let database = self.config.get_dbname().unwrap_or(user);
        format!("{user}@{hosts}/{database}")
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresUrl")
            .field("target", &self.target())
            .field("tls", &self.tls)
            .field("ignored", &self.ignored)
            .field("notes", &self.notes)
            .finish()
    }
}

fn shown(host: &Host, port: u16) -> String {
    match host {
        Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
        Host::Tcp(name) => format!("{name}:{port}"),
        #[cfg(unix)]
        Host::Unix(path) => format!("{}:{port}", path.display()),
    }
}

/// Passes the options to the parser of tokio-postgres, as key='value' pairs.
fn parse_options(options: &[(String, String)]) -> Result<tokio_postgres::Config, UrlError> {
    let mut config = tokio_postgres::Config::new();
    let mut text = String::new();
    for (name, value) in options {
        match name.as_str() {
            // The one whose value must not pass through anybody's error message.
            "password" => {
                config.password(value);
            }
            _ => {
                let value = value.replace('\\', "\\\\").replace('\'', "\\'");
                text.push_str(&format!("{name}='{value}' "));
            }
        }
    }
    let mut parsed = tokio_postgres::Config::from_str(&text).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        UrlError(cause.unwrap_or_else(|| error.to_string()))
    })?;
    if let Some(password) = config.get_password() {
        parsed.password(password);
    }
    Ok(parsed)
}

fn check_hosts(config: &tokio_postgres::Config) -> Result<(), UrlError> {
    let named = |host: &Host| match host {
        Host::Tcp(name) => !name.is_empty(),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    let hosts = config.get_hosts();
    if config.get_hostaddrs().is_empty() && !hosts.iter().any(named) {
        return Err(UrlError(
            "it contains no host, and PGHOST is not set; write postgres://user:password@host:5432/database, or add ?host=/run/postgresql for a socket".into(),
        ));
    }
    Ok(())
}

/// Uses an address as the host name that its certificate is verified for, if there is no name.
fn name_addresses(config: &mut tokio_postgres::Config) {
    if config.get_hosts().is_empty() {
        for address in config.get_hostaddrs().to_vec() {
            config.host(address.to_string());
        }
    }
}

/// Whether all hosts are Unix sockets of this machine.
fn is_local(config: &tokio_postgres::Config) -> bool {
    let is_socket = |host: &Host| match host {
        Host::Tcp(_) => false,
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hostaddrs().is_empty() && config.get_hosts().iter().all(is_socket)
}

#[cfg(test)]
#[path = "postgres_url_tests.rs"]
mod tests;
