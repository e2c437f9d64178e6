//! The counts of fleets that nobody thought of, against a plain reference: the rules written a
//! second time in SQL, by other means and without a thought for speed.

#[path = "../soak/truth.rs"]
mod truth;

use crate::harness::*;
use truth::Truth;

const FLEETS: u32 = 12;

#[tokio::test]
async fn counts_of_random_fleets_are_those_of_a_plain_reference() {
    let coder = Coder::new().await;
    // Where the reference looks for apps.
    coder.paced("workspace_apps").await;
    let exporter = coder.exporter().await;
    let client = coder.connect().await;
    let fleets = times(FLEETS);
    for number in 0..fleets {
        let seed = f64::from(number) / f64::from(fleets);
        let fleet = include_str!("random_fleets.sql").replace("$SEED", &seed.to_string());
        coder.sql(&fleet).await;
        let page = exporter.scrape().await;
        page.assert_every_collector_loaded();
        assert!(page.value("coder_agents", &[]) > 20.0, "fleet {seed}");
        let moment = page.value("coder_exporter_snapshot_timestamp_seconds", &[]);
        let truth = Truth::of(&client, (moment * 1e6).round() as i64).await;
        let truth = truth.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(truth.differences(&page), Vec::<String>::new(), "{seed}");
        assert_eq!(truth.with_a_lie().differences(&page).len(), 1);
    }
}
