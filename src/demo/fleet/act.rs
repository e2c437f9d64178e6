//! Events that hit many workspaces at once. Each has one cause, which its headline names as the
//! incident that an exporter is to find.

use std::ops::Range;

use uuid::Uuid;

use crate::fleet::model::agent::Label;
use crate::incident::model::Common;
use crate::incident::population::{Dimension, Family};

use super::Fleet;
use super::build::Wish;
use super::changes::Weight::Headline;
use super::changes::{Cause, Changes};
use super::outcome::StartOutcome;
use super::rows::Time;
use super::scenario::{Act, Repeated};
use super::seed_data::{HOSTS, Machine, OLD_AGENT, ORGANIZATIONS, TEMPLATES, TemplatePlan};
use super::workspace::Workspace;

/// Minimum duration of an outage in real seconds: long enough for the status to change, for alerts
/// to fire and for people to see it.
const OUTAGE_BY_CLOCK: Time = 75;
const WAVES: usize = 6;
/// Time between two waves of a rebuild: the previous wave is starting by then.
const WAVE_INTERVAL: Time = 15;
/// How long people take to restart their workspaces with a new version, and with a repaired one.
const RESTARTED_WITHIN: Time = 10 * 60;
const REPAIRED_WITHIN: Time = 60;

impl Fleet {
    /// Runs the scenario's large event when it is due.
    pub(super) fn act(&mut self, now: Time, changes: &mut Changes) {
        let Some(Repeated {
            act,
            interval,
            clock_interval,
            ..
        }) = &self.plan.act
        else {
            return;
        };
        if now < self.next_act || self.workspaces.is_empty() {
            return;
        }
        self.next_act = now + self.pace.at_least(*clock_interval, *interval);
        let is_odd = self.acts % 2 == 1;
        self.acts += 1;
        match act {
            Act::Outage if is_odd => self.network_fails(now, changes),
            Act::Outage => self.template_falls_silent(now, changes),
            Act::Suspend => self.suspend_machines(now, changes),
            Act::Rebuild | Act::BadVersion if is_odd => self.repair_version(now, changes),
            Act::Rebuild => self.rebuild_template(now, changes),
            Act::BadVersion => self.publish_bad_version(now, changes),
            Act::ReplicaCrash => self.crash_replica(now, changes),
            Act::CoderDown => self.crash_coder(now, changes),
        }
    }

    fn template_falls_silent(&mut self, now: Time, changes: &mut Changes) {
        // Of a resource type that others have too: else that would be what they have in common.
        let is_shared = |index: usize| {
            let alike = |it: &&TemplatePlan| it.resource == TEMPLATES[index].resource;
            TEMPLATES.iter().filter(alike).count() > 1
        };
        let template = self.any_template(is_shared);
        let hit = self.well(|workspace| workspace.template == template);
        let agents = self.fall_silent(&hit, now);
        let name = name(template);
        let text = format!("the machines of the template {name} froze with {agents} agents");
        changes.blame(&text, cause(Family::Lost, Dimension::Template, &name));
    }

    fn network_fails(&mut self, now: Time, changes: &mut Changes) {
        let resource = TEMPLATES[0].resource;
        let hit = self.well(|workspace| workspace.plan().resource == resource);
        let agents = self.fall_silent(&hit, now);
        let text = format!("the Kubernetes cluster lost its network with {agents} agents");
        changes.blame(
            &text,
            cause(Family::Lost, Dimension::ResourceType, resource),
        );
    }

    /// Makes these workspaces silent and returns the number of their agents. They recover one after
    /// the other.
    fn fall_silent(&mut self, hit: &[usize], now: Time) -> usize {
        let mut agents = 0;
        for index in hit {
            let planned = self.rng.within(150..240);
            // Spread by the clock too, or those of a fast story would all be back at once.
            let spread = self.rng.within(0..OUTAGE_BY_CLOCK / 2);
            let back_at = now + self.pace.at_least(OUTAGE_BY_CLOCK + spread, planned);
            for agent in &mut self.workspaces[*index].agents {
                agent.fall_silent(now, back_at, self.pace, &mut self.rng);
                agents += 1;
            }
        }
        agents
    }

    /// All machines are suspended and resumed. Old agents do not report again.
    fn suspend_machines(&mut self, now: Time, changes: &mut Changes) {
        let is_meant = |it: &Workspace| it.plan().machine == Machine::Vm && !it.is_prebuild();
        let hit = self.well(is_meant);
        for index in &hit {
            let outcome = match self.workspaces[*index].agent_version == OLD_AGENT {
                true => StartOutcome::Survives,
                false => StartOutcome::ReportsAgain,
            };
            let at = now + self.rng.within(0..WAVE_INTERVAL);
            self.workspaces[*index].next_wish = Some((at, Wish::Restart(outcome)));
        }
        let text = format!(
            "{} machines are suspended and resumed with new agent rows, which old agents leave in created",
            hit.len()
        );
        let cause = cause(Family::StuckCreated, Dimension::AgentVersion, OLD_AGENT);
        changes.blame(&text, cause);
    }

    /// A new version of a template, whose agents cannot reach Coder, is rolled out in waves until
    /// half of the workspaces have it.
    fn rebuild_template(&mut self, now: Time, changes: &mut Changes) {
        let template = self.any_template(|index| TEMPLATES[index].connection_timeout_seconds > 0);
        let version = self.publish(template, Some(StartOutcome::NeverConnects), now, changes);
        let mut hit = self.well(|it| it.template == template && !it.is_prebuild());
        hit.truncate(hit.len().div_ceil(2));
        for (position, index) in hit.iter().enumerate() {
            let wave = Time::try_from(position * WAVES / hit.len()).unwrap_or_default();
            let at = now + wave * WAVE_INTERVAL;
            self.workspaces[*index].next_wish = Some((at, Wish::Rebuild));
        }
        let text = format!(
            "a rolling rebuild to {version} started: {} workspaces in {WAVES} waves, and no agent of \
             this version can reach Coder",
            hit.len()
        );
        changes.blame(
            &text,
            cause(Family::NeverConnected, Dimension::TemplateVersion, &version),
        );
    }

