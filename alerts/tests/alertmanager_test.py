"""Who is told of which alert, and which alert mutes which: asked of a running Alertmanager.

Needs amtool and prometheus-alertmanager (or alertmanager).
"""

import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request
from typing import Callable, NamedTuple

sys.dont_write_bytecode = True

ALERTS = pathlib.Path(__file__).resolve().parents[1]
CONFIGURATION = ALERTS / "alertmanager.example.yaml"
RECEIVER = {"critical": "pager", "warning": "chat", "info": "tickets"}
PATIENCE_SECONDS = 5
ALERT = re.compile(r"^ *- alert: (\w+)$.*?^ *severity: (\w+)$", re.MULTILINE | re.DOTALL)


class Alert(NamedTuple):
    name: str
    severity: str
    template: str = ""

    @classmethod
    def of(cls, labels: dict[str, str]) -> "Alert":
        return cls(labels["alertname"], labels["severity"], labels.get("template_name", ""))

    def labels(self) -> dict[str, str]:
        template = {"organization_name": "acme", "template_name": self.template} if self.template else {}
        return {"alertname": self.name, "severity": self.severity, **template}


def every_alert() -> list[Alert]:
    """Each alert of the rules, in each of its severities."""
    pairs = {pair for path in ALERTS.glob("*.rules.yaml") for pair in ALERT.findall(path.read_text())}
    return [Alert(name, severity) for name, severity in sorted(pairs)]


