//! Made-up fleets: skewed as real ones are, with what depends on what.

use crate::chance::Chance;
use crate::fleet::model::agent::{Kind, Label};
use crate::fleet::model::time::Timestamp;
use crate::incident::population::{Column, Dimension, Family, Population, Problem};

/// A fleet in which all is well.
pub(crate) struct Fleet {
    pub(crate) population: Population,
    pub(crate) chance: Chance,
}

/// A dimension, as the position of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shared {
    Organization,
    CoderdReplica,
    Provisioner,
    OperatingSystem,
    Architecture,
    ResourceType,
    Template,
    TemplateVersion,
    AgentVersion,
    Metadata,
    Owner,
}

/// The dimensions of every made-up fleet, in the order of [`Dimension`].
pub(crate) const DIMENSIONS: [Shared; 11] = [
    Shared::Organization,
    Shared::CoderdReplica,
    Shared::Provisioner,
    Shared::OperatingSystem,
    Shared::Architecture,
    Shared::ResourceType,
    Shared::Template,
    Shared::TemplateVersion,
    Shared::AgentVersion,
    Shared::Metadata,
    Shared::Owner,
];

impl Shared {
    fn dimension(self) -> Dimension {
        match self {
            Self::Organization => Dimension::Organization,
            Self::CoderdReplica => Dimension::CoderdReplica,
            Self::Provisioner => Dimension::Provisioner,
            Self::OperatingSystem => Dimension::OperatingSystem,
            Self::Architecture => Dimension::Architecture,
            Self::ResourceType => Dimension::ResourceType,
            Self::Template => Dimension::Template,
            Self::TemplateVersion => Dimension::TemplateVersion,
            Self::AgentVersion => Dimension::AgentVersion,
            Self::Metadata => Dimension::Metadata("node".into()),
            Self::Owner => Dimension::Owner,
        }
    }
}

struct Template {
    organization: u64,
    os: &'static str,
    arch: &'static str,
    resource: &'static str,
    versions: u64,
}

/// What the agents of a fleet can have.
struct World {
    templates: Vec<Template>,
    owners: u64,
    replicas: u64,
    provisioners: u64,
    agent_versions: u64,
    nodes: u64,
    has_nodes: bool,
}

impl World {
    fn of(size: usize, chance: &mut Chance) -> Self {
        let organizations = 1 + chance.below(4);
        let root = (size as f64).sqrt() as u64;
        let templates = (0..2 + chance.below(root.clamp(2, 40))).map(|_| Template {
            organization: chance.below(organizations),
            os: chance.pick(&["linux", "linux", "linux", "linux", "windows", "darwin"]),
            arch: chance.pick(&["amd64", "amd64", "amd64", "arm64"]),
            resource: chance.pick(&["kubernetes_pod", "docker_container", "aws_instance"]),
            versions: 1 + chance.below(4),
        });
        Self {
            templates: templates.collect(),
            owners: (size as u64 * (40 + chance.below(60)) / 100).max(2),
            replicas: 1 + chance.below(6),
            provisioners: 1 + chance.below(8),
            agent_versions: 1 + chance.below(3),
            nodes: (size as u64 / 20).max(2),
            has_nodes: chance.below(2) == 0,
        }
    }

    /// An agent's values, in the order of [`DIMENSIONS`].
    fn agent(&self, chance: &mut Chance) -> [String; DIMENSIONS.len()] {
        let number = skewed(chance, self.templates.len() as u64);
        let template = &self.templates[number as usize];
        let owner = skewed(chance, self.owners);
        let organization = format!("org-{}", template.organization);
        let name = format!("{organization}/template-{number}");
        // Most workspaces have the newest version.
        let version = match chance.below(10) {
            0..7 => template.versions - 1,
            _ => chance.below(template.versions),
        };
        let node = match self.has_nodes {
            true => format!("node-{}", chance.below(self.nodes)),
            false => String::new(),
        };
        [
            organization,
            format!("replica-{}", chance.below(self.replicas)),
            format!("provisioner-{}", skewed(chance, self.provisioners)),
            template.os.to_owned(),
            template.arch.to_owned(),
            template.resource.to_owned(),
            name.clone(),
            format!("{name}/v{version}"),
            format!("v2.{}", 30 + skewed(chance, self.agent_versions)),
            node,
            format!("owner-{owner}"),
        ]
    }
}

impl Fleet {
    /// A fleet of `size` agents.
    pub(crate) fn of(size: usize, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let world = World::of(size, &mut chance);
        let mut columns: Vec<Column> = DIMENSIONS
            .map(|it| Column::new(it.dimension(), size))
            .into();
        for _ in 0..size {
            for (column, value) in columns.iter_mut().zip(world.agent(&mut chance)) {
                column.push(&Label::from(value));
            }
        }
        let population = Population {
            kind: Kind::Root,
            size: size as u32,
            problems: Vec::new(),
            columns,
        };
        Self { population, chance }
    }

    /// The members with this value.
    pub(crate) fn with(&self, column: usize, code: u32) -> Vec<u32> {
        self.population.columns[column].members(code).collect()
    }
}

/// Breaks a member, each of which is the agent of a workspace of its own.
pub(crate) fn set_problem(
    population: &mut Population,
    member: u32,
    family: Family,
    since: Timestamp,
) {
    let problem = Problem {
        member,
        family,
        since,
        workspace: member.into(),
    };
    let problems = &mut population.problems;
    match problems.binary_search_by_key(&member, |it| it.member) {
        Ok(place) => problems[place] = problem,
        Err(place) => problems.insert(place, problem),
    }
}

/// A number from 0 to 1.
pub(crate) fn fraction(chance: &mut Chance) -> f64 {
    (chance.bits() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Small numbers more often than large ones.
fn skewed(chance: &mut Chance, limit: u64) -> u64 {
    let unit = fraction(chance);
    ((unit * unit) * limit as f64) as u64
}

/// A size between the two, each order of magnitude as likely.
pub(crate) fn size(chance: &mut Chance, least: f64, most: f64) -> usize {
    let unit = fraction(chance);
    (least * (most / least).powf(unit)) as usize
}

/// A share between the two, in percent.
pub(crate) fn percent(chance: &mut Chance, least: u64, most: u64) -> u64 {
    least + chance.below(most - least + 1)
}
