//! The wire format as a document: every family there is, of a small fleet at a fixed time.
//!
//! A change here is a change for everybody who scrapes: `cargo insta review` shows it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::error::ErrorKind;
use crate::fleet::model::agent::{Agent, Kind, Lifecycle, Scope, ScopeId, Transition};
use crate::fleet::model::app::{AppCount, AppHealth, NamedApp};
use crate::fleet::model::cause::Cause;
use crate::fleet::model::coder::CoderAnswers;
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::origin::OriginId;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::snapshot::{Schema, Snapshot};
use crate::fleet::model::startup::JobTimes;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::{BindingCount, BindingState, JobStatus, WorkspaceCount};
use crate::fleet::probe::pace::Pace;
use crate::fleet::probe::probed::{Probed, ProbedAgent, Story};
use crate::fleet::probe::results::{ProbeStats, Probes};
use crate::fleet::rules::explain::Reason;
use crate::fleet::rules::health::Limits;
use crate::fleet::rules::status::Status;
use crate::fleet::stats::collection::{CollectionResult, Collector, CollectorReport, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::transitions::Transitions;
use crate::incident::model::{Common, Incident};
use crate::incident::population::{Dimension, Family};
use crate::metrics::budget::LIVE_BYTES;
use crate::metrics::exposition::Format;
use crate::metrics::family::Part;
use crate::metrics::page::{Addresses, AgentSeries, Detail, ErrorCounts, Page, ProcessStats};
use crate::service_level::ServiceLevel;

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
        origin: OriginId::UNKNOWN,
        kind: Kind::Root,
        transition: DbEnum::Known(Transition::Start),
        lifecycle: DbEnum::Known(Lifecycle::Ready),
        created_at: Some(at(-7200)),
        first_connected_at: Some(at(-7190)),
        last_connected_at: Some(Timestamp::from_unix_micros(1_735_689_595_500_000)),
        disconnected_at: None,
        started_at: Some(at(-7189)),
        ready_at: Some(at(-7100)),
        connection_timeout_seconds: 120,
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
        health,
        count: 2,
    }]);
    snapshot.named_apps = Some(vec![NamedApp {
        agent: 0,
        name: "VS Code".into(),
        health,
        count: 2,
    }]);
    let workspaces = |job, count, oldest| WorkspaceCount {
        scope: scope.clone(),
        transition: DbEnum::Known(Transition::Start),
        job: DbEnum::Known(job),
        has_agent: true,
        count,
        oldest: Some(at(oldest)),
    };
    snapshot.workspaces = Some(vec![
        workspaces(JobStatus::Succeeded, 2, -3600),
        workspaces(JobStatus::Running, 1, -90),
        workspaces(JobStatus::Pending, 2, -30),
    ]);
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
        has_provisioner_last_seen: true,
        has_script_timings: true,
        has_resource_monitors: false,
    };
    snapshot.replica_lag_seconds = Some(0.25);
    snapshot.agents = Some(vec![healthy(), stuck()]);
    let job = JobTimes {
        created_at: Some(at(-7240)),
        started_at: Some(at(-7238)),
        completed_at: Some(at(-7200)),
    };
    snapshot.startup_jobs = Some(HashMap::from([(healthy().id, job)]));
    snapshot.causes = HashMap::from([(stuck().id, Cause::SurvivedBuild)]);
    snapshot
}

