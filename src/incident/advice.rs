//! What to do about an incident: one table, family × what the agents have in common. Stopping a
//! workspace ends what its user runs there, and is never advised in an incident of many. See
//! `docs/spec/incidents.md`.

use crate::fleet::model::agent::Kind;
use crate::fleet::rules::coder::CoderState;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::commands::commands;
use crate::incident::model::{Common, Incident};
use crate::incident::population::{Dimension, Family};

/// What to do first where Coder is down by the database's clock only.
const CLOCK: &str = "Compare the database server's clock with others first: by this exporter's, Coder was alive just now.";

/// What to do about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What to do first, in one sentence.
    pub sentence: &'static str,
    /// What would make it worse, in one sentence.
    pub not_to_do: &'static str,
    /// Commands that look, and change nothing. They can be copied as they are.
    pub commands: Vec<String>,
    /// Name of the page in `alerts/runbooks`.
    pub runbook: &'static str,
}

impl Advice {
    /// The advice for an incident of this fleet.
    pub fn of(fleet: &FleetStats, incident: &Incident) -> Self {
        let is_clock = fleet.coder_state().is_some_and(CoderState::is_clock);
        let sentence = match incident.common {
            Common::Coder if is_clock => CLOCK,
            _ => incident.advice(),
        };
        Self {
            sentence,
            not_to_do: not_to_do(incident.kind, incident.family, &incident.common),
            commands: commands(fleet, incident),
            runbook: runbook(incident.kind, incident.family, &incident.common),
        }
    }
}

impl Incident {
    /// What to do first, in one sentence. It is the advice of each of its agents, too.
    pub const fn advice(&self) -> &'static str {
        sentence(self.family, &self.common)
    }
}

/// What to do first.
pub const fn sentence(family: Family, common: &Common) -> &'static str {
    match (common, family) {
        (Common::Coder, _) => {
            "Bring Coder back first: read coderd's log and check its database; agents reconnect by themselves."
        }
        (Common::Value(dimension, _), Family::Lost) => lost(dimension),
        (Common::Value(dimension, _), Family::NeverConnected) => never_connected(dimension),
        (Common::Value(dimension, _), Family::StartFailed) => start_failed(dimension),
        (Common::Value(dimension, _), Family::StuckCreated) => stuck_created(dimension),
        (Common::Deployment, family) => everywhere(family),
        (Common::None, family) => nothing_shared(family),
    }
}

const fn everywhere(family: Family) -> &'static str {
    match family {
        Family::Lost => {
            "Check what all agents share: coderd, its load balancer, DNS, certificate and network."
        }
        Family::NeverConnected => {
            "Check Coder's access URL from inside a workspace: DNS, certificate, proxy and firewall."
        }
        Family::StartFailed => {
            "Read the log of one failed script: a registry, mirror or proxy may be down for all."
        }
        Family::StuckCreated => {
            "Check coderd's log for refused agent reports, and whether Coder was just upgraded."
        }
    }
}

const fn nothing_shared(family: Family) -> &'static str {
    match family {
        Family::Lost => {
            "Check what changed when it began (network, proxy, cluster, host): they share nothing else."
        }
        Family::NeverConnected => {
            "Read the build log and the agent's log of two workspaces: what do they have in common?"
        }
        Family::StartFailed => {
            "Read the logs of two failed scripts: what they download or mount may be what they share."
        }
        Family::StuckCreated => {
            "Read the agent's log on two machines: the agents share nothing that the database knows."
        }
    }
}

const fn lost(dimension: &Dimension) -> &'static str {
    match dimension {
        Dimension::Organization => {
            "Check what this organization's workspaces share: their cluster, account and network."
        }
        Dimension::CoderdReplica => {
            "Check this coderd, its node and its network; agents that run reconnect to another one."
        }
        Dimension::Provisioner => {
            "Check the cluster, account and network in which this provisioner builds workspaces."
        }
        Dimension::OperatingSystem => {
            "Check this operating system's machines: an update, a reboot, a firewall or the clock."
        }
        Dimension::Architecture => {
            "Check the machines of this architecture: is a node pool gone, drained or updated?"
        }
        Dimension::ResourceType => {
            "Check the platform of these resources: its nodes, quota, network and maintenance."
        }
        Dimension::Template => {
            "Check the machines and the network of this template, and what changed there."
        }
        Dimension::TemplateVersion => {
            "Compare this version with the one before: image, limits, network; promote that one if it helps."
        }
        Dimension::AgentVersion => {
            "Check whether coderd was upgraded, and the log of an agent of this version on its machine."
        }
        Dimension::Metadata(_) => {
            "Check the machine, zone or host that this value names: was it rebooted, moved or cut off?"
        }
        Dimension::Owner => {
            "Ask the owner what changed: a quota, a machine or a script of theirs may be what they share."
        }
    }
}

