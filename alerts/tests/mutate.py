#!/usr/bin/env python3
"""Break every number and every safeguard of the alert rules, one at a time, and see a test fail.

    alerts/tests/mutate.py              prints each change that no test noticed; exit 1 if there is one
    alerts/tests/mutate.py 'Probe|Lead' only in rules whose name matches

A rule's limit that can be moved without a test failing is not pinned by any test: add one. Needs
promtool and PyYAML. slices.py says how all of it takes minutes.
"""

import concurrent.futures
import os
import pathlib
import re
import sys
from typing import Iterator, NamedTuple

sys.dont_write_bytecode = True

from slices import Slice, Tests  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
RULE = re.compile(r"^ *- (?:alert|record): (\S+)$", re.MULTILINE)


def by_one(text: str) -> list[str]:
    """Counts, minutes and hours move by one; numbers of seconds, which are large, by a minute."""
    step = 1 if int(text) < 100 else 60
    return [str(int(text) - step), str(int(text) + step)]


def by_a_tenth(text: str) -> list[str]:
    return [f"{float(text) * 0.9:.4f}", f"{float(text) * 1.1:.4f}"]


def fewer_labels(text: str) -> list[str]:
    """`without (a, b)` with one of them left out, each in turn."""
    labels = text.removeprefix("without (").removesuffix(")").split(", ")
    return [f"without ({', '.join(other for other in labels if other != label)})" for label in labels]


def any_or_none(text: str) -> list[str]:
    """A matcher that lets everything through, and one that lets nothing."""
    label = re.match(r"\w+", text)[0]
    return [f'{label}=~".*"', f'{label}="none of them"']


# What is broken, and how: a pattern, and the texts to put in its place. The windows of hours move by
# more than a minute, as they are coarser.
BREAKS = [
    (r"(?<= for: )\d+(?=[mh])", by_one),
    (r"(?<=[<=] )0\.\d+|(?<= )0\.9(?=,)", by_a_tenth),
    (r"(?<=>= )\d+(?![.\d])", by_one),
    (r"(?<= < )\d+(?![.\d])", by_one),
    (r"(?<=\[)3m(?=\])", lambda _: ["2m", "4m"]),
    (r"(?<=\[)5m(?=\])", lambda _: ["3m", "7m"]),
    (r"(?<=\[)10m(?=\])", lambda _: ["8m", "12m"]),
    (r"(?<=\[)15m(?=\])", lambda _: ["12m", "18m"]),
    (r"(?<=\[)30m(?=\])", lambda _: ["25m", "35m"]),
    (r"(?<=\[)2m30s(?=\])", lambda _: ["90s", "210s"]),
    (r"(?<=\[)1h(?=\])", lambda _: ["30m", "90m"]),
    (r"(?<= / )(30|60|120|360|1440|4320)(?= / \()", by_one),
    (r"(?<=> )(14\.4|6|3|1)(?= \* \()", by_a_tenth),
    (r" / 10$", lambda _: [" / 11"]),
    (r" keep_firing_for: \S+", lambda _: [""]),
    (r"(?<=== )[01]", lambda m: [str(1 - int(m))]),
    (r" > 0", lambda _: [""]),
    (r"without \([^)]+\)", fewer_labels),
    (r"max without(?= \(instance, pod)", lambda _: ["min without", "sum without"]),
    (r"last_over_time\(\s*([^\[]+?)\[3m\]\s*\)", lambda m: [re.search(r"\(\s*([^\[]+)", m)[1]]),
    (r"(min|max)_over_time", lambda m: ["max_over_time" if m.startswith("min") else "min_over_time"]),
    (r"avg_over_time", lambda _: ["max_over_time"]),
    (r"\babs\(", lambda _: ["("]),
    (r"(?<=[{ ])(?!job)\w+(=|!=|=~|!~)\"[^\"]*\"(?=[,}])", any_or_none),
    (r"(?m)^ +(and|or)\b(?=$| ignoring \(health\)$)", lambda m: [m.replace("and", "or") if "and" in m else m.replace("or", "and")]),
    (r"(?m)^ +unless\b.*$", lambda m: [m.replace("unless", "or")]),
    (r"(?<=severity: )\w+", lambda m: ["warning" if m == "info" else "info"]),
]

# Changes that change nothing: of these rules, what is put there, and what the line has, with the reason.
SAME = [
    # "The greatest of them is 0", or is more: a sum says the same.
    (r"CoderExporterCollectorFailing", "sum without", "collector_success"),
    (r"CoderNoData", "sum without", ""),
    (r"CoderUnhealthy", "sum without", "coder_up"),
    (r"CoderBuildsStuck", "sum without", "unmatched_jobs"),
    # It asks twice for the unhealthy apps: a longer window of one of the two changes nothing.
    (r"CoderAppsUnhealthy", "4m", ""),
    # Series are counted, whatever their value.
    (r"CoderUpgrading", "(min|sum) without", ""),
    # An alert's series is 1 while there is one.
    (r"CoderErrorBudgetBurn", "min_over_time", "ALERTS"),
    # One that fires now is of those that fired within the last hour.
    (r"CoderErrorBudgetBurn", r'alertstate=~"\.\*"', "pending"),
    # The agents are read: the rule asks for that beside it.
    (r"CoderExporterCollectorFailing", r'collector=~"\.\*"', ""),
]


class Change(NamedTuple):
    rule: str
    line: int
    before: str
    after: str
    rules: str


def main() -> int:
    wanted = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    path = next(HERE.parent.glob("*.rules.yaml"))
    original = path.read_text()
    tests = Tests(sorted(HERE.glob("*.test.yaml")))
    tried = [change for change in changes(path.name, original) if wanted.search(change.rule)]
    slices = {name: Slice(original, name, tests) for name in {change.rule for change in tried}}
    unnoticed, done = 0, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        for change, noticed in zip(tried, workers.map(lambda it: slices[it.rule].is_noticed(it.rules), tried)):
            done += 1
            if done % 100 == 0:
                print(f"{done} of {len(tried)}", file=sys.stderr, flush=True)
            if not noticed:
                unnoticed += 1
                print(f"{path.name}:{change.line}: {change.rule}: no test notices {change.before!r} -> {change.after!r}", flush=True)
    print(f"{len(tried)} changes tried, {unnoticed} unnoticed")
    return 1 if unnoticed else 0


def changes(name: str, original: str) -> Iterator[Change]:
    starts = list(RULE.finditer(original))
    for pattern, replacements in BREAKS:
        places = list(re.finditer(pattern, original, re.MULTILINE))
        if not places:
            sys.exit(f"nothing in {name} matches {pattern!r}: mend this list")
        for place in places:
            if in_comment(original, place.start()):
                continue
            rule = [start[1] for start in starts if start.start() < place.start()][-1]
            for text in replacements(place.group()):
                line = original.count("\n", 0, place.start()) + 1
                whole = original.splitlines()[line - 1]
                if any(re.match(of, rule) and re.fullmatch(after, text) and has in whole for of, after, has in SAME):
                    continue
                broken = original[: place.start()] + text + original[place.end() :]
                yield Change(rule, line, place.group(), text, broken)


def in_comment(text: str, position: int) -> bool:
    return "#" in text[text.rfind("\n", 0, position) + 1 : position]


if __name__ == "__main__":
    sys.exit(main())
