"""The Agent dashboard: one workspace or one template in depth."""

from board import AGENT, IN_CODER, IN_DEPTH, ORGANIZATION, TEMPLATE, dashboard, variable
from panels import (
    ANY_PROBLEM,
    CODER_URL,
    GAP,
    GRAY,
    GREEN,
    GREEN_IF_NONE,
    HEALTH_COLORS,
    NAME_COLUMNS,
    NEUTRAL,
    PROBLEM_COLORS,
    PROBLEM_COLUMNS,
    PROBLEMS,
    STATUS_COLORS,
    WORKSPACE_COLORS,
    age,
    bands,
    colored,
    ending,
    graph,
    heatmap,
    linked,
    quantiles,
    query,
    stat,
    table,
)
from queries import AGENT as BY_AGENT, CHOSEN_DEPLOYMENT, PROBLEM, fleet, limit, of_agents, selector, shown, with_coder_url

INFO = "coder_agent_info"
HEARTBEAT = "coder_agent_last_connected_timestamp_seconds"
AGES = "coder_agent_heartbeat_age_seconds_bucket"
TIMEOUT = limit("inactive_timeout")

NOT_STOPPED = 'health!="shutdown"'
ONLY_WITH_ALL = " Only with --metrics.agent-series=all, up to --metrics.max-agent-series agents."
NEEDS_ALL = "unknown: the exporter runs without --metrics.agent-series=all, or does not answer"


def named_heartbeats(labels, *matchers):
    """The newest heartbeat of each agent, with its names, which only the info has."""
    return (
        f"max by (agent_id) ({shown(HEARTBEAT)})\n"
        f"    * on (agent_id) group_right ()\n    group by ({labels}) (\n      {of_agents(INFO, *matchers)}\n    )"
    )


NOW = [
    stat("Agents", "All agents of the selected templates, including those of stopped workspaces.",
         f"sum by (deployment) ({fleet('coder_agents')})", NEUTRAL),
    stat("Healthy", "Agents that are connected and started.", f"""sum by (deployment) ({fleet('coder_agents_health', 'health="healthy"')})""",
         GREEN),
    stat("With a problem", "Agents with any of the seven problems, whether they are listed below or not.",
         f"sum by (deployment) ({fleet('coder_agents_health', ANY_PROBLEM)})", GREEN_IF_NONE),
    stat("Starting", "Agents that are connecting or starting and are within the time limits.",
         f"""sum by (deployment) ({fleet('coder_agents_health', 'health=~"connecting|starting"')})""", NEUTRAL),
    stat("Running workspaces", "Workspaces that were started by their latest build and have an agent.",
         f"""sum by (deployment) ({fleet('coder_workspaces', 'state="running"')})""", NEUTRAL),
    stat("Failed builds", "Workspaces whose latest build failed.",
         f"""sum by (deployment) ({fleet('coder_workspaces', 'state="failed"')})""", GREEN_IF_NONE),
    stat("Stale chat bindings", "Chats that are bound to an agent of an earlier build, and were used since: they cannot be answered.",
         f"""sum by (deployment) ({fleet('coder_chat_bindings', 'state="stale"')})""", [("green", None), ("orange", 1)],
         no_value="unknown, or a Coder before v2.32"),
    stat("Heartbeat age, 90 %", "90 % of the agents with an open connection have a heartbeat younger than this, as a share "
         "of the inactivity timeout (--agent.inactive-timeout), after which an agent counts as disconnected. Agents send "
         "two heartbeats in that time.",
         f"histogram_quantile(0.9, sum by (deployment, le) ({fleet(AGES)}))\n/ on (deployment)\n{TIMEOUT}",
         [("green", None), ("orange", 0.8), ("red", 1)], unit="percentunit", decimals=0,
         no_value="unknown, or none connected"),
]


def one_of_problems():
    """A number for each problem, so that the bands have different values."""
    each = [
        f"""{number} * group by ({BY_AGENT}) ({of_agents(PROBLEM, f'health="{health}"')})"""
        for number, health in enumerate(PROBLEMS, start=1)
    ]
    have_one_now = f"max by (agent_id) ({of_agents(PROBLEM)} @ end())"
    return "(\n" + "\nor\n".join(each) + f"\n)\nand on (agent_id)\n{have_one_now}"


