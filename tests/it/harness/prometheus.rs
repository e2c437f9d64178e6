//! A real Prometheus that scrapes one target, and is asked what it understood.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use uuid::Uuid;

use super::eventually;

/// One that runs; dropping it ends it and takes its data away.
pub(crate) struct Prometheus {
    address: SocketAddr,
    folder: PathBuf,
    process: Child,
}

impl Prometheus {
    /// Starts one with these further flags, and waits until it has scraped `target`.
    pub(crate) async fn scraping(target: SocketAddr, flags: &[&str]) -> Self {
        Self::scraping_with(target, flags, "").await
    }

    /// As [`scraping`](Self::scraping), with further lines for the scrape's configuration.
    pub(crate) async fn scraping_with(target: SocketAddr, flags: &[&str], lines: &str) -> Self {
        let config = format!(
            "scrape_configs:\n- job_name: coder\n  scrape_interval: 2s\n  scrape_timeout: 2s\n  static_configs:\n  - targets: ['{target}']\n{lines}"
        );
        Self::configured(&config, flags).await
    }

    /// Starts one with this configuration and these further flags, and waits until it has
    /// scraped.
    pub(crate) async fn configured(config: &str, flags: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("prometheus-{}", Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        let address = free_address();
        let process = Command::new("prometheus")
            .arg(format!(
                "--config.file={}",
                folder.join("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .kill_on_drop(true)
            .spawn();
        let process = process.unwrap_or_else(|error| {
            panic!("prometheus cannot be run ({error}): run scripts/test, which unpacks one into target/tools, or put one on the PATH")
        });
        let prometheus = Self {
            address,
            folder,
            process,
        };
        eventually("it has scraped", async || {
            let scraped = prometheus.try_query("scrape_samples_scraped").await;
            scraped.is_some_and(|it| !it.is_empty())
        })
        .await;
        prometheus
    }

    /// The instant vector of an expression.
    pub(crate) async fn query(&self, expression: &str) -> Vec<Value> {
        let result = self.try_query(expression).await;
        result.unwrap_or_else(|| panic!("no answer to {expression}: {}", self.log()))
    }

    /// The same, or why there is none.
    pub(crate) async fn ask(&self, expression: &str) -> Result<Vec<Value>, String> {
        let answer = self.get(&query_path(expression)).await;
        let answer = answer.ok_or_else(|| self.log())?;
        let vector = answer["data"]["result"].as_array().cloned();
        vector.ok_or_else(|| answer["error"].to_string())
    }

    /// The only value of an expression, with its labels left out.
    pub(crate) async fn number(&self, expression: &str) -> f64 {
        let result = self.query(expression).await;
        let [one] = result.as_slice() else {
            panic!("not one value of {expression}: {result:?}: {}", self.log());
        };
        number(&one["value"][1])
    }

    /// The type it was told of a metric.
    pub(crate) async fn metric_type(&self, metric: &str) -> String {
        let answer = self.get(&format!("/api/v1/metadata?metric={metric}")).await;
        let data = &answer.unwrap()["data"][metric][0]["type"];
        data.as_str().unwrap_or_default().to_owned()
    }

    /// What it has to say for itself.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    async fn try_query(&self, expression: &str) -> Option<Vec<Value>> {
        let answer = self.get(&query_path(expression)).await?;
        answer["data"]["result"].as_array().cloned()
    }

    /// HTTP/1.0, so that the answer comes in one piece.
    async fn get(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(self.address).await.ok()?;
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        serde_json::from_str(body).ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself, and what is left of it is in the folder for temporary
        // things anyhow.
        let _ = self.process.start_kill();
        let deadline = Instant::now() + Duration::from_secs(1);
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where an expression is evaluated.
fn query_path(expression: &str) -> String {
    let query: String = expression.bytes().map(|it| format!("%{it:02x}")).collect();
    format!("/api/v1/query?query={query}")
}

/// Numbers come as text, for the sake of the infinities.
pub(crate) fn number(value: &Value) -> f64 {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no number"));
    text.parse().unwrap()
}

/// A port that was free a moment ago.
pub(super) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
