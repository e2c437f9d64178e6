"""Helm itself, as the checks of the chart use it."""

import pathlib
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALUES = ROOT / "deploy/tests/values"
IMAGE = "ghcr.io/example/coder-agent-exporter"


class Helm:
    """One program, and the folder or package of a chart."""

    def __init__(self, program, chart):
        self.program = program
        self.chart = chart

    def run(self, *arguments, stdin=None):
        """The finished program. What it says besides its output is a fault unless it failed."""
        command = [self.program, *map(str, arguments)]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        if not done.returncode and done.stderr:
            sys.exit(f"{' '.join(command)}: {done.stderr}")
        return done

    def good(self, *arguments, stdin=None):
        """Its output, where it has to succeed."""
        done = self.run(*arguments, stdin=stdin)
        if done.returncode:
            sys.exit(f"helm {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
        return done.stdout

    def template(self, settings, release="demo"):
        """The finished `helm template`."""
        arguments = ["template", release, self.chart, "--namespace", "coder", "--values", "-"]
        return self.run(*arguments, stdin=yaml.safe_dump(settings))

    def __call__(self, settings, release="demo"):
        done = self.template(settings, release)
        if done.returncode:
            sys.exit(f"the chart does not render: {done.stderr}")
        return [item for item in yaml.load_all(done.stdout, Unique) if item]


class Unique(yaml.CSafeLoader):
    """A key given twice is a mistake, though YAML's readers take the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            sys.exit(f"a key stands twice: {node.start_mark}")
        return super().construct_mapping(node, deep)


def load(name):
    """Values of a case."""
    return yaml.safe_load((VALUES / f"{name}.yaml").read_text())
