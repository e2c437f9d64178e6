//! `--web.config.file`: the format of Prometheus' exporter-toolkit (`docs/spec/http.md`).
//!
//! This module has the structure of the file; [`tls`] has its TLS section. An unknown key is an
//! error that names the key, because a mistyped key could leave the endpoint without protection.

pub mod tls;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde_saphyr::MessageFormatter;

use self::tls::TlsSection;

/// Accepted bcrypt costs. Each step doubles the work: a comparison at cost 18 takes many seconds.
const COSTS: std::ops::RangeInclusive<u32> = 4..=18;

/// Response headers that may be set. A list of values is exhaustive; an empty list allows all.
const HEADERS: &[(&str, &[&str])] = &[
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

/// The content of `--web.config.file`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebFile {
    /// TLS settings; `None` means plain HTTP.
    pub tls_server_config: Option<TlsSection>,
    /// HTTP/2 and response headers.
    pub http_server_config: HttpSection,
    /// Password hashes by user; empty: no authentication.
    pub basic_auth_users: BTreeMap<String, PasswordHash>,
    /// Rate limit of all requests.
    pub rate_limit: RateLimit,
}

/// `http_server_config`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSection {
    /// Whether HTTP/2 is offered. It is only used over TLS.
    pub http2: bool,
    /// Headers that are added to every response.
    pub headers: BTreeMap<String, String>,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            http2: true,
            headers: BTreeMap::new(),
        }
    }
}

/// `rate_limit`: a token bucket that holds `burst` requests and gets one more every `interval`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Time after which one more request is allowed; zero disables the limit.
    #[serde(deserialize_with = "duration")]
    pub interval: Duration,
    /// Maximum number of requests at once.
    pub burst: u32,
}

/// A bcrypt hash that passwords are compared with. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PasswordHash {
    text: String,
    cost: u32,
}

impl PasswordHash {
    /// What tools make hashes at, and what an unknown user's password costs to refuse.
    pub const USUAL_COST: u32 = 10;

    /// The hash in bcrypt's format.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The cost of a comparison, as a power of two.
    pub const fn cost(&self) -> u32 {
        self.cost
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash(cost {})", self.cost)
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // Without double quotes: `without_quotes` takes what stands in them for a value.
        let problem =
            r"a password is not a bcrypt hash; create one with: htpasswd -nBC 10 '' | tr -d ':\n'";
        // The parser cuts at fixed bytes.
        if !text.is_ascii() {
            return Err(problem);
        }
        let parts = bcrypt::HashParts::from_str(&text).map_err(|_| problem)?;
        let cost = parts.get_cost();
        if !COSTS.contains(&cost) {
            return Err("the cost of a password hash must be from 4 to 18");
        }
        Ok(Self { text, cost })
    }
}

/// Why the file cannot be used: a sentence without any value of the file, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebFileError(pub(crate) String);

impl FromStr for WebFile {
    type Err = WebFileError;

    fn from_str(text: &str) -> Result<Self, WebFileError> {
        // What is nothing but comments is no mapping, and a file nonetheless.
        let is_blank = |line: &str| line.trim().is_empty() || line.trim().starts_with('#');
        if text.lines().all(is_blank) {
            return Ok(Self::default());
        }
        let options = serde_saphyr::options! { with_snippet: false };
        let file: Self = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| WebFileError(without_values(&error)))?;
        file.check_headers()?;
        if !file.rate_limit.interval.is_zero() && file.rate_limit.burst == 0 {
            let problem = "rate_limit: burst 0 refuses every request; set at least 1";
            return Err(WebFileError(problem.into()));
        }
        if let Some(tls) = &file.tls_server_config {
            tls.check()?;
        }
        Ok(file)
    }
}

impl WebFile {
    fn check_headers(&self) -> Result<(), WebFileError> {
        for (name, value) in &self.http_server_config.headers {
            let Some((_, values)) = HEADERS.iter().find(|(known, _)| known == name) else {
                let known: Vec<_> = HEADERS.iter().map(|(known, _)| *known).collect();
                let known = known.join(", ");
                // Anything else may be a password that slipped into the wrong line.
                let is_a_name = name.chars().all(|it| it.is_ascii_alphabetic() || it == '-');
                let name = match is_a_name {
                    true => format!("the header {name:?}"),
                    false => "a header".to_owned(),
                };
                return Err(WebFileError(format!(
                    "http_server_config: {name} cannot be set; possible headers: {known}"
                )));
            };
            let is_allowed = values.is_empty() || value.is_empty() || values.contains(&&**value);
            if !is_allowed || axum::http::HeaderValue::from_str(value).is_err() {
                let takes = match values {
                    [] => "one line of text".to_owned(),
                    values => values.join(" or "),
                };
                return Err(WebFileError(format!(
                    "http_server_config: the header {name} must be {takes}"
                )));
            }
        }
        Ok(())
    }
}

/// A duration in Go's format, in seconds and their fractions.
fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    super::values::duration(&text)
        .map_err(|_| serde::de::Error::custom("interval must be a duration such as 1s or 500ms"))
}

/// The parser's message, without the values of the file that it quotes.
fn without_values(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;

    let error = error.without_snippet();
    let message = match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => {
            let (field, expected) = (shown_key(field), expected.join(", "));
            format!("unknown field `{field}`, expected one of {expected}")
        }
        Error::SerdeUnknownVariant { expected, .. } => {
            format!("unknown value, expected one of {}", expected.join(", "))
        }
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("invalid value, expected {expected}")
        }
        // The library's message is for programmers.
        Error::DuplicateMappingKey { key, .. } => {
            let key = shown_key(key.as_deref().unwrap_or("…"));
            format!("the key `{key}` is there twice; remove one")
        }
        error => without_quotes(&serde_saphyr::UserMessageFormatter.format_message(error)),
    };
    match error.location() {
        Some(it) => format!("line {}, column {}: {message}", it.line(), it.column()),
        None => message,
    }
}

/// The key, or `…` if it cannot be a key of this file: a password or a piece of a hash may stand where
/// a key belongs. The line and the column say where it is.
fn shown_key(key: &str) -> &str {
    let is_plain = key.chars().all(|it| it.is_ascii_lowercase() || it == '_');
    match key.len() <= 40 && is_plain || key == "http2" {
        true => key,
        false => "…",
    }
}

/// The message without what stands between its first and its last quote of either kind.
fn without_quotes(message: &str) -> String {
    let mut message = message.to_owned();
    for quote in ['"', '`'] {
        let (first, last) = (message.find(quote), message.rfind(quote));
        if let (Some(first), Some(last)) = (first, last)
            && first < last
        {
            message.replace_range(first..=last, "a value");
        }
    }
    message
}

#[cfg(test)]
#[path = "web_file_tests.rs"]
mod tests;
