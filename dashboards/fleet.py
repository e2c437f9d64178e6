"""The Fleet dashboard: is anything wrong with the agents, where, since when, and which template?"""

from board import (
    FIRING,
    FLEET,
    IN_CODER,
    IN_DEPTH,
    ONE_WORKSPACE,
    ORGANIZATION,
    PROBE,
    SAME_CHOICE,
    TEMPLATE,
    alerts,
    dashboard,
    incident,
)
from panels import (
    ACTIVITY_COLORS,
    ANY_PROBLEM,
    CODER_URL,
    GAP,
    GRAY,
    GREEN,
    GREEN_IF_ANY,
    GREEN_IF_NONE,
    HEALTH_COLORS,
    NEUTRAL,
    PROBLEM_COLORS,
    PROBLEM_COLUMNS,
    STATUS_COLORS,
    WORKSPACE_COLORS,
    YES_OR_NO,
    against_last_week,
    age,
    bands,
    colored,
    counted,
    graph,
    linked,
    stat,
    table,
)
from queries import (
    AGENT,
    CHOSEN_DEPLOYMENT,
    PROBLEM,
    TEMPLATE as BY_TEMPLATE,
    fleet,
    probed,
    selector,
    shown,
    with_coder_url,
)

SEE_DATABASE = 'see "Database answers"'
HEALTHY = [("red", None), ("orange", 0.9), ("green", 0.98)]


BY_DEPLOYMENT = "deployment"
EXPECTED = 'health!="shutdown"'


def agents(matcher, by=BY_DEPLOYMENT, offset=""):
    return f"sum by ({by}) ({fleet('coder_agents_health', matcher, offset=offset)})"


def healthy_share(by=BY_DEPLOYMENT):
    return agents('health="healthy"', by) + "\n/\n(" + agents(EXPECTED, by) + " > 0)"


# As many agents as matter in a fleet of this size: one in fifty, and 25 in any. An alert pages for so many users.
MANY = f"clamp(min(0.02 * {agents(EXPECTED)}), 1, 25)"
RED_FROM = " Red from one agent in fifty, at most 25."


def in_use(by, *matchers, offset=""):
    return f"sum by ({by}) ({fleet('coder_workspaces_activity', *matchers, offset=offset)})"


ALERT = "alertname, severity, deployment, organization_name, template_name"
FIRING_ALERTS = f"""max by ({ALERT}) (
  time() - {selector('ALERTS_FOR_STATE', alerts((), True))}
  and ignoring (alertstate)
  {selector('ALERTS', alerts(FIRING, True))}
)"""
PROBLEM_AGES = f"(time() - max by ({AGENT}, kind, health, cause) ({shown(PROBLEM)}))"
PROBLEM_OF_AGENTS = f"max by ({AGENT}) ({shown(PROBLEM)})"


INCIDENTS = [
    table(
        "Incidents",
        "What agents with a problem have in common, the largest first: the factor, such as template or "
        "coderd_replica, and its value. Expected are the agents that it could have hit.",
        [
            incident("coder_incident_agents"),
            incident("coder_incident_expected_agents"),
            incident("coder_incident_users"),
            f"time() - {incident('coder_incident_start_timestamp_seconds')}",
        ],
        [
            ("factor", "Factor"),
            ("value", "Value"),
            ("family", "Family"),
            ("kind", "Kind"),
            ("deployment", "Deployment"),
            ("Value #A", "Agents"),
            ("Value #B", "Expected"),
            ("Value #C", "Users"),
            ("Value #D", "Since"),
        ],
        overrides=[counted("Agents", [("red", None)]), age("Since")],
        no_value=f"No incident, or there is no data: {SEE_DATABASE}.",
        height=6,
        width=18,
        sort_by="Agents",
    ),
    {
        **stat(
            "Coder is down",
            "Whether Coder is down: no replica of coderd runs, and no agent sends heartbeats.",
            f"max by (deployment) ({selector('coder_down', (CHOSEN_DEPLOYMENT,))})",
            GREEN_IF_NONE,
            unit="none",
            no_value="unknown: Coder writes no replicas, or there is no data",
            mappings=[
                {
                    "type": "value",
                    "options": {
                        "0": {"text": "no", "color": "green", "index": 0},
                        "1": {"text": "down", "color": "red", "index": 1},
                    },
                }
            ],
            width=6,
        ),
        "gridPos": {"w": 6, "h": 6},
    },
]

