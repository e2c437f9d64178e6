//! Asks Coder which ports an agent listens on: coderd then dials the agent itself, and answers
//! within 30 s.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, Response, redirect, retry};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};

use crate::config::coder_token::Token;
use crate::config::http_url::HttpUrl;
use crate::error::{ErrorKind, Failure};
use crate::resolver::{DialError, Dialer, Target};

use super::answer::{Body, judge, presentable};

/// The header of Coder's for a token.
const TOKEN_HEADER: &str = "Coder-Session-Token";
/// To connect to coderd, TLS included. Well below the time of a dial: a coderd that cannot be
/// reached must not look like an agent that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What is read of an answer. One with 500 ports has half of that.
const MOST_BYTES: usize = 64 * 1024;

/// Has Coder dial, with our token.
#[derive(Debug)]
pub struct Coderd {
    client: Client,
    url: HttpUrl,
    token: Token,
}

/// Why it cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// No certificate could vouch for coderd.
    #[error(
        "no trusted certificate authority was found for --coder.url: install the system's CA \
         certificates, or set SSL_CERT_FILE"
    )]
    NoAuthorities,
    /// TLS or the client itself.
    #[error("the client for --coder.url cannot be set up: {0}")]
    Client(String),
}

impl Coderd {
    /// One that trusts the system's certificate authorities, or those of `SSL_CERT_FILE`.
    ///
    /// # Errors
    ///
    /// When none is found and one is needed.
    pub fn new(url: HttpUrl, token: Token) -> Result<Self, SetUpError> {
        if url.is_exposed() {
            tracing::warn!(%url, "the Coder token is sent unencrypted: use https");
        }
        let mut authorities = RootCertStore::empty();
        if url.is_secure() {
            let system = rustls_native_certs::load_native_certs();
            authorities.add_parsable_certificates(system.certs);
            if authorities.is_empty() {
                return Err(SetUpError::NoAuthorities);
            }
        }
        Self::trusting(url, token, authorities)
    }

    /// One that trusts these certificate authorities.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn trusting(
        url: HttpUrl,
        token: Token,
        authorities: RootCertStore,
    ) -> Result<Self, SetUpError> {
        let failed = |error: &dyn Error| SetUpError::Client(error.to_string());
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("coder-agent-exporter/", env!("CARGO_PKG_VERSION")))
            // The token goes to the address it was given for and nowhere else.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            // One request, one connection: an idle one that coderd has just closed would make
            // it look down, and a handshake a second is no burden to anybody.
            .pool_max_idle_per_host(0)
            .retry(retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self { client, url, token })
    }

    async fn ask(&self, target: &Target, token: &SecretString) -> Result<(), DialError> {
        let token = token.expose_secret();
        let mut header = HeaderValue::from_str(token)
            .map_err(|_| no_token("the token cannot be sent in a header"))?;
        header.set_sensitive(true);
        let id = target.agent_id.to_string();
        let path = ["api", "v2", "workspaceagents", &id, "listening-ports"];
        let request = self.client.get(self.url.below(&path));
        let request = request.header(TOKEN_HEADER, header);
        let answered = async {
            let response = request.header(ACCEPT, "application/json").send().await?;
            Ok((response.status().as_u16(), read(response).await?))
        };
        match answered.await {
            Ok((status, bytes)) => judge(status, Body::read(&bytes, token)),
            Err(error) => Err(self.unheard(&error, token)),
        }
    }

    /// coderd did not answer, or not to the end.
    fn unheard(&self, error: &reqwest::Error, token: &str) -> DialError {
        let what = match error.is_connect() {
            true => "cannot be reached",
            false => "did not finish its response",
        };
        let mut cause: &dyn Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        let kind = match () {
            () if is_tls(error) => ErrorKind::Tls,
            () if error.is_timeout() => ErrorKind::Timeout,
            () => ErrorKind::Connect,
        };
        let cause = presentable(&cause.to_string(), token);
        let message = format!("Coder at {} {what}: {cause}", self.url);
        DialError::Exporter(Failure::new(kind, message))
    }

    async fn current_token(&self) -> Result<SecretString, DialError> {
        let token = self.token.clone();
        // A file on a slow disk must not hold up a worker.
        let token = tokio::task::spawn_blocking(move || token.read()).await;
        let failed = |error: &dyn Error| no_token(&format!("the token: {error}"));
        token
            .map_err(|error| failed(&error))?
            .map_err(|error| failed(&error))
    }
}

/// Whether TLS itself failed: somewhere below it there is an error of rustls'.
fn is_tls(mut error: &(dyn Error + 'static)) -> bool {
    loop {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An error of the system does not count what it wraps among its sources.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let wrapped = wrapped.map(|it| it as &(dyn Error + 'static));
        match wrapped.or_else(|| error.source()) {
            Some(next) => error = next,
            None => return false,
        }
    }
}

/// Without a token that can be sent, Coder refuses us as it would a wrong one.
fn no_token(message: &str) -> DialError {
    DialError::Exporter(Failure::new(ErrorKind::Authentication, message))
}

/// The body, or as much of it as is worth reading.
async fn read(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut bytes = Vec::new();
    while bytes.len() <= MOST_BYTES
        && let Some(chunk) = response.chunk().await?
    {
        let room = (MOST_BYTES + 1).saturating_sub(bytes.len());
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(bytes)
}

impl Dialer for Coderd {
    /// Nothing: the connection was coderd's, and is over.
    type Connection = ();

    async fn dial(&self, target: &Target) -> Result<(), DialError> {
        let token = self.current_token().await?;
        self.ask(target, &token).await
    }

    /// The agent reports the connection that coderd makes to it.
    fn counts_as_use(&self) -> bool {
        true
    }
}
