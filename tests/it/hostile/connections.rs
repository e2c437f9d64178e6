//! Those who take their time, and those who come in thousands.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use super::*;

/// Until the other end closes.
async fn closed(mut stream: TcpStream) -> Duration {
    let started = Instant::now();
    let mut rest = Vec::new();
    let end = timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    let _ = end.expect("the server closes");
    started.elapsed()
}

#[tokio::test]
async fn connection_without_a_request_is_closed() {
    let limit = Duration::from_millis(700);
    let exporter = Exporter::start(NOWHERE, |it| it.web.limits.waiting = limit).await;
    let silent = TcpStream::connect(exporter.address).await.unwrap();
    let mut begun = TcpStream::connect(exporter.address).await.unwrap();
    begun
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    let (silent, begun) = tokio::join!(closed(silent), closed(begun));
    for took in [silent, begun] {
        assert!((500..5000).contains(&took.as_millis()), "{took:?}");
    }
    assert_serves(exporter.address).await;
}

#[tokio::test]
async fn head_that_comes_a_letter_at_a_time_is_not_waited_for() {
    let limit = Duration::from_millis(700);
    let exporter = Exporter::start(NOWHERE, |it| it.web.limits.waiting = limit).await;
    let mut stream = TcpStream::connect(exporter.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    let started = Instant::now();
    while stream.write_all(b"x").await.is_ok() {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "it is still listened to"
        );
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn connection_between_two_scrapes_is_kept() {
    let exporter = Exporter::start(NOWHERE, |_| {}).await;
    let mut stream = TcpStream::connect(exporter.address).await.unwrap();
    for _ in 0..3 {
        stream
            .write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
        sleep(Duration::from_millis(600)).await;
    }
}

#[tokio::test]
async fn longest_idle_connection_makes_room_for_the_next() {
    let exporter = Exporter::start(NOWHERE, |it| it.web.limits.connections = 3).await;
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(TcpStream::connect(exporter.address).await.unwrap());
        // So that it is known who came first.
        sleep(Duration::from_millis(50)).await;
    }
    assert_serves(exporter.address).await;
    closed(idle.remove(0)).await;
    let mut last = idle.pop().unwrap();
    last.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status(&answer), 200, "the youngest was left alone");
}

#[tokio::test]
async fn scrapes_get_in_while_ten_thousand_idle_connections_come() {
    let exporter = Exporter::start(NOWHERE, |it| it.web.limits.connections = 200).await;
    let address = exporter.address;
    let flood = tokio::spawn(async move {
        let mut idle = std::collections::VecDeque::new();
        for _ in 0..10_000 {
            idle.extend(TcpStream::connect(address).await);
            // The test's own open files are limited too.
            if idle.len() > 1000 {
                idle.pop_front();
            }
        }
        idle
    });
    let mut served = 0;
    while !flood.is_finished() {
        assert_serves(address).await;
        served += 1;
    }
    let _idle = flood.await.unwrap();
    assert!(served > 3, "{served} scrapes while they came");
    assert_serves(address).await;
}

/// Pages of some megabytes: more than the buffers on the way hold.
async fn large_pages(change: impl FnOnce(&mut Settings)) -> (Coder, Exporter) {
    let coder = Coder::new().await;
    coder.add_many(1, 10_000, 0).await;
    let exporter = coder
        .exporter_with(|it| {
            it.web.detail.agent_series = coder_agent_exporter::metrics::page::AgentSeries::All;
            it.web.detail.max_agent_series = 10_000;
            change(it);
        })
        .await;
    (coder, exporter)
}

/// Asks for the metrics with as little room for the answer as there can be.
async fn ask_and_hardly_read(address: std::net::SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).await.unwrap();
    stream
}

#[tokio::test]
async fn answer_that_is_read_a_byte_at_a_time_is_cut_off() {
    let limit = Duration::from_secs(1);
    let (_coder, exporter) = large_pages(|it| it.web.limits.answering = limit).await;
    let mut stream = ask_and_hardly_read(exporter.address).await;
    let started = Instant::now();
    // What is under way still arrives; then there is an end, where megabytes were promised.
    let mut read = 0;
    while started.elapsed() < Duration::from_secs(3) {
        match stream.read(&mut [0; 1]).await {
            Ok(1..) => read += 1,
            _ => break,
        }
        sleep(Duration::from_millis(20)).await;
    }
    let mut rest = Vec::new();
    let end = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    let _ = end.expect("the server has closed");
    let whole = exporter.metrics(&[]).await.bytes.len();
    assert!(whole > 3_000_000, "{whole}");
    assert!(
        read + rest.len() < whole,
        "{read} + {} of {whole}",
        rest.len()
    );
}

#[tokio::test]
async fn slow_readers_make_room_for_a_scrape() {
    let (_coder, exporter) = large_pages(|it| {
        it.web.max_requests = 2;
        it.web.limits.slow_reader = Duration::from_secs(4);
        it.collect.min_interval = Duration::from_secs(3600);
    })
    .await;
    let _slow = (
        ask_and_hardly_read(exporter.address).await,
        ask_and_hardly_read(exporter.address).await,
    );
    let is_up = async || {
        let page = exporter.scrape().await;
        page.value("coder_exporter_up", &[]) == 1.0
    };
    assert!(!is_up().await, "they have their time first");
    sleep(Duration::from_secs(4)).await;
    assert!(is_up().await);
}
