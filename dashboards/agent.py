"""The Agent dashboard: one workspace or one template in depth."""

from board import AGENT, IN_CODER, IN_DEPTH, ORGANIZATION, TEMPLATE, dashboard, variable
from panels import (
    ANY_PROBLEM,
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
    graph,
    heatmap,
    linked,
    quantiles,
    stat,
    table,
)
from queries import AGENT as BY_AGENT, PROBLEM, fleet, of_agents, shown

INFO = "coder_agent_info"
HEARTBEAT = "coder_agent_last_connected_timestamp_seconds"
AGES = "coder_agent_heartbeat_age_seconds_bucket"

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
         f"sum({fleet('coder_agents')})", NEUTRAL),
    stat("Healthy", "Agents that are connected and started.", f"""sum({fleet('coder_agents_health', 'health="healthy"')})""",
         GREEN),
    stat("With a problem", "Agents with any of the seven problems, whether they are listed below or not.",
         f"sum({fleet('coder_agents_health', ANY_PROBLEM)})", GREEN_IF_NONE),
    stat("Starting", "Agents that are connecting or starting and are within the time limits.",
         f"""sum({fleet('coder_agents_health', 'health=~"connecting|starting"')})""", NEUTRAL),
    stat("Running workspaces", "Workspaces that were started by their latest build and have an agent.",
         f"""sum({fleet('coder_workspaces', 'state="running"')})""", NEUTRAL),
    stat("Failed builds", "Workspaces whose latest build failed.",
         f"""sum({fleet('coder_workspaces', 'state="failed"')})""", GREEN_IF_NONE),
    stat("Stale chat bindings", "Chats that are bound to an agent of an earlier build, which cannot answer.",
         f"""sum({fleet('coder_chat_bindings', 'state="stale"')})""", [("green", None), ("orange", 1)],
         no_value="unknown, or a Coder before v2.32"),
    stat("Heartbeat age, 90 %", "90 % of the agents with an open connection have a heartbeat younger than this. "
         "Coder writes one every 15 s.",
         f"histogram_quantile(0.9, sum by (le) ({fleet(AGES)}))", [("green", None), ("orange", 20), ("red", 30)],
         unit="s", decimals=1, no_value="unknown, or none connected"),
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
        [f"sort_desc(\n  time() - max by ({BY_AGENT}, kind, health, cause) (\n    {of_agents(PROBLEM)}\n  )\n)"],
        PROBLEM_COLUMNS,
        overrides=[
            age(),
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
            "sort_desc(\n  time() - (\n    "
            f"{named_heartbeats(f'{BY_AGENT}, kind, version, lifecycle_state, status, health')}\n  )\n)"
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
        "many agents stopped sending at the same time. The bounds depend on --agent.inactive-timeout." + GAP,
        f"sum by (le) ({fleet(AGES)})",
        width=12,
        height=9,
        unit="s",
        no_value="unknown, or none connected",
    ),
    quantiles(
        "Heartbeat age, quantiles",
        "Heartbeat age: median, 90th and 99th percentile. Above the inactivity timeout (30 s by default) an agent counts "
        "as disconnected." + GAP,
        f"sum by (le) ({fleet(AGES)})",
        width=12,
        height=9,
        unit="s",
        no_value="unknown, or none connected",
        logarithmic=True,
    ),
]

STATES = [
    graph(
        "Lifecycle",
        "Lifecycle state that the agents last reported." + GAP,
        f"sum by (lifecycle_state) ({fleet('coder_agents_lifecycle')}) > 0",
        "{{lifecycle_state}}",
        width=8,
        height=8,
        stacked=True,
        colors={
            "ready": "green", "starting": "light-blue", "created": "purple", "start_timeout": "yellow",
            "start_error": "dark-red", "off": GRAY,
        },
    ),
    graph(
        "Versions",
        "Agents by version: the twenty most common versions, and other. An agent that has never connected has no version." + GAP,
        f"sum by (version) ({fleet('coder_agents_version')})",
        "{{version}}",
        width=8,
        height=8,
        stacked=True,
    ),
    graph(
        "Workspaces by state",
        "The state of the latest build of each workspace. no_agent: the workspace was started but has no "
        "agent." + GAP,
        f"sum by (state) ({fleet('coder_workspaces')}) > 0",
        "{{state}}",
        width=8,
        height=8,
        stacked=True,
        colors=WORKSPACE_COLORS,
    ),
    graph(
        "Chat bindings",
        "Agent bindings of chats. current: an agent of the latest build. stale: an agent of an earlier build; the next "
        "use repairs the binding. unbound: no agent." + GAP,
        f"sum by (state) ({fleet('coder_chat_bindings')})",
        "{{state}}",
        width=8,
        height=8,
        stacked=True,
        colors={"current": "green", "stale": "orange", "no_agent": "red", "unbound": GRAY},
        no_value="unknown, or a Coder before v2.32",
    ),
    graph(
        "Status changes per minute",
        "Changes of connection status between two collections. Many changes from connected to disconnected and back mean "
        "an unstable network.",
        "60 * sum by (from, to) (\n  "
        f"rate({shown('coder_agent_status_transitions_total')}[$__rate_interval])\n) > 0",
        "{{from}} → {{to}}",
        width=8,
        height=8,
        unit="cpm",
        no_value="none, or unknown",
    ),
    graph(
        "Apps by health",
        "Apps of the agents by the result of their health check. disabled: the app has no health check." + GAP,
        f"sum by (health) ({fleet('coder_apps')})",
        "{{health}}",
        width=8,
        height=8,
        stacked=True,
        colors={"healthy": "green", "initializing": "blue", "unhealthy": "red", "disabled": GRAY},
    ),
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
    ],
)
