"""The Fleet dashboard: is anything wrong with the agents, where, since when, and which template?"""

from board import FLEET, IN_CODER, IN_DEPTH, ONE_WORKSPACE, ORGANIZATION, PROBE, SAME_CHOICE, TEMPLATE, dashboard
from panels import (
    ANY_PROBLEM,
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
    age,
    bands,
    colored,
    counted,
    graph,
    linked,
    stat,
    table,
)
from queries import AGENT, CHOSEN_DEPLOYMENT, PROBLEM, TEMPLATE as BY_TEMPLATE, fleet, probed, selector, shown

SEE_DATABASE = 'see "Database answers"'
HEALTHY = [("red", None), ("orange", 0.9), ("green", 0.98)]


def agents(matcher, by=""):
    return f"sum{by} ({fleet('coder_agents_health', matcher)})"


def healthy_share(by=""):
    return agents('health="healthy"', by) + "\n/\n(" + agents('health!="shutdown"', by) + " > 0)"


NOW = [
    stat(
        "Healthy share",
        "Healthy agents among those that ought to be there: agents of stopped or stopping workspaces "
        "count on neither side.",
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
        "Disconnected",
        "Agents that were there and are gone, though nobody stopped their workspaces. What to do: stop "
        "the workspace, then start it; starting alone recovers nothing.",
        agents('health="disconnected"'),
        GREEN_IF_NONE,
    ),
    stat(
        "Stuck in created",
        "Agents that are connected but never reported that they started: a blocking ssh into their "
        "workspaces hangs.",
        agents('health="stuck_created"'),
        GREEN_IF_NONE,
    ),
    stat(
        "Other problems",
        "Agents that never connected (stuck_connecting, connect_timeout), whose start-up script failed "
        "(start_error) or runs far too long (stuck_starting).",
        agents('health=~"stuck_connecting|connect_timeout|start_error|stuck_starting"'),
        GREEN_IF_NONE,
    ),
    stat(
        "Oldest problem",
        "For how long the agent that has a problem for longest has had it.",
        f"time() - min({shown('coder_agent_oldest_problem_timestamp_seconds')})",
        [("orange", None), ("red", 3600)],
        unit="s",
        no_value="none, or unknown",
        decimals=0,
    ),
    stat(
        "Stopped",
        "Agents of workspaces that somebody stopped, or that are on their way down. No problem, "
        "whatever their connection says.",
        agents('health="shutdown"'),
        NEUTRAL,
    ),
    stat(
        "Database answers",
        "Whether any exporter has an answer from Coder's database. While none has, nothing is known "
        "about the agents, and the numbers beside are unknown.",
        f"max({selector('coder_exporter_up', (CHOSEN_DEPLOYMENT,))})",
        GREEN_IF_ANY,
        unit="none",
        no_value="no exporter",
        mappings=YES_OR_NO,
    ),
]