NAMED = [
    table(
        "Problem agents, and since when",
        "Agents with a problem, of the selected owners and workspaces, the oldest problem first. cause is the reason, "
        "where it is known: survived_build is an agent process that still runs from before a stop and start.",
        ["sort_desc(\n"
         + with_coder_url(f"(time() - max by ({BY_AGENT}, kind, health, cause) ({of_agents(PROBLEM)}))") + "\n)"],
        PROBLEM_COLUMNS,
        overrides=[
            age(),
            CODER_URL,
            colored("Health", PROBLEM_COLORS),
            linked("Workspace", "Open in Coder", IN_CODER, new_tab=True),
            linked("Template", "Only this template", IN_DEPTH),
        ],
        no_value='None of them has a problem, or there is no data: see "Agents".',
        height=8,
    ),
    bands(
        "Problems over time, of the agents above",
        "Problems over time, of agents that have a problem at the end of the time range. A gap means that the agent had no "
        "problem, or that there was no data. With many agents, select owners or workspaces first.",
        one_of_problems(),
        "{{workspace_owner}}/{{workspace_name}}.{{agent_name}}",
        width=24,
        height=10,
        no_value="none of them had a problem, or there was no data",
        mappings=[
            {
                "type": "value",
                "options": {
                    str(number): {"text": health, "color": PROBLEM_COLORS[health], "index": number}
                    for number, health in enumerate(PROBLEMS, start=1)
                },
            }
        ],
    ),
]

ONE_BY_ONE = [
    table(
        "Each agent",
        "Current state of each agent, the oldest heartbeat first." + ONLY_WITH_ALL,
        [
            "sort_desc(\n"
            + with_coder_url(
                f"(time() - (\n    {named_heartbeats(f'{BY_AGENT}, kind, version, lifecycle_state, status, health')}\n))"
            )
            + "\n)"
        ],
        [
            ("Value", "Heartbeat age"),
            ("health", "Health"),
            ("status", "Status"),
            ("lifecycle_state", "Lifecycle"),
            ("version", "Version"),
            ("kind", "Kind"),
            *NAME_COLUMNS,
        ],
        overrides=[
            age("Heartbeat age"),
            CODER_URL,
            colored("Health", HEALTH_COLORS),
            colored("Status", STATUS_COLORS),
            linked("Workspace", "Open in Coder", IN_CODER, new_tab=True),
        ],
        no_value=NEEDS_ALL,
        height=8,
    ),
    graph(
        "Heartbeat age by agent",
        "The ten agents with the oldest heartbeat at the end of the time range, without stopped agents. The age of a "
        "healthy agent stays near or below 15 s. A line that keeps rising is a disconnected agent." + ONLY_WITH_ALL,
        f"time() - (\n    {named_heartbeats(BY_AGENT, NOT_STOPPED)}\n)\n"
        "and on (agent_id)\nbottomk(10,\n  max by (agent_id) (" + f"{shown(HEARTBEAT)} @ end())\n"
        f"  and on (agent_id)\n  {of_agents(INFO, NOT_STOPPED)} @ end()\n)",
        "{{workspace_owner}}/{{workspace_name}}.{{agent_name}}",
        width=24,
        height=7,
        unit="s",
        no_value=NEEDS_ALL,
        negative=True,
    ),
]

HEARTBEATS = [
    heatmap(
        "Heartbeat age, all agents",
        "Number of agents by age of their last heartbeat, for agents with an open connection. A rising band means that "
        "many agents stopped sending at the same time. Select one deployment: the agents of several are added. The bounds depend on --agent.inactive-timeout." + GAP,
        f"sum by (le) ({fleet(AGES)})",
        width=12,
        height=9,
        unit="s",
        no_value="unknown, or none connected",
    ),
    quantiles(
        "Heartbeat age, quantiles",
        "Heartbeat age: median, 90th and 99th percentile. Above the inactivity timeout an agent counts as "
        "disconnected." + GAP,
        f"sum by (deployment, le) ({fleet(AGES)})",
        width=12,
        height=9,
        unit="s",
        no_value="unknown, or none connected",
        logarithmic=True,
    ),
]

HEARTBEATS[1]["targets"].append(query(TIMEOUT, "{{deployment}} timeout", "D"))
HEARTBEATS[1]["fieldConfig"]["overrides"].append(ending("timeout", color={"mode": "fixed", "fixedColor": "red"}))

SERVERS = f"group by (deployment, version) ({selector('coder_replica_info', (CHOSEN_DEPLOYMENT,))})"
AGENTS_BY_VERSION = fleet("coder_agents_version", 'version!="unknown"')


def by_version(which, known=""):
    return (f"sum by (deployment) (\n  {AGENTS_BY_VERSION}\n  {which} on (deployment, version)\n"
            f"  {SERVERS}\n{known})")


