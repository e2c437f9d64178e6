//! Commands that show more of an incident, to be copied: they look, and change nothing.

use crate::fleet::model::agent::Agent;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::model::{Common, Incident};
use crate::incident::population::{Dimension, Family};

/// At most so many commands.
pub const MOST_COMMANDS: usize = 5;

/// A resource type that begins with this is one of Kubernetes.
const KUBERNETES: &str = "kubernetes_";

/// The longest name that Coder gives a user, workspace, template or organization.
const LONGEST_NAME: usize = 32;

/// What runs most of an incident's agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Platform {
    Kubernetes,
    Machines,
}

/// The commands for an incident of this fleet.
pub(super) fn commands(fleet: &FleetStats, incident: &Incident) -> Vec<String> {
    let platform = platform(fleet, incident);
    let mut commands = of_common(&incident.common, platform_of_coderd(fleet));
    let first = incident.members.first().and_then(|it| agent(fleet, *it));
    commands.extend(first.and_then(|it| of_agent(it, incident)));
    commands.extend(of_platform(incident, platform));
    commands.extend(explain(first));
    commands.truncate(MOST_COMMANDS);
    commands
}

fn agent(fleet: &FleetStats, position: u32) -> Option<&Agent> {
    fleet.snapshot.agents.as_ref()?.get(position as usize)
}

fn platform(fleet: &FleetStats, incident: &Incident) -> Platform {
    let is_pod = |it: &&u32| {
        let agent = agent(fleet, **it);
        let origin = agent.and_then(|it| fleet.snapshot.origins.get(it.origin));
        origin.is_some_and(|it| it.resource_type.starts_with(KUBERNETES))
    };
    let pods = incident.members.iter().filter(is_pod).count();
    match 2 * pods > incident.members.len() {
        true => Platform::Kubernetes,
        false => Platform::Machines,
    }
}

/// Where coderd runs, no row says. Where any workspace is in Kubernetes, Coder mostly is as well.
fn platform_of_coderd(fleet: &FleetStats) -> Platform {
    let mut origins = fleet.snapshot.origins.iter();
    match origins.any(|it| it.resource_type.starts_with(KUBERNETES)) {
        true => Platform::Kubernetes,
        false => Platform::Machines,
    }
}

/// What all its agents share.
fn of_common(common: &Common, platform: Platform) -> Vec<String> {
    match common {
        Common::Coder => of_coderd(platform),
        Common::Deployment => {
            let mut commands = vec!["coder netcheck".to_owned()];
            commands.extend(of_coderd(platform));
            commands
        }
        Common::None => Vec::new(),
        Common::Value(dimension, value) => match dimension {
            Dimension::CoderdReplica | Dimension::AgentVersion => of_coderd(platform),
            Dimension::Provisioner => vec![
                "coder provisioner list".to_owned(),
                "coder provisioner jobs list".to_owned(),
            ],
            Dimension::Template | Dimension::TemplateVersion => {
                versions(value).into_iter().collect()
            }
            Dimension::Owner => search("owner", value).into_iter().collect(),
            Dimension::Organization
            | Dimension::OperatingSystem
            | Dimension::Architecture
            | Dimension::ResourceType
            | Dimension::Metadata(_) => Vec::new(),
        },
    }
}

/// How coderd itself is, by the names that Coder's chart and packages give it.
fn of_coderd(platform: Platform) -> Vec<String> {
    let commands: &[&str] = match platform {
        Platform::Kubernetes => &[
            "kubectl get pods --all-namespaces --selector app.kubernetes.io/name=coder",
            "kubectl get events --all-namespaces --sort-by .lastTimestamp",
        ],
        Platform::Machines => &[
            "systemctl status coder",
            "journalctl --unit coder --since -1h",
        ],
    };
    commands.iter().map(|&it| it.to_owned()).collect()
}

/// `organization/template` or `organization/template/version`.
fn versions(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '/');
    let (organization, template) = (plain(parts.next()?)?, plain(parts.next()?)?);
    Some(format!(
        "coder templates versions list {template} --org {organization}"
    ))
}

fn search(key: &str, value: &str) -> Option<String> {
    Some(format!("coder list --search {key}:{}", plain(value)?))
}

/// The command that shows an agent's workspace; `None` where a shell would read its name.
pub fn show(agent: &Agent) -> Option<String> {
    let (owner, workspace) = (plain(&agent.owner)?, plain(&agent.workspace)?);
    Some(format!("coder show {owner}/{workspace}"))
}

/// The commands that show one agent: Coder's and this program's.
pub fn for_agent(agent: &Agent) -> Vec<String> {
    show(agent)
        .into_iter()
        .chain(explain(Some(agent)))
        .collect()
}

fn of_agent(agent: &Agent, incident: &Incident) -> Option<String> {
    match incident.family {
        // Coder would have to answer.
        _ if incident.common == Common::Coder => None,
        Family::Lost | Family::NeverConnected | Family::StartFailed => show(agent),
        // Coder shows it as connected.
        Family::StuckCreated => None,
    }
}

/// Where the agents run.
fn of_platform(incident: &Incident, platform: Platform) -> Vec<String> {
    let commands: &[&str] = match (platform, incident.family, &incident.common) {
        // That of coderd says more.
        (_, _, Common::Coder | Common::Value(Dimension::CoderdReplica, _)) => &[],
        // Its scripts say more than what runs them.
        (_, Family::StartFailed, _) => &[],
        (Platform::Kubernetes, _, _) => &[
            "kubectl get nodes",
            "kubectl get pods --all-namespaces --selector com.coder.resource=true",
        ],
        (Platform::Machines, _, _) => &["systemctl status coder-agent"],
    };
    commands.iter().map(|&it| it.to_owned()).collect()
}

fn explain(first: Option<&Agent>) -> Option<String> {
    let agent = first?;
    let (owner, workspace) = (plain(&agent.owner)?, plain(&agent.workspace)?);
    Some(format!("coder-agent-exporter explain {owner}/{workspace}"))
}

/// A name that a shell takes as it is. Coder's names are of this sort; another gets no command,
/// since what is copied into a shell must not be the choice of a user.
fn plain(name: &str) -> Option<&str> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
    let begins = name.starts_with(|it: char| it.is_ascii_alphanumeric());
    let is_short = name.len() <= LONGEST_NAME;
    (begins && is_short && name.chars().all(is_plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_that_a_shell_would_read_gets_no_command() {
        for name in [
            "",
            "-x",
            "a b",
            "a;b",
            "$(a)",
            "`a`",
            "a\nb",
            "a/b",
            "ä",
            "a\u{202e}b",
            "a23456789012345678901234567890123",
        ] {
            assert_eq!(plain(name), None, "{name:?}");
            assert_eq!(search("owner", name), None);
        }
        assert_eq!(versions("acme/x y"), None);
        assert_eq!(versions("acme"), None);
    }

    #[test]
    fn whole_name_of_a_template_is_taken_apart() {
        for value in ["acme/docker", "acme/docker/v1/2 $(x)"] {
            let command = "coder templates versions list docker --org acme";
            assert_eq!(versions(value).as_deref(), Some(command));
        }
    }
}
