"""Three deployments in one Prometheus, two exporters each: whose numbers do the dashboards show? Needs promtool."""

import json
import pathlib
import re
import subprocess
import tempfile
import textwrap
import unittest

FLEET = pathlib.Path(__file__).resolve().parents[2] / "dashboards" / "fleet.json"
# The Coder of each deployment, and how many agents it has; the last exporter does not know its Coder.
DEPLOYMENTS = {"eu": ("https://eu.example", 1000), "us": ("https://us.example", 300), "ap": ("", 200)}
WITHOUT = "https://coder.url-is-not-set.invalid"
TEMPLATE = 'organization_name="acme",template_name="go"'
AGENT = f'{TEMPLATE},kind="root",workspace_owner="ada",workspace_name="x",agent_name="main"'


def asked(title: str, target: int = 0) -> str:
    """A query of this panel, of a reader who chose all."""
    panels = json.loads(FLEET.read_text())["panels"]
    (panel,) = (it for it in panels if it["title"] == title)
    return re.sub(r"\$\{?[a-z_]+\}?", ".*", panel["targets"][target]["expr"])


def series() -> str:
    lines = []
    for deployment, (coder_url, agents) in DEPLOYMENTS.items():
        for exporter in "ab":
            target = f'instance="{exporter}",pod="{exporter}",deployment="{deployment}"'
            for name, value in {
                f"coder_exporter_build_info{{{target}}}": 1,
                f'coder_exporter_links_info{{{target},coder_url="{coder_url}",external_url=""}}': 1,
                f'coder_agents_health{{{target},{TEMPLATE},kind="root",health="healthy"}}': agents,
                f'coder_agents_health{{{target},{TEMPLATE},kind="root",health="disconnected"}}': 0,
                f'coder_agent_problem_timestamp_seconds{{{target},{AGENT},agent_id="{deployment}",'
                'health="disconnected",cause=""}': 0,
            }.items():
                lines.append(f"      - {{series: '{name}', values: '{value}x10'}}")
    return "\n".join(lines)


class SeveralDeployments(unittest.TestCase):
    def check(self, query: str, expected: dict[str, float]) -> None:
        samples = "\n".join(f"          - {{labels: '{labels}', value: {value}}}" for labels, value in expected.items())
        test = (
            "rule_files: []\ntests:\n  - interval: 1m\n    input_series:\n" + series()
            + "\n    promql_expr_test:\n      - eval_time: 5m\n        expr: |\n"
            + textwrap.indent(query, " " * 10) + f"\n        exp_samples:\n{samples}\n"
        )
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(test)
            file.flush()
            done = subprocess.run(["promtool", "test", "rules", file.name], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_row_leads_to_the_coder_of_its_deployment(self):
        self.check(asked("Agents with a problem"), {
            f'{{deployment="{it}",{AGENT},agent_id="{it}",health="disconnected",coder_url="{url or WITHOUT}"}}': 300
            for it, (url, _) in DEPLOYMENTS.items()
        })

    def test_each_number_is_one_of_a_deployment(self):
        self.check(asked("Healthy"), {f'{{deployment="{it}"}}': agents for it, (_, agents) in DEPLOYMENTS.items()})
        self.check(asked("Lost"), {f'{{deployment="{it}"}}': 0 for it in DEPLOYMENTS})

    def test_owner_of_one_name_in_three_deployments_is_three_people(self):
        self.check(asked("Owners hit most"), {f'{{deployment="{it}",workspace_owner="ada"}}': 1 for it in DEPLOYMENTS})

    def test_red_begins_where_the_smallest_of_the_fleets_is_hit(self):
        self.check(asked("Lost", 1), {"{}": 4})


if __name__ == "__main__":
    unittest.main()
