"""alerts/grafana-managed.yaml: as the rules, and only what Grafana reads from such a file."""

import copy
import pathlib
import re
import sys

import yaml

from requirement import require

ROOT = pathlib.Path(__file__).resolve().parents[2]

sys.path.insert(0, str(ROOT / "alerts"))
import grafana_managed  # noqa: E402

# Any other key is passed over without a word.
KEYS = {"uid", "title", "condition", "data", "noDataState", "execErrState", "for", "keepFiringFor", "annotations", "labels"}
QUERY_KEYS = {"refId", "relativeTimeRange", "datasourceUid", "model"}


def main():
    require(grafana_managed.TARGET.read_text() == grafana_managed.text(), "run alerts/grafana_managed.py")
    exported = yaml.safe_load(grafana_managed.TARGET.read_text())
    shipped = yaml.safe_load(grafana_managed.RULES.read_text())
    faults = list(check(exported, shipped))
    require(not faults, "\n".join(faults))
    for change, fault in BREAKS:
        broken = copy.deepcopy(exported)
        change(broken["groups"][0]["rules"][0])
        require(any(fault in it for it in check(broken, shipped)), f"not found: {fault}")
    print("grafana-managed: as the rules")


def check(exported, shipped):
    alerts = [rule for group in shipped["groups"] for rule in group["rules"] if "alert" in rule]
    managed = [rule for group in exported["groups"] for rule in group["rules"]]
    if len(managed) != len(alerts):
        yield f"{len(managed)} alerts of {len(alerts)}"
    for key in ("uid", "title"):
        if len({rule.get(key) for rule in managed}) != len(managed):
            yield f"two have one {key}"
    for rule, alert in zip(managed, alerts):
        yield from (f"{alert['alert']}: {fault}" for fault in rule_faults(rule, alert))


def rule_faults(rule, alert):
    if unknown := (set(rule) - KEYS) | {key for query in rule["data"] for key in set(query) - QUERY_KEYS}:
        yield f"Grafana does not read {unknown}"
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", rule.get("uid", "")):
        yield "no uid that Grafana takes"
    query, condition = rule["data"]
    if query["model"]["expr"] != alert["expr"].strip() or rule["condition"] != condition["refId"]:
        yield "another query"
    # `keep_firing_for` would be passed over.
    if (rule["for"], rule.get("keepFiringFor")) != (alert["for"], alert.get("keep_firing_for")):
        yield "lasts otherwise"
    if rule["labels"] != alert["labels"] or set(rule["annotations"]) != set(alert["annotations"]):
        yield "other labels or texts"
    if re.search(r"\bquery\b", " ".join(rule["annotations"].values())):
        yield "a text asks a query"


BREAKS = [
    (lambda rule: rule.update(keep_firing_for="5m"), "does not read"),
    (lambda rule: rule.update(uid="x" * 41), "no uid"),
    (lambda rule: rule.update(title="CoderDown"), "two have one title"),
    (lambda rule: rule["data"][0]["model"].update(expr="up"), "another query"),
    (lambda rule: rule.pop("keepFiringFor"), "lasts otherwise"),
    (lambda rule: rule["labels"].update(severity="info"), "other labels"),
    (lambda rule: rule["annotations"].update(summary='{{ with "up" | query }}{{ end }}'), "asks a query"),
]


if __name__ == "__main__":
    main()
