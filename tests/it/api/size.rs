//! What answers cost where the fleet is large.

use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn answers_of_ten_thousand_agents_are_bounded() {
    let coder = Coder::new().await;
    coder.add_many(1, 10_000, 0).await;
    let exporter = coder.exporter().await;
    read(&exporter, "/api/v1/fleet").await;
    for (path, most_bytes) in [
        ("fleet", 10_000),
        ("agents", 150_000),
        ("agents?limit=1000", 1_500_000),
        ("agents?limit=1000&q=ada%2Fw77", 1_500_000),
        ("agents?health=problem&limit=1000", 1000),
        ("agents?limit=1000&cursor=AAH_____________________", 1000),
    ] {
        let started = Instant::now();
        let response = exporter.get(&format!("/api/v1/{path}")).await;
        let took = started.elapsed();
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        println!("{path}: {} bytes in {took:?}", response.bytes.len());
        assert!(
            response.bytes.len() < most_bytes,
            "{path}: {}",
            response.bytes.len()
        );
        assert!(took < Duration::from_secs(5), "{path}: {took:?}");
    }
}
