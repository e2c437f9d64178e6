"""What the alert rules, their runbooks and their tests must agree on."""

import pathlib
import re
from typing import Iterator, NamedTuple

from queries import Query

RULE = re.compile(r"^( *)- (alert|record): (\S+)$", re.MULTILINE)
ANNOTATIONS = ("summary", "description", "runbook_url", "dashboard_url")
SEVERITY = re.compile(r"^ +severity: (critical|warning|info)$", re.MULTILINE)
PROMQL_BLOCK = re.compile(r"^```promql\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Rule(NamedTuple):
    kind: str  # "alert" or "record"
    name: str
    text: str  # its lines in the file
    expression: str


def read(path: pathlib.Path) -> list[Rule]:
    """The rules of a file, found by the way this project writes them.

    Python's library reads no YAML. promtool does, and the caller compares the number of rules, so
    a rule written in another way is a failure and not an oversight.
    """
    text = path.read_text()
    starts = list(RULE.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return [
        Rule(start[2], start[3], text[start.start() : end], expression(text[start.start() : end]))
        for start, end in zip(starts, ends)
    ]


def expression(rule: str) -> str:
    """The value of `expr`, on its own line or as the block below it; empty when there is none."""
    lines = rule.splitlines()
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("expr: "):
            continue
        value = line.split("expr: ", 1)[1]
        if value != "|":
            return value
        indent = len(line) - len(line.lstrip())
        block = []
        for below in lines[number + 1 :]:
            if below.strip() and len(below) - len(below.lstrip()) <= indent:
                break
            block.append(below)
        return "\n".join(block)
    return ""


def queries(folder: pathlib.Path) -> Iterator[Query]:
    """Every query of the rules and of the runbooks under this folder."""
    for path in sorted(folder.glob("*.rules.yaml")):
        for rule in read(path):
            yield Query(f"{path.name}, {rule.kind} {rule.name}", rule.expression)
    for path in sorted(folder.glob("runbooks/*.md")):
        for block in PROMQL_BLOCK.findall(path.read_text()):
            yield Query(f"runbooks/{path.name}", block)


def faults(folder: pathlib.Path, dashboard_uids: set[str]) -> Iterator[str]:
    """What is missing beside the alerts of this folder, one sentence each."""
    tests = "".join(path.read_text() for path in folder.glob("tests/*.test.yaml"))
    alerts = set()
    for path in sorted(folder.glob("*.rules.yaml")):
        for rule in read(path):
            if not rule.expression.strip():
                yield f"{path.name}, {rule.kind} {rule.name}: has no expr"
            if rule.kind == "alert":
                alerts.add(rule.name)
                yield from (f"{path.name}, alert {rule.name}: {fault}" for fault in alert_faults(rule, dashboard_uids))
    for name in sorted(alerts):
        if not (folder / "runbooks" / f"{name}.md").exists():
            yield f"alert {name}: has no runbook runbooks/{name}.md"
        if f"alertname: {name}\n" not in tests:
            yield f"alert {name}: no test in tests/*.test.yaml names it"
    for path in sorted(folder.glob("runbooks/*.md")):
        if path.stem not in alerts:
            yield f"runbooks/{path.name}: there is no such alert"


def alert_faults(rule: Rule, dashboard_uids: set[str]) -> Iterator[str]:
    if not re.search(r"^ +for: \d+[smh]$", rule.text, re.MULTILINE):
        yield "has no `for`"
    if not SEVERITY.search(rule.text):
        yield "its severity is not critical, warning or info"
    for annotation in ANNOTATIONS:
        if not re.search(rf"^ +{annotation}: +\S", rule.text, re.MULTILINE):
            yield f"has no annotation {annotation}"
    if f"/alerts/runbooks/{rule.name}.md\n" not in rule.text:
        yield f"its runbook_url does not end in /alerts/runbooks/{rule.name}.md"
    linked = re.search(r"/d/([\w-]+)", rule.text)
    if not linked or linked[1] not in dashboard_uids:
        yield "its dashboard_url leads to no dashboard of dashboards/"
