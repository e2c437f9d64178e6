#!/usr/bin/env python3
"""Pictures of the dashboards and of the exporter's page; `scripts/pictures` runs this.

Each dashboard is drawn from what a real Prometheus answers to its panels' queries, laid out as
Grafana would. The page is a screenshot, where there is a Chromium.
"""

import argparse
import io
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot  # noqa: E402
from PIL import Image  # noqa: E402

import paint  # noqa: E402
from ask import Prometheus  # noqa: E402
from stage import stage  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURES = ROOT / "dashboards" / "pictures"
CAPTION = "{title}: rendered from the panels' queries by scripts/pictures, not a Grafana screenshot. Made-up fleet."
MOST_BYTES = 200_000

WIDTH, CELL, GAP, HEADING, CAPTION_HEIGHT = 1500, 31, 5, 26, 30
# What is taken of the exporter's own page: path and name of the picture. {agent} is one with a problem.
PAGES = [("/", "page"), ("/probes", "page-probes"), ("/agents/{agent}", "page-agent")]
WINDOW = "1280,900"


def main() -> int:
    arguments = read_arguments()
    PICTURES.mkdir(exist_ok=True)
    if arguments.prometheus:
        take(arguments.exporter, arguments.prometheus, arguments.minutes)
        return 0
    # So that whoever ends this ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with stage(arguments.binary, ROOT / "alerts" / "coder-agent-exporter.rules.yaml") as played:
        print(f"{played.exporter} and {played.prometheus} run for {arguments.minutes} minutes ...", flush=True)
        time.sleep(60 * arguments.minutes)
        take(played.exporter, played.prometheus, arguments.minutes)
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="how long the fleet lives before it is drawn")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/debug/coder-agent-exporter")
    parser.add_argument("--prometheus", help="draw what this one knows, instead of starting all")
    parser.add_argument("--exporter", help="its exporter, for the pictures of the page")
    return parser.parse_args()


def take(exporter: str | None, url: str, minutes: float):
    prometheus = Prometheus(url, minutes)
    for path in sorted((ROOT / "dashboards").glob("*.json")):
        keep(PICTURES / f"{path.stem}.png", draw(json.loads(path.read_text()), prometheus))
    if exporter:
        screenshots(exporter, prometheus)


def draw(dashboard: dict, prometheus: Prometheus) -> Image.Image:
    panels = dashboard["panels"]
    cells = max(it["gridPos"]["y"] + it["gridPos"]["h"] for it in panels)
    height = cells * CELL + CAPTION_HEIGHT
    dpi = 100
    figure = matplotlib.pyplot.figure(figsize=(WIDTH / dpi, height / dpi), dpi=dpi, facecolor=paint.PAGE)
    page = paint.Canvas(figure, 0, 0, WIDTH, height)
    page.write(10, CAPTION_HEIGHT / 2, CAPTION.format(title=dashboard["title"]), size=9, color=paint.FAINT)
    column = (WIDTH - GAP) / 24
    for it in panels:
        place = it["gridPos"]
        left, top = GAP + place["x"] * column, CAPTION_HEIGHT + place["y"] * CELL
        canvas = page.part(left, top, place["w"] * column - GAP, place["h"] * CELL - GAP)
        if it["type"] == "row":
            canvas.write(4, CELL / 2, it["title"], size=10, weight="bold")
        else:
            paint.panel(canvas, it, prometheus)
    file = io.BytesIO()
    figure.savefig(file, facecolor=paint.PAGE)
    matplotlib.pyplot.close(figure)
    return Image.open(file)


def keep(path: pathlib.Path, picture: Image.Image):
    """Writes it with as many colours as its size allows."""
    for colors in (250, 120, 60):
        # By the reach of the colours, as the rare ones matter; then each moves to those it stands for.
        few = picture.convert("RGB").quantize(colors, method=Image.Quantize.MAXCOVERAGE, kmeans=2)
        few.save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            break
    print(f"wrote {path} ({path.stat().st_size // 1000} kB)")


def screenshots(exporter: str, prometheus: Prometheus):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser:
        print("no Chromium here: no pictures of the page")
        return
    problems = prometheus.now("coder_agent_problem_timestamp_seconds")
    agent = problems[0].labels["agent_id"] if problems else ""
    for path, name in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "page.png")
            address = urllib.parse.urljoin(exporter, path.format(agent=agent))
            if not is_there(address):
                print(f"{address} is no page")
                continue
            command = [browser, "--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WINDOW}",
                       f"--user-data-dir={folder}/profile", f"--screenshot={file}", address]
            subprocess.run(command, check=False, capture_output=True, timeout=60)
            if file.exists():
                keep(PICTURES / f"{name}.png", Image.open(file))
            else:
                print(f"no picture of {address}")


def is_there(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10):
            return True
    except urllib.error.HTTPError:
        return False


if __name__ == "__main__":
    sys.exit(main())