WHICH_TEMPLATE = [
    table(
        "Templates",
        "Each template with agents, those with most problems first. The share is of the agents that ought "
        "to be there. An empty oldest problem is none.",
        [
            agents(ANY_PROBLEM, f" by ({BY_TEMPLATE})"),
            healthy_share(f" by ({BY_TEMPLATE})"),
            agents('health!="shutdown"', f" by ({BY_TEMPLATE})"),
            f"time() - min by ({BY_TEMPLATE}) ({shown('coder_agent_oldest_problem_timestamp_seconds')})",
        ],
        [
            ("template_name", "Template"),
            ("organization_name", "Organization"),
            ("deployment", "Deployment"),
            ("Value #A", "Problems"),
            ("Value #B", "Healthy share"),
            ("Value #C", "Ought to be there"),
            ("Value #D", "Oldest problem"),
        ],
        overrides=[
            counted("Problems", GREEN_IF_NONE),
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
        "Agents with a problem: of one template, or of all of them at once?" + GAP,
        f"sum by (organization_name, template_name) (\n  {fleet('coder_agents_health', ANY_PROBLEM)}\n) > 0",
        "{{organization_name}} / {{template_name}}",
        width=12,
        height=8,
        stacked=True,
        no_value=f"none, or unknown: {SEE_DATABASE}",
    ),
]

PROBLEMS = [
    table(
        "Agents with a problem",
        "Each agent with a problem, the oldest first. The exporter names at most 1000 of them unless "
        "set otherwise (--metrics.max-agent-series); the numbers above count all.",
        # By these labels alone, so that no target label becomes a column.
        [f"sort_desc(\n  time() - max by ({AGENT}, health, cause) (\n    {shown(PROBLEM)}\n  )\n)"],
        PROBLEM_COLUMNS,
        overrides=[
            age(),
            colored("Health", PROBLEM_COLORS),
            linked("Workspace", "Open in Coder", IN_CODER, new_tab=True),
            linked("Agent", "This workspace in depth", ONE_WORKSPACE),
            linked("Template", "This template in depth", IN_DEPTH),
        ],
        no_value=f"No agent has a problem, or nothing is known: {SEE_DATABASE}.",
        height=9,
    ),
]

OVER_TIME = [
    graph(
        "Agents by health",
        "Every agent in exactly one class of health." + GAP,
        f"sum by (health) ({fleet('coder_agents_health')})",
        "{{health}}",
        width=12,
        height=9,
        stacked=True,
        colors=HEALTH_COLORS,
    ),
    graph(
        "Agents by problem",
        "The same without those that have none: since when, and did it come at once or little by little?" + GAP,
        f"sum by (health) ({fleet('coder_agents_health', ANY_PROBLEM)})",
        "{{health}}",
        width=12,
        height=9,
        stacked=True,
        colors=PROBLEM_COLORS,
    ),
    graph(
        "Agents by connection status",
        "As Coder itself shows it. Agents of stopped workspaces are disconnected here too; health tells "
        "them from the lost ones." + GAP,
        f"sum by (status) ({fleet('coder_agents')})",
        "{{status}}",
        width=8,
        height=8,
        stacked=True,
        colors=STATUS_COLORS,
    ),
    graph(
        "Workspaces by state",
        "The state of the latest build of each workspace that is not deleted." + GAP,
        f"sum by (state) ({fleet('coder_workspaces')})",
        "{{state}}",
        width=8,
        height=8,
        stacked=True,
        colors=WORKSPACE_COLORS,
    ),
    graph(
        "Apps by health",
        "The agents' apps as their own health checks see them; disabled means that an app has no check." + GAP,
        f"sum by (health) ({fleet('coder_apps')})",
        "{{health}}",
        width=8,
        height=8,
        stacked=True,
        colors={"healthy": "green", "initializing": "blue", "unhealthy": "red", "disabled": GRAY},
    ),
]

BELIEVE_IT = [
    bands(
        "Database answers, by exporter",
        "Whether each exporter had an answer from Coder's database. A gap means that the exporter "
        "itself did not answer Prometheus.",
        selector("coder_exporter_up", (CHOSEN_DEPLOYMENT,)),
        "{{instance}}",
        width=8,
        height=6,
        no_value="no exporter answers",
    ),
    graph(
        "Snapshot age",
        "Age of what each exporter last knew. It rises between scrapes, so it runs up to the scrape "
        "interval; more than that means old numbers.",
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
            "Connected, but not reached by the probe, or the other way round",
            "Agents whose status in the database and whose dial contradict each other, of those probed "
            "lately. More on the dashboard of the resolver probe.",
            f"sum(max without (instance, pod) ({probed('coder_agent_probe_disagreements')}))",
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
        ("Now", NOW),
        ("Which template", WHICH_TEMPLATE),
        ("Problems now", PROBLEMS),
        ("Over time", OVER_TIME),
        ("Can this be believed?", BELIEVE_IT),
    ],
)
