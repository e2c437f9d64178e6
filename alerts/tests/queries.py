"""Queries and the catalogue: does every query name only metrics and labels that exist?"""

import json
import pathlib
import re
import subprocess
import tempfile
from typing import Iterable, Iterator, NamedTuple

import promql

# Labels that come from the scrape and not from the exporter.
TARGET_LABELS = {"job", "instance", "pod"}
# Metrics that Prometheus writes itself.
OF_PROMETHEUS = {"up": set(), "scrape_duration_seconds": set(), "ALERTS": {"alertname", "alertstate", "severity"}}
# What a family of this type adds to its name in PromQL.
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}


class Query(NamedTuple):
    where: str
    expression: str


class Catalogue(NamedTuple):
    """The labels of each metric, by name. None stands for any label: those of a recorded metric."""

    metrics: dict[str, set[str] | None]

    def labels(self) -> set[str]:
        return TARGET_LABELS.union(*(labels for labels in self.metrics.values() if labels))


def catalogue(markdown: str, recorded: Iterable[str]) -> Catalogue:
    """Read what `coder-agent-exporter metrics` prints: name, type, labels; names in backticks."""
    metrics: dict[str, set[str] | None] = dict(OF_PROMETHEUS)
    for line in markdown.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        name = re.fullmatch(r"`([a-zA-Z_:][\w:]*)`", cells[0])
        if not name or len(cells) < 3:
            continue
        labels = set(re.findall(r"`(\w+)`", cells[2]))
        metrics[name[1]] = labels
        for kind, suffixes in SUFFIXES.items():
            if kind in cells[1].lower():
                metrics.update({name[1] + suffix: labels | {"le"} for suffix in suffixes})
    metrics.update({name: None for name in recorded})
    return Catalogue(metrics)


def unknown_names(query: Query, known: Catalogue) -> Iterator[str]:
    metrics, listed = promql.names(without_variables(query.expression))
    if not metrics:
        yield f"{query.where}: names no metric"
    for metric, labels in sorted(metrics.items()):
        if metric not in known.metrics:
            yield f"{query.where}: no metric {metric or '(without a name)'} in the catalogue"
            continue
        allowed = known.metrics[metric]
        own = known.labels() if allowed is None or metric == "ALERTS" else allowed | TARGET_LABELS
        for label in sorted(labels - own - (allowed or set())):
            yield f"{query.where}: {metric} has no label {label}"
    for label in sorted(listed - known.labels()):
        yield f"{query.where}: no metric of the catalogue has a label {label}"


def syntax_faults(queries: list[Query]) -> Iterator[str]:
    """Let promtool parse every query, as the recording rules of a file made for it."""
    records = {f"query_{number}": query for number, query in enumerate(queries)}
    rules = [{"record": name, "expr": without_variables(query.expression)} for name, query in records.items()]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "queries.rules.json")  # JSON is YAML too
        path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
        said = promtool("check", "rules", str(path))
    if said.returncode != 0:
        named = [query.where for name, query in records.items() if re.search(rf"\b{name}\b", said.stdout + said.stderr)]
        yield f"promtool refuses the queries of {'; '.join(named) or '?'}:\n{said.stdout}{said.stderr}"


def without_variables(expression: str) -> str:
    """The query with Grafana's variables filled in: time ones by a duration, others by a word."""
    expression = re.sub(r"\$\{?__(rate_interval|interval|range)\}?", "5m", expression)
    return re.sub(r"\$\{?\w+(:\w+)?\}?", "x", expression)


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60)
