"""Who gets which alert how often, and which alert mutes which: asked of a running Alertmanager.

The alerts of the counted cases are those that promtool found to fire, at the moments at which it
found them (cases.test.yaml). They are posted with the same distances, and with the waits of the
routes as much shorter. Needs amtool and prometheus-alertmanager (or alertmanager).
"""

import collections
import http.server
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Callable, Iterator, NamedTuple

sys.dont_write_bytecode = True

ALERTS = pathlib.Path(__file__).resolve().parents[1]
CONFIGURATION = ALERTS / "alertmanager.example.yaml"
CASES = ALERTS / "tests" / "cases.test.yaml"
RECEIVER = {"critical": "pager", "warning": "chat", "info": "tickets", "none": "none"}
PATIENCE_SECONDS = 5
# A minute of a case takes this long.
MINUTE_SECONDS = 0.2
ALERT = re.compile(r"^ *- alert: (\w+)$.*?^ *severity: (\w+)$", re.MULTILINE | re.DOTALL)


class Alert(NamedTuple):
    name: str
    severity: str

    @classmethod
    def of(cls, labels: dict[str, str]) -> "Alert":
        return cls(labels["alertname"], labels["severity"])

    def labels(self) -> dict[str, str]:
        return {"alertname": self.name, "severity": self.severity}


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
        self.assertEqual(len(alerts), 25, "the rules are read wrongly, or there are more than 25 alerts")
        for alert in alerts:
            with self.subTest(alert):
                self.assertEqual(receiver(alertname=alert.name, severity=alert.severity), RECEIVER[alert.severity])

    def test_planned_maintenance_is_sent_to_no_receiver(self):
        for severity in RECEIVER:
            found = receiver(alertname="CoderUsersCutOff", severity=severity, maintenance="planned")
            self.assertEqual(found, "none")

    def test_alerts_of_others_go_where_they_went(self):
        self.assertEqual(receiver(alertname="DiskFull", severity="critical"), "chat")

    def test_no_hour_is_mute_unless_an_operator_says_so(self):
        lines = CONFIGURATION.read_text().splitlines()
        muted = [line for line in lines if "mute_time_intervals" in line or "time_intervals:" in line]
        self.assertTrue(muted, "the example is gone")
        self.assertEqual([line for line in muted if not line.lstrip().startswith("#")], [])

    def test_nothing_is_repeated_later_than_alertmanager_remembers(self):
        units = {"m": 1 / 1440, "h": 1 / 24, "d": 1}
        repeats = re.findall(r"repeat_interval: (\d+)([mhd])", CONFIGURATION.read_text())
        self.assertEqual(len(repeats), 3)
        for number, unit in repeats:
            self.assertLessEqual(int(number) * units[unit], 5)

    def test_what_separates_deployments_is_in_every_group_and_every_inhibition(self):
        text = CONFIGURATION.read_text()
        equal = re.findall(r"^    equal: \[(.+)\]$", text, re.MULTILINE)
        self.assertEqual(len(equal), text.count("source_matchers:"))
        self.assertEqual(set(equal), {"cluster, namespace, deployment"})
        groups = re.findall(r"^ +group_by: \[(.+)\]$", text.split('alertname=~"Coder.+"', 1)[1], re.MULTILINE)
        self.assertEqual(set(groups), {"cluster, namespace, deployment"})


