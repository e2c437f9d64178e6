//! What it costs the exporter: memory, measured of the real program.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::*;

/// A line of /proc/PID/status, in kilobytes.
pub(super) fn kilobytes(program: &Program, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let value = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
    value
        .trim_matches(|it: char| !it.is_ascii_digit())
        .parse()
        .unwrap()
}

#[tokio::test]
async fn attacks_of_every_kind_leave_memory_under_twice_its_resting_size() {
    let program = Program::serve(&[&format!("--postgres.url={NOWHERE}")]).await;
    let address = program.address;
    for _ in 0..20 {
        assert_serves(address).await;
    }
    let resting = kilobytes(&program, "VmRSS:");
    let large_header = format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(15_000));
    let idle = (0..2_000).map(|_| {
        let large_header = large_header.as_bytes();
        async move {
            let mut stream = TcpStream::connect(address).await.ok()?;
            // Each fills the buffer it is given, and waits.
            let _ = stream.write_all(large_header).await;
            Some(stream)
        }
    });
    let held = join_all(idle).await;
    let many = "X: y\r\n".repeat(200_000);
    let headers = format!("GET / HTTP/1.1\r\n{many}\r\n");
    let body = format!(
        "GET / HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n{}",
        "z".repeat(5_000_000)
    );
    let bombs = (0..20).map(|it| {
        send(
            address,
            if it % 2 == 0 { &headers } else { &body }.as_bytes(),
        )
    });
    join_all(bombs).await;
    let accept = "text/plain;q=0.1,".repeat(500);
    let asking = (0..100).map(|_| http::get(address, "/metrics", &[]));
    join_all(asking).await;
    let _ = http::get(address, "/metrics", &[("Accept", &accept)]).await;
    sleep(Duration::from_millis(300)).await;
    let (after, peak) = (kilobytes(&program, "VmRSS:"), kilobytes(&program, "VmHWM:"));
    let figures = format!("resting {resting} kB, after {after} kB, peak {peak} kB");
    println!("{figures}");
    assert!(peak < 2 * resting, "{figures}");
    assert_serves(address).await;
    drop(held);
}
