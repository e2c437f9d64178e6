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
ONLY_WITH_ALL = " Only with --metrics.agent-series=all; at most as many agents as --metrics.max-agent-series says."
NEEDS_ALL = "not known: the exporter runs without --metrics.agent-series=all, or does not answer"


def named_heartbeats(labels, *matchers):
    """The newest heartbeat of each agent, with its names, which only the info has."""
    return (
        f"max by (agent_id) ({shown(HEARTBEAT)})\n"
        f"    * on (agent_id) group_right ()\n    group by ({labels}) (\n      {of_agents(INFO, *matchers)}\n    )"
    )


NOW = [
    stat("Agents", "All agents of the chosen templates, those of stopped workspaces included.",
         f"sum({fleet('coder_agents')})", NEUTRAL),
    stat("Healthy", "Those that are connected and started.", f"""sum({fleet('coder_agents_health', 'health="healthy"')})""",
         GREEN),
    stat("With a problem", "Those with any of the six problems, whether they are named below or not.",
         f"sum({fleet('coder_agents_health', ANY_PROBLEM)})", GREEN_IF_NONE),
    stat("Coming up", "Agents that are connecting or starting and still have time to do so.",
         f"""sum({fleet('coder_agents_health', 'health=~"connecting|starting"')})""", NEUTRAL),
    stat("Running workspaces", "Workspaces whose latest build started them, with an agent.",
         f"""sum({fleet('coder_workspaces', 'state="running"')})""", NEUTRAL),
    stat("Failed builds", "Workspaces whose latest build failed.",
         f"""sum({fleet('coder_workspaces', 'state="failed"')})""", GREEN_IF_NONE),
    stat("Stale chat bindings", "Chats that remember an agent of an earlier build, which cannot answer any more.",
         f"""sum({fleet('coder_chat_bindings', 'state="stale"')})""", [("green", None), ("orange", 1)],
         no_value="unknown, or a Coder before v2.32"),
    stat("Heartbeat, 9 of 10", "Nine of ten agents that are not closed have a heartbeat younger than this. "
         "Coder writes one every 15 s.",
         f"histogram_quantile(0.9, sum by (le) ({fleet(AGES)}))", [("green", None), ("orange", 20), ("red", 30)],
         unit="s", decimals=1, no_value="unknown, or none connected"),
]


def one_of_problems():
    """A number for each problem, so that the bands can be told apart."""
    each = [
        f"""{number} * group by ({BY_AGENT}) ({of_agents(PROBLEM, f'health="{health}"')})"""
        for number, health in enumerate(PROBLEMS, start=1)
    ]
    have_one_now = f"max by (agent_id) ({of_agents(PROBLEM)} @ end())"
    return "(\n" + "\nor\n".join(each) + f"\n)\nand on (agent_id)\n{have_one_now}"


NAMED = [
    table(
        "Problem agents, and since when",
        "Agents with a problem, of the chosen owners and workspaces, the oldest first. cause says why an agent is "
        "stuck in created: survived_build is a process that outlived a stop and start of its workspace.",
        [f"sort_desc(\n  time() - max by ({BY_AGENT}, health, cause) (\n    {of_agents(PROBLEM)}\n  )\n)"],
        PROBLEM_COLUMNS,
        overrides=[
            age(),
            colored("Health", PROBLEM_COLORS),
            linked("Workspace", "Open in Coder", IN_CODER, new_tab=True),
            linked("Template", "Only this template", IN_DEPTH),
        ],
        no_value='None of them has a problem, or nothing is known: see "Agents".',
        height=8,
    ),
    bands(
        "Problems over time, of the agents above",
        "Which problem each of them had when: of those that have one at the end of the time shown. Nothing is drawn "
        "while it had none, or while nothing was known. With many agents, choose owners or workspaces first.",
        one_of_problems(),
        "{{workspace_owner}}/{{workspace_name}}.{{agent_name}}",
        width=24,
        height=10,
        no_value="none of them had a problem, or nothing was known",
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
        "What each agent is now, the one with the oldest heartbeat first." + ONLY_WITH_ALL,
        [
            "sort_desc(\n  time() - (\n    "
            f"{named_heartbeats(f'{BY_AGENT}, version, lifecycle_state, status, health')}\n  )\n)"
        ],
        [
            ("Value", "Heartbeat age"),
            ("health", "Health"),
            ("status", "Status"),
            ("lifecycle_state", "Lifecycle"),
            ("version", "Version"),
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
        "For how long the ten agents that are the quietest at the end of the time shown had been silent, stopped ones "
        "left out. A healthy one is never older than 15 s and a little; one that climbs is lost." + ONLY_WITH_ALL,
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
        "How many agents' last heartbeat was how old, of those whose connection was not closed. A band that "
        "climbs is a crowd that fell silent at once. The bounds follow --agent.inactive-timeout." + GAP,
        f"sum by (le) ({fleet(AGES)})",
        width=12,
        height=9,
        unit="s",
        no_value="unknown, or none connected",
    ),
    quantiles(
        "Heartbeat age, quantiles",
        "The age that half, nine of ten and 99 of 100 agents' heartbeats stay below. Beyond the inactivity "
        "timeout (30 s by default) an agent counts as disconnected." + GAP,
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
        "What the agents last reported of their start and stop." + GAP,
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
        "Agents by version: the twenty most common, the rest as other. An agent that never connected has none." + GAP,
        f"sum by (version) ({fleet('coder_agents_version')})",
        "{{version}}",
        width=8,
        height=8,
        stacked=True,
    ),
    graph(
        "Workspaces by state",
        "The state of the latest build of each workspace. no_agent is one that was started and has nothing to "
        "reach." + GAP,
        f"sum by (state) ({fleet('coder_workspaces')}) > 0",
        "{{state}}",
        width=8,
        height=8,
        stacked=True,
        colors=WORKSPACE_COLORS,
    ),
    graph(
        "Chat bindings",
        "What chats remember: current is an agent of the latest build; stale one of an earlier build, which the "
        "next use has to repair; unbound none." + GAP,
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
        "Changes of connection status that the exporter saw between two passes. Many from connected to "
        "disconnected and back are a network that flaps.",
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
        "The agents' apps as their own health checks see them; disabled means that an app has no check." + GAP,
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
        variable("owner", "Owner", "Owners of workspaces whose agents have a name here (rows two and three)",
                 shown("", EITHER), "workspace_owner"),
        variable("workspace", "Workspace", "Workspaces whose agents have a name here (rows two and three)",
                 shown("", EITHER, 'workspace_owner=~"$owner"'), "workspace_name"),
    ],
    [
        ("Chosen templates now", NOW),
        ("Agents with a problem, by name", NAMED),
        ("Every agent, by name", ONE_BY_ONE),
        ("Heartbeats of the chosen templates", HEARTBEATS),
        ("States of the chosen templates", STATES),
    ],
)
