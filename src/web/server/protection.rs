//! What a web configuration file amounts to: ready-made TLS, headers, users.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use rustls::ServerConfig;

use crate::config::web_file::tls::ClientAuth;
use crate::config::web_file::{PasswordHash, RateLimit, WebFile};
use crate::web::server::tls;

/// What stands between a client and the answers. By default nothing does.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    /// TLS settings; `None` means plain HTTP.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Empty: no password is asked for.
    pub(crate) users: BTreeMap<String, PasswordHash>,
    pub(crate) rate_limit: RateLimit,
    /// What of the file has no effect here, or not the one it seems to have.
    pub(crate) warnings: Vec<String>,
    /// Whether the file itself holds a key or hashes of passwords.
    pub(crate) holds_secrets: bool,
    /// The file of the server's key.
    pub(crate) key_file: Option<PathBuf>,
    /// What is asked of clients, where there is TLS.
    client_auth: Option<ClientAuth>,
    /// Whether only clients of certain names may come.
    names_clients: bool,
}

impl Protection {
    /// The files that `file`, which is in `folder`, names.
    pub(crate) fn files(file: &WebFile, folder: &Path) -> Vec<PathBuf> {
        let tls = file.tls_server_config.as_ref();
        tls.map(|it| it.files(folder)).unwrap_or_default()
    }

    /// What `file`, which is in `folder`, amounts to.
    ///
    /// # Errors
    ///
    /// When a certificate or key cannot be used: what, and why.
    pub(crate) fn new(file: WebFile, folder: &Path) -> Result<Self, String> {
        let section = file.tls_server_config.as_ref();
        let key_file = section.and_then(|it| it.key_file.as_ref());
        let mut protection = Self {
            headers: headers(&file),
            holds_secrets: !file.basic_auth_users.is_empty()
                || section.is_some_and(|it| it.key.is_some()),
            key_file: key_file.map(|it| folder.join(it)),
            users: file.basic_auth_users,
            rate_limit: file.rate_limit,
            ..Self::default()
        };
        if let Some(section) = &file.tls_server_config {
            let http = file.http_server_config.http2;
            let warnings = &mut protection.warnings;
            let config = tls::server_config(section, folder, tls::protocols(http), warnings)?;
            protection.tls = Some(Arc::new(config));
            protection.client_auth = Some(section.client_auth_type);
            protection.names_clients = section.client_allowed_sans.is_some();
        }
        let usual = PasswordHash::USUAL_COST;
        let mut costs = protection.users.values().map(PasswordHash::cost);
        if costs.any(|cost| cost != usual) {
            let warning = format!(
                "a hash of basic_auth_users has another cost than {usual}, so response times reveal which users exist; make hashes with htpasswd -nBC {usual}"
            );
            protection.warnings.push(warning);
        }
        if protection.tls.is_none() && !protection.users.is_empty() {
            let warning = "basic authentication without TLS sends passwords unencrypted";
            protection.warnings.push(warning.into());
        }
        Ok(protection)
    }

    /// Whether `next` may take its place while the exporter runs. A file that is caught half
    /// written, or was emptied by accident, must not open what was closed.
    pub(crate) fn check_successor(&self, next: &Self) -> Result<(), String> {
        let lost = match (&self.tls, &next.tls) {
            (Some(_), None) => "TLS",
            _ if self.asks_for_more(next) => "as strict client certificates",
            _ if !self.users.is_empty() && next.users.is_empty() => "passwords",
            _ => return Ok(()),
        };
        Err(format!(
            "it no longer requires {lost}; restart the exporter if this is intended"
        ))
    }

    /// Whether a client's certificate has to be what it need not be in `next`.
    fn asks_for_more(&self, next: &Self) -> bool {
        let asks = |it: &Self, what: fn(ClientAuth) -> bool| it.client_auth.is_some_and(what);
        let is_lost = |what| asks(self, what) && !asks(next, what);
        is_lost(ClientAuth::requires_one)
            || is_lost(ClientAuth::verifies)
            || self.names_clients && !next.names_clients
    }

    /// Whether everybody who reaches it is answered.
    pub(crate) fn is_open(&self) -> bool {
        let asks_for_certificate = self.client_auth.is_some_and(ClientAuth::requires_one);
        self.users.is_empty() && !asks_for_certificate
    }

    /// In a few words; no secret.
    pub(crate) fn describe(&self) -> String {
        let tls = match self.client_auth {
            Some(how) => format!("TLS, client certificates {how:?}"),
            None => "no TLS".into(),
        };
        let users = match self.users.len() {
            0 => "no password".into(),
            1 => "1 user".into(),
            users => format!("{users} users"),
        };
        let rate = match self.rate_limit {
            RateLimit { interval, burst } if !interval.is_zero() => {
                format!("; a request each {interval:?}, {burst} at once")
            }
            _ => String::new(),
        };
        format!("{tls}; {users}{rate}")
    }
}

/// Those that are not blank; the file's own check has seen to their names and values.
fn headers(file: &WebFile) -> Vec<(HeaderName, HeaderValue)> {
    let headers = file.http_server_config.headers.iter();
    headers
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value).ok()?))
        })
        .collect()
}
