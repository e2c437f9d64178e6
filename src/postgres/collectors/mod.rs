//! The table of collectors. Reports, grants, `check`, flags and the README follow from it.
//!
//! A collector is a `.sql` and an `.rs` file of its name in this folder, and a row in [`row`].

pub(super) mod agents;
pub(super) mod bindings;
pub(super) mod causes;

mod apps;
mod metadata;
mod provisioners;
mod replicas;
mod startups;
mod workspaces;

use futures_util::future::BoxFuture;
use tokio_postgres::Client;

use crate::error::Failure;
use crate::fleet::model::agent::Label;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::snapshot::Snapshot;
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::collection::Collector;
use crate::postgres::connection::session::Session;

use super::builds::known::KnownBuilds;
use super::catalog::ColumnSet;
use causes::ToAsk;
use startups::JustStarted;
use workspaces::LatestBuilds;

/// A collector's row in the table.
pub(super) struct Row {
    /// The statements that it asks, each as its file stands.
    pub(super) statements: &'static [&'static str],
    /// Columns that it reads.
    pub(super) reads: &'static [ColumnSet],
    /// The newest column that it requires, as `table.column`, if a supported Coder may lack it.
    /// Without this column the collector is off and reports that.
    pub(super) since: Option<&'static str>,
    /// The collectors that it depends on. They run even if they are disabled, and if one of them
    /// fails this collector does not run.
    pub(super) needs: &'static [Collector],
    /// Number of its group. Collectors of a group are independent: they are sent together and share
    /// one round trip. Groups run in the order of their numbers.
    pub(super) flight: u8,
    /// Sends its statement and decodes the rows.
    pub(super) run: Run,
}

/// The table's row of a collector. Collectors run in the order of declaration.
pub(super) const fn row(collector: Collector) -> Row {
    match collector {
        Collector::Agents => Row {
            statements: agents::STATEMENTS,
            reads: agents::READS,
            since: None,
            needs: &[],
            flight: 0,
            run: agents::run,
        },
        Collector::Apps => Row {
            statements: &[apps::COUNTED, apps::NAMED],
            reads: apps::READS,
            since: None,
            needs: &[Collector::Agents],
            flight: 1,
            run: apps::run,
        },
        Collector::Causes => Row {
            statements: causes::STATEMENTS,
            reads: causes::READS,
            since: None,
            needs: &[Collector::Agents],
            flight: 2,
            run: causes::run,
        },
        Collector::Workspaces => Row {
            statements: &[workspaces::SQL],
            reads: workspaces::READS,
            since: None,
            needs: &[Collector::Agents],
            flight: 2,
            run: workspaces::run,
        },
        Collector::Bindings => Row {
            statements: &[bindings::SQL],
            reads: bindings::READS,
            since: Some("chats.agent_id"),
            needs: &[Collector::Agents],
            flight: 2,
            run: bindings::run,
        },
        Collector::Replicas => Row {
            statements: &[replicas::SQL],
            reads: replicas::READS,
            since: None,
            needs: &[],
            flight: 2,
            run: replicas::run,
        },
        Collector::Provisioners => Row {
            statements: &[provisioners::SQL],
            reads: provisioners::READS,
            since: Some("provisioner_daemons.last_seen_at"),
            needs: &[],
            flight: 2,
            run: provisioners::run,
        },
        Collector::Startups => Row {
            statements: &[startups::SQL],
            reads: startups::READS,
            since: None,
            needs: &[Collector::Agents],
            flight: 2,
            run: startups::run,
        },
        Collector::Metadata => Row {
            statements: &[metadata::SQL],
            reads: metadata::READS,
            since: None,
            needs: &[Collector::Agents],
            flight: 2,
            run: metadata::run,
        },
    }
}

/// The function that runs a collector.
pub(super) type Run = for<'a> fn(&'a Context<'a>) -> Running<'a>;

/// The future of a collector's statement, which returns its rows.
pub(super) type Running<'a> = BoxFuture<'a, Result<Loaded, Failure>>;

/// The input of a collector.
pub(super) struct Context<'a> {
    /// The session with the open transaction.
    pub(super) session: &'a Session,
    /// The limits of `docs/spec/connection-status.md` and `docs/spec/health.md`: who has a
    /// problem decides whose cause is asked for.
    pub(super) limits: &'a Limits,
    /// Whether to count apps by name, for Coder's own metrics.
    pub(super) named_apps: bool,
    /// Keys of the metadata of resources that the metadata collector reads.
    pub(super) metadata_keys: &'a [Label],
    /// Whether the workspaces collector runs too, which reads the jobs of the builds.
    pub(super) wants_workspaces: bool,
    /// What is known of the latest builds from earlier collections.
    pub(super) known: &'a KnownBuilds,
    /// The results of earlier groups.
    pub(super) found: &'a Found,
}

