"""The Fleet dashboard: is anything wrong with the agents, where, and since when?"""

from panels import (
    GRAY,
    HEALTH_COLORS,
    YES_OR_NO,
    dashboard,
    field,
    fleet,
    graph,
    shown,
    stat,
    table,
    variable,
    yes_or_no_over_time,
)

UID = "coder-agent-fleet"

GAP = " A gap means that nothing was known then."
NO_EXPORTER = "no exporter answers"

GREEN = [("green", None)]  # none healthy is no fault when all are stopped: the share says which
GREEN_IF_NONE = [("green", None), ("red", 1)]
GREEN_IF_ANY = [("red", None), ("green", 1)]
NEUTRAL = [("blue", None)]

NOT_PROBLEMS = {"healthy", "starting", "connecting", "shutdown"}
PROBLEM_COLORS = {health: color for health, color in HEALTH_COLORS.items() if health not in NOT_PROBLEMS}


def agents(matcher):
    return f"sum({fleet('coder_agents_health', matcher)})"


NOW = [
    stat(
        "Healthy share",
        "Healthy agents among those that ought to be there: agents of stopped or stopping workspaces "
        "count on neither side.",
        agents('health="healthy"') + "\n/\n(" + agents('health!="shutdown"') + " > 0)",
        [("red", None), ("orange", 0.9), ("green", 0.98)],
        unit="percentunit",
        no_value="unknown, or all stopped",
    ),
    stat("Healthy", "Agents that are connected and started.", agents('health="healthy"'), GREEN),
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
        "Coming up",
        "Agents that are connecting or starting and still have time to do so.",
        agents('health=~"connecting|starting"'),
        NEUTRAL,
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
        "max(coder_exporter_up)",
        GREEN_IF_ANY,
        unit="none",
        no_value="no exporter",
        mappings=YES_OR_NO,
    ),
]

PROBLEMS = [
    table(
        "Agents with a problem",
        "Each agent with a problem, the oldest first. The exporter names at most 1000 of them unless "
        "set otherwise (--metrics.max-agent-series); the numbers above count all.",
        # By these labels alone, so that no target label becomes a column.
        "sort_desc(\n"
        "  time() - max by (\n"
        "    organization_name, template_name, workspace_owner, workspace_name,\n"
        "    agent_name, agent_id, health, cause\n"
        f"  ) ({shown('coder_agent_problem_timestamp_seconds')})\n"
        ")",
        [
            ("Value", "Age"),
            ("health", "Health"),
            ("cause", "Cause"),
            ("workspace_owner", "Owner"),
            ("workspace_name", "Workspace"),
            ("agent_name", "Agent"),
            ("template_name", "Template"),
            ("organization_name", "Organization"),
            ("agent_id", "Agent id"),
        ],
        overrides=[
            field("Age", unit="s", decimals=1, custom__width=120),
            field(
                "Health",
                custom__cellOptions={"type": "color-text"},
                mappings=[{"type": "value", "options": {h: {"color": c} for h, c in PROBLEM_COLORS.items()}}],
            ),
            field(
                "Template",
                links=[
                    {
                        "title": "Only this template",
                        "url": f"/d/{UID}?${{datasource:queryparam}}"
                        "&var-template=${__value.text:percentencode}&${__url_time_range}",
                    }
                ],
            ),
        ],
        no_value='No agent has a problem, or nothing is known: see "Database answers".',
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
        "Disconnected agents by template",
        "Agents gone though nobody stopped their workspaces: of one template, or of all of them at once?" + GAP,
        "sum by (organization_name, template_name) (\n"
        + "  " + fleet("coder_agents_health", 'health="disconnected"') + "\n"
        + ") > 0",
        "{{organization_name}} / {{template_name}}",
        width=12,
        height=9,
        no_value='none, or unknown: see "Database answers"',
    ),
    graph(
        "Agents by connection status",
        "As Coder itself shows it. Agents of stopped workspaces are disconnected here too; health tells "
        "them from the lost ones." + GAP,
        f"sum by (status) ({fleet('coder_agents')})",
        "{{status}}",
        width=8,
        height=9,
        stacked=True,
        colors={"connected": "green", "connecting": "blue", "disconnected": "red", "timeout": "orange"},
    ),
    graph(
        "Agents by lifecycle state",
        "What the agents last reported of their start and stop." + GAP,
        f"sum by (lifecycle_state) ({fleet('coder_agents_lifecycle')})",
        "{{lifecycle_state}}",
        width=8,
        height=9,
        stacked=True,
        colors={
            "ready": "green",
            "starting": "light-blue",
            "created": "purple",
            "start_timeout": "yellow",
            "start_error": "dark-red",
            "off": GRAY,
        },
    ),
    graph(
        "Apps by health",
        "The agents' apps as their own health checks see them; disabled means that an app has no check." + GAP,
        f"sum by (health) ({fleet('coder_apps')})",
        "{{health}}",
        width=8,
        height=9,
        stacked=True,
        colors={"healthy": "green", "initializing": "blue", "unhealthy": "red", "disabled": GRAY},
    ),
]

