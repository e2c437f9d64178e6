//! Coder itself, over HTTP: one request on one connection, and what its answer is.
//!
//! Nothing here keeps time but for connecting, and for the one question that is about time:
//! whether Coder is there at all.

mod answer;
mod questions;

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, redirect, retry};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout};

use crate::config::coder_token::Token;
use crate::config::http_url::HttpUrl;
use crate::error::{ErrorKind, Failure};

use answer::presentable;
pub use answer::{Answer, Body, trouble};

/// The header of Coder's for a token.
const TOKEN_HEADER: &str = "Coder-Session-Token";
/// To connect to coderd, TLS included. Well below the time of a dial: a coderd that cannot be
/// reached must not look like an agent that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// `/healthz` costs Coder nothing, so a Coder that works answers at once.
const HEALTHZ_TIMEOUT: Duration = Duration::from_secs(2);
/// What is read of an answer. A list of 500 ports has half of that.
const MOST_BYTES: usize = 64 * 1024;
/// What is read of a health report, which lists every relay and provisioner.
const MOST_BYTES_OF_REPORT: usize = 4 * 1024 * 1024;

/// A client of one Coder, with a token or without.
#[derive(Debug)]
pub struct CoderApi {
    client: Client,
    url: HttpUrl,
    token: Option<Token>,
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

impl CoderApi {
    /// One that trusts the system's certificate authorities, or those of `SSL_CERT_FILE`.
    ///
    /// # Errors
    ///
    /// When none is found and one is needed.
    pub fn new(url: HttpUrl, token: Option<Token>) -> Result<Self, SetUpError> {
        if url.is_exposed() && token.is_some() {
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
        token: Option<Token>,
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
            // it look down, and a handshake a second is no burden.
            .pool_max_idle_per_host(0)
            .retry(retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self { client, url, token })
    }

    /// Where it is.
    pub fn url(&self) -> &HttpUrl {
        &self.url
    }

    /// Whether it has a token to send.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether Coder is there: how long `/healthz` took, which needs no token.
    ///
    /// # Errors
    ///
    /// When it does not answer within two seconds, or something else than Coder does.
    pub async fn healthz(&self) -> Result<Duration, Failure> {
        let began = Instant::now();
        let asked = timeout(HEALTHZ_TIMEOUT, self.ask(&["healthz"])).await;
        let answer = asked.unwrap_or_else(|_| {
            let limit = HEALTHZ_TIMEOUT.as_secs();
            let message = format!("Coder at {} did not answer within {limit} s", self.url);
            Err(Failure::new(ErrorKind::Timeout, message))
        })?;
        match answer.is_healthz() {
            true => Ok(began.elapsed()),
            false => Err(self.is_not_up(&answer)),
        }
    }

    fn is_not_up(&self, answer: &Answer) -> Failure {
        let status = answer.status;
        let message = match status {
            200 => format!(
                "what answers at {} is not Coder: check for a login page in front of it",
                self.url
            ),
            _ => format!("Coder at {} answers {status} to /healthz", self.url),
        };
        Failure::new(ErrorKind::Connect, message)
    }

    /// Asks without a token.
    ///
    /// # Errors
    ///
    /// When there is no answer, or not all of it.
    pub async fn ask(&self, path: &[&str]) -> Result<Answer, Failure> {
        let request = self.client.get(self.url.below(path));
        self.send(request, "", MOST_BYTES).await
    }

    /// Asks with the token, which is read anew: its file may have been replaced.
    ///
    /// # Errors
    ///
    /// When there is no token, no answer, or not all of it.
    pub async fn ask_with_token(&self, path: &[&str]) -> Result<Answer, Failure> {
        self.ask_for(path, MOST_BYTES).await
    }

    /// The same, of an answer that may be long.
    async fn ask_for_much(&self, path: &[&str]) -> Result<Answer, Failure> {
        self.ask_for(path, MOST_BYTES_OF_REPORT).await
    }

    async fn ask_for(&self, path: &[&str], most_bytes: usize) -> Result<Answer, Failure> {
        let token = self.current_token().await?;
        let token = token.expose_secret();
        let mut header = HeaderValue::from_str(token)
            .map_err(|_| no_token("the token cannot be sent in a header"))?;
        header.set_sensitive(true);
        let request = self.client.get(self.url.below(path));
        let request = request.header(TOKEN_HEADER, header);
        self.send(request, token, most_bytes).await
    }

    async fn send(
        &self,
        request: RequestBuilder,
        token: &str,
        most_bytes: usize,
    ) -> Result<Answer, Failure> {
        let began = Instant::now();
        let answered = async {
            let response = request.header(ACCEPT, "application/json").send().await?;
            Ok((
                response.status().as_u16(),
                read(response, most_bytes).await?,
            ))
        };
        match answered.await {
            Ok((status, bytes)) => Ok(Answer::new(status, &bytes, token, began.elapsed())),
            Err(error) => Err(self.unheard(&error, token)),
        }
    }

    /// coderd did not answer, or not to the end.
    fn unheard(&self, error: &reqwest::Error, token: &str) -> Failure {
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
        Failure::new(kind, format!("Coder at {} {what}: {cause}", self.url))
    }

    async fn current_token(&self) -> Result<SecretString, Failure> {
        let Some(token) = self.token.clone() else {
            return Err(no_token("there is no token for --coder.url"));
        };
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
fn no_token(message: &str) -> Failure {
    Failure::new(ErrorKind::Authentication, message)
}

/// The body, or as much of it as is worth reading.
async fn read(mut response: Response, most_bytes: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut bytes = Vec::new();
    while bytes.len() <= most_bytes
        && let Some(chunk) = response.chunk().await?
    {
        let room = (most_bytes + 1).saturating_sub(bytes.len());
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(bytes)
}
