"""The Service level dashboard: for how much of the time were agents there, and how long do they take to start?"""

from board import IN_DEPTH, ORGANIZATION, SERVICE, TEMPLATE, dashboard
from panels import ANY_PROBLEM, GAP, GREEN_IF_NONE, NEUTRAL, PROBLEM_COLORS, counted, graph, linked, stat, table
from queries import CHOSEN_DEPLOYMENT, CHOSEN_TEMPLATES, TEMPLATE as BY_TEMPLATE, fleet, selector, shown

BY_DEPLOYMENT = " by (deployment)"
ROOT = 'kind="root"'
AVAILABLE = [("red", None), ("orange", 0.99), ("green", 0.995)]
LEFT = [("red", None), ("orange", 0), ("green", 0.25)]
NO_RULES = "unknown: the rules have not recorded it yet"
NO_AGENT = "unknown: no data in this time"


def recorded(metric):
    """Agents of 30 days on average, as the rules recorded them."""
    return f"avg_over_time({selector(metric, CHOSEN_TEMPLATES)}[30d])"


def availability(by=BY_DEPLOYMENT):
    return (f"1 - sum{by} ({recorded('template:coder_agent_unavailable:rate5m')})\n"
            f"/\nsum{by} ({recorded('template:coder_agent_expected:rate5m')})")


def seconds(metric, window, by, *matchers):
    """Agent-seconds in a time, with two exporters taken for one."""
    return f"sum{by} (max without (instance, pod) (increase({shown(metric, ROOT, *matchers)}[{window}])))"


def lost(window, by=BY_DEPLOYMENT):
    return seconds("coder_agent_unavailable_seconds_total", window, by)


def expected(window, by=BY_DEPLOYMENT):
    return seconds("coder_agent_expected_seconds_total", window, by)


OBJECTIVE = "scalar(max(deployment:coder_agent_availability:objective))"

NOW = [
    stat("Availability, 30 days", "Share of the time for which expected agents of kind root were available. Time without "
         "data counts neither way.",
         availability(), AVAILABLE, unit="percentunit", no_value=NO_RULES, decimals=3, width=4),
    stat("Error budget left", "What is left of the time that the objective allows in 30 days. Below zero the objective is "
         "missed.",
         f"1 - (1 - ({availability()}))\n/ (1 - {OBJECTIVE})", LEFT, unit="percentunit", no_value=NO_RULES, decimals=1,
         width=4),
    stat("Objective", "The share that the alert rules demand. It stands in one recording rule.",
         "max(deployment:coder_agent_availability:objective)", NEUTRAL, unit="percentunit", no_value=NO_RULES,
         decimals=2, width=4),
    stat("Unavailable now", "Agents of kind root with a problem.",
         f"sum by (deployment) ({fleet('coder_agents_health', ROOT, ANY_PROBLEM)})", GREEN_IF_NONE, width=4),
    stat("Agent-hours lost", "Time for which agents of kind root had a problem, summed over agents, in the time shown.",
         f"{lost('$__range')} / 3600", NEUTRAL, no_value=NO_AGENT, decimals=1, width=4),
    stat("Unobserved", "Time in which collections were too far apart to count, in the time shown.",
         f"max by (deployment) (increase({selector('coder_exporter_unobserved_seconds_total', (CHOSEN_DEPLOYMENT,))}[$__range]))",
         [("green", None), ("orange", 600)], unit="s", no_value="unknown: no exporter answers", decimals=0, width=4),
]

WHERE = [
    table("Templates", "Templates by the time that their users lost in the time shown.",
          [f"{lost('$__range', f' by ({BY_TEMPLATE})')} / 3600",
           f"1 - {lost('$__range', f' by ({BY_TEMPLATE})')}\n/ ({expected('$__range', f' by ({BY_TEMPLATE})')} > 0)",
           availability(f" by ({BY_TEMPLATE})")],
          [("template_name", "Template"), ("organization_name", "Organization"), ("deployment", "Deployment"),
           ("Value #A", "Hours lost"), ("Value #B", "Availability"), ("Value #C", "30 days")],
          overrides=[
              counted("Hours lost", [("text", None)], decimals=1),
              counted("Availability", AVAILABLE, unit="percentunit", decimals=3),
              counted("30 days", AVAILABLE, unit="percentunit", decimals=3),
              linked("Template", "This template in depth", IN_DEPTH),
          ],
          no_value=NO_AGENT, height=9, width=14, sort_by="Hours lost"),
    table("Organizations, 30 days", "Availability by organization.",
          [availability(" by (deployment, organization_name)")],
          [("organization_name", "Organization"), ("deployment", "Deployment"), ("Value", "30 days")],
          overrides=[counted("30 days", AVAILABLE, unit="percentunit", decimals=3)],
          no_value=NO_RULES, height=9, width=10),
]

WHEN = [
    graph("Unavailable agents by health", "Agents of kind root that were unavailable, on average of each interval." + GAP,
          "sum by (deployment, health) (max without (instance, pod) (rate("
          f"{shown('coder_agent_unavailable_seconds_total', ROOT)}[$__rate_interval])))",
          "{{deployment}} {{health}}", width=12, height=8, stacked=True, colors=PROBLEM_COLORS, no_value=NO_AGENT),
    graph("Availability by deployment", "Share of the time of each interval for which expected agents were available." + GAP,
          f"1 - {lost('$__rate_interval', ' by (deployment)')}\n"
          f"/ ({expected('$__rate_interval', ' by (deployment)')} > 0)",
          "{{deployment}}", width=12, height=8, unit="percentunit", no_value=NO_AGENT, most=1),
]


def startups(share):
    return (f"histogram_quantile({share}, sum by (deployment, phase, le) (max without (instance, pod) (rate("
            f"{shown('coder_agent_startup_duration_seconds_bucket', ROOT)}[$__rate_interval]))))")


STARTS = [
    graph("Start-up, 9 of 10 are faster", "Duration of first starts by phase: queue (for a provisioner), provision, "
          "connect, scripts, total.",
          startups(0.9), "{{deployment}} {{phase}}", width=12, height=8, unit="s", no_value="no agent started"),
    graph("Start-up, half are faster", "The same for the median.",
          startups(0.5), "{{deployment}} {{phase}}", width=12, height=8, unit="s", no_value="no agent started"),
]

DASHBOARD = dashboard(
    SERVICE,
    "Coder agents / Service level",
    "For how much of the time were agents available, what cost most, and how long do they take to start?",
    [ORGANIZATION, TEMPLATE],
    [
        ("Now", NOW),
        ("Where time was lost", WHERE),
        ("When", WHEN),
        ("Start-up", STARTS),
    ],
)
