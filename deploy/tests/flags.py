"""flags.py EXPORTER: the flags and variables that deploy/ gives the exporter, asked of the exporter."""

import pathlib
import re
import subprocess
import sys

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parents[1]
CHART = DEPLOY / "helm/coder-agent-exporter"


def main():
    served, shown = help_of("serve"), help_of("demo")
    for path in [DEPLOY / "Dockerfile", DEPLOY / "coder-agent-exporter.service", DEPLOY / "packages/default"]:
        check(path, path.read_text(), served | shown)
    exporter = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["exporter"]
    check(DEPLOY / "compose.yaml", "\n".join(exporter["command"]), shown)
    for path in (path for path in CHART.glob("templates/**/*") if path.is_file()):
        # The prefix alone is what the settings' names are put after.
        check(path, path.read_text().replace("CODER_EXPORTER_{{", "{{"), served)
    for path in [CHART / "values.yaml", *DEPLOY.glob("tests/values/*.yaml")]:
        check_settings(path, served)


def help_of(command):
    """The words of a command's help."""
    text = subprocess.run([sys.argv[1], command, "--help"], capture_output=True, text=True, check=True)
    return set(re.findall(r"--[a-z][a-z.-]+|CODER_EXPORTER_[A-Z_]+", text.stdout))


def check(path, text, known):
    """Each flag with a dot in it, and each variable of ours, is one there is."""
    for word in re.findall(r"--[a-z]+\.[a-z.-]+|CODER_EXPORTER_[A-Z_]+", text):
        if word not in known:
            sys.exit(f"{path.relative_to(DEPLOY.parent)}: the exporter knows no {word}")


def check_settings(path, known):
    """The chart's `settings`, the commented examples included."""
    text = path.read_text()
    names = set(yaml.safe_load(text).get("settings", {}))
    names |= set(re.findall(r"^  # ([a-z]+\.[a-z.-]+):", text, re.MULTILINE))
    for name in names:
        variable = "CODER_EXPORTER_" + re.sub("[.-]", "_", name).upper()
        for word in (f"--{name}", variable):
            if word not in known:
                sys.exit(f"{path.relative_to(DEPLOY.parent)}: the exporter knows no {word}")


if __name__ == "__main__":
    main()
