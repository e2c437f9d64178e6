"""That check.py finds each fault it is there to find. Runs on a small project made for the purpose.

python3 -m unittest discover -s alerts/tests -p '*_test.py'
"""

import json
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # leaves no trace in the work tree

import check  # noqa: E402
import promql  # noqa: E402

CATALOGUE = """
| metric | type | labels | meaning |
| --- | --- | --- | --- |
| `coder_agents` | gauge | `template_name`, `status` | Agents. |
| `coder_apps` | gauge | `template_name`, `health` | Apps. |
| `coder_exporter_up` | gauge | | Answered. |
| `coder_exporter_errors` | counter | `kind` | Errors. |
| `coder_age_seconds` | histogram | | Ages. |
"""
RULES = """
groups:
  - name: agents
    rules:
      - record: template:coder_agents:sum
        expr: sum without (instance) (coder_agents)
      - alert: AgentsLost
        expr: |
          template:coder_agents:sum{status="disconnected"}
            > 3  # agents
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: Lost.
          description: Agents are lost.
          runbook_url: https://x.example/alerts/runbooks/AgentsLost.md
          dashboard_url: https://x.example/d/agents
"""
TEST = "alertname: AgentsLost\n"
RUNBOOK = "# AgentsLost\n\n```promql\ncoder_agents > 0\n```\n"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def small_panel(number, column, expr):
    return {
        "id": number, "type": "stat", "title": f"Panel {number}", "description": "What it is.",
        "gridPos": {"x": column, "y": 0, "w": 6, "h": 4}, "datasource": DATASOURCE,
        "targets": [{"expr": expr, "legendFormat": "a", "instant": True, "datasource": DATASOURCE}],
        "fieldConfig": {"defaults": {"unit": "short", "noValue": "unknown"}},
    }


def small_dashboard():
    return {
        "uid": "agents", "title": "Agents", "description": "All.", "tags": ["t"], "schemaVersion": 42,
        "templating": {"list": [{"name": "datasource", "type": "datasource"}]},
        "annotations": {"list": [{"name": "Alerts", "target": {"expr": 'ALERTS{alertstate="firing"}'}}]},
        "panels": [
            small_panel(1, 0, 'sum by (status) (coder_agents{template_name=~"$template"})'),
            small_panel(2, 6, "rate(coder_exporter_errors_total[$__rate_interval])"),
        ],
    }


