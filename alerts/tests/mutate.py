#!/usr/bin/env python3
"""Break every number and every safeguard of the alert rules, one at a time, and see a test fail.

    alerts/tests/mutate.py        prints each change that no test noticed; exit 1 if there is one

A rule's limit that can be moved without a test failing is not pinned by any test: add one. Needs
promtool and nothing else.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

# What is broken, and how: a pattern, and the texts to put in its place. Shares move by a tenth;
# counts and minutes by one; the half-hour window by five minutes, as it is coarser.
BREAKS = [
    (r"(?<=for: )\d+(?=m)", lambda m: [str(int(m) - 1), str(int(m) + 1)]),
    (r"(?<=[<=] )0\.\d+", lambda m: [f"{float(m) * 0.9:.4f}", f"{float(m) * 1.1:.4f}"]),
    (r"(?<=>= )\d+(?![.\d])", lambda m: [str(int(m) - 1), str(int(m) + 1)]),
    (r"(?<=\[)3m(?=\])", lambda _: ["2m", "4m"]),
    (r"(?<=\[)5m(?=\])", lambda _: ["3m", "7m"]),
    (r"(?<=\[)30m(?=\])", lambda _: ["25m", "35m"]),
    (r" keep_firing_for: \S+", lambda _: [""]),
    (r"(?<=== )[01]", lambda m: [str(1 - int(m))]),
    (r" > 0(?=\))|(?<=\)) > 0", lambda _: [""]),
    (r"\(instance, pod\)", lambda _: ["(instance)", "(pod)", "()"]),
    (r"max without(?= \(instance, pod\))", lambda _: ["min without"]),
    # Not in the rules that ask for == 0, where a sum says the same.
    (r"max without(?= \(instance, pod\) \(last_over_time)", lambda _: ["sum without"]),
    (r"without \(kind\)", lambda _: ["without ()"]),
    (r"without \((organization_name, template_name|health, organization_name, template_name)\)",
     lambda m: [m.replace("organization_name, ", ""), "without ()"]),
    (r"last_over_time\((\w+)\[3m\]\)", lambda _: ["coder_agents_health"]),
    (r"(?<=health)!?=\"\w+\"", lambda _: ['="starting"', '=~".+"']),
    (r"(?m)^ +(and|or)$", lambda m: [m.replace("and", "or") if "and" in m else m.replace("or", "and")]),
    (r" and ignoring \(collector\) \(coder_exporter_up == 1\)", lambda _: [""]),
    (r"(?<=severity: )\w+", lambda _: ["info"]),
]


def main() -> int:
    rules = next(HERE.parent.glob("*.rules.yaml"))
    original = rules.read_text()
    if failure := failing_test(rules.name, original):
        sys.exit(f"the tests fail before anything is broken:\n{failure}")
    tried, unnoticed = 0, 0
    for pattern, replacements in BREAKS:
        places = list(re.finditer(pattern, original))
        if not places:
            sys.exit(f"nothing in {rules.name} matches {pattern!r}: mend this list")
        for place in places:
            if in_comment(original, place.start()):
                continue
            for text in replacements(place.group()):
                tried += 1
                broken = original[: place.start()] + text + original[place.end() :]
                if not failing_test(rules.name, broken):
                    unnoticed += 1
                    line = original.count("\n", 0, place.start()) + 1
                    print(f"{rules.name}:{line}: no test notices {place.group()!r} -> {text!r}")
    print(f"{tried} changes tried, {unnoticed} unnoticed")
    return 1 if unnoticed else 0


def failing_test(name: str, rules: str) -> str:
    """What promtool says of these rules when it says no; empty when every test passes."""
    with tempfile.TemporaryDirectory() as folder:
        tests = pathlib.Path(folder, "tests")
        shutil.copytree(HERE, tests, ignore=lambda _, names: [n for n in names if not n.endswith(".test.yaml")])
        pathlib.Path(folder, name).write_text(rules)
        for test in sorted(tests.iterdir()):
            command = ["promtool", "test", "rules", str(test)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            if done.returncode != 0:
                return done.stdout + done.stderr
        return ""


def in_comment(text: str, position: int) -> bool:
    return "#" in text[text.rfind("\n", 0, position) + 1 : position]


if __name__ == "__main__":
    sys.exit(main())
