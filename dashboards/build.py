#!/usr/bin/env python3
"""Write dashboards/*.json from the Python files beside this one.

    dashboards/build.py           writes them
    dashboards/build.py --check   says which of them differ from their source; exit 1 if one does

The Python is the source because it says once what all panels share (the dedup of two exporters,
the colour of each health, the chosen organizations and templates, the layout) where Grafana's JSON
says it in every panel. The JSON is what Grafana imports, and is committed so that nobody needs
this file to use it. A change tried out in Grafana's editor goes into the source by hand.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True  # importing the dashboards leaves no trace in the work tree

import agent  # noqa: E402
import exporter  # noqa: E402
import fleet  # noqa: E402
import probe  # noqa: E402
import service  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
DASHBOARDS = {f"{it.__name__}.json": it.DASHBOARD for it in (fleet, service, agent, probe, exporter)}


def main() -> int:
    stale = []
    for name, dashboard in DASHBOARDS.items():
        text = json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"
        path = HERE / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv[1:]:
            path.write_text(text)
            print(f"wrote {path}")
    if "--check" not in sys.argv[1:]:
        return 0
    for name in stale:
        print(f"dashboards/{name} differs from its source: run dashboards/build.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
