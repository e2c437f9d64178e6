//! The fleets that are measured, and how they are made.

use std::thread;

use anyhow::{Context, Result, bail};

use coder_agent_exporter::demo::schema::Era;

use crate::progress;
use crate::server::Server;

const FLEET: &str = include_str!("fleet.sql");
/// Columns that Coder has and the exporter never reads.
const WIDE_ROWS: &str = include_str!("wide_rows.sql");
/// The same fleet each time.
const SEED: &str = "1";
/// Well agents' heartbeats lie so far in the future, so that they stay well while it lasts.
const AHEAD: &str = "12 hours";
/// Databases that are filled at the same time: each fills one processor.
const AT_A_TIME: usize = 2;

/// A fleet: so many running workspaces with one agent of four apps each, and so many builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) live: u32,
    pub(crate) builds: u32,
    pub(crate) rows: Rows,
}

/// How much rows hold. A plan that reads a whole table pays for what it does not ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// As much as Coder's.
    Wide,
    /// What contestants ask for.
    Narrow,
}

impl Shape {
    pub(crate) const TEN_THOUSAND: Self = Self::new(10_000, 10);
    pub(crate) const HUNDRED_THOUSAND: Self = Self::new(100_000, 10);
    pub(crate) const DEEP: Self = Self::new(2_000, 600);
    /// What deep is compared with: the same live agents.
    pub(crate) const SHALLOW: Self = Self::new(2_000, 10);
    /// Ten builds each would be six million old agents and take an hour to make.
    pub(crate) const MILLION: Self = Self::new(1_000_000, 1);

    pub(crate) const fn new(live: u32, builds: u32) -> Self {
        let rows = Rows::Wide;
        Self { live, builds, rows }
    }

    /// The same fleet in narrow rows.
    pub(crate) const fn narrow(self) -> Self {
        let rows = Rows::Narrow;
        Self { rows, ..self }
    }

    /// As the specification calls it.
    pub(crate) fn name(self) -> String {
        let rows = match self.rows {
            Rows::Wide => "",
            Rows::Narrow => " narrow",
        };
        let rows_apart = Self::new(self.live, self.builds);
        let name = match rows_apart {
            Self::TEN_THOUSAND => "10k".to_owned(),
            Self::HUNDRED_THOUSAND => "100k".to_owned(),
            Self::DEEP => "deep".to_owned(),
            Self::SHALLOW => "shallow".to_owned(),
            Self::MILLION => "million".to_owned(),
            Self { live, builds, .. } => format!("{live}x{builds}"),
        };
        name + rows
    }

    pub(crate) fn database(self) -> String {
        let Self { live, builds, rows } = self;
        format!("fleet_{live}_{builds}_{rows:?}").to_lowercase()
    }

    /// How many rows it takes to make, about.
    fn weight(self) -> u64 {
        u64::from(self.live) * u64::from(self.builds)
    }
}

/// Makes a database for each of these, the largest first, two at a time.
pub(crate) fn fill(server: &Server, shapes: &[Shape]) -> Result<()> {
    let mut shapes = shapes.to_vec();
    shapes.sort_by_key(|it| std::cmp::Reverse(it.weight()));
    let queue = std::sync::Mutex::new(shapes.into_iter());
    thread::scope(|scope| {
        let work = || -> Result<()> {
            loop {
                let next = queue.lock().ok().and_then(|mut it| it.next());
                let Some(shape) = next else { return Ok(()) };
                let doing = || format!("make the fleet {}", shape.name());
                fill_one(server, shape).with_context(doing)?;
            }
        };
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let ended = worker.join();
            ended.unwrap_or_else(|_| bail!("making a fleet panicked"))?;
        }
        Ok(())
    })
}

fn fill_one(server: &Server, shape: Shape) -> Result<()> {
    progress(&format!(
        "making {}: {} live agents, {} builds",
        shape.name(),
        shape.live,
        shape.builds
    ));
    let database = shape.database();
    let create = format!("CREATE DATABASE {database} TEMPLATE template0;");
    server.admin("postgres")?.ask(&create)?;
    let mut admin = server.admin(&database)?;
    admin.ask(&Era::NEWEST.sql())?;
    if shape.rows == Rows::Wide {
        admin.ask(WIDE_ROWS)?;
    }
    let fleet = FLEET
        .replace("$LIVE", &shape.live.to_string())
        .replace("$BUILDS", &shape.builds.to_string())
        .replace("$SEED", SEED)
        .replace("$AHEAD", AHEAD);
    admin.ask(&fleet)?;
    admin.ask("VACUUM ANALYZE;")?;
    server.grant(&mut admin)?;
    progress(&format!("made {}", shape.name()));
    Ok(())
}
