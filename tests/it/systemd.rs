//! Under a service manager: what it is told, and the sockets it hands over (`docs/spec/http.md`).

use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::harness::*;

const NOWHERE: &str = "--postgres.url=postgres://u@/d?host=/nowhere";

/// The manager's end of NOTIFY_SOCKET.
struct Manager {
    folder: Folder,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let folder = Folder::new();
        let socket = UnixDatagram::bind(folder.file("notify")).unwrap();
        Self { folder, socket }
    }

    async fn program(&self, more: &[(&str, &str)]) -> Program {
        let path = self.folder.file("notify");
        let variables = [&[("NOTIFY_SOCKET", path.as_str())], more].concat();
        Program::serve_with(&[NOWHERE], &variables).await
    }

    /// The next thing it is told, watchdog aside.
    async fn hears(&self) -> String {
        loop {
            let said = self.next().await;
            if said.trim() != "WATCHDOG=1" {
                return said;
            }
        }
    }

    async fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let received = timeout(Duration::from_secs(10), self.socket.recv(&mut buffer)).await;
        let length = received.expect("the manager is told").unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}

#[tokio::test]
async fn manager_hears_of_readiness_reloads_and_the_end() {
    let manager = Manager::new();
    let program = manager.program(&[]).await;
    assert_eq!(manager.hears().await.trim(), "READY=1");
    program.signal("-HUP").await;
    let reloading = manager.hears().await;
    let (first, clock) = reloading.trim().split_once('\n').unwrap();
    assert_eq!(first, "RELOADING=1");
    let clock: u64 = clock
        .strip_prefix("MONOTONIC_USEC=")
        .unwrap()
        .parse()
        .unwrap();
    assert!(clock > 0);
    assert_eq!(manager.hears().await.trim(), "READY=1");
    program.terminate().await;
    assert_eq!(manager.hears().await.trim(), "STOPPING=1");
    assert_eq!(program.ended().await.code, Some(0));
}

#[tokio::test]
async fn watchdog_is_fed_twice_in_its_time() {
    let manager = Manager::new();
    let _program = manager.program(&[("WATCHDOG_USEC", "400000")]).await;
    assert_eq!(manager.hears().await.trim(), "READY=1");
    let started = std::time::Instant::now();
    for _ in 0..6 {
        assert_eq!(manager.next().await.trim(), "WATCHDOG=1");
    }
    let took = started.elapsed();
    // Six times every 200 ms, the first at once.
    assert!((700..4000).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test]
async fn socket_of_the_manager_is_served() {
    // An address that cannot be had: the manager's socket takes its place.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let program = Program::activated(&[NOWHERE, &address]).await;
    assert_ne!(program.address, taken.local_addr().unwrap());
    let answer = http::get(program.address, "/-/healthy", &[]).await.unwrap();
    assert_eq!(answer.status, 200);
    program.terminate().await;
    assert_eq!(program.ended().await.code, Some(0));
}
