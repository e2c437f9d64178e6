//! Can jobs be built (`docs/spec/signs-of-life.md`)?

use std::collections::BTreeMap;
use std::time::Duration;

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::agent::Label;
use crate::fleet::model::label_value::CountByLabel;
use crate::fleet::model::provisioner::{Daemon, JobGroup, OpenJobStatus, Provisioners, Tags};
use crate::fleet::model::time::Timestamp;

/// A daemon gives a sign of life every minute or so.
const OFFLINE_AFTER: Duration = Duration::from_secs(90);

/// What a daemon's row says of it; the first that holds.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Enum,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum DaemonStatus {
    /// It could take a job.
    Idle,
    /// It works on one.
    Busy,
    /// It gave no sign of life for more than 90 s.
    Offline,
}

/// What a daemon is at this moment.
pub fn daemon_status(daemon: &Daemon, now: Timestamp) -> DaemonStatus {
    let seen = daemon.last_seen_at;
    let is_online = seen.is_some_and(|seen| !now.is_past(seen, OFFLINE_AFTER));
    match (is_online, daemon.is_busy) {
        (false, _) => DaemonStatus::Offline,
        (true, true) => DaemonStatus::Busy,
        (true, false) => DaemonStatus::Idle,
    }
}

/// Whether a daemon may take these jobs: it is of their organization and has all their tags. Jobs
/// without tags of their own are taken only by daemons without.
fn fits(daemon: &Daemon, jobs: &JobGroup) -> bool {
    if daemon.organization != jobs.organization {
        return false;
    }
    let (has, wants) = (own_tags(&daemon.tags), own_tags(&jobs.tags));
    match wants.is_empty() {
        true => has.is_empty(),
        false => wants.iter().all(|(tag, value)| has.get(tag) == Some(value)),
    }
}

/// Without the tags that every daemon and job has unless a person says otherwise: the scope of an
/// organization, without an owner.
fn own_tags(tags: &Tags) -> BTreeMap<&str, &str> {
    let tags = tags.iter().map(|(tag, value)| (&**tag, &**value));
    let is_own = |it: &(&str, &str)| !matches!(it, ("owner", "") | ("scope", "organization"));
    tags.filter(is_own).collect()
}

/// Daemons and jobs of one organization.
#[derive(Debug, Clone, Default)]
pub struct ProvisionerCounts {
    /// Daemons by status.
    pub daemons: CountByLabel<DaemonStatus>,
    /// Jobs by status.
    pub jobs: CountByLabel<OpenJobStatus>,
    /// When the oldest pending job was created.
    pub oldest_pending: Option<Timestamp>,
    /// Pending jobs that no daemon fits which is not offline.
    pub unmatched: u64,
}