def against_server():
    """Agents of a version that a replica of coderd runs, and the others, where replicas are known."""
    made = graph(
        "Versions, against the server's",
        "Agents of a version that a replica of coderd or a workspace proxy runs, and agents of another. An agent takes the "
        "server's version when its workspace starts, so after an upgrade the others go down day by day." + GAP,
        "", "", width=12, height=8, stacked=True, colors={"as the server": "green", "another version": "orange"},
        no_value="unknown: Coder writes no replicas, or there is no data",
    )
    known = f"  and on (deployment)\n  {SERVERS}\n"
    made["targets"] = [
        query(by_version("and"), "{{deployment}} as the server"),
        query(by_version("unless", known), "{{deployment}} another version", "B"),
    ]
    return made


STATES = [
    graph(
        "Lifecycle",
        "Lifecycle state that the agents last reported." + GAP,
        f"sum by (deployment, lifecycle_state) ({fleet('coder_agents_lifecycle')}) > 0",
        "{{deployment}} {{lifecycle_state}}",
        width=8,
        height=8,
        stacked=True,
        colors={
            "ready": "green", "starting": "light-blue", "created": "purple", "start_timeout": "yellow",
            "start_error": "dark-red", "off": GRAY,
        },
    ),
    graph(
        "Workspaces by state",
        "The state of the latest build of each workspace. no_agent: the workspace was started but has no "
        "agent." + GAP,
        f"sum by (deployment, state) ({fleet('coder_workspaces')}) > 0",
        "{{deployment}} {{state}}",
        width=8,
        height=8,
        stacked=True,
        colors=WORKSPACE_COLORS,
    ),
    graph(
        "Chat bindings",
        "Agent bindings of chats. current: an agent of the latest build. stale: an agent of an earlier build, though "
        "the chat was used since. idle: likewise, and not used since; the next use repairs the binding. unbound: no agent."
        + GAP,
        f"sum by (deployment, state) ({fleet('coder_chat_bindings')})",
        "{{deployment}} {{state}}",
        width=8,
        height=8,
        stacked=True,
        colors={"current": "green", "stale": "orange", "idle": "blue", "no_agent": "red", "unbound": GRAY},
        no_value="unknown, or a Coder before v2.32",
    ),
    graph(
        "Status changes per minute",
        "Changes of connection status between two collections. Many changes from connected to disconnected and back mean "
        "an unstable network.",
        "60 * sum by (deployment, from, to) (\n  "
        f"rate({shown('coder_agent_status_transitions_total')}[$__rate_interval])\n) > 0",
        "{{deployment}} {{from}} → {{to}}",
        width=12,
        height=8,
        unit="cpm",
        no_value="none, or unknown",
    ),
    graph(
        "Apps by health",
        "Apps of the agents by the result of their health check. disabled: the app has no health check. unknown: "
        "its agent is lost or is being stopped." + GAP,
        f"sum by (deployment, health) ({fleet('coder_apps')})",
        "{{deployment}} {{health}}",
        width=12,
        height=8,
        stacked=True,
        colors={"healthy": "green", "initializing": "blue", "unhealthy": "red", "disabled": GRAY, "unknown": "purple"},
    ),
]

VERSIONS = [
    graph(
        "Versions",
        "Agents by version: the twenty most common versions, and other. An agent that has never connected has no version." + GAP,
        f"sum by (deployment, version) ({fleet('coder_agents_version')})",
        "{{deployment}} {{version}}",
        width=12,
        height=8,
        stacked=True,
    ),
    against_server(),
]

# Agents without a problem have names only where every agent has series of its own.
EITHER = f'__name__=~"{PROBLEM}|{INFO}"'

DASHBOARD = dashboard(
    AGENT,
    "Coder agents / Agent",
    "One template or one workspace in depth: its agents, their problems, heartbeats, versions and states.",
    [
        ORGANIZATION,
        TEMPLATE,
        variable("owner", "Owner", "Owners of workspaces with agents in rows two and three",
                 shown("", EITHER), "workspace_owner"),
        variable("workspace", "Workspace", "Workspaces with agents in rows two and three",
                 shown("", EITHER, 'workspace_owner=~"$owner"'), "workspace_name"),
    ],
    [
        ("Selected templates now", NOW),
        ("Agents with a problem, by name", NAMED),
        ("Every agent, by name", ONE_BY_ONE),
        ("Heartbeats of the selected templates", HEARTBEATS),
        ("States of the selected templates", STATES),
        ("Versions of the selected templates", VERSIONS),
    ],
)
