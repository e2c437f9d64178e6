#!/usr/bin/env python3
"""Check dashboards, alert rules and runbooks against each other and against the metrics that exist.

    coder-agent-exporter metrics | alerts/tests/check.py -
    alerts/tests/check.py CATALOGUE.md

The catalogue is the Markdown table that `coder-agent-exporter metrics` prints. Needs python3 and
promtool. Prints a line for each fault; exit 1 if there is one.
"""

import pathlib
import re
import shutil
import sys

sys.dont_write_bytecode = True  # leaves no trace in the work tree

import dashboards  # noqa: E402
import queries  # noqa: E402
import rules  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FEWEST_METRICS = 5  # fewer than this is not the catalogue but an error message


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    if not shutil.which("promtool"):
        print("promtool is missing: apt-get install prometheus", file=sys.stderr)
        return 1
    text = sys.stdin.read() if arguments[0] == "-" else pathlib.Path(arguments[0]).read_text()
    found, summary = faults(ROOT, text)
    for fault in found:
        print(fault)
    print(f"{summary}, {len(found)} faults")
    return 1 if found else 0


def faults(root: pathlib.Path, catalogue_text: str) -> tuple[list[str], str]:
    """Everything wrong under this root, and what was looked at."""
    found: list[str] = []
    asked: list[queries.Query] = []
    uids: set[str] = set()
    boards = sorted(root.glob("dashboards/*.json"))
    for path in boards:
        try:
            board = dashboards.read(path)
        except ValueError as error:
            found.append(f"{path.name}: not JSON: {error}")
            continue
        if board.get("uid") in uids:
            found.append(f"{path.name}: its uid is that of another dashboard")
        uids.add(board.get("uid"))
        found += [f"{path.name}: {fault}" for fault in dashboards.faults(board)]
        asked += dashboards.queries(path.name, board)

    alerts = root / "alerts"
    recorded = []
    for path in sorted(alerts.glob("*.rules.yaml")):
        read = rules.read(path)
        recorded += [rule.name for rule in read if rule.kind == "record"]
        found += unread_rules(path, len(read))
    found += rules.faults(alerts, uids)
    asked += rules.queries(alerts)

    known = queries.catalogue(catalogue_text, recorded)
    if len(known.metrics) - len(recorded) - len(queries.OF_PROMETHEUS) < FEWEST_METRICS:
        found.append("the catalogue holds hardly any metric: is it what `coder-agent-exporter metrics` prints?")
    for query in asked:
        found += queries.unknown_names(query, known)
    found += queries.syntax_faults(asked)
    return found, f"{len(boards)} dashboards, {len(asked)} queries, {len(known.metrics)} metrics"


def unread_rules(path: pathlib.Path, number: int) -> list[str]:
    said = queries.promtool("check", "rules", str(path))
    counted = re.search(r"(\d+) rules found", said.stdout + said.stderr)
    if said.returncode != 0 or not counted:
        return [f"{path.name}: promtool refuses it:\n{said.stdout}{said.stderr}"]
    if int(counted[1]) != number:
        return [f"{path.name}: {counted[1]} rules, of which this check sees {number}: write them as the others are"]
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
