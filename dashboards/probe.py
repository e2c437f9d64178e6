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
    return f"sum by (deployment) (increase({probed(OUTCOMES, *matchers)}[$__range]))"


NOW = [
    stat(
        "Reached",
        "Share of the probes in the time range that reached an agent. Probes that failed because of the exporter "
        "(exporter_error) do not count, nor do agents that are not connected in the database (disconnected, "
        "never_connected): they are not dialed, and the Fleet dashboard counts them.",
        f"{lately(REACHED)}\n/\n({lately(TRIED)} > 0)",
        [("red", None), ("orange", 0.9), ("green", 0.98)],
        unit="percentunit",
        no_value="unknown: no probe in this time",
        width=4,
        decimals=1,
    ),
    stat(
        "Coverage of what is possible",
        "Share of probed workspaces, of those in scope both now and one horizon (--probe.horizon) ago, over the most "
        "that --probe.sample and --probe.interval can reach. With "
        "--probe.scope=in-use, a workspace is in scope while it is in use or its agent is not connected; with all, "
        "every running workspace is. Low: rounds are slow or end early.",
        "min by (deployment) (\n  "
        f"{probed('coder_agent_probe_coverage_ratio')}\n  / {probed('coder_agent_probe_coverage_limit_ratio')}\n)",
        [("orange", None), ("green", 0.5)],
        unit="percentunit",
        no_value="unknown: no workspace in scope, or no probe is on",
        width=4,
        decimals=0,
    ),
    stat(
        "Last round ended",
        "Time since the last round, of the exporter with the oldest round. More than a few times --probe.interval "
        "means that rounds hang.",
        f"time() - min by (deployment) ({probed('coder_agent_probe_last_timestamp_seconds')})",
        [("green", None), ("orange", 180), ("red", 600)],
        unit="s",
        no_value="no round has ended, or no probe is on",
        width=4,
        decimals=0,
    ),
    stat(
        "Disagreements",
        "Agents that are connected in the database but did not answer, or the opposite, of agents in scope that "
        "were probed within the horizon.",
        f"sum by (deployment) (max without (instance, pod) ({probed('coder_agent_probe_disagreements')}))",
        GREEN_IF_NONE,
        no_value="unknown: no round has ended",
        width=4,
    ),
    stat(
        "Probes that switched",
        "Probes in the time range whose chat was bound to an agent of an earlier build, and that reached the new one. A "
        "chat that is not used stays bound, and counts again in each round: this is no number of chats.",
        f"""{lately('outcome="switched"')}""",
        [("blue", None)],
        no_value=OFF,
        width=4,
        decimals=0,
    ),
    stat(
        "Probes with exporter errors",
        "Failed probes in the time range, because of this exporter's token, URL or database. The agents are not the cause.",
        f"""{lately('outcome="exporter_error"')}""",
        GREEN_IF_NONE,
        no_value=OFF,
        width=4,
        decimals=0,
    ),
]

FAILURES = [
    table(
        "Outcomes in the time range, and what to do",
        "Outcomes of probes of agents in scope (--probe.scope), the most frequent first, with advice. disconnected and "
        "never_connected are read from the database, without a dial.",
        [
            "sort_desc(\n  label_replace(\n    sum by (deployment, outcome) (\n"
            f"      increase({probed(OUTCOMES)}[$__range])\n"
            '    ) > 0,\n    "advice", "$1", "outcome", "(.*)"\n  )\n)'
        ],
        [("Value", "Probes"), ("outcome", "Outcome"), ("advice", "What to do"), ("deployment", "Deployment")],
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
        "Database and dial disagree",
        "Agents by status in the database and outcome of the dial. Connected but not reached: check coderd and the "
        "network. Disconnected but reached: check whether coderd writes heartbeats.",
        ["sort_desc(\n  sum by (deployment, status, outcome) (\n    max without (instance, pod) ("
         f"{probed('coder_agent_probe_disagreements')})\n  ) > 0\n)"],
        [("Value", "Agents"), ("status", "Database says"), ("outcome", "Dial says"),
         ("deployment", "Deployment")],
        overrides=[colored("Database says", STATUS_COLORS), colored("Dial says", COLORS)],
        no_value='There is no disagreement, or no data: see "Last round ended".',
        height=8,
        width=10,
    ),
]

OVER_TIME = [
    graph(
        "Outcomes per minute",
        "Outcomes of probes of agents in scope (--probe.scope). For an agent that is not connected, the outcome is read "
        "from the database.",
        f"60 * sum by (deployment, outcome) ({rate(OUTCOMES)}) > 0",
        "{{deployment}} {{outcome}}",
        width=12,
        height=9,
        unit="cpm",
        stacked=True,
        colors=COLORS,
        no_value=OFF,
    ),
    graph(
        "Failed probes per minute",
        "Probes that did not reach an agent. A steady level of disconnected and never_connected comes from disconnected "
        "agents in the fleet: with --probe.scope=in-use all of them are in scope.",
        f"60 * sum by (deployment, outcome) ({rate(OUTCOMES, NOT_REACHED)}) > 0",
        "{{deployment}} {{outcome}}",
        width=12,
        height=9,
        unit="cpm",
        stacked=True,
        colors=COLORS,
        no_value="none, or no probe is on",
    ),
    heatmap(
        "Duration of the probes that reached an agent",
        "Time until the agent answered. Select one deployment: the probes of several are added. A second band means a second network path, for example through a relay. "
        "A dial times out after 30 s.",
        f"sum by (le) (increase({probed(DURATIONS, REACHED)}[$__rate_interval]))",
        width=12,
        height=9,
        unit="s",
        no_value=OFF,
    ),
    quantiles(
        "Duration, quantiles",
        "Duration of probes that reached an agent: median, 90th and 99th percentile.",
        f"sum by (deployment, le) ({rate(DURATIONS, REACHED)})",
        width=12,
        height=9,
        unit="s",
        no_value=OFF,
    ),
    graph(
        "Duration by outcome",
        "Median duration of each outcome. It separates immediate failures from timeouts.",
        f"histogram_quantile(0.5, sum by (deployment, outcome, le) ({rate(DURATIONS)})) > 0",
        "{{deployment}} {{outcome}}",
        width=8,
        height=8,
        unit="s",
        colors=COLORS,
        no_value=OFF,
    ),
    graph(
        "Disagreements by kind",
        "Agents whose status in the database contradicts the outcome of the dial.",
        "sum by (deployment, status, outcome) (\n  max without (instance, pod) ("
        f"{probed('coder_agent_probe_disagreements')})\n) > 0",
        "{{deployment}} {{status}}, but {{outcome}}",
        width=8,
        height=8,
        stacked=True,
        no_value="none, or unknown",
    ),
    graph(
        "Coverage, by exporter",
        "Share of probed workspaces, of those in scope both now and one horizon ago, by exporter. Only one exporter "
        "should probe. A gap means that no workspace was in scope, or that the exporter had just started.",
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
        "Time since the last round of probes ended. In normal operation it is a sawtooth with the length of a round "
        "plus its interval.",
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
