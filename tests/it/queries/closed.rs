//! Which labels have a closed set of values, and which values these are.

use coder_agent_exporter::error::ErrorKind;
use coder_agent_exporter::fleet::model::agent::{Kind, Lifecycle};
use coder_agent_exporter::fleet::model::app::AppHealth;
use coder_agent_exporter::fleet::model::cause::Cause;
use coder_agent_exporter::fleet::model::coder::HealthSection;
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::model::outcome::ProbeOutcome;
use coder_agent_exporter::fleet::model::startup::{StartupPhase, StartupResult};
use coder_agent_exporter::fleet::model::workspace::{BindingState, WorkspaceState};
use coder_agent_exporter::fleet::rules::coder::ReplicaState;
use coder_agent_exporter::fleet::rules::health::{Health, Limits};
use coder_agent_exporter::fleet::rules::provisioner::DaemonStatus;
use coder_agent_exporter::fleet::rules::status::Status;
use coder_agent_exporter::fleet::stats::collection::Collector;
use coder_agent_exporter::fleet::stats::workspace_activity::WorkspaceActivity;
use coder_agent_exporter::incident::population::Family;
use coder_agent_exporter::metrics::catalogue::families;
use coder_agent_exporter::resolver::Phase;

/// Labels whose values the world decides.
const OPEN: &[&str] = &[
    "organization_name",
    "template_name",
    "template_version",
    "agent_id",
    "agent_name",
    "workspace_id",
    "workspace_name",
    "workspace_owner",
    "username",
    "app_name",
    "version",
    "revision",
    "migration",
    "newer_than_tested",
    "coder_url",
    "external_url",
    "tailnet_node",
    "metric",
    "replica",
    "hostname",
    "factor",
    "value",
    "has_agent_parent_id",
    "has_agent_deleted",
    "has_chat_agent_id",
    "has_provisioner_last_seen",
    "has_script_timings",
    "has_resource_monitors",
];

/// The values a label of a metric may have, when that is a closed set. A metric that a rule
/// records has the values of all metrics with that label.
pub(super) fn values(metric: &str, label: &str) -> Option<Vec<&'static str>> {
    let is_recorded = metric.contains(':');
    let either = |one: bool, first: Vec<&'static str>, second: Vec<&'static str>| {
        if is_recorded {
            [first, second].concat()
        } else if one {
            first
        } else {
            second
        }
    };
    let of_apps = matches!(metric, "coder_apps" | "coderd_agents_apps");
    Some(match label {
        "kind" => either(
            metric.starts_with("coder_exporter_"),
            all::<ErrorKind>(),
            all::<Kind>(),
        ),
        "health" => either(of_apps, all::<AppHealth>(), all::<Health>()),
        "state" if metric == "coder_workspace_oldest_build_timestamp_seconds" => {
            let states = WorkspaceState::ALL.iter();
            let states = states.filter(|it| it.is_under_way());
            states.map(|it| it.as_str()).collect()
        }
        "state" => either(
            metric == "coder_workspaces",
            all::<WorkspaceState>(),
            if metric == "coder_replicas" {
                all::<ReplicaState>()
            } else {
                all::<BindingState>()
            },
        ),
        "status" => match metric {
            "coder_provisioner_daemons" => all::<DaemonStatus>(),
            "coder_provisioner_jobs" => vec!["pending", "running"],
            _ => all::<Status>(),
        },
        "from" | "to" => all::<Status>(),
        "activity" => all::<WorkspaceActivity>(),
        "section" => all::<HealthSection>(),
        "source" => vec!["replica", "heartbeat", "provisioner"],
        "family" => all::<Family>(),
        "lifecycle_state" => all::<Lifecycle>(),
        "outcome" => all::<ProbeOutcome>(),
        "collector" => all::<Collector>(),
        "phase" => either(
            metric.starts_with("coder_agent_startup"),
            all::<StartupPhase>(),
            all::<Phase>(),
        ),
        "result" => all::<StartupResult>(),
        "cause" => all::<Cause>(),
        "limit" => Limits::default().by_name().map(|(name, _)| name).to_vec(),
        "severity" => vec!["critical", "warning", "info", "none"],
        "alertstate" => vec!["pending", "firing"],
        _ => return None,
    })
}

fn all<V: Variants>() -> Vec<&'static str> {
    V::ALL.iter().map(|it| it.as_str()).collect()
}

#[test]
fn every_label_is_known_to_be_open_or_closed() {
    for family in families() {
        for label in family.labels {
            let closed = values(family.name, label).is_some();
            assert_ne!(
                closed,
                OPEN.contains(label),
                "{}: put its label {label} into OPEN, or say in values() what it may be",
                family.name
            );
        }
    }
}