impl Context<'_> {
    /// The connection of the session.
    pub(super) fn client(&self) -> Result<&Client, Failure> {
        self.session.client()
    }
}

/// The results of the collectors so far.
pub(super) struct Found {
    /// The snapshot so far.
    pub(super) snapshot: Snapshot,
    /// The latest builds, from the agents collector.
    builds: Option<LatestBuilds>,
    /// Those of the agents that have a problem, by what is to be asked about them.
    to_ask: ToAsk,
    /// Those that have just started, with their jobs.
    just_started: JustStarted,
}

impl Found {
    /// The initial state, with an empty snapshot.
    pub(super) fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            builds: None,
            to_ask: ToAsk::default(),
            just_started: JustStarted::default(),
        }
    }
}

/// The result of a collector.
pub(super) struct Loaded {
    /// Number of rows from the database.
    pub(super) rows: usize,
    /// Stores the result in [`Found`].
    pub(super) store: Box<dyn FnOnce(&mut Found) + Send>,
}

impl Loaded {
    fn new(rows: usize, store: impl FnOnce(&mut Found) + Send + 'static) -> Self {
        let store = Box::new(store);
        Self { rows, store }
    }
}

/// The collectors and those that they depend on, by group, in the order in which they run.
pub(super) fn flights(wanted: &[Collector]) -> Vec<Vec<Collector>> {
    let is_needed = |it| wanted.iter().any(|&wanted| row(wanted).needs.contains(it));
    let all = Collector::ALL.iter();
    let all = all.filter(|it| wanted.contains(it) || is_needed(it));
    let all: Vec<_> = all.copied().collect();
    let flights = all.chunk_by(|&one, &other| row(one).flight == row(other).flight);
    flights.map(<[_]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn every_collector_has_its_two_files_and_every_file_its_collector() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/postgres/collectors");
        let files = fs::read_dir(&folder).unwrap();
        let files: BTreeSet<String> = files
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .filter(|it| it != "mod.rs")
            .collect();
        for collector in Collector::ALL {
            for extension in ["rs", "sql"] {
                let file = format!("{}.{extension}", collector.as_str());
                assert!(files.contains(&file), "{collector:?} has no {file}");
            }
        }
        for file in files.iter().filter(|it| it.ends_with(".rs")) {
            let name = file.trim_end_matches(".rs");
            let collector: Result<Collector, _> = name.parse();
            assert!(
                collector.is_ok(),
                "{file} belongs to no collector: add it to Collector in src/fleet/stats/collection.rs"
            );
        }
    }

    #[test]
    fn flights_follow_the_declaration_and_what_is_needed_flies_earlier() {
        assert!(Collector::ALL.iter().is_sorted_by_key(|&it| row(it).flight));
        for &collector in Collector::ALL {
            for &needed in row(collector).needs {
                let is_earlier = row(needed).flight < row(collector).flight;
                assert!(is_earlier, "{collector:?} flies no later than {needed:?}");
                // Only agents are taken out again where they were read for others alone.
                assert_eq!(needed, Collector::Agents);
            }
        }
    }

    #[test]
    fn column_that_decides_is_one_that_may_be_missing() {
        for &collector in Collector::ALL {
            let row = row(collector);
            let Some((table, column)) = row.since.and_then(|it| it.split_once('.')) else {
                assert_eq!(row.since, None, "{collector:?}: write table.column");
                continue;
            };
            let reads = row.reads.iter().filter(|it| it.table == table);
            let since: Vec<_> = reads.flat_map(|it| it.since).collect();
            assert!(since.contains(&&column), "{collector:?} reads no {column}");
        }
    }

    #[test]
    fn collector_brings_what_it_needs_and_neighbours_fly_together() {
        let of = |wanted: &[Collector]| flights(wanted);
        assert_eq!(of(&[Collector::Replicas]), [[Collector::Replicas]]);
        let apps = [[Collector::Agents], [Collector::Apps]];
        assert_eq!(of(&[Collector::Apps]), apps);
        let last = of(Collector::ALL).pop().unwrap();
        assert!(last.starts_with(&[Collector::Causes, Collector::Workspaces]));
    }
}
