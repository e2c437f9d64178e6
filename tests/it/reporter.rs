//! A process that survives a build, with and without a replay (`docs/spec/causes.md`): the library
//! that agents would use, the rows as coderd would write them, and what the exporter says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::timeout;
use tokio_postgres::Client;

use crate::harness::exposition::Page;
use crate::harness::*;
use coder_agent_exporter::fleet::model::agent::Lifecycle;
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::model::time::Timestamp;
use coder_agent_exporter::reporter::core::{Replay, Report, Reporter};
use coder_agent_exporter::reporter::driver::{self, Coderd, Handle};

/// What coderd does with a report.
struct Rows(Client);

impl Coderd for Rows {
    type Error = tokio_postgres::Error;

    async fn report(&self, report: Report) -> Result<(), Self::Error> {
        let sql = format!(
            "UPDATE workspace_agents
             SET lifecycle_state = '{state}',
                 started_at = CASE WHEN '{state}' = 'starting' THEN {at} ELSE started_at END,
                 ready_at = CASE WHEN '{state}' IN ('ready', 'start_timeout', 'start_error')
                     THEN {at} ELSE ready_at END
             WHERE id = '{row}'",
            state = report.state.as_str(),
            at = format_args!("to_timestamp({})", report.at.as_unix_seconds()),
            row = report.row,
        );
        self.0.batch_execute(&sql).await
    }
}

fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix_micros(i64::try_from(elapsed.as_micros()).unwrap())
}

/// A row that nothing was reported to, connected ten minutes ago.
fn fresh_row() -> fleet::Agent {
    agent("main")
        .lifecycle("created")
        .ago("created_at", 610.0)
        .ago("first_connected_at", 600.0)
        .null("started_at")
        .null("ready_at")
}

fn of_health(page: &Page, health: &str) -> f64 {
    page.value("coder_agents_health", &[("health", health)])
}

async fn reported(process: &Handle) {
    let reported = timeout(Duration::from_secs(10), process.reported()).await;
    reported.expect("everything is reported within 10 s");
}

/// A machine with a ready agent is suspended by a stop and resumed by a start; what the
/// exporter says then.
async fn page_after_a_resume(coder: &Coder, replay: Replay) -> Page {
    let exporter = coder.exporter().await;
    let old_row = fresh_row();
    let old_id = old_row.id;
    let machine = workspace("box").build(start(1).agent(old_row));
    coder.add(machine.clone()).await;

    let process = Handle::new(Reporter::new(replay));
    let reporting = driver::run(process.clone(), Rows(coder.connect().await));
    let reporting = tokio::spawn(reporting);
    process.connected(old_id, now());
    process.transition(Lifecycle::Starting, now());
    process.transition(Lifecycle::Ready, now());
    reported(&process).await;
    let page = exporter.scrape().await;
    assert_eq!(
        of_health(&page, "healthy"),
        1.0,
        "{}",
        page.show("coder_agents_health")
    );

    process.disconnected();
    coder.build(&machine, stop(2)).await;
    let new_row = fresh_row();
    let new_id = new_row.id;
    coder.build(&machine, start(3).agent(new_row)).await;
    process.connected(new_id, now());
    reported(&process).await;
    reporting.abort();
    exporter.scrape().await
}

#[tokio::test]
async fn process_that_survives_a_build_leaves_its_new_row_stuck_without_a_replay() {
    let coder = Coder::new().await;
    let page = page_after_a_resume(&coder, Replay::Never).await;
    assert_eq!(of_health(&page, "stuck_created"), 1.0);
    assert_eq!(of_health(&page, "healthy"), 0.0);
    let cause = [("cause", "survived_build")];
    assert_eq!(
        page.samples("coder_agent_problem_timestamp_seconds", &cause)
            .count(),
        1
    );
}

#[tokio::test]
async fn process_that_survives_a_build_is_ready_on_its_new_row_by_a_replay() {
    let coder = Coder::new().await;
    let page = page_after_a_resume(&coder, Replay::OnNewRow).await;
    assert_eq!(of_health(&page, "stuck_created"), 0.0);
    assert_eq!(of_health(&page, "healthy"), 1.0);
    let step = "SELECT (extract(epoch FROM ready_at - started_at) * 1000)::int8
        FROM workspace_agents JOIN workspace_resources ON resource_id = workspace_resources.id
        JOIN workspace_builds USING (job_id) WHERE build_number = 3";
    assert_eq!(
        coder.number(step).await,
        1,
        "ready follows starting by 1 ms"
    );
}

#[tokio::test]
async fn replay_that_a_lost_database_cut_off_is_made_good_by_the_next_connection() {
    let coder = Coder::new().await;
    let row = fresh_row();
    let id = row.id;
    coder.add(workspace("box").agent(row)).await;
    let connection = coder.connect().await;
    let backend = connection.query_one("SELECT pg_backend_pid()", &[]).await;
    let backend: i32 = backend.unwrap().get(0);
    let process = Handle::new(Reporter::new(Replay::OnNewRow));
    let cut_off = tokio::spawn(driver::run(process.clone(), Rows(connection)));
    process.transition(Lifecycle::Starting, now());
    process.transition(Lifecycle::Ready, now());
    let kill = format!("SELECT pg_terminate_backend({backend}, 10000)");
    coder.sql(&kill).await;
    process.connected(id, now());
    let waited = timeout(Duration::from_millis(300), process.reported()).await;
    assert!(waited.is_err(), "it was told without a database");
    cut_off.abort();

    let reporting = driver::run(process.clone(), Rows(coder.connect().await));
    let reporting = tokio::spawn(reporting);
    process.connected(id, now());
    reported(&process).await;
    reporting.abort();
    let page = coder.exporter().await.scrape().await;
    assert_eq!(of_health(&page, "healthy"), 1.0);
}