EXPORTER = [
    yes_or_no_over_time(
        "Database answers, by exporter",
        "Whether each exporter had an answer from Coder's database. A gap means that the exporter "
        "itself did not answer Prometheus.",
        "coder_exporter_up",
        "{{instance}}",
        width=8,
        height=7,
        no_value=NO_EXPORTER,
    ),
    yes_or_no_over_time(
        "Collectors succeed",
        "Whether each collector of each exporter succeeded. One that fails hides its own metrics and no others.",
        "coder_exporter_collector_success",
        "{{collector}} {{instance}}",
        width=8,
        height=7,
        no_value=NO_EXPORTER,
    ),
    graph(
        "Collector duration",
        "How long each collector took, in the slowest exporter. A collector that fails has no duration.",
        "max by (collector) (coder_exporter_collector_duration_seconds)",
        "{{collector}}",
        width=8,
        height=7,
        unit="s",
        no_value="no collector succeeds",
    ),
    graph(
        "Snapshot age",
        "Age of what each exporter last knew. It rises between scrapes, so it runs up to the scrape "
        "interval; more than that means old numbers.",
        "time() - coder_exporter_snapshot_timestamp_seconds",
        "{{instance}}",
        width=8,
        height=7,
        unit="s",
        no_value="no snapshot",
        negative=True,
    ),
    graph(
        "Clock skew",
        "Each exporter's clock minus the database's. Agents are judged by the database's clock alone, so "
        "this falsifies nothing; it says that one of the two machines tells the wrong time.",
        "coder_exporter_clock_skew_seconds",
        "{{instance}}",
        width=8,
        height=7,
        unit="s",
        no_value="unknown: the database does not answer",
        negative=True,
    ),
    graph(
        "Errors per minute",
        "Errors of all exporters, by kind.",
        "60 * sum by (kind) (rate(coder_exporter_errors_total[$__rate_interval]))",
        "{{kind}}",
        width=8,
        height=7,
        unit="cpm",
        no_value=NO_EXPORTER,
    ),
]

DASHBOARD = dashboard(
    UID,
    "Coder agents / Fleet",
    "Is anything wrong with the agents of this Coder deployment, where, and since when?",
    [
        variable(
            "organization",
            "Organization",
            "Coder organizations to show",
            "label_values(coder_agents_health, organization_name)",
        ),
        variable(
            "template",
            "Template",
            "Templates of these organizations to show",
            'label_values(coder_agents_health{organization_name=~"$organization"}, template_name)',
        ),
    ],
    [("Now", NOW), ("Problems now", PROBLEMS), ("Over time", OVER_TIME), ("Exporter", EXPORTER)],
)
