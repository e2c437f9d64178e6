//! What is known of the latest builds, kept from one collection to the next.

use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::fleet::model::time::Timestamp;
use crate::postgres::connection::moment::Server;
use crate::postgres::connection::session::Session;

use super::Builds;

/// Which database it is. What is known of one is not true of another, nor of one that was restored
/// from a backup: that has another start of its server, or other tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::postgres) struct Identity {
    server: Server,
    /// Table, its oid and its file.
    tables: Vec<(&'static str, u32, u32)>,
    /// Whether the role may read who ran a job.
    has_workers: bool,
}

/// The tables whose rows are known.
const TABLES: [&str; 4] = [
    "workspace_builds",
    "workspace_resources",
    "workspace_agents",
    "provisioner_jobs",
];

impl Identity {
    /// The database of this session; `None` where it does not say which it is.
    pub(in crate::postgres) fn of(session: &Session) -> Option<Self> {
        let catalog = &session.catalog;
        let table = |it| catalog.file_of(it).map(|(oid, file)| (it, oid, file));
        Some(Self {
            server: session.moment.server?,
            tables: TABLES.into_iter().map(table).collect::<Option<_>>()?,
            has_workers: catalog.can_read_named("provisioner_jobs.worker_id"),
        })
    }
}

/// Where the knowledge waits for the next collection. One collection has it at a time: another
/// one that runs beside it knows nothing and reads everything.
#[derive(Debug, Clone, Default)]
pub(in crate::postgres) struct KnownBuilds(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    known: Option<Known>,
    differences: u64,
}

#[derive(Debug)]
struct Known {
    identity: Identity,
    /// The moment of the collection that it is from.
    as_of: Timestamp,
    builds: Builds,
}

impl KnownBuilds {
    /// Takes what is known of this database, for a collection at `now`. Nothing is known of
    /// another database, of a later moment, or of one that does not say which it is.
    pub(in crate::postgres) fn take(&self, identity: Option<Identity>, now: Timestamp) -> Lease {
        let known = self.0.lock().known.take();
        let fits = |it: &Known| Some(&it.identity) == identity.as_ref() && it.as_of <= now;
        let builds = known.filter(fits).map(|it| it.builds).unwrap_or_default();
        Lease {
            of: self.clone(),
            identity,
            now,
            builds,
        }
    }

    /// How many builds were not what was known of them, since the start.
    pub(in crate::postgres) fn differences(&self) -> u64 {
        self.0.lock().differences
    }
}

/// What a collection knows of the builds. Dropped, it leaves for the next one what it has learnt,
/// whether or not it came to its end.
#[derive(Debug)]
pub(in crate::postgres) struct Lease {
    of: KnownBuilds,
    identity: Option<Identity>,
    now: Timestamp,
    /// The builds.
    pub(in crate::postgres) builds: Builds,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut builds = mem::take(&mut self.builds);
        builds.end();
        let differences = mem::take(&mut builds.differences);
        let mut kept = self.of.0.lock();
        kept.differences += differences;
        // Where something known was wrong, all of it is in doubt.
        let identity = self.identity.take().filter(|_| differences == 0);
        if differences > 0 {
            tracing::warn!(
                builds = differences,
                "builds that had finished are not what was remembered of them: rows were changed by \
                 hand, or a backup was loaded; all builds are read again"
            );
        }
        let is_newer = kept.known.as_ref().is_none_or(|it| it.as_of <= self.now);
        if let Some(identity) = identity.filter(|_| is_newer) {
            kept.known = Some(Known {
                identity,
                as_of: self.now,
                builds,
            });
        }
    }
}
