//! Constant data of the simulation: users, organizations and templates.

use uuid::Uuid;

use super::rng::Rng;
use super::rows::{Time, Word};

pub(super) const ORGANIZATIONS: [Word; 2] = ["engineering", "research"];

pub(super) const PEOPLE: [Word; 40] = [
    "ada",
    "agnes-varda",
    "amara-okafor",
    "anders",
    "bjorn-aas",
    "chidi",
    "chloe-dubois",
    "diego-fuentes",
    "edsger",
    "elif-yilmaz",
    "fatima-z",
    "grace-hopper",
    "hans-peter",
    "ines",
    "ivan-petrov",
    "jean-luc",
    "johanna-von-stein",
    "jose-maria",
    "kai",
    "katalin-k",
    "lakshmi",
    "li-wei",
    "linus-t",
    "maite",
    "margaret-h",
    "mo",
    "ngozi-adichie",
    "nguyen-thi-lan",
    "oluwaseun",
    "priya-raman",
    "quinn",
    "radia",
    "sadako-o",
    "siobhan-o-neill",
    "tomasz",
    "ursula-k",
    "vera-molnar",
    "wambui",
    "yuki-tanaka",
    "zoe",
];

pub(super) const WORKSPACE_NAMES: [Word; 16] = [
    "api",
    "build-box",
    "backend",
    "billing",
    "data-lab",
    "docs",
    "edge-proxy",
    "frontend",
    "infra",
    "ml-training",
    "mobile",
    "notebook",
    "payments",
    "playground",
    "search",
    "sandbox",
];

/// The hosts that Coder runs on, each with a daemon for every organization.
pub(super) const HOSTS: [Word; 3] = ["coder-0", "coder-1", "coder-2"];

/// The user who owns prebuilt workspaces, as in every Coder: a position after [`PEOPLE`].
pub(super) const PREBUILDS: usize = PEOPLE.len();
const PREBUILDS_ID: Uuid = Uuid::from_u128(0xc42f_df75_3097_471c_8c33_fb52_454d_81c0);

/// The templates that Coder keeps prebuilt workspaces of, in turn: each of another type of resource,
/// so that the few of a small fleet have nothing in common by chance.
pub(super) const PREBUILT_TEMPLATES: [usize; 4] = [0, 1, 3, 4];

/// Type of the resource of an agent that its user runs outside Coder.
const EXTERNAL_RESOURCE: Word = "coder_external_agent";

/// What Coder reports as its version.
pub(in crate::demo) const CODER_VERSION: Word = "v2.35.1+4f8a2c1";

/// An agent that does not report again on a new row: some images of machines still have it.
pub(super) const OLD_AGENT: Word = "v2.24.2+77d0fa9";

/// Agent versions, weighted by how common they are. A container gets its agent from Coder when it
/// starts; what has run since before an upgrade has an older one.
pub(super) const AGENTS_OF_CONTAINERS: [(usize, Word); 3] = [
    (80, CODER_VERSION),
    (15, "v2.34.0+9be07d3"),
    (5, "v2.31.4+1c55e02"),
];

/// As [`AGENTS_OF_CONTAINERS`], of machines whose images have an agent.
pub(super) const AGENTS_OF_MACHINES: [(usize, Word); 3] = [
    (45, CODER_VERSION),
    (20, "v2.34.0+9be07d3"),
    (35, OLD_AGENT),
];

pub(super) const CHAT_TITLES: [Word; 5] = [
    "Fix the flaky test",
    "Why is the build slow?",
    "Upgrade to the new API",
    "Write the release notes",
    "Explain this stack trace",
];

pub(super) const BUILD_ERRORS: [Word; 3] = [
    "terraform apply: exit status 1: no space left on device",
    "terraform apply: error creating instance: quota exceeded",
    "terraform plan: module not found: \"./modules/network\"",
];

/// What happens to the machine of a stopped workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    /// It is deleted, and the agent's process ends.
    Container,
    /// It may be suspended together with the agent's process. The build that stops the workspace
    /// still has an agent.
    Vm,
    /// It is its user's, outside Coder, who starts the agent when it suits.
    External,
}

#[derive(Debug)]
pub(super) struct AppPlan {
    pub(super) slug: Word,
    pub(super) display_name: Word,
    /// Whether the app has a health check.
    pub(super) checked: bool,
}

const fn app(slug: Word, display_name: Word, checked: bool) -> AppPlan {
    AppPlan {
        slug,
        display_name,
        checked,
    }
}

/// The apps of agents; each agent has the first few.
pub(super) const APPS: [AppPlan; 4] = [
    app("code-server", "code-server", true),
    app("preview", "Preview", true),
    app("jupyter", "JupyterLab", true),
    app("wiki", "Team wiki", false),
];

