//! Events that affect many workspaces at once.

use super::Fleet;
use super::build::Wish;
use super::rows::Weight::Headline;
use super::rows::{Changes, Time};
use super::scenario::{Act, Repeated};
use super::seed_data::{ORGANIZATIONS, TEMPLATES, TemplatePlan};
use super::workspace::Workspace;

/// Percentage of a template's running workspaces that become silent together.
const SILENT_PERCENT: usize = 40;
/// Number of workspaces on one simulated host, of any template.
const PER_HOST: usize = 12;
/// Minimum duration of an outage in real seconds: long enough for the status to change, for alerts
/// to fire and for people to see it.
const OUTAGE_BY_CLOCK: Time = 75;
const WAVES: usize = 6;
/// Time between two waves of a rebuild: the previous wave is starting by then.
const WAVE_INTERVAL: Time = 15;

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
        match act {
            Act::Outage => {
                self.template_falls_silent(now, changes);
                self.host_falls_silent(now, changes);
            }
            Act::RollingRebuild => self.rebuild_template(now, changes),
        }
    }

    fn template_falls_silent(&mut self, now: Time, changes: &mut Changes) {
        let template = self.any_template();
        let mut hit = self.well(|_, workspace| workspace.template == template);
        hit.truncate((hit.len() * SILENT_PERCENT).div_ceil(100));
        let agents = self.fall_silent(&hit, now);
        let name = name(&TEMPLATES[template]);
        let text = format!("{agents} agents of the template {name} stopped sending heartbeats");
        changes.tell(Headline, text);
    }

    fn host_falls_silent(&mut self, now: Time, changes: &mut Changes) {
        let hosts = self.workspaces.len().div_ceil(PER_HOST);
        let host = self.rng.below(hosts);
        let hit = self.well(|index, _| index % hosts == host);
        let agents = self.fall_silent(&hit, now);
        let mut templates: Vec<usize> = hit
            .iter()
            .map(|index| self.workspaces[*index].template)
            .collect();
        templates.sort_unstable();
        templates.dedup();
        let templates = templates.len();
        let text =
            format!("the host node-{host:02} failed with {agents} agents of {templates} templates");
        changes.tell(Headline, text);
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

    fn rebuild_template(&mut self, now: Time, changes: &mut Changes) {
        let template = self.any_template();
        let hit = self.well(|_, workspace| workspace.template == template);
        let name = name(&TEMPLATES[template]);
        let text = format!(
            "a rolling rebuild of the template {name} started: {} workspaces in {WAVES} waves",
            hit.len()
        );
        changes.tell(Headline, text);
        for (position, index) in hit.iter().enumerate() {
            let wave = Time::try_from(position * WAVES / hit.len()).unwrap_or_default();
            let at = now + wave * WAVE_INTERVAL;
            self.workspaces[*index].next_wish = Some((at, Wish::Rebuild));
        }
    }

    /// A random template that has workspaces, weighted by their number.
    fn any_template(&mut self) -> usize {
        let index = self.rng.below(self.workspaces.len());
        self.workspaces[index].template
    }

    /// Indexes of the healthy workspaces that match `is_meant`.
    fn well(&self, is_meant: impl Fn(usize, &Workspace) -> bool) -> Vec<usize> {
        let all = self.workspaces.iter().enumerate();
        all.filter(|(index, workspace)| workspace.is_well() && is_meant(*index, workspace))
            .map(|(index, _)| index)
            .collect()
    }
}

fn name(plan: &TemplatePlan) -> String {
    format!("{}/{}", ORGANIZATIONS[plan.organization], plan.name)
}
