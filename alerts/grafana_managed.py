#!/usr/bin/env python3
"""Write alerts/grafana-managed.yaml: the alerts as rules that Grafana evaluates itself.

    alerts/grafana_managed.py           writes it
    alerts/grafana_managed.py --check   exit 1 if it differs from the rules

Grafana's templates have no `query`, and their `$value` is a text of all values. So a text that asks
a query becomes the summary, and the runbook is the one of the fixed address. Needs PyYAML.
"""

import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
RULES = HERE / "coder-agent-exporter.rules.yaml"
TARGET = HERE / "grafana-managed.yaml"
HEAD = """\
# The alerts as rules that Grafana evaluates itself, for Grafana 12 or later: put this file into
# provisioning/alerting. alerts/grafana_managed.py writes it from coder-agent-exporter.rules.yaml.
#
# Before use, replace the uid of the Prometheus data source, `prometheus`, with your own, and the two
# addresses as in that file. Prometheus still needs that file for its recording rules. Let Prometheus
# send no alerts then: leave out `alerting:`, or everything is said twice.
"""
DEFAULT_INTERVAL = "1m"
DATASOURCE = "prometheus"
DEPLOYMENT = "{{ if $labels.deployment }}{{ $labels.deployment }}{{ else }}Coder{{ end }}"
# What may be left in a text: each of these means the same to Grafana.
ALLOWED = re.compile(
    r"(if|with) \$labels\.\w+|(else )?if eq \$labels\.\w+ \"\w+\"|\$labels\.\w+( \| urlquery)?|\.|else|end"
    r"|(if ge )?\$values\.A\.Value( \| humanize\w*)?( 1\.0)?"
)


class Plain(yaml.SafeDumper):
    """Writes queries line by line, and nothing by reference."""

    def ignore_aliases(self, data):
        return True


Plain.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, "|" if "\n" in text else None)
)


def main() -> int:
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text())
        print(f"wrote {TARGET}")
        return 0
    if TARGET.read_text() != text():
        print(f"{TARGET} differs from the rules: run alerts/grafana_managed.py")
        return 1
    return 0


def text() -> str:
    """The whole file."""
    return HEAD + yaml.dump(rendered(), Dumper=Plain, sort_keys=False, width=1000)


def rendered() -> dict:
    groups = []
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        alerts = [managed(rule) for rule in group["rules"] if "alert" in rule]
        if alerts:
            interval = group.get("interval", DEFAULT_INTERVAL)
            groups.append({"orgId": 1, "name": group["name"], "folder": "Coder agents", "interval": interval,
                           "rules": alerts})
    return {"apiVersion": 1, "groups": groups}


def managed(rule: dict) -> dict:
    name, severity = rule["alert"], rule["labels"]["severity"]
    kept = {"keepFiringFor": rule["keep_firing_for"]} if "keep_firing_for" in rule else {}
    return {
        # At most 40 letters; two alerts may have one name.
        "uid": f"{name}-{severity}".lower(),
        # It must differ within a folder, and is the label alertname.
        "title": name if rule["for"] == "0m" or name != "CoderDown" else f"{name} for {rule['for']}",
        "condition": "B",
        "data": [queried(rule["expr"]), IS_THERE],
        # No series is no alert, as in Prometheus.
        "noDataState": "OK",
        "execErrState": "Error",
        "for": rule["for"],
        **kept,
        "annotations": texts(rule),
        "labels": rule["labels"],
    }


def queried(expr: str) -> dict:
    return {
        "refId": "A",
        "relativeTimeRange": {"from": 600, "to": 0},
        "datasourceUid": DATASOURCE,
        "model": {"refId": "A", "expr": expr.strip(), "instant": True, "range": False, "editorMode": "code"},
    }


# Every series of the answer is an alert, whatever its value.
IS_THERE = {
    "refId": "B",
    "datasourceUid": "__expr__",
    "model": {
        "refId": "B", "type": "math", "expression": "is_number($A) || is_nan($A) || is_inf($A)",
        "datasource": {"type": "__expr__", "uid": "__expr__"},
    },
}


def texts(rule: dict) -> dict:
    annotations = dict(rule["annotations"])
    if asks(annotations["description"]):
        annotations["description"] = f"{annotations['summary']} The dashboard has details."
    # What follows when no exporter says its address.
    annotations["runbook_url"] = re.search(r"\{\{- else \}\}(.+?)\{\{ end \}\}", annotations["runbook_url"])[1]
    return {name: translated(rule["alert"], text) for name, text in annotations.items()}


def translated(alert: str, text: str) -> str:
    text = text.replace('{{ or $labels.deployment "Coder" }}', DEPLOYMENT).replace("$value", "$values.A.Value")
    for action in re.findall(r"\{\{-? *(.+?) *-?\}\}", text):
        if not ALLOWED.fullmatch(action):
            sys.exit(f"{alert}: Grafana may not know {action!r}: mend this script")
    return text


def asks(text: str) -> bool:
    return "| query" in text or "query \"" in text


if __name__ == "__main__":
    sys.exit(main())