def amtool(*arguments: str) -> str:
    done = subprocess.run(["amtool", *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    if done.returncode != 0:
        raise AssertionError(f"amtool {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def receiver(**labels: str) -> str:
    matchers = [f"{name}={value}" for name, value in labels.items()]
    return amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", *matchers).strip()


class Routes(unittest.TestCase):
    def test_each_alert_goes_where_its_severity_says(self):
        alerts = every_alert()
        self.assertGreater(len(alerts), 30, "the rules are read wrongly: mend the pattern")
        for alert in alerts:
            with self.subTest(alert):
                told = receiver(alertname=alert.name, severity=alert.severity)
                self.assertEqual(told, RECEIVER[alert.severity])

    def test_nobody_is_told_of_planned_maintenance(self):
        for severity in RECEIVER:
            told = receiver(alertname="CoderAgentsMassLoss", severity=severity, maintenance="planned")
            self.assertEqual(told, "nobody")

    def test_alerts_of_others_go_where_they_went(self):
        self.assertEqual(receiver(alertname="DiskFull", severity="critical"), "chat")

    def test_every_route_that_tells_somebody_keeps_quiet_during_maintenance(self):
        # Alertmanager's routes do not take muted hours over from the one above.
        text = CONFIGURATION.read_text()
        told = re.findall(r"^ +- matchers: \[(?:alertname=~\"Coder|severity)", text, re.MULTILINE)
        muted = re.findall(r"^ +mute_time_intervals: \[coder-maintenance\]$", text, re.MULTILINE)
        self.assertEqual(len(told), 3)
        self.assertEqual(len(muted), len(told))


class Inhibition(unittest.TestCase):
    """Each test has a deployment of its own, so that one Alertmanager serves all."""

    @classmethod
    def setUpClass(cls):
        program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        if program is None:
            raise AssertionError("prometheus-alertmanager is missing: scripts/test unpacks it")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        cls.url = f"http://{address}/api/v2/alerts"
        # It tells nobody: groups wait for longer than the tests take.
        server = subprocess.Popen(
            [
                program,
                f"--config.file={CONFIGURATION}",
                f"--storage.path={folder.name}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
                "--log.level=error",
            ]
        )
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.terminate)
        wait_for(cls.is_there)

    @classmethod
    def is_there(cls) -> bool:
        try:
            urllib.request.urlopen(cls.url, timeout=1).close()
        except OSError:
            return False
        return True

    def check(self, deployment: str, fired: list[Alert], muted: list[Alert]) -> None:
        """All of these fire in this deployment, and these are muted and no others."""
        scope = {"deployment": deployment} if deployment else {}
        alerts = [{"labels": {**it.labels(), **scope}} for it in [*fired, *muted]]
        post = urllib.request.Request(self.url, json.dumps(alerts).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(post, timeout=PATIENCE_SECONDS).close()
        mine = urllib.parse.urlencode({"filter": f'deployment="{deployment}"'})

        def told() -> tuple[list[Alert], list[Alert]]:
            with urllib.request.urlopen(f"{self.url}?{mine}", timeout=PATIENCE_SECONDS) as answer:
                found = json.load(answer)
            return tuple(
                sorted(Alert.of(it["labels"]) for it in found if bool(it["status"]["inhibitedBy"]) == wanted)
                for wanted in (False, True)
            )

        wait_for(lambda: told() == (sorted(fired), sorted(muted)), complain=False)
        self.assertEqual(told(), (sorted(fired), sorted(muted)))

    def test_exporter_down_mutes_everything_else(self):
        source = Alert("CoderExporterDown", "critical")
        self.check("down", [source], [it for it in every_alert() if it != source])

    def test_without_a_label_for_the_deployment_it_is_the_same(self):
        source = Alert("CoderExporterDown", "critical")
        self.check("", [source], [it for it in every_alert() if it != source])

    def test_database_not_answering_mutes_everything_but_what_may_be_the_cause(self):
        goes_on = [
            Alert("CoderExporterDatabaseNotAnswering", "critical"),
            Alert("CoderExporterDown", "warning"),
            Alert("CoderExporterSchemaNotSupported", "warning"),
            Alert("CoderExporterGrantMissing", "warning"),
            Alert("CoderExporterConfigReloadFailed", "warning"),
        ]
        muted = [it for it in every_alert() if it not in goes_on and it.name != "CoderExporterDown"]
        self.check("database", goes_on, muted)

    def test_agents_that_cannot_be_read_mute_everything_but_what_may_be_the_cause(self):
        goes_on = [
            Alert("CoderExporterCollectorFailing", "critical"),
            Alert("CoderExporterDown", "warning"),
            Alert("CoderExporterDatabaseNotAnswering", "warning"),
            Alert("CoderExporterSchemaNotSupported", "warning"),
            Alert("CoderExporterGrantMissing", "warning"),
            Alert("CoderExporterConfigReloadFailed", "warning"),
        ]
        worse = [Alert("CoderExporterDown", "critical"), Alert("CoderExporterDatabaseNotAnswering", "critical")]
        self.check("agents", goes_on, [it for it in every_alert() if it not in goes_on + worse])

    def test_template_whose_agents_are_mostly_gone_mutes_what_is_less_of_it_alone(self):
        self.check(
            "template",
            fired=[
                Alert("CoderAgentsDisconnected", "critical", "go"),
                Alert("CoderAgentsDisconnected", "warning", "rust"),
                Alert("CoderAgentsStuckCreated", "warning", "rust"),
                Alert("CoderDeploymentAgentsDisconnected", "warning"),
                Alert("CoderProbeFailing", "warning"),
                Alert("CoderHeartbeatsLate", "warning"),
            ],
            muted=[
                Alert("CoderAgentsDisconnected", "warning", "go"),
                Alert("CoderAgentsFlapping", "warning", "go"),
                Alert("CoderAgentsStuckCreated", "warning", "go"),
                Alert("CoderAgentsStuckConnecting", "info", "go"),
                Alert("CoderPrebuildsBroken", "warning", "go"),
                Alert("CoderAppsUnhealthy", "warning", "go"),
                Alert("CoderWorkspacesWithoutAgent", "warning", "go"),
                Alert("CoderChatBindingsStale", "info", "go"),
            ],
        )

    def test_mass_loss_mutes_warnings_on_the_agents_of_its_deployment(self):
        self.check_loss("mass loss", Alert("CoderAgentsMassLoss", "critical"))

    def test_deployment_of_which_much_is_gone_mutes_warnings_on_its_agents(self):
        self.check_loss("much", Alert("CoderDeploymentAgentsDisconnected", "critical"))

    def check_loss(self, deployment: str, source: Alert) -> None:
        self.check(
            deployment,
            fired=[
                source,
                Alert("CoderAgentsDisconnected", "critical", "go"),
                Alert("CoderHeartbeatLead", "warning"),
                Alert("CoderExporterClockSkew", "warning"),
                Alert("CoderExporterSlow", "warning"),
            ],
            muted=[
                Alert("CoderAgentsDisconnected", "warning", "rust"),
                Alert("CoderAgentsStuckCreated", "warning", "rust"),
                Alert("CoderAgentsStuckStarting", "info", "rust"),
                Alert("CoderDeploymentAgentsDisconnected", "warning"),
                Alert("CoderHeartbeatsLate", "warning"),
                Alert("CoderProbeFailing", "warning"),
                Alert("CoderProbeDisagreement", "warning"),
                Alert("CoderPrebuildsBroken", "warning", "rust"),
                Alert("CoderAppsUnhealthy", "warning", "rust"),
            ],
        )
        # What another deployment says is its own.
        self.check(f"beside {deployment}", [Alert("CoderAgentsStuckCreated", "warning", "rust")], [])

    def test_many_stuck_agents_of_a_template_mute_the_single_one_of_it_alone(self):
        self.check(
            "stuck",
            fired=[
                Alert("CoderAgentsStuckStarting", "warning", "go"),
                Alert("CoderAgentsStuckStarting", "info", "rust"),
                Alert("CoderAgentsStuckConnecting", "info", "go"),
            ],
            muted=[Alert("CoderAgentsStuckStarting", "info", "go")],
        )

    def test_probe_that_cannot_ask_says_so_once(self):
        self.check(
            "probe",
            fired=[Alert("CoderProbeCannotAsk", "warning"), Alert("CoderProbeFailing", "warning")],
            muted=[Alert("CoderProbeStopped", "warning"), Alert("CoderProbeCoverageLow", "info")],
        )

    def test_probe_that_has_stopped_covers_nothing(self):
        self.check(
            "stopped",
            fired=[Alert("CoderProbeStopped", "warning")],
            muted=[Alert("CoderProbeCoverageLow", "info")],
        )
        self.check("beside stopped", [Alert("CoderProbeCoverageLow", "info")], [])


def wait_for(condition: Callable[[], bool], complain: bool = True) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            if complain:
                raise AssertionError(f"Alertmanager did not answer within {PATIENCE_SECONDS} seconds")
            return
        time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
