use uuid::Uuid;

use super::*;
use crate::fleet::fixtures::{agent, at, fleet_of};
use crate::fleet::model::agent::Agent;
use crate::fleet::model::coder::Replica;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::origin::Origin;
use crate::fleet::model::snapshot::Snapshot;
use crate::incident::commands::MOST_COMMANDS;
use crate::incident::report::title;

/// All that agents can have in common, one of each sort.
pub(crate) fn every_common() -> Vec<Common> {
    let dimensions = [
        Dimension::Organization,
        Dimension::CoderdReplica,
        Dimension::Provisioner,
        Dimension::OperatingSystem,
        Dimension::Architecture,
        Dimension::ResourceType,
        Dimension::Template,
        Dimension::TemplateVersion,
        Dimension::AgentVersion,
        Dimension::Metadata("node".into()),
        Dimension::Owner,
    ];
    let values = dimensions.map(|it| Common::Value(it, "acme/docker".into()));
    let others = [Common::Coder, Common::Deployment, Common::None];
    others.into_iter().chain(values).collect()
}

/// An incident with the first agent of a fleet.
pub(crate) fn incident(kind: Kind, family: Family, common: Common) -> Incident {
    Incident {
        kind,
        family,
        common,
        also: Vec::new(),
        runners_up: Vec::new(),
        score: 0.0,
        members: vec![0],
        expected: 1,
        workspaces: 1,
        owners: 1,
        owners_in_session: None,
        first: Some(at(-60)),
        last: Some(at(-60)),
        is_growing: false,
    }
}

/// A fleet of one agent on this type of resource.
fn fleet(resource_type: &str, owner: &str) -> FleetStats {
    let mut snapshot = fleet_of(Vec::new()).snapshot;
    let origin = snapshot.origins.add(Origin {
        resource_type: resource_type.into(),
        ..Origin::default()
    });
    snapshot.agents = Some(vec![Agent {
        id: Uuid::from_u128(1),
        owner: owner.into(),
        origin,
        ..agent()
    }]);
    FleetStats::of(snapshot, &Default::default())
}

fn every_advice(fleet: &FleetStats) -> Vec<(Incident, Advice)> {
    let mut all = Vec::new();
    for kind in [Kind::Root, Kind::Prebuild] {
        for &family in Family::ALL {
            for common in every_common() {
                let incident = incident(kind, family, common);
                let advice = Advice::of(fleet, &incident);
                all.push((incident, advice));
            }
        }
    }
    all
}

#[test]
fn every_family_and_factor_has_advice_that_stops_nothing() {
    for resource_type in ["kubernetes_pod", "aws_instance"] {
        for (incident, advice) in every_advice(&fleet(resource_type, "ada")) {
            let about = format!("{incident:?}");
            let done = [advice.sentence, &advice.commands.join("\n")].join("\n");
            for word in ["stop", "delete", "kill", "restart workspace", "drain "] {
                assert!(!done.to_lowercase().contains(word), "{word}: {about}");
            }
            for sentence in [advice.sentence, advice.not_to_do] {
                assert!(sentence.ends_with(['.', '?']), "{sentence}");
                assert_eq!(sentence.matches(". ").count(), 0, "{sentence}");
                assert!((40..=110).contains(&sentence.len()), "{sentence}");
            }
            assert!(advice.not_to_do.starts_with("Do not "), "{about}");
            assert!(advice.commands.len() <= MOST_COMMANDS, "{about}");
        }
    }
}

#[test]
fn different_factors_of_a_family_have_different_advice() {
    for &family in Family::ALL {
        let mut sentences: Vec<_> = every_common()
            .iter()
            .map(|it| sentence(family, it))
            .collect();
        let all = sentences.len();
        sentences.sort_unstable();
        sentences.dedup();
        assert_eq!(sentences.len(), all, "{family:?}");
    }
}

#[test]
fn commands_are_those_of_the_platform() {
    let commands = |resource_type: &str, common| {
        let incident = incident(Kind::Root, Family::Lost, common);
        Advice::of(&fleet(resource_type, "ada"), &incident).commands
    };
    let template = || Common::Value(Dimension::Template, "acme/docker".into());
    assert_eq!(
        commands("kubernetes_deployment", template()),
        [
            "coder templates versions list docker --org acme",
            "coder show ada/build-box",
            "kubectl get nodes",
            "kubectl get pods --all-namespaces --selector com.coder.resource=true",
            "coder-agent-exporter explain ada/build-box",
        ]
    );
    assert_eq!(
        commands("aws_instance", template()),
        [
            "coder templates versions list docker --org acme",
            "coder show ada/build-box",
            "systemctl status coder-agent",
            "coder-agent-exporter explain ada/build-box",
        ]
    );
    let first = |resource_type| commands(resource_type, Common::Coder)[0].clone();
    assert!(first("kubernetes_pod").starts_with("kubectl "));
    assert_eq!(first("google_compute_instance"), "systemctl status coder");
    // Coder's own command needs a Coder that answers.
    let down = commands("kubernetes_pod", Common::Coder);
    assert!(!down.iter().any(|it| it.starts_with("coder ")), "{down:?}");
}

#[test]
fn coder_that_is_down_without_a_lost_agent_has_advice() {
    let mut down = incident(Kind::Root, Family::Lost, Common::Coder);
    down.members.clear();
    let advice = Advice::of(&fleet("kubernetes_pod", "ada"), &down);
    assert!(advice.commands[0].starts_with("kubectl "), "{advice:?}");
}

#[test]
fn clock_of_the_database_that_jumped_is_no_coder_that_is_down() {
    let mut fleet = fleet("kubernetes_pod", "ada");
    let silent_since = at(-600);
    for agent in fleet.snapshot.agents.iter_mut().flatten() {
        agent.last_connected_at = Some(silent_since);
    }
    fleet.snapshot.replicas = Some(vec![Replica {
        id: Uuid::from_u128(7),
        hostname: "coderd-1".into(),
        version: "v2.35.1".into(),
        is_primary: true,
        started_at: Some(at(-3600)),
        updated_at: Some(silent_since),
        stopped_at: None,
        database_latency: None,
    }]);
    let down = incident(Kind::Root, Family::Lost, Common::Coder);
    let said = |clock_skew_seconds| {
        let snapshot = Snapshot {
            clock_skew_seconds,
            ..fleet.snapshot.clone()
        };
        let fleet = FleetStats::of(snapshot, &Default::default());
        (title(&fleet, &down), Advice::of(&fleet, &down).sentence)
    };
    let (name, sentence) = said(Some(0.0));
    assert_eq!(name, "root lost: Coder itself does not run");
    assert!(sentence.starts_with("Bring Coder back first"));
    let (name, sentence) = said(Some(-595.0));
    assert_eq!(name, "root lost: by the database's clock only");
    assert!(sentence.starts_with("Compare the database server's clock"));
}

#[test]
fn nothing_of_a_name_that_a_shell_would_read_is_in_a_command() {
    for (_, advice) in every_advice(&fleet("kubernetes_pod", "$(reboot)")) {
        for command in &advice.commands {
            assert!(!command.contains("reboot"), "{command}");
        }
    }
}
