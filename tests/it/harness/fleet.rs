//! Rows the way Coder makes them: workspaces, their builds, what the builds made.
//!
//! Values first, SQL later: a test says `workspace("box").agent(agent("main"))` and hands it to
//! [`Coder::add`](super::Coder::add). Whatever a test does not mention is unremarkable: an
//! agent is connected and ready, a build has succeeded.

use uuid::Uuid;

/// A workspace and its builds.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    pub(crate) id: Uuid,
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) organization: String,
    pub(super) template: String,
    pub(super) deleted: bool,
    pub(super) builds: Vec<Build>,
}

/// A workspace of ada's, from template docker of organization acme, with no build yet.
pub(crate) fn workspace(name: &str) -> Workspace {
    Workspace {
        id: Uuid::new_v4(),
        name: name.to_owned(),
        owner: "ada".to_owned(),
        organization: "acme".to_owned(),
        template: "docker".to_owned(),
        deleted: false,
        builds: Vec::new(),
    }
}

impl Workspace {
    pub(crate) fn owner(mut self, name: &str) -> Self {
        self.owner = name.to_owned();
        self
    }

    /// Built ahead, and claimed by no user yet.
    pub(crate) fn prebuild(self) -> Self {
        self.owner("prebuilds")
    }

    pub(crate) fn organization(mut self, name: &str) -> Self {
        self.organization = name.to_owned();
        self
    }

    pub(crate) fn template(mut self, name: &str) -> Self {
        self.template = name.to_owned();
        self
    }

    pub(crate) fn deleted(mut self) -> Self {
        self.deleted = true;
        self
    }

    /// Adds a build. Builds are inserted in the order in which they are added.
    pub(crate) fn build(mut self, build: Build) -> Self {
        self.builds.push(build);
        self
    }

    /// For workspaces whose builds do not matter: one start build with these agents.
    pub(crate) fn agent(self, agent: Agent) -> Self {
        self.build(start(1).agent(agent))
    }
}

/// A build of a workspace.
#[derive(Debug, Clone)]
pub(crate) struct Build {
    pub(super) number: i32,
    pub(super) transition: &'static str,
    pub(super) job: Job,
    pub(super) created: String,
    pub(super) resources: Vec<Resource>,
}

/// A resource of a build, which has agents.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) of_type: &'static str,
    pub(super) agents: Vec<Agent>,
}

impl Resource {
    fn new(of_type: &'static str) -> Self {
        let agents = Vec::new();
        Self { of_type, agents }
    }
}

/// How far the job of a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    Pending,
    Running,
    Succeeded,
    Failed,
    Canceling,
    Canceled,
}

/// A build that started the workspace.
pub(crate) fn start(number: i32) -> Build {
    build(number, "start")
}

/// A build that stopped the workspace.
pub(crate) fn stop(number: i32) -> Build {
    build(number, "stop")
}

/// A build with any transition.
pub(crate) fn build(number: i32, transition: &'static str) -> Build {
    Build {
        number,
        transition,
        job: Job::Succeeded,
        created: seconds_ago(7200.0),
        resources: vec![Resource::new("docker_container")],
    }
}

impl Build {
    pub(crate) fn job(mut self, job: Job) -> Self {
        self.job = job;
        self
    }

    pub(crate) fn created_ago(mut self, seconds: f64) -> Self {
        self.created = seconds_ago(seconds);
        self
    }

    /// Adds an agent to the newest resource.
    pub(crate) fn agent(mut self, agent: Agent) -> Self {
        let newest = self.resources.last_mut().expect("a resource");
        newest.agents.push(agent);
        self
    }

    /// Begins another resource.
    pub(crate) fn resource(self) -> Self {
        self.resource_of_type("docker_container")
    }

    /// Begins a resource whose agents run outside Coder.
    pub(crate) fn external_resource(self) -> Self {
        self.resource_of_type("coder_external_agent")
    }

    fn resource_of_type(mut self, of_type: &'static str) -> Self {
        self.resources.push(Resource::new(of_type));
        self
    }
}

/// An agent, its sub-agents and its apps.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) id: Uuid,
    /// Columns and the SQL of their values.
    pub(super) columns: Vec<(&'static str, String)>,
    pub(super) soft_deleted: bool,
    pub(super) subs: Vec<Agent>,
    /// Display name and health of each.
    pub(super) apps: Vec<(String, &'static str)>,
}

/// A connected agent whose startup script is done.
pub(crate) fn agent(name: &str) -> Agent {
    let agent = Agent {
        id: Uuid::new_v4(),
        columns: Vec::new(),
        soft_deleted: false,
        subs: Vec::new(),
        apps: Vec::new(),
    };
    agent
        .set("name", literal(name))
        .set("version", literal("v2.35.1"))
        .set("connection_timeout_seconds", 120)
        .set("created_at", seconds_ago(7200.0))
        .set("first_connected_at", seconds_ago(7190.0))
        .set("started_at", seconds_ago(7189.0))
        .set("ready_at", seconds_ago(7100.0))
        .silent_for(5.0)
        .lifecycle("ready")
}

/// A row that nothing has connected to, made this many seconds ago. It waits for ever: say
/// otherwise with `set("connection_timeout_seconds", …)`.
pub(crate) fn waiting_agent(name: &str, created_seconds_ago: f64) -> Agent {
    agent(name)
        .set("created_at", seconds_ago(created_seconds_ago))
        .set("connection_timeout_seconds", 0)
        .set("version", literal(""))
        .null("first_connected_at")
        .null("last_connected_at")
        .null("started_at")
        .null("ready_at")
        .lifecycle("created")
}

impl Agent {
    /// Any column, by the SQL of its value.
    pub(crate) fn set(mut self, column: &'static str, sql: impl ToString) -> Self {
        self.columns.retain(|(known, _)| *known != column);
        self.columns.push((column, sql.to_string()));
        self
    }

    pub(crate) fn null(self, column: &'static str) -> Self {
        self.set(column, "NULL")
    }

    /// A time, this many seconds before the database's now; negative is in the future.
    pub(crate) fn ago(self, column: &'static str, seconds: f64) -> Self {
        self.set(column, seconds_ago(seconds))
    }

    pub(crate) fn silent_for(self, seconds: f64) -> Self {
        self.ago("last_connected_at", seconds)
    }

    /// Coder saw the connection close, a second after the last heartbeat.
    pub(crate) fn closed_ago(self, seconds: f64) -> Self {
        self.silent_for(seconds + 1.0)
            .ago("disconnected_at", seconds)
    }

    pub(crate) fn lifecycle(self, state: &str) -> Self {
        self.set("lifecycle_state", literal(state))
    }

    /// Deleted softly, in eras that can.
    pub(crate) fn soft_deleted(mut self) -> Self {
        self.soft_deleted = true;
        self
    }

    /// Adds a sub-agent; in eras without parents it is an agent like any other.
    pub(crate) fn sub(mut self, agent: Agent) -> Self {
        self.subs.push(agent);
        self
    }

    /// Adds an app of this health.
    pub(crate) fn app(self, health: &'static str) -> Self {
        self.named_app("", health)
    }

    /// Adds an app of this display name, which several may share, and health.
    pub(crate) fn named_app(mut self, name: &str, health: &'static str) -> Self {
        self.apps.push((name.to_owned(), health));
        self
    }
}

/// A moment before the database's now, as SQL.
pub(super) fn seconds_ago(seconds: f64) -> String {
    format!("now() - interval '{seconds} seconds'")
}

/// A text as SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