class Alertmanager:
    """A running one, with this configuration."""

    def __init__(self, configuration: str):
        program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        if program is None:
            raise AssertionError("prometheus-alertmanager is missing: scripts/test unpacks it")
        self.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.folder.name, "alertmanager.yaml")
        path.write_text(configuration)
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{address}/api/v2/alerts"
        self.server = subprocess.Popen(
            [
                program,
                f"--config.file={path}",
                f"--storage.path={self.folder.name}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
                "--log.level=error",
            ]
        )
        wait_for(self.is_there)

    def is_there(self) -> bool:
        try:
            urllib.request.urlopen(self.url, timeout=1).close()
        except OSError:
            return False
        return True

    def post(self, alerts: list[dict]) -> None:
        post = urllib.request.Request(self.url, json.dumps(alerts).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(post, timeout=PATIENCE_SECONDS).close()

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait()
        self.folder.cleanup()


class Inhibition(unittest.TestCase):
    """Each test has a deployment of its own, so that one Alertmanager serves all."""

    @classmethod
    def setUpClass(cls):
        # It sends nothing: groups wait for longer than the tests take.
        cls.alertmanager = Alertmanager(CONFIGURATION.read_text())
        cls.addClassCleanup(cls.alertmanager.stop)

    def check(self, deployment: str, fired: list[Alert], muted: list[Alert]) -> None:
        """All of these fire in this deployment, and these are muted and no others."""
        scope = {"deployment": deployment} if deployment else {}
        self.alertmanager.post([{"labels": {**it.labels(), **scope}} for it in [*fired, *muted]])
        mine = urllib.parse.urlencode({"filter": f'deployment="{deployment}"'})

        def found() -> tuple[list[Alert], list[Alert]]:
            url = f"{self.alertmanager.url}?{mine}"
            with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
                alerts = json.load(answer)
            return tuple(
                sorted(Alert.of(it["labels"]) for it in alerts if bool(it["status"]["inhibitedBy"]) == wanted)
                for wanted in (False, True)
            )

        wait_for(lambda: found() == (sorted(fired), sorted(muted)), complain=False)
        self.assertEqual(found(), (sorted(fired), sorted(muted)))

    def test_no_data_mutes_everything_but_what_may_be_the_cause(self):
        goes_on = [
            Alert("CoderNoData", "critical"),
            Alert("CoderWatchdog", "none"),
            Alert("CoderExporterCollectorFailing", "warning"),
            Alert("CoderExporterConfigStale", "warning"),
        ]
        muted = [it for it in every_alert() if it not in goes_on]
        self.check("no data", goes_on, muted)
        # Without a label for the deployment it is the same.
        self.check("", goes_on, muted)

    def test_coder_down_mutes_what_follows_from_it_and_its_own_message(self):
        goes_on = {
            "CoderNoData", "CoderUpgrading", "CoderBuildsFailing", "CoderWorkspacesWithoutAgent",
            "CoderWatchdog", "CoderExporterUnreliable", "CoderExporterCollectorFailing", "CoderExporterConfigStale",
            "CoderExporterLate", "CoderClockSkew",
        }
        down = Alert("CoderDown", "critical")
        others = [it for it in every_alert() if it != down and it.name != "CoderNoData"]
        self.check(
            "down",
            [down, *(it for it in others if it.name in goes_on)],
            [it for it in others if it.name not in goes_on],
        )

    def test_page_about_people_mutes_the_tickets_about_the_same(self):
        says_the_same = {
            "CoderAgentsLost", "CoderOutagesRepeated", "CoderIncident", "CoderAgentOut", "CoderHeartbeatsLate",
            "CoderAppsUnhealthy", "CoderErrorBudgetBurn", "CoderProbeDisagreement", "CoderProbeBroken",
            "CoderProbeCoverageLow",
        }
        others = [it for it in every_alert() if it.name not in ("CoderNoData", "CoderDown")]
        self.check(
            "cut off",
            [it for it in others if it.name not in says_the_same],
            [it for it in others if it.name in says_the_same],
        )

    def test_probe_without_results_covers_nothing(self):
        self.check(
            "probe", [Alert("CoderProbeBroken", "warning")], [Alert("CoderProbeCoverageLow", "info")]
        )

    def test_nothing_of_one_deployment_mutes_anything_of_another(self):
        self.check("lost here", [Alert("CoderUsersCutOff", "critical")], [Alert("CoderAgentsLost", "warning")])
        self.check("lost elsewhere", [Alert("CoderAgentsLost", "warning")], [])


class Moment(NamedTuple):
    minute: int
    firing: frozenset[tuple[tuple[str, str], ...]]


def moments(case: int) -> Iterator[Moment]:
    """What fires in a case, by the expectations that promtool checks."""
    text = CASES.read_text()
    found = re.search(rf"(?ms)^  - name: '?{case}\. .*?(?=^  - name: |\Z)", text)
    for check in re.findall(r"(?ms)^      - expr: count by .*?(?=^      - expr: |^    \w|\Z)", found[0]):
        minute = re.search(r"eval_time: (\d+)m", check)[1]
        sets = re.findall(r"labels: '\{(.+)\}'", check)
        firing = frozenset(tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels))) for labels in sets)
        yield Moment(int(minute), firing)


