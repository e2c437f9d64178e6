#!/usr/bin/env python3
"""Do the alerts reach a receiver by way of VictoriaMetrics? Part of scripts/judges.

    alerts/tests/victoria.py EXPORTER VICTORIA-METRICS VMALERT

VictoriaMetrics scrapes the exporter's demo, vmalert evaluates the shipped rules there, faster than
they say, and posts to a webhook that counts. The demo freezes a template's machines within a minute.
Fails when the page about it does not arrive, when a text could not be rendered, or when vmalert
could not evaluate a rule.
"""

import collections
import contextlib
import http.server
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

RULES = pathlib.Path(__file__).resolve().parents[1] / "coder-agent-exporter.rules.yaml"
PATIENCE_SECONDS = 300
# The watchdog says that anything arrives, the other that it was evaluated from scraped series.
WANTED = {"CoderWatchdog", "CoderUsersCutOff"}
# Nothing is wrong with this exporter.
NEVER = re.compile("CoderNoData|CoderExporter")
DEPLOYMENT = "victoria"


class Webhook(http.server.ThreadingHTTPServer):
    """Stands where Alertmanager would."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.counts = collections.Counter()
        self.faults = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            labels = alert["labels"]
            name = labels["alertname"]
            self.server.counts[name] += 1
            if name != "CoderWatchdog" and labels.get("deployment") != DEPLOYMENT:
                self.server.faults.add(f"{name}: not of this deployment: {labels}")
            for text in alert["annotations"].values():
                if re.search(r"\{\{|<no value>|error", text):
                    self.server.faults.add(f"{name}: {text}")
            if name == "CoderUsersCutOff" and not re.search(r"\d+ agents \(", alert["annotations"]["description"]):
                self.server.faults.add(f"its queries have no answer: {alert['annotations']['description']}")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def main() -> int:
    exporter, victoria_metrics, vmalert = sys.argv[1:]
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        webhook = Webhook()
        demo, storage, alerts = (f"127.0.0.1:{free_port()}" for _ in range(3))
        start(stack, folder, [exporter, "demo", f"--web.listen-address={demo}", "--demo.scenario=outage",
                              "--demo.agents=300", "--demo.speed=4"])
        wait_for(lambda: get(f"http://{demo}/-/ready"))
        (folder / "scrape.yaml").write_text(scrape(demo))
        start(stack, folder, [victoria_metrics, f"-storageDataPath={folder}/data", f"-httpListenAddr={storage}",
                              f"-promscrape.config={folder}/scrape.yaml"])
        wait_for(lambda: value(storage, "coder_exporter_up") == 1)
        (folder / "rules.yaml").write_text(hurried(RULES.read_text()))
        start(stack, folder, [vmalert, f"-rule={folder}/rules.yaml", f"-httpListenAddr={alerts}", "-evaluationInterval=2s",
                              f"-notifier.url=http://127.0.0.1:{webhook.server_port}",
                              *(f"-{it}.url=http://{storage}" for it in ("datasource", "remoteWrite", "remoteRead"))])
        wait_for(lambda: WANTED <= set(webhook.counts))
        failed = re.findall(r'^vmalert_\w+_rules_errors_total\{(.*)\} [1-9]', get(f"http://{alerts}/metrics"), re.MULTILINE)
        faults = [*webhook.faults, *failed, *(f"{it} fires" for it in webhook.counts if NEVER.match(it))]
        print("\n".join([*faults, f"vmalert sent {dict(sorted(webhook.counts.items()))}, {len(faults)} faults"]))
        return 1 if faults else 0


def hurried(rules: str) -> str:
    """Minutes become seconds where a rule waits. Its windows stay."""
    return re.sub(r"\b(for|keep_firing_for|interval): (\d+)m\b", r"\1: \2s", rules)


def scrape(target: str) -> str:
    return f"""
global: {{scrape_interval: 2s}}
scrape_configs:
- job_name: coder-agent-exporter
  static_configs:
  - targets: ["{target}"]
    labels: {{deployment: {DEPLOYMENT}}}
"""


def value(storage: str, query: str) -> float | None:
    found = json.loads(get(f"http://{storage}/api/v1/query?{urllib.parse.urlencode({'query': query})}"))
    results = found["data"]["result"]
    return float(results[0]["value"][1]) if results else None


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def start(stack: contextlib.ExitStack, folder: pathlib.Path, command: list[str]):
    """Runs a program until the stack ends."""
    log = stack.enter_context(open(folder / f"{pathlib.Path(command[0]).name}.log", "wb"))
    process = subprocess.Popen(command, stdout=log, stderr=log)
    stack.callback(process.wait, timeout=60)
    stack.callback(process.terminate)


def wait_for(condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(OSError):
            if condition():
                return
        if time.monotonic() > end:
            sys.exit(f"not within {PATIENCE_SECONDS} seconds")
        time.sleep(1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