/// A round that has ended, of one agent that answered and one that did not.
fn probe_stats() -> ProbeStats {
    let mut probes = Probes::new(Pace {
        interval: Duration::from_secs(60),
        sample: None,
        horizon: Duration::from_secs(900),
    });
    let found = [
        (1, ProbeOutcome::Ok, 12),
        (2, ProbeOutcome::DialTimeout, 30_000),
    ];
    let running: HashSet<_> = found.map(|(number, ..)| Uuid::from_u128(number)).into();
    probes.begin_round(running, Duration::from_secs(1));
    for (number, outcome, millis) in found {
        let id = Uuid::from_u128(number);
        let agent = ProbedAgent {
            id,
            name: "main".into(),
            status: Status::Connected,
            reason: Reason {
                rule: "alive",
                saw: String::new(),
            },
            last_connected_at: None,
            seen_at: at(0),
        };
        let probed = Probed {
            number: 0,
            at: at(0),
            workspace_id: id,
            owner: "ada".into(),
            workspace: "box".into(),
            agent: Some(agent),
            outcome,
            trouble: None,
            duration: Duration::from_millis(millis),
            message: String::new(),
            story: Story::default(),
        };
        probes.count(probed, Duration::from_secs(1));
    }
    probes.end_round(at(0));
    probes.stats(Duration::from_secs(2))
}

/// As of a larger fleet.
fn incident() -> Incident {
    let replica = "5e1d9ad4-0d4b-4f4e-9d0c-6d1a4b8f7e21";
    Incident {
        kind: Kind::Root,
        family: Family::Lost,
        common: Common::Value(Dimension::CoderdReplica, replica.into()),
        also: Vec::new(),
        runners_up: Vec::new(),
        score: 40.0,
        members: vec![0, 1],
        expected: 3,
        workspaces: 2,
        owners: 1,
        owners_in_session: Some(1),
        first: Some(at(-90)),
        last: Some(at(-60)),
        is_growing: true,
    }
}

/// Half a minute ago every start-up script still ran.
fn service_level() -> ServiceLevel {
    let mut before = snapshot();
    before.now = at(-30);
    for agent in before.agents.iter_mut().flatten() {
        agent.ready_at = None;
    }
    let (mut level, mut transitions) = (ServiceLevel::default(), Transitions::default());
    for snapshot in [before, snapshot()] {
        let fleet = FleetStats::of(snapshot, &Limits::default());
        let mut interval = level.begin(&fleet);
        transitions.observe(&fleet, |sight| interval.see(&fleet, &sight));
        level.add(&fleet, interval);
    }
    level
}

fn page() -> Arc<Page> {
    let fleet = FleetStats::of(snapshot(), &Limits::default());
    let mut transitions = Transitions::default();
    transitions.observe(&fleet, |_| {});
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
            reports: Collector::DEFAULT.iter().copied().map(loaded).collect(),
            clock_skew_seconds: Some(-0.001),
        }),
        incidents: Some(vec![incident()].into()),
        transitions: Arc::new(transitions.counts().clone()),
        service_level: service_level().into(),
        errors,
        probe: Some(probe_stats()),
        activity: None,
        coder: Some(CoderAnswers {
            healthz: Some(Ok(Duration::from_millis(12))),
            version: Some("v2.35.1".into()),
            severities: None,
        }),
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
        addresses: Addresses {
            coder: "https://coder.example".into(),
            external: "https://agents.example".into(),
        },
        is_config_current: true,
        tls_refused: 3,
        deprecated_settings: 1,
        budget: Arc::default(),
    })
}

/// The page without what every release changes.
fn written(format: Format) -> String {
    let text = String::from_utf8(format.write(&page()).unwrap()).unwrap();
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version));
    let revision = match env!("BUILD_COMMIT") {
        "" => "unknown",
        commit => commit,
    };
    let revision = format!("revision=\"{revision}\"");
    assert!(text.contains(&revision));
    let text = text.replace(&version, "version=\"<this version>\"");
    text.replace(&revision, "revision=\"<this commit>\"")
}

/// The limit of the page leaves this much for it, whatever is in it.
#[test]
fn live_part_is_small() {
    for format in Format::ALL {
        let live = format.write_part(&page(), Part::Live).unwrap();
        assert!(live.len() < LIVE_BYTES / 2, "{format:?}: {}", live.len());
    }
}

#[test]
fn openmetrics_page_is_as_documented() {
    insta::assert_snapshot!(written(Format::OpenMetrics));
}

#[test]
fn text_page_is_as_documented() {
    insta::assert_snapshot!(written(Format::Text));
}
