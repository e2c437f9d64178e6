"""What every dashboard must have, after the rules of Grafana's own linter and this project's."""

import json
import pathlib
import re
from typing import Iterator

from queries import Query

SCHEMA_VERSION = 42
GRID_WIDTH = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")


def read(path: pathlib.Path) -> dict:
    return json.loads(path.read_text())


def panels(dashboard: dict) -> Iterator[dict]:
    """All panels, those of closed rows included."""
    for panel in dashboard.get("panels", []):
        yield panel
        yield from panel.get("panels", [])


def queries(name: str, dashboard: dict) -> Iterator[Query]:
    """Every query of the panels, the annotations and the variables."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            yield Query(f"{name}, panel {panel.get('title')!r}", target.get("expr", ""))
    for annotation in dashboard.get("annotations", {}).get("list", []):
        if "target" in annotation:
            yield Query(f"{name}, annotation {annotation['name']!r}", annotation["target"].get("expr", ""))
    for variable in dashboard.get("templating", {}).get("list", []):
        if variable["type"] == "query":
            asked = LABEL_VALUES.fullmatch(variable["query"]["query"])
            expression = f"count by ({asked[2]}) ({asked[1]})" if asked else variable["query"]["query"]
            yield Query(f"{name}, variable {variable['name']!r}", expression)


def faults(dashboard: dict) -> Iterator[str]:
    """What is wrong with one dashboard, one sentence each."""
    if dashboard.get("schemaVersion") != SCHEMA_VERSION:
        yield f"schemaVersion is {dashboard.get('schemaVersion')}, not {SCHEMA_VERSION}"
    if dashboard.get("id") is not None:
        yield "carries the id of one Grafana; leave it out"
    for wanted in ("uid", "title", "description", "tags"):
        if not dashboard.get(wanted):
            yield f"has no {wanted}"
    variables = {v["name"]: v for v in dashboard.get("templating", {}).get("list", [])}
    if variables.get("datasource", {}).get("type") != "datasource":
        yield "has no variable `datasource` of type datasource"
    for name, variable in variables.items():
        if variable["type"] == "query" and not (variable.get("multi") and variable.get("includeAll")):
            yield f"variable {name}: not several, or not All"
    for panel in panels(dashboard):
        where = f"panel {panel.get('id')} {panel.get('title')!r}"
        yield from (f"{where}: {fault}" for fault in panel_faults(panel))
    yield from layout_faults(dashboard)


def panel_faults(panel: dict) -> Iterator[str]:
    if not panel.get("title"):
        yield "has no title"
    if panel.get("type") == "row":
        return
    if not panel.get("description"):
        yield "has no description"
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    for wanted in ("unit", "noValue"):
        if not defaults.get(wanted):
            yield f"has no {wanted}"
    if not panel.get("targets"):
        yield "has no query"
    for part in [panel, *panel.get("targets", [])]:
        if part.get("datasource") != DATASOURCE:
            yield "does not use the variable `datasource`"
    for target in panel.get("targets", []):
        if panel["type"] == "stat" and not target.get("instant"):
            yield "shows the last number known as if it were now's: make its query instant"
        if panel["type"] != "table" and not target.get("legendFormat"):
            yield "has no legend"


def layout_faults(dashboard: dict) -> Iterator[str]:
    seen_ids: set[int] = set()
    for panel in panels(dashboard):
        if not isinstance(panel.get("id"), int):
            yield f"panel {panel.get('title')!r}: has no id"
        elif panel["id"] in seen_ids:
            yield f"panel id {panel['id']} is there twice"
        else:
            seen_ids.add(panel["id"])
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard.get("panels", []):
        grid, title = panel.get("gridPos", {}), panel.get("title")
        if not {"x", "y", "w", "h"} <= grid.keys() or grid["w"] < 1 or grid["h"] < 1:
            yield f"panel {title!r}: has no place"
            continue
        if grid["x"] < 0 or grid["x"] + grid["w"] > GRID_WIDTH:
            yield f"panel {title!r}: wider than the page"
        cells = [(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])]
        for other in sorted({taken[cell] for cell in cells if cell in taken}):
            yield f"panels {other!r} and {title!r} overlap"
        taken.update({cell: title for cell in cells})
