//! Coder itself: its replicas with their provisioner daemons, and the versions of its templates.

use uuid::Uuid;

use super::changes::Changes;
use super::changes::Weight::Everyday;
use super::outcome::StartOutcome;
use super::pace::Pace;
use super::rng::Rng;
use super::rows::{self, Time};
use super::seed_data::{CODER_VERSION, HOSTS, SeedData};

/// From one sign of life of a replica to the next, by the clock.
const REPLICA_INTERVAL: Time = 5;
/// The same of a provisioner daemon.
const DAEMON_INTERVAL: Time = 60;
/// So long, by the clock, the row of a replica that crashed stays until another one removes it.
const REMOVED_AFTER: Time = 30 * 60;
/// How long Coder had been running when the simulation began.
const RUNNING_FOR: Time = 24 * 3600;

#[derive(Debug)]
pub(super) struct Deployment {
    hosts: [Host; HOSTS.len()],
    /// Rows of replicas that crashed, and when each is removed.
    crashed: Vec<(Uuid, Time)>,
    versions: Vec<Version>,
    next_replica_sign: Time,
    next_daemon_sign: Time,
}

/// A place where a coderd runs, or starts again at a time.
#[derive(Debug, Clone, Copy)]
enum Host {
    Running(Uuid),
    Down { back_at: Time },
}

/// The active version of a template.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) id: Uuid,
    number: usize,
    /// What happens to every agent of it that would start well.
    pub(super) flaw: Option<StartOutcome>,
}

impl Deployment {
    /// Every host runs a coderd, and every template has its first version.
    pub(super) fn new(seed_data: &SeedData, rng: &mut Rng) -> Self {
        let version = |_| Version {
            id: rng.uuid(),
            number: 1,
            flaw: None,
        };
        let versions = seed_data.templates.iter().map(version).collect();
        Self {
            hosts: HOSTS.map(|_| Host::Running(rng.uuid())),
            crashed: Vec::new(),
            versions,
            next_replica_sign: 0,
            next_daemon_sign: 0,
        }
    }

    /// The first rows.
    pub(super) fn found(&self, seed_data: &SeedData, now: Time, changes: &mut Changes) {
        for (host, state) in self.hosts.iter().enumerate() {
            if let Host::Running(id) = state {
                let started_at = now - RUNNING_FOR;
                changes
                    .new
                    .replicas
                    .push(replica(*id, host, started_at, now));
            }
        }
        for template in 0..self.versions.len() {
            self.add_version(template, seed_data, now, changes);
        }
    }

    pub(super) fn tick(
        &mut self,
        now: Time,
        pace: Pace,
        seed_data: &SeedData,
        rng: &mut Rng,
        changes: &mut Changes,
    ) {
        self.start_again(now, rng, changes);
        let running = self.hosts.iter().filter_map(|host| host.replica());
        if self.next_replica_sign <= now {
            changes.replicas_seen.extend(running.clone());
            self.next_replica_sign = now + pace.of_clock(REPLICA_INTERVAL);
        }
        if self.next_daemon_sign <= now {
            let daemons = seed_data.daemons.iter();
            let alive = daemons.filter(|daemon| self.hosts[daemon.host].replica().is_some());
            changes.daemons_seen.extend(alive.map(|daemon| daemon.id));
            self.next_daemon_sign = now + pace.of_clock(DAEMON_INTERVAL);
        }
        if running.count() > 0 {
            let due = self.crashed.extract_if(.., |(_, at)| *at <= now);
            changes.replicas_removed.extend(due.map(|(id, _)| id));
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.hosts.iter().all(|host| host.replica().is_none())
    }

    /// A replica to connect to, if any runs.
    pub(super) fn any_replica(&self, rng: &mut Rng) -> Option<Uuid> {
        let running: Vec<Uuid> = self.hosts.iter().filter_map(|it| it.replica()).collect();
        (!running.is_empty()).then(|| rng.pick(&running))
    }

    /// A daemon of the organization that can take a job, and its host.
    pub(super) fn any_daemon(
        &self,
        organization: Uuid,
        seed_data: &SeedData,
        rng: &mut Rng,
    ) -> Option<(Uuid, usize)> {
        let daemons = seed_data.daemons.iter();
        let fitting = daemons.filter(|daemon| {
            daemon.organization_id == organization && self.hosts[daemon.host].replica().is_some()
        });
        let fitting: Vec<_> = fitting.map(|daemon| (daemon.id, daemon.host)).collect();
        (!fitting.is_empty()).then(|| rng.pick(&fitting))
    }

    /// A random host whose coderd runs.
    pub(super) fn any_host(&self, rng: &mut Rng) -> Option<usize> {
        let hosts = self.hosts.iter().enumerate();
        let running: Vec<usize> = hosts
            .filter_map(|(position, host)| host.replica().and(Some(position)))
            .collect();
        (!running.is_empty()).then(|| rng.pick(&running))
    }

    /// The coderd of a host ends without a word, and starts again at a time. Its row stays as it is.
    pub(super) fn crash(
        &mut self,
        host: usize,
        (now, back_at): (Time, Time),
        pace: Pace,
    ) -> Option<Uuid> {
        let replica = self.hosts[host].replica()?;
        self.hosts[host] = Host::Down { back_at };
        let removed_at = now + pace.of_clock(REMOVED_AFTER);
        self.crashed.push((replica, removed_at));
        Some(replica)
    }

    pub(super) fn version(&self, template: usize) -> &Version {
        &self.versions[template]
    }

    /// Makes a new version of a template the active one. Returns its name.
    pub(super) fn publish(
        &mut self,
        template: usize,
        flaw: Option<StartOutcome>,
        seed_data: &SeedData,
        (now, rng, changes): (Time, &mut Rng, &mut Changes),
    ) -> String {
        self.versions[template] = Version {
            id: rng.uuid(),
            number: self.versions[template].number + 1,
            flaw,
        };
        self.add_version(template, seed_data, now, changes);
        self.versions[template].name()
    }

    pub(super) fn change_pace(&mut self, now: Time) {
        (self.next_replica_sign, self.next_daemon_sign) = (now, now);
    }

    fn add_version(&self, template: usize, seed_data: &SeedData, now: Time, changes: &mut Changes) {
        let of = &seed_data.templates[template];
        let version = &self.versions[template];
        changes.new.versions.push(rows::TemplateVersion {
            id: version.id,
            template_id: of.id,
            organization_id: of.organization_id,
            name: version.name(),
            created_at: now,
        });
    }

    /// A new coderd, with a row of its own, where one has crashed.
    fn start_again(&mut self, now: Time, rng: &mut Rng, changes: &mut Changes) {
        for (position, host) in self.hosts.iter_mut().enumerate() {
            if matches!(host, Host::Down { back_at } if *back_at <= now) {
                let id = rng.uuid();
                *host = Host::Running(id);
                changes.new.replicas.push(replica(id, position, now, now));
                let text = format!("the coderd on {} has started again: {id}", HOSTS[position]);
                changes.tell(Everyday, text);
                // Its daemons say so at once.
                self.next_daemon_sign = now;
            }
        }
    }
}

impl Host {
    fn replica(&self) -> Option<Uuid> {
        match self {
            Self::Running(id) => Some(*id),
            Self::Down { .. } => None,
        }
    }
}

impl Version {
    fn name(&self) -> String {
        format!("v{}", self.number)
    }
}

fn replica(id: Uuid, host: usize, started_at: Time, updated_at: Time) -> rows::Replica {
    rows::Replica {
        id,
        hostname: HOSTS[host],
        version: CODER_VERSION,
        started_at,
        updated_at,
    }
}
