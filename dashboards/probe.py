"""The Resolver probe dashboard: does a workspace still resolve to an agent that answers?"""

import pathlib
import re

from board import PROBE, dashboard
from panels import (
    GRAY,
    GREEN_IF_NONE,
    STATUS_COLORS,
    colored,
    counted,
    graph,
    heatmap,
    quantiles,
    stat,
    table,
    worded,
)
from queries import probed

DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs/probe.md"
# Outcome and advice, from the document's table, which is made from the code.
ADVICE = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", DOCUMENT.read_text().split("outcomes -->")[1], re.MULTILINE))

COLORS = {
    "ok": "green",
    "switched": "light-green",
    "no_agent": "yellow",
    "disconnected": "red",
    "never_connected": "orange",
    "dial_timeout": "purple",
    "dial_error": "dark-red",
    "ambiguous": "blue",
    "exporter_error": GRAY,
}
OUTCOMES = "coder_agent_probe_outcomes_total"
DURATIONS = "coder_agent_probe_duration_seconds_bucket"
REACHED = 'outcome=~"ok|switched"'
# Not what the exporter could not ask, and not what it did not have to: an agent that is not connected
# has its outcome from its row, without a dial.
TRIED = 'outcome!~"exporter_error|disconnected|never_connected"'
NOT_REACHED = 'outcome!~"ok|switched"'

OFF = "unknown: no probe is on (--probe.dialer)"


def rate(metric, *matchers):
    return f"rate({probed(metric, *matchers)}[$__rate_interval])"


def lately(*matchers):
    return f"sum(increase({probed(OUTCOMES, *matchers)}[$__range]))"


NOW = [
    stat(
        "Reached",
        "Share of the probes in the time shown that reached an agent. On neither side count probes that the "
        "exporter itself could not make (exporter_error), and agents that the database shows as lost "
        "(disconnected, never_connected): they are not dialed, and the Fleet dashboard counts them.",
        f"{lately(REACHED)}\n/\n({lately(TRIED)} > 0)",
        [("red", None), ("orange", 0.9), ("green", 0.98)],
        unit="percentunit",
        no_value="unknown: no probe in this time",
        width=4,
        decimals=1,
    ),
    stat(
        "Coverage",
        "Share of the workspaces in scope, now and one horizon (--probe.horizon) ago, that were probed in between. "
        "With --probe.scope=in-use those are in scope whose agent a person uses or is not connected, with all every "
        "running one. A low share: rounds are slow, or more than 3,000 workspaces are in scope.",
        f"min({probed('coder_agent_probe_coverage_ratio')})",
        [("orange", None), ("green", 0.5)],
        unit="percentunit",
        no_value="unknown: no workspace in scope, or no probe is on",
        width=4,
        decimals=0,
    ),
    stat(
        "Last round ended",
        "How long ago, of the exporter whose last round is the oldest. More than a few times --probe.interval "
        "means that rounds hang.",
        f"time() - min({probed('coder_agent_probe_last_timestamp_seconds')})",
        [("green", None), ("orange", 180), ("red", 600)],
        unit="s",
        no_value="no round has ended, or no probe is on",
        width=4,
        decimals=0,
    ),
    stat(
        "Disagreements",
        "Agents that the database calls connected and that did not answer, or the other way round, of those "
        "in scope that were probed within the horizon.",
        f"sum(max without (instance, pod) ({probed('coder_agent_probe_disagreements')}))",
        GREEN_IF_NONE,
        no_value="unknown: no round has ended",
        width=4,
    ),
    stat(
        "Repaired bindings",
        "Chats in the time shown that were bound to an agent of an earlier build, and found the new one.",
        f"""{lately('outcome="switched"')}""",
        [("blue", None)],
        no_value=OFF,
        width=4,
        decimals=0,
    ),
    stat(
        "Probes that could not be made",
        "In the time shown, because of this exporter's token, URL or database. They say nothing of the agents.",
        f"""{lately('outcome="exporter_error"')}""",
        GREEN_IF_NONE,
        no_value=OFF,
        width=4,
        decimals=0,
    ),
]

