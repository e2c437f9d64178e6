//! A real Alertmanager, and the receiver of what it sends.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::prometheus::free_address;
use super::{Folder, eventually};

/// One that runs; dropping it ends it.
pub(crate) struct Alertmanager {
    pub(crate) address: SocketAddr,
    _folder: Folder,
    _process: Child,
}

impl Alertmanager {
    /// Starts one with this configuration, and waits until it listens.
    pub(crate) async fn start(config: &str) -> Self {
        let folder = Folder::new();
        let address = free_address();
        let process = Command::new("prometheus-alertmanager")
            .arg(format!(
                "--config.file={}",
                folder.write("alertmanager.yml", config)
            ))
            .arg(format!("--storage.path={}", folder.file("data")))
            .arg(format!("--web.listen-address={address}"))
            // No cluster: it would look for others on the network.
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.file("log")).unwrap())
            .kill_on_drop(true)
            .spawn();
        let process = process.unwrap_or_else(|error| {
            panic!("prometheus-alertmanager cannot be run ({error}): run scripts/test, which unpacks one into target/tools, or put one on the PATH")
        });
        eventually("it listens", async || {
            TcpStream::connect(address).await.is_ok()
        })
        .await;
        Self {
            address,
            _folder: folder,
            _process: process,
        }
    }
}

/// Takes notifications; dropping it closes it.
pub(crate) struct Pager {
    pub(crate) address: SocketAddr,
    taken: Taken,
    server: JoinHandle<()>,
}

type Taken = Arc<Mutex<Vec<Notification>>>;

/// One message to one receiver, about a group of alerts.
#[derive(Debug, Clone)]
pub(crate) struct Notification {
    /// The last part of the address it was sent to.
    pub(crate) receiver: String,
    /// By what they are grouped.
    pub(crate) group: Labels,
    /// Each alert with whether it still fires.
    pub(crate) alerts: Vec<(Labels, bool)>,
}

/// The labels of an alert.
pub(crate) type Labels = BTreeMap<String, String>;

impl Pager {
    /// One that waits for messages at `http://ADDRESS/RECEIVER`.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Taken::default();
        let router = Router::new()
            .route("/{receiver}", post(take))
            .with_state(taken.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            taken,
            server,
        }
    }

    /// Everything that came, in order.
    pub(crate) fn notifications(&self) -> Vec<Notification> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(taken): State<Taken>, Path(receiver): Path<String>, Json(body): Json<Value>) {
    let alerts = body["alerts"].as_array().cloned().unwrap_or_default();
    let alerts = alerts.iter().map(|it| {
        let labels = serde_json::from_value(it["labels"].clone()).unwrap();
        (labels, it["status"] == "firing")
    });
    let notification = Notification {
        receiver,
        group: serde_json::from_value(body["groupLabels"].clone()).unwrap(),
        alerts: alerts.collect(),
    };
    taken.lock().unwrap().push(notification);
}
