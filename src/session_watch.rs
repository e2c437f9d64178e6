//! Asks which people were cut off when their agents were lost, beside the scrapes and never in one.
//!
//! A collection that finds a new loss in an incident says so; one statement then asks about losses
//! that lie close together in time. Its answer is kept, and is on the next page of metrics.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::collect::Collect;
use crate::error::{ErrorKind, Failure};
use crate::fleet::model::activity::{CutOff, Loss};
use crate::log_dedup::{LogDedup, Subject};
use crate::log_output::say;
use crate::postgres::lookup::directory::QUESTION_TIMEOUT;

/// Time between two questions.
const PAUSE: Duration = Duration::from_secs(1);

/// The same, after one that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Asks whenever there is a new loss. Never returns; drop the future to stop it.
pub async fn run(collect: &Collect) {
    let began = Instant::now();
    let mut log = LogDedup::default();
    loop {
        let losses = collect.losses_to_ask().await;
        let (line, pause) = match ask(collect, &losses).await {
            Ok(answer) => {
                collect.learn_cut_off(&losses, &answer);
                (log.works(Subject::CutOff, began.elapsed()), PAUSE)
            }
            Err(failure) => {
                // Of a database that cannot be reached the collection's line says enough.
                let is_of_reports = !matches!(
                    failure.kind,
                    ErrorKind::Authentication | ErrorKind::Connect | ErrorKind::Tls
                );
                // So that it does not cost the database the same again and again.
                if failure.kind == ErrorKind::Timeout {
                    collect.give_up_losses(&losses);
                }
                let line =
                    is_of_reports.then(|| log.failed(Subject::CutOff, &failure, began.elapsed()));
                (line, PAUSE_AFTER_FAILURE)
            }
        };
        line.iter().for_each(say);
        sleep(pause).await;
    }
}

async fn ask(collect: &Collect, losses: &[Loss]) -> Result<CutOff, Failure> {
    let _turn = collect.turn().await;
    let deadline = Instant::now() + QUESTION_TIMEOUT;
    collect.database().cut_off(losses, deadline).await
}