#[derive(Debug)]
pub(super) struct TemplatePlan {
    pub(super) name: Word,
    pub(super) organization: usize,
    pub(super) machine: Machine,
    pub(super) resource: Word,
    pub(super) architecture: Word,
    /// Seconds from the start of a workspace until Coder stops it, unless it is used; 0 is never.
    pub(super) time_to_live: Time,
    pub(super) agents: &'static [Word],
    /// Name of the sub-agent that the first agent may start.
    pub(super) dev_container: Option<Word>,
    /// 0 disables the timeout: an agent that never connects is stuck, not timed out.
    pub(super) connection_timeout_seconds: i32,
    pub(super) share: usize,
}

const HOUR: Time = 3600;

pub(super) const TEMPLATES: [TemplatePlan; 7] = [
    TemplatePlan {
        name: "kubernetes",
        organization: 0,
        machine: Machine::Container,
        resource: "kubernetes_deployment",
        architecture: "amd64",
        time_to_live: 8 * HOUR,
        agents: &["main"],
        dev_container: None,
        connection_timeout_seconds: 120,
        share: 30,
    },
    TemplatePlan {
        name: "devcontainer",
        organization: 0,
        machine: Machine::Container,
        resource: "docker_container",
        architecture: "amd64",
        time_to_live: 8 * HOUR,
        agents: &["dev"],
        dev_container: Some("app"),
        connection_timeout_seconds: 120,
        share: 15,
    },
    TemplatePlan {
        name: "monorepo",
        organization: 0,
        machine: Machine::Container,
        resource: "kubernetes_deployment",
        architecture: "amd64",
        time_to_live: 0,
        agents: &["main", "database"],
        dev_container: None,
        connection_timeout_seconds: 120,
        share: 10,
    },
    TemplatePlan {
        name: "aws-linux",
        organization: 0,
        machine: Machine::Vm,
        resource: "aws_instance",
        architecture: "arm64",
        time_to_live: 10 * HOUR,
        agents: &["main"],
        dev_container: None,
        connection_timeout_seconds: 0,
        share: 20,
    },
    TemplatePlan {
        name: "gpu-lab",
        organization: 1,
        machine: Machine::Vm,
        resource: "google_compute_instance",
        architecture: "amd64",
        time_to_live: 2 * HOUR,
        agents: &["gpu"],
        dev_container: None,
        connection_timeout_seconds: 120,
        share: 15,
    },
    TemplatePlan {
        name: "kubernetes",
        organization: 1,
        machine: Machine::Container,
        resource: "kubernetes_deployment",
        architecture: "amd64",
        time_to_live: 0,
        agents: &["main"],
        dev_container: None,
        connection_timeout_seconds: 0,
        share: 10,
    },
    TemplatePlan {
        name: "own-machine",
        organization: 1,
        machine: Machine::External,
        resource: EXTERNAL_RESOURCE,
        architecture: "amd64",
        time_to_live: 0,
        agents: &["laptop"],
        dev_container: None,
        connection_timeout_seconds: 120,
        share: 4,
    },
];

/// A row of `organizations` or `users`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Primary key.
    pub id: Uuid,
    /// `organizations.name` or `users.username`.
    pub name: Word,
}

/// A row of `templates`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// `templates.id`.
    pub id: Uuid,
    /// `templates.organization_id`.
    pub organization_id: Uuid,
    /// `templates.name`, unique within the organization.
    pub name: Word,
}

/// A provisioner daemon, as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Daemon {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub name: String,
    /// The host whose coderd it belongs to, by its position.
    pub host: usize,
}

/// The rows that exist before the first workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the tables")]
pub struct SeedData {
    pub organizations: Vec<Named>,
    pub users: Vec<Named>,
    pub templates: Vec<Template>,
    pub daemons: Vec<Daemon>,
}

impl SeedData {
    pub(super) fn new(rng: &mut Rng) -> Self {
        let mut named = |name: &Word| Named {
            id: rng.uuid(),
            name,
        };
        let organizations: Vec<Named> = ORGANIZATIONS.iter().map(&mut named).collect();
        let mut users: Vec<Named> = PEOPLE.iter().map(&mut named).collect();
        users.push(Named {
            id: PREBUILDS_ID,
            name: "prebuilds",
        });
        let template = |plan: &TemplatePlan| Template {
            id: rng.uuid(),
            organization_id: organizations[plan.organization].id,
            name: plan.name,
        };
        let templates = TEMPLATES.iter().map(template).collect();
        let hosts = HOSTS.iter().enumerate();
        let pairs = hosts.flat_map(|host| organizations.iter().map(move |of| (host, of)));
        let daemons = pairs.map(|((host, hostname), organization)| Daemon {
            id: rng.uuid(),
            organization_id: organization.id,
            name: format!("{hostname}-{}", organization.name),
            host,
        });
        let daemons = daemons.collect();
        Self {
            organizations,
            users,
            templates,
            daemons,
        }
    }
}
