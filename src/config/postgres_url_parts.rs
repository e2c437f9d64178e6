//! Splits a connection URL by the rules of Go's `net/url`, which Coder applies.

use percent_encoding::percent_decode_str;

use super::postgres_url::UrlError;

/// The port of a host without one, if another host has a port.
const DEFAULT_PORT: &str = "5432";

/// The parts of a URL, still percent-encoded.
pub(super) struct Parts<'a> {
    userinfo: Option<&'a str>,
    hosts: &'a str,
    database: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    pub(super) fn split(url: &'a str) -> Result<Self, UrlError> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or_else(|| {
                UrlError(
                    "it does not start with postgres:// or postgresql://; write postgres://user:password@host:5432/database".into(),
                )
            })?;
        let (userinfo, rest) = match split_raw_password(rest) {
            Some((userinfo, rest)) => (Some(userinfo), rest),
            None => (None, rest),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        if userinfo.is_some() {
            return Ok(Self {
                userinfo,
                hosts: authority,
                database,
                query,
            });
        }
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

    pub(super) fn authority_options(&self) -> Result<Vec<(String, String)>, UrlError> {
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
            if let Some(ports) = ports {
                add("port", ports);
            }
        }
        if !self.database.is_empty() {
            add("dbname", decode(self.database, "database name")?);
        }
        Ok(options)
    }

    pub(super) fn query_options(&self) -> Result<Vec<(String, String)>, UrlError> {
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

/// User and password apart from the rest, where the password has a `?` or `#` that is not encoded:
/// Coder encodes it before it takes the URL apart. What comes before the first of them is then no
/// host with a port.
fn split_raw_password(rest: &str) -> Option<(&str, &str)> {
    let (before, after) = rest.split_at(rest.find(['?', '#'])?);
    let is_port = |port: &str| port.bytes().all(|it| it.is_ascii_digit());
    let is_half_a_password = !before.contains(['@', '/'])
        && before
            .rsplit_once(':')
            .is_some_and(|(_, port)| !is_port(port));
    let end = after.split('/').next().and_then(|it| it.rfind('@'))?;
    let end = before.len() + end;
    is_half_a_password.then(|| (&rest[..end], &rest[end + 1..]))
}

/// Splits a list of hosts into a list of hosts and a list of ports of the same length, the form
/// that tokio-postgres needs. `None` if no host has a port.
fn split_hosts(list: &str) -> Result<(String, Option<String>), UrlError> {
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
        let port = port.filter(|port| !port.is_empty());
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(UrlError(
                "the port after the host is not a number from 1 to 65535; a / ? or # in the password must be written as %2F %3F %23".into(),
            ));
        }
        hosts.push(decode(host, "host")?);
        ports.push(port);
    }
    let is_named = ports.iter().any(Option::is_some);
    let ports: Vec<_> = ports.iter().map(|it| it.unwrap_or(DEFAULT_PORT)).collect();
    Ok((hosts.join(","), is_named.then(|| ports.join(","))))
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
        .map_err(|_| UrlError(format!("the {what} is not valid UTF-8 after decoding")))
}
