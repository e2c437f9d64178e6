//! Paths under `/-/`: healthy, ready, reload and config.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, sleep_until};

use crate::fleet::report::format::moment;
use crate::fleet::rules::coder::CoderState;
use crate::systemd;
use crate::web::state::{App, IsTrusted};

/// A reload reads files and makes TLS anew: no client makes it happen more often.
const BETWEEN_RELOADS: Duration = Duration::from_secs(1);

/// `/-/healthy`: always 200 while the process can answer.
pub(crate) async fn healthy() -> &'static str {
    "healthy\n"
}

/// The database answers, with everything that is read of it. Why it does not is for those who are
/// let in: it names user, host and tables.
pub(crate) async fn ready(
    State(app): State<Arc<App>>,
    Extension(IsTrusted(is_trusted)): Extension<IsTrusted>,
) -> Response {
    let Ok(_asking) = app.asking.try_acquire() else {
        let reason =
            "not ready: too many concurrent requests, and the database has not answered yet\n";
        return (StatusCode::SERVICE_UNAVAILABLE, reason).into_response();
    };
    let deadline = Instant::now() + app.settings.collect_timeout;
    let reads = app.reads();
    match app.readiness.ask(&app.collect, reads, deadline).await {
        Ok(()) if is_trusted => format!("ready\n{}", about_coder(&app)).into_response(),
        Ok(()) => "ready\n".into_response(),
        Err(_) if !is_trusted => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
        Err(reasons) => (StatusCode::SERVICE_UNAVAILABLE, reasons).into_response(),
    }
}

/// What is wrong with Coder itself, as far as it is known; this exporter is ready all the same.
fn about_coder(app: &App) -> String {
    let mut lines = String::new();
    if let Some(CoderState::Down { since, .. }) = app.collect.coder_state() {
        lines.push_str(&format!("Coder is down since {}\n", moment(since)));
    }
    if let Some(message) = app.settings.coder_trouble() {
        lines.push_str(&format!("Coder does not answer this exporter: {message}\n"));
    }
    lines
}

/// `/-/reload`: reads the files again.
pub(crate) async fn reload(State(app): State<Arc<App>>) -> Response {
    // In a task of its own: a client that hangs up leaves no half of it.
    let reload = tokio::spawn(async move { app.reload().await });
    match reload.await {
        Ok(Ok(())) => "reloaded\n".into_response(),
        Ok(Err(problems)) => (StatusCode::INTERNAL_SERVER_ERROR, problems).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// `/-/config`: the settings in effect, without secrets.
pub(crate) async fn config(State(app): State<Arc<App>>) -> Response {
    let lifecycle = &app.settings.lifecycle;
    let yaml = format!(
        "# Settings in force. Secrets are not shown.\ndatabase: {}\nweb_config: {}\n{}",
        quoted(app.collect.database().target()),
        quoted(&lifecycle.config.describe()),
        lifecycle.effective,
    );
    (
        [(header::CONTENT_TYPE, "application/yaml; charset=utf-8")],
        yaml,
    )
        .into_response()
}

/// The text as a quoted YAML value.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl App {
    /// Reads the web configuration and the database's URL again, once in [`BETWEEN_RELOADS`]: all
    /// who ask meanwhile share the next reload. Of each, what cannot be used leaves what was in
    /// force.
    ///
    /// # Errors
    ///
    /// A line for each that could not; it is logged too.
    pub(crate) async fn reload(self: &Arc<Self>) -> Result<(), String> {
        let asked = Instant::now();
        let mut last = self.reloading.lock().await;
        match &*last {
            // It has read what was there when this one was asked for.
            Some((began, result)) if *began >= asked => return result.clone(),
            Some((began, _)) => sleep_until(*began + BETWEEN_RELOADS).await,
            None => {}
        }
        let began = Instant::now();
        systemd::reloading();
        let app = self.clone();
        let read = tokio::task::spawn_blocking(move || app.read_again());
        let result = read.await.unwrap_or_else(|error| Err(format!("{error}\n")));
        systemd::ready();
        *last = Some((began, result.clone()));
        result
    }

    fn read_again(&self) -> Result<(), String> {
        let lifecycle = &self.settings.lifecycle;
        let mut problems = String::new();
        if let Err(problem) = lifecycle.config.reread() {
            problems.push_str(&format!("--web.config.file: {problem}\n"));
        }
        if let Some(read) = &lifecycle.database.0 {
            let database = read();
            let is_good = database.is_ok();
            let was_good = self.is_database_current.swap(is_good, Ordering::Relaxed);
            match database {
                Ok(Some(database)) => {
                    tracing::info!(
                        database = database.target(),
                        "the database connection settings were reloaded"
                    );
                    self.collect.replace_database(database);
                    self.readiness.forget();
                }
                Ok(None) => {}
                Err(problem) => {
                    // Once: who may reload may do so for ever.
                    if was_good {
                        tracing::error!(problem, "the database URL cannot be reloaded");
                    }
                    problems.push_str(&format!("{problem}\n"));
                }
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }
}
