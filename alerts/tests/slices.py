"""The part of the rules that a change of one rule can reach, and the tests of that part.

A rule reaches those that use what it records, and these use what others record: together they are a
slice of the file, in which everything has the values that it has in the whole. Of each test only what
is expected of the slice is left. A test of a slice takes a tenth of a second, of the whole seconds.
Each is a file and a promtool of its own, the shortest first, and the first that fails ends it.
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading

import yaml

NAMES = re.compile(r"[a-z]+:[a-z0-9_]+:\w+|\bCoder\w+")
# Asks for the alerts of a moment, without their names.
ANY_ALERT = re.compile(r'ALERTS\{(?!.*alertname=").*\}')
# Every scalar as it is written: 0x39 is sixty zeros in a test, and elsewhere a number.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def name_of(rule: dict) -> str:
    return rule.get("alert") or rule["record"]


def used_by(rule: dict) -> set[str]:
    """What its expression and its texts read; an alert is read as ALERTS."""
    texts = " ".join(text for key, text in rule.get("annotations", {}).items() if not key.endswith("_url"))
    alerts = rule["expr"] if "ALERTS{" in rule["expr"] else ""
    return {it for it in NAMES.findall(rule["expr"] + texts) if ":" in it} | set(re.findall(r"Coder\w+", alerts))


class Tests:
    """Every test of these files."""

    def __init__(self, paths: list[pathlib.Path]):
        self.all = []
        for path in paths:
            document = yaml.load(path.read_text(), LOADER)
            head = {key: value for key, value in document.items() if key not in ("tests", "rule_files")}
            for test in document["tests"]:
                for sample in (it for asked in test.get("promql_expr_test") or [] for it in asked.get("exp_samples") or []):
                    sample["value"] = float(sample["value"])
                self.all.append((head, test))

    def of(self, reached: set[str], kept: set[str]) -> list[dict]:
        """The documents of those that expect something of reached rules, and only that; kept ones are there."""
        found = []
        for head, test in self.all:
            asked = [it for it in (only(reached, kept, it) for it in test.get("promql_expr_test") or []) if it]
            alerts = [it for it in test.get("alert_rule_test") or [] if it["alertname"] in reached]
            if asked or alerts:
                found.append({**head, "tests": [{**test, "promql_expr_test": asked, "alert_rule_test": alerts}]})
        return found


def only(reached: set[str], kept: set[str], asked: dict) -> dict | None:
    """What a query expects of reached rules; None when it asks for others."""
    if ANY_ALERT.search(asked["expr"]):
        samples = asked.get("exp_samples") or []
        return {**asked, "exp_samples": [it for it in samples if reached & set(NAMES.findall(it["labels"]))],
                "expr": re.sub(r"ALERTS\{", f'ALERTS{{alertname=~"{"|".join(sorted(reached))}", ', asked["expr"])}
    names = set(NAMES.findall(asked["expr"]))
    return asked if names & reached and names <= kept else None


def minutes(test: dict) -> int:
    """How long it lasts, by the last moment that it looks at, as in 1d2h30m."""
    asked = [it for part in ("promql_expr_test", "alert_rule_test") for it in test["tests"][0][part]]
    units = {"d": 1440, "h": 60, "m": 1}
    times = [re.findall(r"(\d+)([dhm])", str(it.get("eval_time", ""))) for it in asked]
    return max(sum(int(number) * units[unit] for number, unit in parts) for parts in times)


class Slice:
    """One rule, those that it reaches, and those that these read."""

    def __init__(self, original: str, name: str, tests: Tests):
        self.name = name
        self.sound = rules_of(original, name)
        self.groups = yaml.load(original, LOADER)["groups"]
        rules = [rule for group in self.groups for rule in group["rules"]]
        uses = {}
        for rule in rules:
            uses.setdefault(name_of(rule), set()).update(used_by(rule))
        reached = {name}
        while more := {it for it, used in uses.items() if used & reached} - reached:
            reached |= more
        kept = set(reached)
        while more := {used for it in kept for used in uses[it] if used in uses} - kept:
            kept |= more
        self.kept = kept
        self.tests = [json.dumps({"rule_files": ["rules.yaml"], **test}) for test in sorted(tests.of(reached, kept), key=minutes)]
        self.passed: set[str] = set()
        self.lock = threading.Lock()

    def with_rule(self, rules: list[dict]) -> str:
        """The slice, with these in place of the rules of its name."""
        rest = iter(rules)
        groups = []
        for group in self.groups:
            picked = [next(rest) if name_of(it) == self.name else it for it in group["rules"] if name_of(it) in self.kept]
            if picked:
                groups.append({**group, "rules": picked})
        return json.dumps({"groups": groups})

    def is_noticed(self, text: str) -> bool:
        broken = self.with_rule(rules_of(text, self.name))
        for test in list(self.tests):
            if found := failure(broken, test):
                if "could not parse" in found:
                    raise AssertionError(f"of {self.name}, the change makes no rule: mend the list\n{found}")
                self.check(test)
                return True
        return False

    def check(self, test: str) -> None:
        """It says nothing of a change where it fails without it. It is the first for the next change."""
        with self.lock:
            if test not in self.passed and (found := failure(self.with_rule(self.sound), test)):
                raise AssertionError(f"of {self.name}, a test fails before anything is broken:\n{found}")
            self.passed.add(test)
            self.tests.sort(key=lambda it: it != test)


def rules_of(text: str, name: str) -> list[dict]:
    """The rules of this name in the text of a file."""
    found = re.findall(rf"(?ms)^      - (?:alert|record): {re.escape(name)}$.*?(?=^      - |^  - |\Z)", text)
    return [rule for block in found for rule in yaml.load(block, LOADER)]


def failure(rules: str, test: str) -> str:
    """What promtool says of these rules when it says no; empty when the test passes."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        pathlib.Path(folder, "rules.yaml").write_text(rules)
        path = pathlib.Path(folder, "test.yaml")
        path.write_text(test)
        done = subprocess.run(
            ["promtool", "test", "rules", path],
            capture_output=True, text=True, timeout=300, env={**os.environ, "TMPDIR": folder, "GOMAXPROCS": "1"},
        )
        return done.stdout + done.stderr if done.returncode != 0 else ""
