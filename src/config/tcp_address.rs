//! The address of the tcp dialer: a template with placeholders for names from the database.
//!
//! Users choose these names. So a name must be a valid part of a host name: it must not turn the
//! result into another domain, an IP address or another port.

use std::fmt;
use std::str::FromStr;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::label_value::Variants;

/// Maximum length of a label and of a host name, in bytes (RFC 1035).
const MOST_IN_LABEL: usize = 63;
const MOST_IN_HOST: usize = 253;

/// `host:port`, with placeholders in the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpAddress {
    host: Vec<Piece>,
    port: u16,
    /// Whether a name may lead to this machine, its link or a cloud's metadata.
    allows_special: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Name(Placeholder),
}

/// Placeholders of the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Placeholder {
    /// `workspace_agents.name`.
    Agent,
    /// `workspaces.name`.
    Workspace,
    /// `users.username`.
    Owner,
    /// `workspace_agents.id`.
    AgentId,
}

/// Why the names do not give a valid host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// One name is not a valid label of a host name.
    #[error("the {what} name {name:?} cannot be part of a host name")]
    NotALabel {
        /// Which name it is: agent, workspace or owner.
        what: &'static str,
        /// The name in the database.
        name: String,
    },
    /// The complete host name is invalid.
    #[error("with the names filled in, the host {0:?} is not a valid host name")]
    NotAHost(String),
}

impl FromStr for TcpAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "write host:port, for example {workspace}.{owner}.agents.example:22";
        let (host, port) = text.rsplit_once(':').ok_or(SHAPE)?;
        let port = port.parse().ok().filter(|it| *it != 0).ok_or(SHAPE)?;
        let host = pieces(host)?;
        if !host.iter().any(|it| matches!(it, Piece::Name(_))) {
            return Err(
                "the host must contain {agent}, {workspace}, {owner} or {agent_id}: otherwise all agents have the same address",
            );
        }
        let address = Self {
            host,
            port,
            allows_special: false,
        };
        // Tried with names that are as good as any.
        let host = address.host_with(|_| "a");
        match is_host(&host) {
            true => Ok(address),
            false => Err("with the names filled in, the host is not a valid host name"),
        }
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, &'static str> {
    const LITERAL: &str =
        "apart from {…} the host may contain only letters, digits, hyphens and dots";
    const UNKNOWN: &str =
        "only {agent}, {workspace}, {owner} and {agent_id} can be used, and only in the host";
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (literal, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
        let plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
        if !literal.chars().all(plain) {
            return Err(LITERAL);
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        rest = after;
        if let Some(after) = after.strip_prefix('{') {
            let (name, after) = after.split_once('}').ok_or(UNKNOWN)?;
            let placeholder = name.parse().map_err(|_| UNKNOWN)?;
            pieces.push(Piece::Name(placeholder));
            rest = after;
        }
    }
    Ok(pieces)
}

impl TcpAddress {
    /// The same, and names may lead to this machine, its link or a cloud's metadata.
    pub fn allowing_special(self) -> Self {
        let allows_special = true;
        Self {
            allows_special,
            ..self
        }
    }

    /// Whether names may lead there.
    pub const fn allows_special(&self) -> bool {
        self.allows_special
    }

    /// The host and port for these names.
    ///
    /// # Errors
    ///
    /// When a name is not a valid label of a host name, or when the result is not a host name, for
    /// example an IP address.
    pub fn fill<'a>(
        &self,
        name_of: impl Fn(Placeholder) -> &'a str,
    ) -> Result<(String, u16), FillError> {
        for piece in &self.host {
            if let Piece::Name(placeholder) = piece
                && !is_label(name_of(*placeholder))
            {
                return Err(FillError::NotALabel {
                    what: placeholder.as_str(),
                    name: name_of(*placeholder).chars().take(MOST_IN_LABEL).collect(),
                });
            }
        }
        let host = self.host_with(name_of);
        match is_host(&host) {
            true => Ok((host, self.port)),
            false => Err(FillError::NotAHost(host)),
        }
    }

    fn host_with<'a>(&self, name_of: impl Fn(Placeholder) -> &'a str) -> String {
        let pieces = self.host.iter().map(|piece| match piece {
            Piece::Literal(literal) => literal.as_str(),
            Piece::Name(placeholder) => name_of(*placeholder),
        });
        pieces.collect()
    }
}

/// Whether a name is a valid label: letters, digits and hyphens, so no character has a special
/// meaning.
fn is_label(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || it == b'-';
    let is_short = (1..=MOST_IN_LABEL).contains(&name.len());
    is_short && name.bytes().all(plain) && !name.starts_with('-') && !name.ends_with('-')
}

/// Whether this is a host name. If its last label is a number, resolvers read it as an IP address:
/// 2130706433 is 127.0.0.1.
fn is_host(host: &str) -> bool {
    let labels = || host.strip_suffix('.').unwrap_or(host).split('.');
    let is_short = labels().all(|it| (1..=MOST_IN_LABEL).contains(&it.len()));
    let last = labels()
        .next_back()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let digits = last.strip_prefix("0x");
    let is_number = digits.is_some_and(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))
        || last.bytes().all(|it| it.is_ascii_digit());
    host.len() <= MOST_IN_HOST && is_short && !is_number
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.host {
            match piece {
                Piece::Literal(literal) => to.write_str(literal)?,
                Piece::Name(placeholder) => write!(to, "{{{}}}", placeholder.as_str())?,
            }
        }
        write!(to, ":{}", self.port)
    }
}

#[cfg(test)]
#[path = "tcp_address_tests.rs"]
mod tests;