FAILURES = [
    table(
        "Outcomes in the time shown, and what to do",
        "Every outcome that occurred, the most frequent first, with the advice that the exporter gives. Of agents in "
        "scope (--probe.scope): disconnected and never_connected are known from the database, without a dial.",
        [
            "sort_desc(\n  label_replace(\n    sum by (outcome) (\n"
            f"      increase({probed(OUTCOMES)}[$__range])\n"
            '    ) > 0,\n    "advice", "$1", "outcome", "(.*)"\n  )\n)'
        ],
        [("Value", "Probes"), ("outcome", "Outcome"), ("advice", "What to do")],
        overrides=[
            worded("What to do", ADVICE),
            colored("Outcome", COLORS),
            counted("Probes", [("text", None)], decimals=0, custom__width=90),
        ],
        no_value=OFF,
        height=8,
        width=14,
    ),
    table(
        "Database and dial contradict each other",
        "Agents by what the database says of them and what came of dialing them. Connected and not reached: "
        "look at coderd and the network. Disconnected and reached: look at who writes the heartbeats.",
        ["sort_desc(\n  sum by (status, outcome) (\n    max without (instance, pod) ("
         f"{probed('coder_agent_probe_disagreements')})\n  ) > 0\n)"],
        [("Value", "Agents"), ("status", "Database says"), ("outcome", "Dial says")],
        overrides=[colored("Database says", STATUS_COLORS), colored("Dial says", COLORS)],
        no_value='They agree, or nothing is known: see "Last round ended".',
        height=8,
        width=10,
    ),
]

OVER_TIME = [
    graph(
        "Outcomes per minute",
        "What came of the probes of the rounds, of agents in scope (--probe.scope). An agent that is not connected "
        "has its outcome from the database.",
        f"60 * sum by (outcome) ({rate(OUTCOMES)}) > 0",
        "{{outcome}}",
        width=12,
        height=9,
        unit="cpm",
        stacked=True,
        colors=COLORS,
        no_value=OFF,
    ),
    graph(
        "Probes that reached nobody, per minute",
        "The same without those that reached an agent. A steady level of disconnected and never_connected is that of "
        "the lost agents in the fleet: with --probe.scope=in-use all of them are in scope.",
        f"60 * sum by (outcome) ({rate(OUTCOMES, NOT_REACHED)}) > 0",
        "{{outcome}}",
        width=12,
        height=9,
        unit="cpm",
        stacked=True,
        colors=COLORS,
        no_value="none, or no probe is on",
    ),
    heatmap(
        "Duration of the probes that reached an agent",
        "How long it took until the agent answered. A second band is a second way to get there, by a relay for "
        "example. A dial is given up after 30 s.",
        f"sum by (le) (increase({probed(DURATIONS, REACHED)}[$__rate_interval]))",
        width=12,
        height=9,
        unit="s",
        no_value=OFF,
    ),
    quantiles(
        "Duration, quantiles",
        "What half, nine of ten and 99 of 100 probes that reached an agent stay below.",
        f"sum by (le) ({rate(DURATIONS, REACHED)})",
        width=12,
        height=9,
        unit="s",
        no_value=OFF,
    ),
    graph(
        "Duration by outcome",
        "The median of each outcome. A failure that comes at once is another one than a failure that takes "
        "half a minute.",
        f"histogram_quantile(0.5, sum by (outcome, le) ({rate(DURATIONS)})) > 0",
        "{{outcome}}",
        width=8,
        height=8,
        unit="s",
        colors=COLORS,
        no_value=OFF,
    ),
    graph(
        "Disagreements by kind",
        "Status by the database and outcome of the dial, of agents for which they contradict each other.",
        "sum by (status, outcome) (\n  max without (instance, pod) ("
        f"{probed('coder_agent_probe_disagreements')})\n) > 0",
        "{{status}}, but {{outcome}}",
        width=8,
        height=8,
        stacked=True,
        no_value="none, or unknown",
    ),
    graph(
        "Coverage, by exporter",
        "Share of the workspaces in scope, now and one horizon ago, that were probed in between; by exporter, of "
        "which only one should probe. A gap: no workspace was in scope, or the exporter had just started.",
        probed("coder_agent_probe_coverage_ratio"),
        "{{instance}}",
        width=8,
        height=8,
        unit="percentunit",
        most=1,
        no_value="unknown: no workspace in scope, or no probe is on",
    ),
    graph(
        "Age of the last round, by exporter",
        "Time since the last round of probes ended. A saw whose teeth are as long as a round and its interval is "
        "as it should be.",
        f"time() - {probed('coder_agent_probe_last_timestamp_seconds')}",
        "{{instance}}",
        width=24,
        height=6,
        unit="s",
        negative=True,
        no_value="no round has ended, or no probe is on",
    ),
]

DASHBOARD = dashboard(
    PROBE,
    "Coder agents / Resolver probe",
    "Does a workspace still resolve to an agent that answers? What the probe found, how fast, and what to do.",
    [],
    [("Now", NOW), ("What failed, and what to do", FAILURES), ("Over time", OVER_TIME)],
)