WHO = [
    table(
        "Alerts that fire",
        "Alerts of the rules that fire, but the watchdog, and how long their condition has held. The name leads to the "
        "runbook. Prometheus has them where it evaluates the rules itself, as Mimir, Thanos and vmalert do.",
        [FIRING_ALERTS],
        [
            ("alertname", "Alert"),
            ("severity", "Severity"),
            ("Value", "For"),
            ("deployment", "Deployment"),
            ("template_name", "Template"),
            ("organization_name", "Organization"),
        ],
        overrides=[
            age("For"),
            colored("Severity", {"critical": "red", "warning": "orange", "info": "blue"}),
            linked("Alert", "Runbook", "${exporter_url}/runbooks/${__data.fields.alertname}", new_tab=True),
        ],
        no_value="No alert fires, or the rules are not loaded.",
        height=6,
        width=14,
        sort_by="For",
    ),
    table(
        "Owners hit most",
        "The ten owners with the most agents that have a problem and a series of their own (--metrics.max-agent-series). "
        "With --metrics.agent-labels=ids no owner is known.",
        [f"topk(10, count by (deployment, workspace_owner) ({PROBLEM_OF_AGENTS}))"],
        [("workspace_owner", "Owner"), ("Value", "Agents"), ("deployment", "Deployment")],
        overrides=[counted("Agents", [("text", None)], decimals=0, custom__width=90)],
        no_value=f"No agent has a problem, or there is no data: {SEE_DATABASE}.",
        height=6,
        width=10,
        sort_by="Agents",
    ),
]

NOW = [
    stat(
        "Healthy share",
        "Healthy agents as a share of all expected agents. Agents of stopped or stopping workspaces do not "
        "count.",
        healthy_share(),
        HEALTHY,
        unit="percentunit",
        no_value="unknown, or all stopped",
        decimals=1,
    ),
    stat(
        "Healthy",
        "Agents that are connected and started.",
        agents('health="healthy"'),
        GREEN,  # none healthy is no fault when all are stopped: the share says which
    ),
    stat(
        "Lost",
        "Agents that are disconnected or terminated although their workspaces were not stopped. The list below has the "
        "kind of each: only for root is a user's workspace lost. A user may have stopped a dev container "
        "(sub), an external agent runs outside Coder, and no user has a prebuild yet." + RED_FROM,
        agents('health=~"disconnected|terminated"'),
        GREEN_IF_NONE,
        red_from=MANY,
    ),
    stat(
        "Stuck in created",
        "Agents that are connected but have never reported that they started. A blocking ssh into their "
        "workspaces hangs." + RED_FROM,
        agents('health="stuck_created"'),
        GREEN_IF_NONE,
        red_from=MANY,
    ),
    stat(
        "Other problems",
        "Agents that have never connected (stuck_connecting, connect_timeout), or whose start-up script "
        "failed (start_error) or has not finished within the limit (stuck_starting)." + RED_FROM,
        agents('health=~"stuck_connecting|connect_timeout|start_error|stuck_starting"'),
        GREEN_IF_NONE,
        red_from=MANY,
    ),
    stat(
        "Oldest problem",
        "Age of the oldest current problem.",
        f"time() - min by (deployment) ({shown('coder_agent_oldest_problem_timestamp_seconds')})",
        [("orange", None), ("red", 3600)],
        unit="s",
        no_value="none, or unknown",
        decimals=0,
    ),
    stat(
        "Stopped",
        "Agents of workspaces that are stopped or stopping. They are not a problem, whatever their "
        "connection status.",
        agents('health="shutdown"'),
        NEUTRAL,
    ),
    stat(
        "Agents are read",
        "Whether any exporter gets an answer from Coder's database and can read the agents. If none does, "
        "the numbers in this row are unknown.",
        f"max by (deployment) ({selector('coder_exporter_up', (CHOSEN_DEPLOYMENT,))})",
        GREEN_IF_ANY,
        unit="none",
        no_value="no exporter",
        mappings=YES_OR_NO,
    ),
]