class Webhook(http.server.ThreadingHTTPServer):
    """Counts notifications by case, receiver and status."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.counts = collections.Counter()
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        case = int(body["groupLabels"]["deployment"].split()[0])
        with self.server.lock:
            self.server.counts[case, self.path.strip("/"), body["status"]] += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


# Notifications of each case: firing and resolved to the pager, firing and resolved to the chat, and
# tickets. A case ends when its last set fires, so what fires then is never resolved.
COUNTED = {
    1: (1, 1, 1, 1, 0),
    2: (1, 1, 1, 1, 0),
    # A page for each cluster.
    3: (2, 0, 0, 0, 0),
    4: (1, 0, 0, 0, 0),
    # Each in a deployment of its own; one ends.
    5: (0, 0, 2, 1, 0),
    6: (1, 0, 0, 0, 0),
    # A page for the small fleet; a message for the template of the large one.
    7: (1, 0, 1, 0, 0),
    8: (2, 0, 0, 0, 0),
    9: (0, 0, 1, 0, 0),
    10: (0, 0, 0, 0, 0),
    11: (0, 0, 0, 0, 0),
    12: (0, 0, 0, 0, 1),
    # The page about the loss, then the page about no data.
    13: (2, 0, 0, 0, 0),
    # One of the three outages is large enough; the ticket comes when its page is over.
    14: (1, 1, 1, 0, 0),
    15: (1, 0, 0, 0, 0),
    # Both in one deployment each.
    16: (0, 0, 2, 0, 0),
    17: (0, 0, 1, 0, 0),
    18: (0, 0, 0, 0, 1),
    # The migration is a message, the roll a ticket.
    19: (0, 0, 0, 0, 0),
    20: (0, 0, 0, 0, 0),
    21: (0, 0, 1, 1, 1),
    22: (0, 0, 1, 1, 0),
    23: (0, 0, 0, 0, 0),
}


class Notifications(unittest.TestCase):
    """All cases at once, each in deployments of its own."""

    def test_each_case_is_sent_as_often_as_it_should_be(self):
        webhook = Webhook()
        self.addCleanup(webhook.server_close)
        self.addCleanup(webhook.shutdown)
        alertmanager = Alertmanager(hurried(CONFIGURATION.read_text(), webhook.server_port))
        self.addCleanup(alertmanager.stop)
        cases = [threading.Thread(target=play, args=(alertmanager, case)) for case in COUNTED]
        for case in cases:
            case.start()
        for case in cases:
            case.join()
        # Longer than the longest wait before a message.
        time.sleep(12 * MINUTE_SECONDS)
        for case, expected in COUNTED.items():
            with self.subTest(case=case):
                keys = [("pager", "firing"), ("pager", "resolved"), ("chat", "firing"), ("chat", "resolved")]
                keys.append(("tickets", "firing"))
                self.assertEqual(tuple(webhook.counts[case, *key] for key in keys), expected)


def play(alertmanager: Alertmanager, case: int) -> None:
    """Posts what fires in a case, at its moments; a long time in which nothing changes is cut."""
    before, minute = frozenset(), None
    far = datetime.now(timezone.utc) + timedelta(hours=1)
    for moment in moments(case):
        if minute is not None:
            time.sleep(min(moment.minute - minute, 15) * MINUTE_SECONDS)
        minute = moment.minute
        now = datetime.now(timezone.utc)
        ends = [(labels, far) for labels in moment.firing] + [(labels, now) for labels in before - moment.firing]
        alerts = []
        for labels, end in ends:
            labels = dict(labels)
            labels["deployment"] = f"{case} {labels.get('deployment', '')}"
            alerts.append({"labels": labels, "endsAt": end.isoformat()})
        if alerts:
            alertmanager.post(alerts)
        before = moment.firing


def hurried(configuration: str, port: int) -> str:
    """The shipped file with shorter waits, and with receivers that count. What goes on is not repeated: a
    slow machine would have more repetitions."""
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}

    def shorter(found: re.Match) -> str:
        millis = int(found[2]) * seconds[found[3]] * MINUTE_SECONDS / 60 * 1000
        return f"{found[1]}: {round(millis)}ms"

    text = re.sub(r"(group_wait|group_interval): (\d+)([smhd])", shorter, configuration)
    return re.sub(r"http://(\w+)\.example/alerts", rf"http://127.0.0.1:{port}/\1", text)


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
