//! Requests that are not, or are too much.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;

#[tokio::test]
async fn too_many_or_too_long_headers_are_refused() {
    let exporter = Exporter::start(NOWHERE, |_| {}).await;
    let many = "X: y\r\n".repeat(1_000_000);
    let long = format!("X: {}\r\n", "y".repeat(10_000_000));
    for headers in [&many, &long] {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        let answer = send(exporter.address, request.as_bytes()).await;
        // Without an answer the reset was faster, which is a refusal too.
        assert!(matches!(status(&answer), 400 | 431 | 0), "{answer}");
        assert_serves(exporter.address).await;
    }
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1_000_000));
    let answer = send(exporter.address, long_path.as_bytes()).await;
    assert!(matches!(status(&answer), 400 | 414 | 431 | 0), "{answer}");
    assert_serves(exporter.address).await;
}

#[tokio::test]
async fn body_is_not_read_and_not_waited_for() {
    let exporter = Exporter::start(NOWHERE, |_| {}).await;
    for (method, expected) in [("GET", 200), ("POST", 405)] {
        let head = format!(
            "{method} /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000000\r\n\r\nabc"
        );
        let answer = send(exporter.address, head.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{answer}");
    }
    let chunked = "POST /-/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n";
    assert_eq!(
        status(&send(exporter.address, chunked.as_bytes()).await),
        200
    );
    let expects = "POST /-/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    let answer = send(exporter.address, expects.as_bytes()).await;
    assert_eq!(status(&answer), 200, "no body is asked for: {answer}");
}

#[tokio::test]
async fn garbage_after_a_request_ends_the_connection() {
    let exporter = Exporter::start(NOWHERE, |_| {}).await;
    let mut bytes = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    bytes.extend([0_u8, 255, 13, 10].repeat(1000));
    let answer = send(exporter.address, &bytes).await;
    assert_eq!(status(&answer), 200);
    assert_eq!(answer.matches("HTTP/1.1 400").count(), 1, "{answer}");
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
    ] {
        let mut stream = TcpStream::connect(exporter.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            matches!(status(&answer), 400 | 200 | 505 | 0),
            "{garbage:?}: {answer}"
        );
    }
    assert_serves(exporter.address).await;
}

/// What stands before the exporter may have read the other one.
#[tokio::test]
async fn request_without_exactly_one_host_is_refused() {
    let exporter = Exporter::start(NOWHERE, |_| {}).await;
    for (hosts, expected) in [
        ("", 400),
        ("Host: localhost\r\n", 200),
        ("Host: localhost\r\nHost: localhost\r\n", 400),
        ("Host: localhost\r\nhost: elsewhere.example\r\n", 400),
    ] {
        let request = format!("GET /-/healthy HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let answer = send(exporter.address, request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{hosts:?}: {answer}");
    }
    // HTTP/1.0 knows none.
    let answer = send(exporter.address, b"GET /-/healthy HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
}

#[tokio::test]
async fn paths_and_queries_lead_nowhere_else() {
    let exporter = Exporter::start(NOWHERE, |_| {}).await;
    for path in [
        "/../../etc/passwd",
        "/metrics/../-/config",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/-/../metrics",
        "/metrics%00",
    ] {
        assert_eq!(exporter.get(path).await.status, 404, "{path}");
    }
    for query in [
        "x=%0d%0aSet-Cookie:%20a=b",
        "%0d%0a%0d%0a<script>",
        "&&&=&=;%%%",
    ] {
        for path in ["/metrics", "/", "/-/healthy", "/-/config", "/nonsense"] {
            let target = format!("{path}?{query}");
            let answer = exporter.get(&target).await;
            assert!(matches!(answer.status, 200 | 400 | 404), "{target}");
            assert_eq!(answer.header("set-cookie"), None);
            // A page has a script of its own, which is a file.
            assert!(!answer.body.contains("<script>"), "{}", answer.body);
        }
    }
}

/// So many of each; a failure prints what was sent.
const SAMPLES: usize = 150;

#[tokio::test]
async fn whatever_stands_in_headers_and_queries_is_answered() {
    let exporter = Exporter::start(NOWHERE, |_| {}).await;
    // Bytes that a header may hold, and pieces of what one does.
    let pieces = prop::sample::select(vec![
        "text/plain",
        "application/openmetrics-text",
        "*/*",
        "gzip",
        "zstd",
        "identity",
        ";q=",
        ";q=0",
        "=",
        ",",
        ";",
        "\"",
        "1.0.0",
        "version=",
        "NaN",
        "-1",
        "1e999",
        " ",
        "é",
        "\t",
        "br",
        "%0d",
        "collect[]",
        "&",
        "agents",
        "[]",
    ]);
    let values = prop::collection::vec(pieces, 0..12).prop_map(|it| it.concat());
    let mut runner = TestRunner::deterministic();
    let mut value = || values.new_tree(&mut runner).unwrap().current();
    for _ in 0..SAMPLES {
        let (accept, encoding, query) = (value(), value(), value());
        let query: String = query.bytes().map(|it| format!("%{it:02x}")).collect();
        let request = format!(
            "GET /metrics?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: {accept}\r\nAccept-Encoding: {encoding}\r\n\r\n"
        );
        let answer = send(exporter.address, request.as_bytes()).await;
        assert!(matches!(status(&answer), 200 | 400), "{request}: {answer}");
    }
    for (ranges, expected) in [(500, 200), (3000, 431)] {
        let bomb = "text/plain;q=0.5,".repeat(ranges);
        for header in ["Accept", "Accept-Encoding"] {
            let answer = exporter.metrics(&[(header, &bomb)]).await;
            assert_eq!(answer.status, expected, "{header} of {} bytes", bomb.len());
        }
    }
}