WHICH_TEMPLATE = [
    table(
        "Templates",
        "Templates with agents, those with most problems first. The share is of the expected agents, those "
        "that are not stopped. An empty oldest problem means none.",
        [
            agents(ANY_PROBLEM, BY_TEMPLATE),
            healthy_share(BY_TEMPLATE),
            agents(EXPECTED, BY_TEMPLATE),
            f"time() - min by ({BY_TEMPLATE}) ({shown('coder_agent_oldest_problem_timestamp_seconds')})",
        ],
        [
            ("template_name", "Template"),
            ("organization_name", "Organization"),
            ("deployment", "Deployment"),
            ("Value #A", "Problems"),
            ("Value #B", "Healthy share"),
            ("Value #C", "Expected"),
            ("Value #D", "Oldest problem"),
        ],
        overrides=[
            counted("Problems", [("text", None)]),
            counted("Healthy share", HEALTHY, unit="percentunit", decimals=1),
            age("Oldest problem"),
            linked("Template", "This template in depth", IN_DEPTH),
        ],
        no_value="-",
        height=8,
        width=12,
        sort_by="Problems",
    ),
    graph(
        "Problem agents by template",
        "Agents with a problem. Compare: one template, or all templates at the same time?" + GAP,
        f"sum by ({BY_TEMPLATE}) (\n  {fleet('coder_agents_health', ANY_PROBLEM)}\n) > 0",
        "{{deployment}} {{organization_name}}/{{template_name}}",
        width=12,
        height=8,
        stacked=True,
        no_value=f"none, or unknown: {SEE_DATABASE}",
    ),
]

PROBLEMS = [
    table(
        "Agents with a problem",
        "Agents with a problem, the oldest problem first. The exporter has series for at most 1000 of them by "
        "default (--metrics.max-agent-series). The numbers above count all agents.",
        # By these labels alone, so that no target label becomes a column.
        [f"sort_desc(\n{with_coder_url(PROBLEM_AGES)}\n)"],
        PROBLEM_COLUMNS,
        overrides=[
            age(),
            CODER_URL,
            colored("Health", PROBLEM_COLORS),
            linked("Workspace", "Open in Coder", IN_CODER, new_tab=True),
            linked("Agent", "This workspace in depth", ONE_WORKSPACE),
            linked("Template", "This template in depth", IN_DEPTH),
        ],
        no_value=f"No agent has a problem, or there is no data: {SEE_DATABASE}.",
        height=9,
    ),
]

IN_USE = [
    graph(
        "Workspaces by activity",
        "Started workspaces by what they were used for in the last 3 minutes. session: a person has an editor, a terminal "
        "or ssh open. traffic: connections without a session, such as an IDE in the browser. unknown: no agent is "
        "connected." + GAP,
        in_use("deployment, activity"),
        "{{deployment}} {{activity}}",
        width=8,
        height=8,
        stacked=True,
        colors=ACTIVITY_COLORS,
        no_value="unknown, or Coder stores no session reports",
    ),
    graph(
        "In session, by template",
        "Workspaces in which a person works, by template." + GAP,
        in_use(BY_TEMPLATE, 'activity="session"') + " > 0",
        "{{deployment}} {{organization_name}}/{{template_name}}",
        width=8,
        height=8,
        stacked=True,
        no_value="none, or unknown",
    ),
    against_last_week(
        "In session, against a week ago",
        "Workspaces in which a person works. Far fewer than a week ago may be people who cannot work.",
        lambda offset: in_use(BY_DEPLOYMENT, 'activity="session"', offset=offset),
        width=8,
        height=8,
    ),
]

