//! Connection URLs as Coder itself takes them.
//!
//! tokio-postgres' own parser refuses what Coder's URLs may carry (`sslmode=verify-full`,
//! `sslrootcert`, pool options) and cuts a password at its first `@`. So the URL is taken
//! apart here, by the rules of Go's `net/url` that Coder applies, and put together option by
//! option.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use tokio_postgres::config::Host;

use super::postgres_tls::{TlsOptions, TlsSettings};

/// A parsed connection URL. Its `Debug` and [`target`](Self::target) show no password.
#[derive(Clone)]
pub struct PostgresUrl {
    /// Everything tokio-postgres needs.
    pub config: tokio_postgres::Config,
    /// How the server's certificate is judged.
    pub tls: TlsSettings,
    /// Options that mean nothing here and were left out.
    pub ignored: Vec<String>,
}

/// Why a URL is not one; a sentence that says what to do and repeats no part of the URL,
/// which may hold the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(pub(super) String);

/// Options handed to tokio-postgres as they are.
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
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
    "sslnegotiation",
];

impl FromStr for PostgresUrl {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        let parts = Parts::split(url)?;
        let mut options = parts.authority_options()?;
        let mut tls = TlsOptions::default();
        let mut ignored = Vec::new();
        for (name, value) in parts.query_options()? {
            match name.as_str() {
                "sslmode" => tls.mode = Some(value),
                "sslrootcert" => tls.root_certificates = Some(value.into()),
                "sslcert" | "sslkey" => {
                    return Err(UrlError(format!(
                        "{name} is not supported: use a password, or a network path that needs no client certificate"
                    )));
                }
                known if PASSED_ON.contains(&known) => options.push((name, value)),
                _ => ignored.push(name),
            }
        }
        let mut config = parse_options(&options)?;
        let (ssl_mode, tls) = tls.resolve()?;
        config.ssl_mode(ssl_mode);
        check_hosts(&config)?;
        Ok(Self {
            config,
            tls,
            ignored,
        })
    }
}

impl PostgresUrl {
    /// Where it leads, for messages: `user@host:port/database`. Without a user in the URL it
    /// is the system's, as with libpq.
    pub fn target(&self) -> String {
        let user = self.config.get_user().unwrap_or("(system user)");
        let ports = self.config.get_ports();
        let hosts: Vec<_> = self
            .config
            .get_hosts()
            .iter()
            .enumerate()
            .map(|(index, host)| {
                let port = ports.get(index).or(ports.first()).unwrap_or(&5432);
                match host {
                    Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
                    Host::Tcp(name) => format!("{name}:{port}"),
                    #[cfg(unix)]
                    Host::Unix(path) => format!("{}:{port}", path.display()),
                }
            })
            .collect();
        let database = self.config.get_dbname().unwrap_or(user);
        format!("{user}@{}/{database}", hosts.join(","))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresUrl")
            .field("target", &self.target())
            .field("tls", &self.tls)
            .field("ignored", &self.ignored)
            .finish()
    }
}

/// The pieces of a URL, still encoded.
struct Parts<'a> {
    userinfo: Option<&'a str>,
    hosts: &'a str,
    database: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn split(url: &'a str) -> Result<Self, UrlError> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or_else(|| {
                UrlError(
                    "it does not start with postgres:// or postgresql://; write postgres://user:password@host:5432/database".into(),
                )
            })?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        // As Go does: the last @ ends the password, so that one with an @ in it needs no care.
        let (userinfo, hosts) = match authority.rsplit_once('@') {
            Some((userinfo, hosts)) => (Some(userinfo), hosts),
            None => (None, authority),
        };
        Ok(Self {
            userinfo,
            hosts,
            database,
            query,
        })
    }

    fn authority_options(&self) -> Result<Vec<(String, String)>, UrlError> {
        let mut options = Vec::new();
        let mut add = |name: &str, value: String| options.push((name.to_owned(), value));
        if let Some(userinfo) = self.userinfo {
            let (user, password) = match userinfo.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (userinfo, None),
            };
            add("user", decode(user, "user name")?);
            if let Some(password) = password {
                add("password", decode(password, "password")?);
            }
        }
        if !self.hosts.is_empty() {
            let (hosts, ports) = split_hosts(self.hosts)?;
            add("host", hosts);
            add("port", ports);
        }
        if !self.database.is_empty() {
            add("dbname", decode(self.database, "database name")?);
        }
        Ok(options)
    }

    fn query_options(&self) -> Result<Vec<(String, String)>, UrlError> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let value = value.replace('+', " ");
                Ok((decode(name, "option name")?, decode(&value, "option")?))
            })
            .collect()
    }
}

/// Hosts and ports as two lists of equal length, which is how tokio-postgres wants them.
fn split_hosts(list: &str) -> Result<(String, String), UrlError> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for entry in list.split(',') {
        let (host, port) = match entry.strip_prefix('[').and_then(|it| it.split_once(']')) {
            Some((address, port)) => (address, port.strip_prefix(':')),
            None => match entry.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (entry, None),
            },
        };
        let port = port.filter(|port| !port.is_empty()).unwrap_or("5432");
        if port.parse::<u16>().is_err() {
            return Err(UrlError(
                "the port after the host is not a number from 1 to 65535; a / ? or # in the password must be written as %2F %3F %23".into(),
            ));
        }
        hosts.push(decode(host, "host")?);
        ports.push(port);
    }
    Ok((hosts.join(","), ports.join(",")))
}

fn decode(text: &str, what: &str) -> Result<String, UrlError> {
    let escapes_are_whole = text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    });
    if !escapes_are_whole {
        return Err(UrlError(format!(
            "a % in the {what} is not followed by two hexadecimal digits; write % itself as %25"
        )));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(|decoded| decoded.into_owned())
        .map_err(|_| UrlError(format!("the {what} is not UTF-8 once decoded")))
}

/// Lets tokio-postgres read the options, in its own key='value' notation.
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
            "it names no host; write postgres://user:password@host:5432/database, or add ?host=/run/postgresql for a socket".into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "postgres_url_tests.rs"]
mod tests;
