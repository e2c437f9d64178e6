"""The mixin, rendered: as it is, it gives exactly the shipped files, and each setting does something."""

import json
import pathlib

import _jsonnet
import yaml

from requirement import require

ROOT = pathlib.Path(__file__).resolve().parents[2]
MIXIN = ROOT / "mixin/mixin.libsonnet"
RULES = yaml.safe_load((ROOT / "alerts/coder-agent-exporter.rules.yaml").read_text())


def render(what, config="{}"):
    source = f"((import '{MIXIN}') + {{ _config+:: {config} }}).{what}"
    return json.loads(_jsonnet.evaluate_snippet("test", source))


def alerts(rules):
    return [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]


def main():
    require(render("prometheusAlerts") == RULES, "the mixin's rules are not the shipped ones")
    boards = {path.name: json.loads(path.read_text()) for path in (ROOT / "dashboards").glob("*.json")}
    require(render("grafanaDashboards") == boards, "the mixin's dashboards are not the shipped ones")
    check_thresholds()
    check_settings()
    rule = render("prometheusRule('x', {release: 'p'})")
    require((rule["kind"], rule["spec"]) == ("PrometheusRule", RULES), "no PrometheusRule")
    print("mixin: exactly the shipped files")


def check_thresholds():
    """Each changes one number of one rule."""
    texts = render("_texts")
    for name in render("_config.thresholds"):
        require(name in texts, f"{name} has no text")
        changed = render("prometheusAlerts", f"{{ thresholds+: {{ {name}: 0.123 }} }}")
        different = [
            (before["expr"], after["expr"])
            for groups in zip(RULES["groups"], changed["groups"], strict=True)
            for before, after in zip(*(group["rules"] for group in groups), strict=True)
            if before != after
        ]
        require(len(different) == 1, f"{name} changes {len(different)} rules")
        ((_, after),) = different
        require(after.count("0.123") == 1, f"{name} changes {after.count('0.123')} numbers")


def check_settings():
    """Each of the others has its effect."""
    config = """{
      exporterSelector: 'job="other"', objective: 0.9, runbookUrl: 'https://r', grafanaUrl: 'https://g',
      severities+: { critical: 'page' }, disabled: ['CoderUpgrading'], labels: { team: 'x' },
      lasting: { 'CoderDown.critical': '9m', CoderNoData: '8m' },
    }"""
    rules = render("prometheusAlerts", config)
    text = yaml.safe_dump(rules, width=10**9).replace('\\"', '"')
    for gone in ('job="coder-agent-exporter"', "grafana.example", "severity: critical", "alert: CoderUpgrading", "0.995"):
        require(gone not in text, f"{gone} is still there")
    found = alerts(rules)
    require(all(rule["labels"]["team"] == "x" for rule in found), "a label is missing")
    lasting = {(rule["alert"], rule["labels"]["severity"]): rule["for"] for rule in found}
    require(lasting["CoderDown", "page"] == "9m" and lasting["CoderDown", "warning"] == "0m", "for")
    require(lasting["CoderNoData", "page"] == "8m", "for")


if __name__ == "__main__":
    main()
