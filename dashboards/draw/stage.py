"""What the pictures are taken of: the demo's exporter with its probe on, and a Prometheus.

Everything is on loopback, on ports that are free, in one temporary folder, and ends with the
`with` statement that began it.
"""

import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from typing import Iterator, NamedTuple

from stand_in import Coderd

# What docs/alerts-and-dashboards.md asks for.
SCRAPE_SECONDS = 30
PATIENCE_SECONDS = 60
# Enough to make the probe's panels lively within some minutes.
FLAGS = [
    "--demo.agents=300",
    "--metrics.agent-series=all",
    "--probe.dialer=coderd",
    "--probe.scope=all",
    "--probe.interval=10s",
    "--probe.sample=30",
    "--probe.horizon=2m",
]


class Stage(NamedTuple):
    """Where it is played."""

    exporter: str
    prometheus: str


@contextlib.contextmanager
def stage(binary: pathlib.Path, rules: pathlib.Path) -> Iterator[Stage]:
    """A demo that lives and a Prometheus that scrapes it, while the block lasts."""
    port, prometheus_port = free_port(), free_port()
    exporter, prometheus = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{prometheus_port}"
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        coderd = stack.enter_context(Coderd(f"{exporter}/metrics"))
        threading.Thread(target=coderd.serve_forever, daemon=True).start()
        stack.callback(coderd.shutdown)
        demo = [str(binary), "demo", f"--web.listen-address=127.0.0.1:{port}", *FLAGS]
        demo.append(f"--coder.url=http://127.0.0.1:{coderd.server_address[1]}")
        start(stack, folder, demo, {"CODER_SESSION_TOKEN": "made-up-for-the-pictures"})
        answers(f"{exporter}/-/ready")
        config = folder / "prometheus.yml"
        config.write_text(configuration(port, rules))
        storage = ["--storage.tsdb.path", str(folder / "data"), "--storage.tsdb.retention.time=1d"]
        listen = f"--web.listen-address=127.0.0.1:{prometheus_port}"
        start(stack, folder, ["prometheus", "--config.file", str(config), *storage, listen], {})
        answers(f"{prometheus}/-/ready")
        yield Stage(exporter, prometheus)


def configuration(port: int, rules: pathlib.Path) -> str:
    return f"""
global: {{scrape_interval: {SCRAPE_SECONDS}s, scrape_timeout: 10s, evaluation_interval: {SCRAPE_SECONDS}s}}
rule_files: ["{rules}"]
scrape_configs:
- job_name: coder-agent-exporter
  static_configs:
  - targets: ["127.0.0.1:{port}"]
    labels: {{deployment: demo}}
"""


def start(stack: contextlib.ExitStack, folder: pathlib.Path, command: list[str], variables: dict[str, str]):
    """Runs a program until the stack ends; what it says is told when it ends before that."""
    name = pathlib.Path(command[0]).name
    log = stack.enter_context(open(folder / f"{name}.log", "wb"))
    process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **variables})

    def end():
        if process.poll() is not None:
            print((folder / f"{name}.log").read_text()[-2000:])
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)

    stack.callback(end)


def answers(url: str):
    """Waits until this address answers well."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url, timeout=5):
                return
        if time.monotonic() > deadline:
            raise SystemExit(f"{url} does not answer within {PATIENCE_SECONDS} s")
        time.sleep(0.2)


def free_port() -> int:
    """One that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
