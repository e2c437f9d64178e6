//! The wire format as a document: every family there is, of a small fleet at a fixed time.
//!
//! A change here is a change for everybody who scrapes: `cargo insta review` shows it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use coder_agent_exporter::fleet::model::agent::{
    Agent, Kind, Lifecycle, Scope, ScopeId, Transition,
};
use coder_agent_exporter::fleet::model::app::{AppCount, AppHealth, NamedApp};
use coder_agent_exporter::fleet::model::cause::Cause;
use coder_agent_exporter::fleet::model::label_value::{DbEnum, Variants};
use coder_agent_exporter::fleet::model::outcome::ProbeOutcome;
use coder_agent_exporter::fleet::model::snapshot::{Schema, Snapshot};
use coder_agent_exporter::fleet::model::time::Timestamp;
use coder_agent_exporter::fleet::model::workspace::{
    BindingCount, BindingState, JobStatus, WorkspaceCount,
};
use coder_agent_exporter::fleet::rules::health::Limits;
use coder_agent_exporter::fleet::rules::status::Status;
use coder_agent_exporter::fleet::stats::collection::{
    CollectionResult, Collector, CollectorReport, ErrorKind, Outcome,
};
use coder_agent_exporter::fleet::stats::fleet_stats::FleetStats;
use coder_agent_exporter::fleet::stats::transitions::Transitions;
use coder_agent_exporter::metrics::exposition::Format;
use coder_agent_exporter::metrics::page::{AgentSeries, Detail, ErrorCounts, Page, ProcessStats};

use super::probed;

/// So many seconds after the first moment of 2025.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros((1_735_689_600 + seconds) * 1_000_000)
}

/// Connected, ready, last heard of four and a half seconds ago.
fn healthy() -> Agent {
    Agent {
        id: Uuid::from_u128(0xa1),
        name: "main".into(),
        version: "v2.35.0".into(),
        workspace_id: Uuid::from_u128(0xb1),
        workspace: "build-box".into(),
        owner: "ada".into(),
        template_version: "v7".into(),
        scope: ScopeId(0),
        kind: Kind::Root,
        transition: DbEnum::Known(Transition::Start),
        lifecycle: DbEnum::Known(Lifecycle::Ready),
        created_at: Some(at(-7200)),
        first_connected_at: Some(at(-7190)),
        last_connected_at: Some(Timestamp::from_unix_micros(1_735_689_595_500_000)),
        disconnected_at: None,
        started_at: Some(at(-7189)),
        ready_at: Some(at(-7100)),
        connection_timeout: Duration::from_secs(120),
    }
}

/// Survived a build, in a workspace with a name that needs escaping.
fn stuck() -> Agent {
    Agent {
        id: Uuid::from_u128(0xa2),
        workspace_id: Uuid::from_u128(0xb2),
        workspace: "a \"quoted\"\nback\\slash".into(),
        lifecycle: DbEnum::Known(Lifecycle::Created),
        last_connected_at: Some(at(-20)),
        started_at: None,
        ready_at: None,
        ..healthy()
    }
}

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot::at(at(0));
    let scope = Scope {
        organization: "acme".into(),
        template: "docker".into(),
    };
    let health = DbEnum::Known(AppHealth::Healthy);
    snapshot.apps = Some(vec![AppCount {
        scope: snapshot.scopes.intern(scope.clone()),
        health: health.clone(),
        count: 2,
    }]);
    snapshot.named_apps = Some(vec![NamedApp {
        agent: 0,
        name: "VS Code".into(),
        health,
        count: 2,
    }]);
    snapshot.workspaces = Some(vec![WorkspaceCount {
        scope: scope.clone(),
        transition: DbEnum::Known(Transition::Start),
        job: DbEnum::Known(JobStatus::Succeeded),
        has_agent: true,
        count: 2,
    }]);
    snapshot.bindings = Some(vec![BindingCount {
        scope,
        state: BindingState::Stale,
        count: 1,
    }]);
    snapshot.schema = Schema {
        migration: Some(400),
        has_parent_id: true,
        has_deleted: true,
        has_chat_agent_id: true,
    };
    snapshot.replica_lag_seconds = Some(0.25);
    snapshot.agents = Some(vec![healthy(), stuck()]);
    snapshot.causes = HashMap::from([(stuck().id, Cause::SurvivedBuild)]);
    snapshot
}

fn page() -> Arc<Page> {
    let fleet = FleetStats::of(snapshot(), &Limits::default());
    let mut transitions = Transitions::default();
    transitions.observe(&fleet, |_, _, _| {});
    let mut errors = ErrorCounts::default();
    errors.add(ErrorKind::Timeout, at(-60));
    let loaded = |collector| CollectorReport {
        collector,
        outcome: Outcome::Loaded {
            duration: Duration::from_micros(1500),
            rows: 2,
        },
    };
    Arc::new(Page {
        collection: Arc::new(CollectionResult {
            fleet: Ok(fleet),
            reports: Collector::ALL.iter().copied().map(loaded).collect(),
            clock_skew_seconds: Some(-0.001),
        }),
        transitions: transitions.counts().clone(),
        errors,
        probe: Some(probed::after(
            &[
                (Status::Connected, ProbeOutcome::Ok, 12),
                (Status::Connected, ProbeOutcome::DialTimeout, 30_000),
            ],
            true,
        )),
        process: Some(ProcessStats {
            cpu_seconds: 1.25,
            open_fds: 12,
            max_fds: Some(1024),
            virtual_memory_bytes: 1 << 28,
            resident_memory_bytes: 1 << 24,
            start_time_seconds: 1_735_680_000.5,
        }),
        detail: Detail {
            agent_series: AgentSeries::All,
            coderd_compat: true,
            ..Detail::default()
        },
        is_config_current: true,
    })
}

/// The page without what every release changes.
fn written(format: Format) -> String {
    let text = String::from_utf8(format.write(&page()).unwrap()).unwrap();
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version));
    text.replace(&version, "version=\"<this version>\"")
}

#[test]
fn openmetrics_page_is_as_documented() {
    insta::assert_snapshot!(written(Format::OpenMetrics));
}

#[test]
fn text_page_is_as_documented() {
    insta::assert_snapshot!(written(Format::Text));
}