/// The counts of every organization that has a daemon or a job.
pub fn count_provisioners(
    provisioners: &Provisioners,
    now: Timestamp,
) -> BTreeMap<Label, ProvisionerCounts> {
    let mut counts: BTreeMap<Label, ProvisionerCounts> = BTreeMap::new();
    let mut online = Vec::new();
    for daemon in &provisioners.daemons {
        let status = daemon_status(daemon, now);
        let counts = counts.entry(daemon.organization.clone()).or_default();
        counts.daemons.add(status, 1);
        if status != DaemonStatus::Offline {
            online.push(daemon);
        }
    }
    for jobs in &provisioners.jobs {
        let counts = counts.entry(jobs.organization.clone()).or_default();
        counts.jobs.add(jobs.status, jobs.count);
        if jobs.status == OpenJobStatus::Pending {
            counts.oldest_pending = [counts.oldest_pending, jobs.oldest]
                .into_iter()
                .flatten()
                .min();
            if !online.iter().any(|daemon| fits(daemon, jobs)) {
                counts.unmatched += jobs.count;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::fleet::fixtures::at;

    fn tags(tags: &[(&str, &str)]) -> Tags {
        let default = [("scope", "organization"), ("owner", "")];
        let all = default.iter().chain(tags);
        all.map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn daemon(seen: i64, own: &[(&str, &str)]) -> Daemon {
        Daemon {
            id: Uuid::from_u128(1),
            name: "builder".into(),
            organization: "acme".into(),
            tags: tags(own),
            last_seen_at: Some(at(seen)),
            is_busy: false,
        }
    }

    fn jobs(status: OpenJobStatus, own: &[(&str, &str)]) -> JobGroup {
        JobGroup {
            organization: "acme".into(),
            tags: tags(own),
            status,
            count: 2,
            oldest: Some(at(-10)),
        }
    }

    fn unmatched(daemons: Vec<Daemon>, jobs: JobGroup) -> u64 {
        let jobs = vec![jobs];
        let counts = count_provisioners(&Provisioners { daemons, jobs }, at(0));
        counts.values().map(|it| it.unmatched).sum()
    }

    #[test]
    fn daemon_is_offline_after_more_than_ninety_seconds() {
        let busy = |seen| Daemon {
            is_busy: true,
            ..daemon(seen, &[])
        };
        assert_eq!(daemon_status(&daemon(-90, &[]), at(0)), DaemonStatus::Idle);
        assert_eq!(daemon_status(&busy(-90), at(0)), DaemonStatus::Busy);
        assert_eq!(daemon_status(&busy(-91), at(0)), DaemonStatus::Offline);
        let never = Daemon {
            last_seen_at: None,
            ..daemon(0, &[])
        };
        assert_eq!(daemon_status(&never, at(0)), DaemonStatus::Offline);
    }

    #[test]
    fn job_is_matched_by_a_daemon_of_its_organization_with_all_its_tags() {
        use OpenJobStatus::{Pending, Running};
        let gpu: &[(&str, &str)] = &[("gpu", "yes")];
        let both: &[(&str, &str)] = &[("gpu", "yes"), ("zone", "b")];
        let any = |daemons: &[&[(&str, &str)]], wants| {
            let daemons = daemons.iter().map(|own| daemon(0, own)).collect();
            unmatched(daemons, jobs(Pending, wants))
        };
        assert_eq!(any(&[], &[]), 2);
        assert_eq!(any(&[&[]], &[]), 0);
        assert_eq!(any(&[gpu], gpu), 0);
        assert_eq!(any(&[both], gpu), 0);
        assert_eq!(any(&[gpu], both), 2);
        // An untagged job is for untagged daemons.
        assert_eq!(any(&[gpu], &[]), 2);
        assert_eq!(any(&[&[], gpu], &[]), 0);
        // One that is offline fits none, and one that is busy will be free.
        assert_eq!(unmatched(vec![daemon(-91, &[])], jobs(Pending, &[])), 2);
        let elsewhere = Daemon {
            organization: "other".into(),
            ..daemon(0, &[])
        };
        assert_eq!(unmatched(vec![elsewhere], jobs(Pending, &[])), 2);
        assert_eq!(unmatched(vec![], jobs(Running, &[])), 0);
    }

    #[test]
    fn oldest_pending_job_is_of_all_tags_together() {
        let older = JobGroup {
            oldest: Some(at(-99)),
            ..jobs(OpenJobStatus::Pending, &[("gpu", "yes")])
        };
        let running = JobGroup {
            oldest: Some(at(-500)),
            ..jobs(OpenJobStatus::Running, &[])
        };
        let provisioners = Provisioners {
            daemons: Vec::new(),
            jobs: vec![jobs(OpenJobStatus::Pending, &[]), older, running],
        };
        let counts = count_provisioners(&provisioners, at(0));
        assert_eq!(counts["acme"].oldest_pending, Some(at(-99)));
        let by_status: Vec<_> = counts["acme"].jobs.iter().collect();
        assert_eq!(by_status, [("pending", 4), ("running", 2)]);
    }
}