OVER_TIME = [
    graph(
        "Agents by health",
        "Each agent is in exactly one health class." + GAP,
        f"sum by (deployment, health) ({fleet('coder_agents_health')})",
        "{{deployment}} {{health}}",
        width=12,
        height=9,
        stacked=True,
        colors=HEALTH_COLORS,
    ),
    graph(
        "Agents by problem",
        "Only agents with a problem. Compare: did the problems start at the same time or gradually?" + GAP,
        f"sum by (deployment, health) ({fleet('coder_agents_health', ANY_PROBLEM)})",
        "{{deployment}} {{health}}",
        width=12,
        height=9,
        stacked=True,
        colors=PROBLEM_COLORS,
    ),
    graph(
        "Agents by connection status",
        "Connection status as Coder shows it. Agents of stopped workspaces are disconnected here too; use "
        "health to tell them apart." + GAP,
        f"sum by (deployment, status) ({fleet('coder_agents')})",
        "{{deployment}} {{status}}",
        width=8,
        height=8,
        stacked=True,
        colors=STATUS_COLORS,
    ),
    graph(
        "Workspaces by state",
        "The state of the latest build of each workspace that is not deleted." + GAP,
        f"sum by (deployment, state) ({fleet('coder_workspaces')})",
        "{{deployment}} {{state}}",
        width=8,
        height=8,
        stacked=True,
        colors=WORKSPACE_COLORS,
    ),
    graph(
        "Apps by health",
        "Apps of the agents by the result of their health check. disabled: the app has no health check. unknown: "
        "its agent is lost or is being stopped." + GAP,
        f"sum by (deployment, health) ({fleet('coder_apps')})",
        "{{deployment}} {{health}}",
        width=8,
        height=8,
        stacked=True,
        colors={"healthy": "green", "initializing": "blue", "unhealthy": "red", "disabled": GRAY, "unknown": "purple"},
    ),
]

BEFORE = [
    against_last_week(
        "Problems, against a week ago",
        "Agents with a problem.",
        lambda offset: agents(ANY_PROBLEM, offset=offset),
        width=12,
        height=8,
    ),
    against_last_week(
        "Expected agents, against a week ago",
        "Agents that are not stopped.",
        lambda offset: agents(EXPECTED, offset=offset),
        width=12,
        height=8,
    ),
]

BELIEVE_IT = [
    bands(
        "Agents are read, by exporter",
        "Whether each exporter got an answer from Coder's database and could read the agents. A gap means "
        "that the exporter did not answer Prometheus.",
        selector("coder_exporter_up", (CHOSEN_DEPLOYMENT,)),
        "{{instance}}",
        width=8,
        height=6,
        no_value="no exporter answers",
    ),
    graph(
        "Snapshot age",
        "Age of the last data of each exporter. It rises between scrapes up to the scrape interval. A higher "
        "value means old data.",
        f"time() - {selector('coder_exporter_snapshot_timestamp_seconds', (CHOSEN_DEPLOYMENT,))}",
        "{{instance}}",
        width=8,
        height=6,
        unit="s",
        no_value="no snapshot",
        negative=True,
    ),
    {
        **stat(
            "Database and probe disagree",
            "Recently probed agents that are connected in the database but were not reached by the probe, or "
            "the opposite. The Resolver probe dashboard has details.",
            f"sum by (deployment) (max without (instance, pod) ({probed('coder_agent_probe_disagreements')}))",
            GREEN_IF_NONE,
            no_value="unknown: no probe is on, or no round has ended",
            width=8,
        ),
        "gridPos": {"w": 8, "h": 6},
        "links": [{"title": "Resolver probe", "url": f"/d/{PROBE}?{SAME_CHOICE}"}],
    },
]

DASHBOARD = dashboard(
    FLEET,
    "Coder agents / Fleet",
    "Is anything wrong with the agents of this Coder deployment, where, and since when?",
    [ORGANIZATION, TEMPLATE],
    [
        ("What problems have in common", INCIDENTS),
        ("Alerts, and who is hit", WHO),
        ("Now", NOW),
        ("Which template", WHICH_TEMPLATE),
        ("Problems now", PROBLEMS),
        ("In use", IN_USE),
        ("Over time", OVER_TIME),
        ("Week over week", BEFORE),
        ("Is the data current?", BELIEVE_IT),
    ],
)