    /// A new version of a template, whose startup script fails, spreads as people restart.
    fn publish_bad_version(&mut self, now: Time, changes: &mut Changes) {
        let template = self.any_template(|_| true);
        let version = self.publish(template, Some(StartOutcome::Fails), now, changes);
        for index in self.well(|it| it.template == template && !it.is_prebuild()) {
            let at = now + self.rng.within(0..RESTARTED_WITHIN);
            self.workspaces[index].next_wish = Some((at, Wish::Restart(StartOutcome::Well)));
        }
        let text = format!(
            "{version} was published with a broken startup script: it spreads as people restart"
        );
        changes.blame(
            &text,
            cause(Family::StartFailed, Dimension::TemplateVersion, &version),
        );
    }

    /// The version with the flaw gets a successor, and those who have it restart.
    fn repair_version(&mut self, now: Time, changes: &mut Changes) {
        let flawed = |it: &usize| self.deployment.version(*it).flaw.is_some();
        let Some(template) = (0..TEMPLATES.len()).find(flawed) else {
            return;
        };
        let bad = self.deployment.version(template).id;
        let version = self.publish(template, None, now, changes);
        let workspaces = self.workspaces.iter_mut();
        for workspace in workspaces.filter(|it| it.version_id == bad && !it.agents.is_empty()) {
            let at = now + self.rng.within(1..REPAIRED_WITHIN);
            workspace.next_wish = Some((at, Wish::Restart(StartOutcome::Well)));
        }
        let text = format!("{version} was published and repairs what was broken");
        changes.tell(Headline, text);
    }

    fn crash_replica(&mut self, now: Time, changes: &mut Changes) {
        let Some(host) = self.deployment.any_host(&mut self.rng) else {
            return;
        };
        let agents_back_at = now + self.pace.at_least(OUTAGE_BY_CLOCK, 120);
        let back_at = now + self.pace.at_least(OUTAGE_BY_CLOCK, 90);
        let spread = self.pace.at_least(OUTAGE_BY_CLOCK / 2, 60);
        let within = agents_back_at..agents_back_at + spread;
        if let Some((replica, agents)) = self.crash(host, back_at, within, now, changes) {
            let text = format!(
                "the coderd on {} crashed with {agents} agents, which find no other at first",
                HOSTS[host]
            );
            let cause = cause(Family::Lost, Dimension::CoderdReplica, &replica.to_string());
            changes.blame(&text, cause);
        }
    }

    fn crash_coder(&mut self, now: Time, changes: &mut Changes) {
        let back_at = now + self.pace.at_least(OUTAGE_BY_CLOCK + 30, 120);
        let within = back_at + 1..back_at + self.pace.of_clock(10).max(3);
        let mut agents = 0;
        for host in 0..HOSTS.len() {
            let crashed = self.crash(host, back_at, within.clone(), now, changes);
            agents += crashed.map_or(0, |(_, agents)| agents);
        }
        let text = format!("all of Coder crashed, and {agents} agents lost it");
        let cause = Cause {
            family: Family::Lost,
            common: Common::Coder,
        };
        changes.blame(&text, cause);
    }

    /// The coderd of a host crashes. Returns its id and how many agents were connected to it.
    fn crash(
        &mut self,
        host: usize,
        back_at: Time,
        agents_back_within: Range<Time>,
        now: Time,
        changes: &mut Changes,
    ) -> Option<(Uuid, usize)> {
        let replica = self.deployment.crash(host, (now, back_at), self.pace)?;
        let mut agents = 0;
        for index in 0..self.workspaces.len() {
            let (workspace, mut cx) = self.at(index, now, changes);
            agents += workspace.lose_coderd((host, replica), agents_back_within.clone(), &mut cx);
        }
        Some((replica, agents))
    }

    /// Makes a new version the active one. Returns its whole name.
    fn publish(
        &mut self,
        template: usize,
        flaw: Option<StartOutcome>,
        now: Time,
        changes: &mut Changes,
    ) -> String {
        let of = (now, &mut self.rng, changes);
        let version = self.deployment.publish(template, flaw, &self.seed_data, of);
        format!("{}/{version}", name(template))
    }

    /// A random template that has workspaces, weighted by their number. Coder starts none outside it.
    fn any_template(&mut self, is_meant: impl Fn(usize) -> bool) -> usize {
        let templates = self.workspaces.iter().map(|workspace| workspace.template);
        let is_ours = |it: &usize| TEMPLATES[*it].machine != Machine::External && is_meant(*it);
        let meant: Vec<usize> = templates.filter(is_ours).collect();
        match meant.is_empty() {
            true => 0,
            false => self.rng.pick(&meant),
        }
    }

    /// Indexes of the healthy workspaces that match `is_meant`.
    fn well(&self, is_meant: impl Fn(&Workspace) -> bool) -> Vec<usize> {
        let all = self.workspaces.iter().enumerate();
        all.filter(|(_, workspace)| workspace.is_well() && is_meant(workspace))
            .map(|(index, _)| index)
            .collect()
    }
}

fn cause(family: Family, dimension: Dimension, value: &str) -> Cause {
    Cause {
        family,
        common: Common::Value(dimension, Label::from(value)),
    }
}

fn name(template: usize) -> String {
    let plan = &TEMPLATES[template];
    format!("{}/{}", ORGANIZATIONS[plan.organization], plan.name)
}