class CheckFindsFaults(unittest.TestCase):
    def setUp(self):
        self.dashboard = small_dashboard()
        self.panel = self.dashboard["panels"][0]
        self.files = {
            "alerts/a.rules.yaml": RULES,
            "alerts/tests/a.test.yaml": TEST,
            "alerts/runbooks/AgentsLost.md": RUNBOOK,
        }
        self.catalogue = CATALOGUE

    def faults(self):
        with tempfile.TemporaryDirectory() as folder:
            files = {"dashboards/a.json": json.dumps(self.dashboard), **self.files}
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return check.faults(pathlib.Path(folder), self.catalogue)[0]

    def assert_only_fault(self, part):
        found = self.faults()
        self.assertEqual(len(found), 1, f"wanted one fault, with {part!r}; found {found}")
        self.assertIn(part, found[0])

    def in_rules(self, old, new):
        self.assertIn(old, self.files["alerts/a.rules.yaml"])
        self.files["alerts/a.rules.yaml"] = self.files["alerts/a.rules.yaml"].replace(old, new)

    def test_sound_project_has_no_faults(self):
        self.assertEqual(self.faults(), [])

    # Queries

    def test_metric_of_no_catalogue(self):
        self.panel["targets"][0]["expr"] = "coder_agent"
        self.assert_only_fault("no metric coder_agent in the catalogue")

    def test_metric_of_no_catalogue_in_an_alert(self):
        self.in_rules("(coder_agents)", "(coder_agent)")
        self.assert_only_fault("no metric coder_agent in the catalogue")

    def test_metric_of_no_catalogue_in_a_runbook(self):
        self.files["alerts/runbooks/AgentsLost.md"] = RUNBOOK.replace("coder_agents", "coder_agent")
        self.assert_only_fault("runbooks/AgentsLost.md: no metric coder_agent")

    def test_metric_of_no_catalogue_in_a_variable(self):
        self.dashboard["templating"]["list"].append(
            {"name": "v", "type": "query", "multi": True, "includeAll": True,
             "query": {"query": "label_values(coder_agent, template_name)"}})
        self.assert_only_fault("no metric coder_agent in the catalogue")

    def test_recorded_metric_that_no_rule_records(self):
        self.in_rules("template:coder_agents:sum{", "template:coder_agent:sum{")
        self.assert_only_fault("no metric template:coder_agent:sum in the catalogue")

    def test_label_that_the_metric_has_not(self):
        self.panel["targets"][0]["expr"] = 'coder_agents{health="x"}'
        self.assert_only_fault("coder_agents has no label health")

    def test_grouping_by_a_label_that_nothing_has(self):
        self.panel["targets"][0]["expr"] = "sum by (template) (coder_agents)"
        self.assert_only_fault("no metric of the catalogue has a label template")

    def test_histogram_is_known_by_its_parts(self):
        self.panel["targets"][0]["expr"] = 'coder_age_seconds_bucket{le="1"} / ignoring (le) coder_age_seconds_count'
        self.assertEqual(self.faults(), [])

    def test_query_that_promtool_cannot_parse(self):
        self.panel["targets"][0]["expr"] = "sum by (status) (coder_agents"
        self.assert_only_fault("promtool refuses the queries of a.json, panel 'Panel 1'")

    def test_catalogue_that_is_none(self):
        self.catalogue = "error: no such command"
        self.assertIn("hardly any metric", " ".join(self.faults()))

    # Dashboards

    def test_dashboard_that_is_not_json(self):
        self.files["dashboards/b.json"] = "{"
        self.assert_only_fault("b.json: not JSON")

    def test_two_dashboards_of_one_uid(self):
        self.files["dashboards/b.json"] = json.dumps(self.dashboard)
        self.assert_only_fault("b.json: its uid is that of another dashboard")

    def test_faults_of_a_dashboard(self):
        for part, fault in [
            ({"schemaVersion": 41}, "schemaVersion is 41"),
            ({"id": 7}, "carries the id of one Grafana"),
            ({"description": ""}, "has no description"),
            ({"templating": {"list": []}}, "has no variable `datasource`"),
        ]:
            with self.subTest(fault):
                self.dashboard = {**small_dashboard(), **part}
                self.assert_only_fault(fault)

    def test_faults_of_a_panel(self):
        target = self.panel["targets"][0]
        for part, fault in [
            ({"title": ""}, "has no title"),
            ({"description": ""}, "has no description"),
            ({"fieldConfig": {"defaults": {"noValue": "unknown"}}}, "has no unit"),
            ({"fieldConfig": {"defaults": {"unit": "short"}}}, "has no noValue"),
            ({"datasource": {"type": "prometheus", "uid": "abc"}}, "does not use the variable"),
            ({"targets": [{**target, "datasource": None}]}, "does not use the variable"),
            ({"targets": [{**target, "instant": False}]}, "make its query instant"),
            ({"targets": [{**target, "legendFormat": ""}]}, "has no legend"),
            ({"targets": []}, "has no query"),
            ({"id": 2}, "panel id 2 is there twice"),
            ({"id": None}, "has no id"),
            ({"gridPos": {"x": 1, "y": 3, "w": 6, "h": 4}}, "overlap"),
            ({"gridPos": {"x": 19, "y": 0, "w": 6, "h": 4}}, "wider than the page"),
            ({"gridPos": {}}, "has no place"),
        ]:
            with self.subTest(fault):
                self.dashboard = small_dashboard()
                self.dashboard["panels"][0].update(part)
                self.assert_only_fault(fault)

    def test_panel_in_a_closed_row(self):
        hidden = {**small_panel(3, 12, "coder_apps"), "description": ""}
        row = {"id": 4, "type": "row", "title": "Row", "gridPos": {"x": 0, "y": 9, "w": 24, "h": 1}, "panels": [hidden]}
        self.dashboard["panels"].append(row)
        self.assert_only_fault("panel 3 'Panel 3': has no description")

    # Alerts

    def test_faults_of_an_alert(self):
        for old, new, fault in [
            ("        for: 5m\n", "", "has no `for`"),
            ("severity: warning", "severity: bad", "its severity is not"),
            ("          summary: Lost.\n", "", "has no annotation summary"),
            ("/runbooks/AgentsLost.md", "/runbooks/Other.md", "its runbook_url does not end"),
            ("/d/agents", "/d/other", "its dashboard_url leads to no dashboard"),
        ]:
            with self.subTest(fault):
                self.files["alerts/a.rules.yaml"] = RULES
                self.in_rules(old, new)
                self.assert_only_fault(fault)

    def test_alert_without_runbook(self):
        del self.files["alerts/runbooks/AgentsLost.md"]
        self.assert_only_fault("alert AgentsLost: has no runbook")

    def test_runbook_without_alert(self):
        self.files["alerts/runbooks/Other.md"] = "# Other\n"
        self.assert_only_fault("runbooks/Other.md: there is no such alert")

    def test_alert_without_test(self):
        self.files["alerts/tests/a.test.yaml"] = ""
        self.assert_only_fault("alert AgentsLost: no test")

    def test_rule_that_this_check_cannot_see(self):
        self.files["alerts/a.rules.yaml"] += "      - {record: 'a:b', expr: coder_agent}\n"
        self.assert_only_fault("3 rules, of which this check sees 2")

    def test_rules_that_promtool_refuses(self):
        self.in_rules("for: 5m", "fort: 5m\n        for: 5m")
        self.assert_only_fault("promtool refuses it")


class NamesOfAQuery(unittest.TestCase):
    def check(self, expression, metrics, listed=()):
        self.assertEqual(promql.names(expression), ({k: set(v) for k, v in metrics.items()}, set(listed)), expression)

    def test_names(self):
        self.check("up", {"up": []})
        self.check('a{b="c{d=1}", e!~"f"} offset 5m', {"a": ["b", "e"]})
        self.check('sum by (l) (rate(a[5m])) / on (m) group_left (n) max(b)', {"a": [], "b": []}, "lmn")
        self.check("a and b or c unless d  # and not e\n > bool 0.5e3", {"a": [], "b": [], "c": [], "d": []})
        self.check("sum(a) by (l) > 10 * sum without (k) (b)", {"a": [], "b": []}, "lk")
        self.check("a * on (l) group_left b", {"a": [], "b": []}, "l")
        self.check("'it''s' or `x` or time() - a:b:c", {"a:b:c": []})
        self.check("(a or b)[30m:1m] @ end()", {"a": [], "b": []})
        self.check('{job="x"}', {"": ["job"]})
        self.check('a + {job="x"}', {"a": [], "": ["job"]})


if __name__ == "__main__":
    unittest.main()