const fn never_connected(dimension: &Dimension) -> &'static str {
    match dimension {
        Dimension::Organization => {
            "Check from a workspace of this organization whether Coder's access URL can be reached."
        }
        Dimension::CoderdReplica => {
            "Check this coderd's log and network: agents that were connected to it do not get through."
        }
        Dimension::Provisioner => {
            "Check this provisioner's log, version and network: what it builds does not reach Coder."
        }
        Dimension::OperatingSystem => {
            "Check whether the agent can be downloaded and started on this operating system."
        }
        Dimension::Architecture => {
            "Check that the template names this architecture, and that Coder serves an agent for it."
        }
        Dimension::ResourceType => {
            "Check whether these resources come up: images, quota, nodes, and their way to Coder."
        }
        Dimension::Template => {
            "Check the template's image and init script: curl or wget, DNS, and the way to Coder."
        }
        Dimension::TemplateVersion => {
            "Compare this version with the one before, and promote that one if its agents connect."
        }
        Dimension::AgentVersion => {
            "Check the log of an agent of this version on its machine: it does not reach Coder."
        }
        Dimension::Metadata(_) => {
            "Check the machine, zone or host that this value names: does it reach Coder's access URL?"
        }
        Dimension::Owner => {
            "Read the build log and the agent's log of one workspace: is a quota or parameter to blame?"
        }
    }
}

const fn start_failed(dimension: &Dimension) -> &'static str {
    match dimension {
        Dimension::Organization => {
            "Read the log of one failed script: what this organization's scripts need may be down."
        }
        Dimension::CoderdReplica => {
            "Read the log of one failed script: does it ask Coder, by this coderd, for something?"
        }
        Dimension::Provisioner => {
            "Read the log of one failed script: does what this provisioner builds lack something?"
        }
        Dimension::OperatingSystem => {
            "Read the log of one failed script: does it suit this operating system's image?"
        }
        Dimension::Architecture => {
            "Read the log of one failed script: does it download programs of another architecture?"
        }
        Dimension::ResourceType => {
            "Read the log of one failed script: do these resources lack disk, memory or network?"
        }
        Dimension::Template => {
            "Read the log of one failed script of this template, and check what it downloads."
        }
        Dimension::TemplateVersion => {
            "Compare this version's scripts with those of the one before; if those work, promote that version."
        }
        Dimension::AgentVersion => {
            "Read the log of one failed script: does it fail since Coder and its agent were upgraded?"
        }
        Dimension::Metadata(_) => {
            "Check the machine, zone or host that this value names: its disk, memory and network."
        }
        Dimension::Owner => {
            "Ask the owner what changed in their dotfiles, secrets or parameters: their scripts fail."
        }
    }
}

const fn stuck_created(dimension: &Dimension) -> &'static str {
    match dimension {
        Dimension::Organization => {
            "Read the agent's log in a workspace of this organization: why does it not report?"
        }
        Dimension::CoderdReplica => {
            "Check this coderd's log for refused agent reports, and whether its version differs."
        }
        Dimension::Provisioner => {
            "Read the agent's log on a machine that this provisioner built: why does it not report?"
        }
        Dimension::OperatingSystem => {
            "Read the agent's log on a machine of this operating system: does the agent report?"
        }
        Dimension::Architecture => {
            "Read the agent's log on a machine of this architecture: does the agent report?"
        }
        Dimension::ResourceType => {
            "Check whether these resources outlive a build: then the old agent process runs on."
        }
        Dimension::Template => {
            "Check whether the template's machines outlive a build: then the old agent runs on."
        }
        Dimension::TemplateVersion => {
            "Compare this version with the one before: how is the agent started, and what ends it?"
        }
        Dimension::AgentVersion => {
            "Read the log of an agent of this version: does it fit the version of coderd?"
        }
        Dimension::Metadata(_) => {
            "Check the machine, zone or host that this value names, and the agent's log there."
        }
        Dimension::Owner => {
            "Read the agent's log in one of the owner's workspaces: what do others not have?"
        }
    }
}

/// What would make it worse.
const fn not_to_do(kind: Kind, family: Family, common: &Common) -> &'static str {
    match (common, kind, family) {
        (Common::Coder, _, _) => {
            "Do not stop or rebuild workspaces: they run on without Coder, and unsaved work would be lost."
        }
        (_, Kind::Prebuild, _) => {
            "Do not delete these workspaces one by one: Coder builds others, which may fail as well."
        }
        (_, _, Family::Lost) => {
            "Do not stop workspaces: unsaved work would be lost, and the agents may be alive."
        }
        (_, _, Family::NeverConnected) => {
            "Do not rebuild workspaces one by one: the same build may fail again, and disks may hold work."
        }
        (_, _, Family::StartFailed) => {
            "Do not stop workspaces: people may work in them, and the same script may fail again."
        }
        (_, _, Family::StuckCreated) => {
            "Do not stop workspaces: their agents are connected, and people may work in them."
        }
    }
}

/// The page that says more.
pub(crate) const fn runbook(kind: Kind, family: Family, common: &Common) -> &'static str {
    match (kind, family, common) {
        (_, _, Common::Coder) => "CoderDown",
        (Kind::Prebuild, _, _) => "CoderIncident",
        (_, Family::Lost, Common::Deployment | Common::None) => "CoderUsersCutOff",
        (_, Family::Lost, Common::Value(_, _)) => "CoderAgentsLost",
        (_, Family::NeverConnected | Family::StartFailed | Family::StuckCreated, _) => {
            "CoderIncident"
        }
    }
}

#[cfg(test)]
#[path = "advice_tests.rs"]
pub(crate) mod tests;
