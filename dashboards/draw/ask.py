"""Asks a Prometheus what a panel asks, for somebody who chose nothing."""

import json
import math
import re
import time
import urllib.parse
import urllib.request
from typing import NamedTuple

# As Grafana asks: four times the scrape interval.
STEP_SECONDS = 30
RATE_INTERVAL = "2m"


class Series(NamedTuple):
    labels: dict[str, str]
    times: list[float]
    values: list[float]


class Prometheus:
    """One that runs, and the time that is looked at."""

    def __init__(self, url: str, minutes: float):
        self.url = url
        self.end = time.time()
        self.start = self.end - 60 * minutes
        self.minutes = minutes

    def now(self, expr: str) -> list[Series]:
        found = self.get("query", query=self.filled(expr), time=self.end)
        return [Series(it["metric"], [it["value"][0]], [float(it["value"][1])]) for it in found]

    def over_time(self, expr: str) -> list[Series]:
        asked = {"query": self.filled(expr), "start": self.start, "end": self.end, "step": STEP_SECONDS}
        return [with_gaps(it["metric"], it["values"]) for it in self.get("query_range", **asked)]

    def filled(self, expr: str) -> str:
        expr = re.sub(r"\$\{?__rate_interval\}?", RATE_INTERVAL, expr)
        expr = re.sub(r"\$\{?__range\}?", f"{max(1, round(self.minutes))}m", expr)
        return re.sub(r"\$\{?[a-z]\w*\}?", ".*", expr)

    def get(self, path: str, **arguments) -> list[dict]:
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            return json.load(answer)["data"]["result"]


def with_gaps(labels: dict[str, str], points: list[tuple[float, str]]) -> Series:
    """What was not known is no number: it is not drawn."""
    times, values = [], []
    for at, value in points:
        if times and at - times[-1] > 1.5 * STEP_SECONDS:
            times.append(at - STEP_SECONDS)
            values.append(math.nan)
        times.append(at)
        values.append(float(value))
    return Series(labels, times, values)


def legend(form: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda it: labels.get(it[1], ""), form).strip()


def told(value: float, unit: str, decimals: int | None = None) -> str:
    """A number with its unit, as short as Grafana has it."""
    if math.isnan(value):
        return "-"
    if unit == "percentunit":
        return f"{100 * value:.3g} %" if decimals is None else f"{100 * value:.{decimals}f} %"
    if unit == "bytes":
        return f"{value / 2**20:.1f} MiB"
    if unit == "cpm":
        return f"{value:.3g} /min"
    if unit == "s":
        return seconds(value)
    return f"{value:.0f}" if value == round(value) or decimals == 0 else f"{value:.3g}"


def seconds(value: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return "0 s" if value == 0 else f"{value * 1e6:.3g} µs"
