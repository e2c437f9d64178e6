//! What a template gives one agent: its scripts, its monitors, and where to look for help. For the
//! page of the agent.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent_parts::{AgentParts, Monitor, ScriptRun, ScriptState, Watched};
use crate::fleet::model::bounded::CUT;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::{Columns, Fields};
use crate::postgres::connection::session::Session;
use crate::postgres::failure::from_driver;

const SCRIPTS: &str = include_str!("parts/scripts.sql");
const MONITORS: &str = include_str!("parts/monitors.sql");
const HELP: &str = include_str!("parts/help.sql");

/// Columns that the queries read.
pub const READS: &[ColumnSet] = &[
    ColumnSet::of("workspace_agents", &["id", "troubleshooting_url"]),
    ColumnSet::of("workspace_agent_scripts", &["workspace_agent_id"]).since(&[
        "id",
        "display_name",
        "run_on_start",
    ]),
    ColumnSet::of("workspace_agent_script_timings", &[]).since(&[
        "script_id",
        "started_at",
        "ended_at",
        "exit_code",
        "stage",
        "status",
    ]),
    ColumnSet::of("workspace_agent_memory_resource_monitors", &[]).since(&[
        "agent_id",
        "enabled",
        "threshold",
        "state",
    ]),
    ColumnSet::of("workspace_agent_volume_resource_monitors", &[]).since(&[
        "agent_id",
        "path",
        "enabled",
        "threshold",
        "state",
    ]),
];

/// The parts of the agent, in one round trip; `None` if they may not be read, as by a role that was
/// made for an earlier version.
///
/// # Errors
///
/// When the database does not answer.
pub(super) async fn parts_of(
    session: &Session,
    agent: Uuid,
) -> Result<Option<AgentParts>, Failure> {
    let catalog = &session.catalog;
    if catalog.check(READS).is_err() {
        return Ok(None);
    }
    let ask = async |sql: &str, needs: &str| {
        if !catalog.has_named(needs) {
            return Ok(Vec::new());
        }
        let client = session.client()?;
        let rows = client.query_typed(sql, &[(&agent, Type::UUID)]).await;
        rows.map_err(|error| from_driver("reading the parts of an agent", error))
    };
    let work = async {
        let (scripts, monitors, help) = tokio::join!(
            biased;
            ask(SCRIPTS, "workspace_agent_script_timings.script_id"),
            ask(MONITORS, "workspace_agent_volume_resource_monitors.agent_id"),
            ask(HELP, "workspace_agents.troubleshooting_url"),
        );
        Ok(AgentParts {
            scripts: read(&scripts?, script)?,
            monitors: read(&monitors?, monitor)?,
            troubleshooting_url: read(&help?, address)?.into_iter().flatten().next(),
        })
    };
    session.guarded("parts", work).await.map(Some)
}

fn read<T>(
    rows: &[Row],
    decode: impl Fn(Fields<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let columns = Columns::default();
    rows.iter().map(|row| decode(columns.of(row))).collect()
}

fn script(row: Fields<'_>) -> Result<ScriptState, Failure> {
    let last_run = match row.get("started_at")? {
        None => None,
        Some(started_at) => Some(ScriptRun {
            started_at,
            seconds: row.get("seconds")?.unwrap_or_default(),
            exit_code: row.get("exit_code")?.unwrap_or_default(),
            stage: row.string("stage")?.into(),
            status: row.string("status")?.into(),
        }),
    };
    Ok(ScriptState {
        name: row.string("name")?.into(),
        runs_at_start: row.get("run_on_start")?.unwrap_or_default(),
        last_run,
    })
}

fn monitor(row: Fields<'_>) -> Result<Monitor, Failure> {
    let state = row.text("state")?;
    Ok(Monitor {
        watched: match row.text("name")? {
            None => Watched::Memory,
            Some(path) => Watched::Volume(path.into()),
        },
        is_enabled: row.get("enabled")?.unwrap_or_default(),
        threshold: row
            .get("threshold")?
            .ok_or_else(|| Failure::new(ErrorKind::Decode, "a monitor has no threshold"))?,
        is_above: state.as_deref() == Some("NOK"),
    })
}

/// A part of an address leads elsewhere, so one that was cut is none.
fn address(row: Fields<'_>) -> Result<Option<Box<str>>, Failure> {
    let whole = row.text("troubleshooting_url")?;
    Ok(whole.filter(|it| !it.ends_with(CUT)).map(Into::into))
}
