"""Paints panels, each into a rectangle of the picture: much as Grafana does, and no more."""

import datetime
import math
import re

import matplotlib.dates
import numpy
from matplotlib.patches import FancyBboxPatch

from ask import STEP_SECONDS, Prometheus, Series, legend, told

INK, FAINT, LINE, PAPER, PAGE = "#24292e", "#6b7280", "#d5d9de", "#ffffff", "#f4f5f5"
COLORS = {
    "green": "#56a64b", "light-green": "#96d98d", "red": "#e02f44", "dark-red": "#ad0317", "semi-dark-red": "#c4162a", "orange": "#ff780a",
    "dark-orange": "#e55400", "yellow": "#f2cc0c", "blue": "#3274d9", "light-blue": "#8ab8ff", "purple": "#a352cc",
    "text": INK,
}
OTHERS = ["#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642", "#cca300"]
# Of a page 1500 wide: where a panel's title ends and its content begins, in pixels.
TITLE, MARGIN = 24, 10
CHARACTER, ROW = 6.1, 20
MOST_IN_LEGEND = 9


def hexed(color: str) -> str:
    return color if color.startswith("#") else COLORS[color]


class Canvas:
    """A rectangle of the picture, measured in pixels from its upper left corner."""

    def __init__(self, figure, left, top, width, height):
        self.figure, self.left, self.top, self.width, self.height = figure, left, top, width, height
        self.page_width, self.page_height = figure.get_size_inches() * figure.dpi

    def part(self, left, top, width, height):
        return Canvas(self.figure, self.left + left, self.top + top, width, height)

    def axes(self, left=0, top=0, right=0, bottom=0):
        width, height = self.width - left - right, self.height - top - bottom
        return self.figure.add_axes(
            ((self.left + left) / self.page_width, 1 - (self.top + top + height) / self.page_height,
             width / self.page_width, height / self.page_height),
            zorder=2,  # before the boxes
        )

    def box(self, color, edge=LINE):
        corner = (self.left / self.page_width, 1 - (self.top + self.height) / self.page_height)
        size = (self.width / self.page_width, self.height / self.page_height)
        self.figure.patches.append(FancyBboxPatch(
            corner, *size, boxstyle="square,pad=0", facecolor=color, edgecolor=edge, linewidth=0.8,
            transform=self.figure.transFigure, figure=self.figure,
        ))

    def write(self, x, y, text, *, size=8.5, color=INK, weight="normal", align="left", room=None):
        room = self.width - x if room is None else room
        most = max(3, int(room / (CHARACTER * size / 8.5)))
        text = text if len(text) <= most else text[: most - 1] + "…"
        self.figure.text(
            (self.left + x) / self.page_width, 1 - (self.top + y) / self.page_height, text, fontsize=size, color=color,
            weight=weight, ha=align, va="center",
        )


def panel(canvas: Canvas, it: dict, prometheus: Prometheus):
    canvas.box(PAPER)
    paint = {"stat": stat, "timeseries": graph, "state-timeline": bands, "heatmap": heatmap, "table": table}[it["type"]]
    if it["type"] != "stat":
        canvas.write(MARGIN, TITLE / 2 + 2, it["title"], weight="bold")
    inner = canvas.part(MARGIN, TITLE, canvas.width - 2 * MARGIN, canvas.height - TITLE - MARGIN / 2)
    if not paint(canvas if it["type"] == "stat" else inner, it, prometheus):
        inner.write(inner.width / 2, inner.height / 2, defaults(it)["noValue"], color=FAINT, align="center",
                    room=inner.width)


def defaults(it: dict) -> dict:
    return it["fieldConfig"]["defaults"]


def overrides(it: dict, name: str) -> dict:
    """The properties that differ for this series or column."""
    return {
        property["id"]: property["value"]
        for override in it["fieldConfig"]["overrides"] if matches(override["matcher"], name)
        for property in override["properties"]
    }


def matches(matcher: dict, name: str) -> bool:
    if matcher["id"] == "byRegexp":
        return re.search(matcher["options"].strip("/"), name) is not None
    return matcher["options"] == name


def stepped(thresholds: dict, value: float) -> str:
    reached = [it["color"] for it in thresholds["steps"] if it["value"] is None or value >= it["value"]]
    return hexed(reached[-1])


def mapped(mappings: list, value) -> dict:
    key = str(int(value)) if isinstance(value, float) and not math.isnan(value) else str(value)
    return next((it["options"][key] for it in mappings if key in it["options"]), {})


def stat(canvas: Canvas, it: dict, prometheus: Prometheus) -> bool:
    found = prometheus.now(it["targets"][0]["expr"])
    known = defaults(it)
    value = found[0].values[0] if found else math.nan
    mapping = mapped(known["mappings"], value)
    text = mapping.get("text") or (known["noValue"] if math.isnan(value) else told(value, known["unit"], known.get("decimals")))
    color = hexed(mapping["color"]) if mapping else "#9fa7b3" if math.isnan(value) else stepped(limits(it, prometheus), value)
    canvas.box(color, edge=PAGE)
    canvas.write(MARGIN, TITLE / 2 + 2, it["title"], color="white", weight="bold", room=canvas.width - MARGIN)
    size = 24 if len(text) < 9 else 11 if len(text) < canvas.width / 9 else 7.5
    canvas.write(canvas.width / 2, canvas.height / 2 + TITLE / 2, text, size=size, color="white", weight="bold",
                 align="center", room=canvas.width)
    return True


def limits(it: dict, prometheus: Prometheus) -> dict:
    """The thresholds: those of the panel, or where red begins by a query of its own."""
    found = prometheus.now(it["targets"][1]["expr"]) if "transformations" in it else []
    if not found:
        return defaults(it)["thresholds"]
    return {"steps": [{"color": "green", "value": None}, {"color": "red", "value": found[0].values[0]}]}


def named(it: dict, prometheus: Prometheus) -> list[tuple[str, Series]]:
    found = [
        (legend(target["legendFormat"], series.labels), series)
        for target in it["targets"] for series in prometheus.over_time(target["expr"])
    ]
    return sorted(found, key=lambda pair: -numpy.nanmax(pair[1].values))


def time_axis(axes, prometheus: Prometheus):
    ends = [datetime.datetime.fromtimestamp(it, datetime.UTC) for it in (prometheus.start, prometheus.end)]
    axes.set_xlim(*ends)
    axes.xaxis.set_major_locator(matplotlib.dates.AutoDateLocator(minticks=3, maxticks=6))
    axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M"))
    axes.tick_params(labelsize=7, colors=FAINT, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def moments(times: list[float]) -> list[datetime.datetime]:
    return [datetime.datetime.fromtimestamp(it, datetime.UTC) for it in times]


def graph(canvas: Canvas, it: dict, prometheus: Prometheus) -> bool:
    found = named(it, prometheus)
    if not found:
        return False
    known = defaults(it)
    at_right = it["options"]["legend"]["placement"] == "right"
    shown = found[:MOST_IN_LEGEND]
    columns = 1 if at_right else 2
    beside = 190 if at_right else 0
    below = 0 if at_right else 15 * math.ceil(min(len(shown), 6) / columns) + 4
    axes = canvas.axes(left=46, right=beside, top=4, bottom=18 + below)
    colors = [color_of(it, name, number) for number, (name, _) in enumerate(found)]
    if "stacking" in known["custom"]:
        stack(axes, found, colors)
    else:
        for (_, series), color in zip(found, colors):
            axes.plot(moments(series.times), series.values, color=color, linewidth=1.3)
    if known["custom"].get("scaleDistribution", {}).get("type") == "log":
        axes.set_yscale("log", base=2)
    else:
        # Counts have no halves: two ticks would get one label.
        whole = known["unit"] == "short" and axes.dataLim.y1 > 2
        axes.locator_params(axis="y", nbins=5, integer=whole)
    if "min" in known:
        axes.set_ylim(bottom=0)
    if "max" in known:
        axes.set_ylim(top=known["max"])
    elif axes.dataLim.y1 == 0:
        axes.set_ylim(top=1)
    tell_apart(axes, known["unit"])
    time_axis(axes, prometheus)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_formatter(lambda value, _: told(value, known["unit"]))
    room = beside - 22 if at_right else canvas.width / columns - 16
    for number, ((name, series), color) in enumerate(zip(shown if at_right else shown[:6], colors)):
        x = canvas.width - beside + 14 if at_right else (number % columns) * canvas.width / columns
        y = 10 + 16 * number if at_right else canvas.height - below + 10 + 15 * (number // columns)
        canvas.write(x, y, "■", size=8, color=color)
        value = told(last_known(series), known["unit"])
        canvas.write(x + 13, y, f"{name}  {value}", size=7.5, room=room)
    return True


def tell_apart(axes, unit: str):
    """Shows so much of the axis that no two of its ticks get one label."""
    for _ in range(8):
        low, high = axes.get_ylim()
        labels = [told(it, unit) for it in axes.get_yticks() if low <= it <= high]
        if len(set(labels)) == len(labels):
            return
        half = (high - low) / 2
        axes.set_ylim(low if low == 0 else low - half, high + half)


def last_known(series: Series) -> float:
    return next((it for it in reversed(series.values) if not math.isnan(it)), math.nan)


def color_of(it: dict, name: str, number: int) -> str:
    own = overrides(it, name).get("color")
    return hexed(own["fixedColor"]) if own else OTHERS[number % len(OTHERS)]


def stack(axes, found, colors):
    times = sorted({at for _, series in found for at in series.times})
    rows = [numpy.array([dict(zip(series.times, series.values)).get(at, math.nan) for at in times]) for _, series in found]
    nothing_known = numpy.isnan(numpy.array(rows)).all(axis=0)
    below = numpy.where(nothing_known, math.nan, 0.0)
    for row, color in zip(rows, colors):
        above = below + numpy.nan_to_num(row)
        axes.fill_between(moments(times), below, above, color=color, alpha=0.75, linewidth=0.4)
        below = above


def bands(canvas: Canvas, it: dict, prometheus: Prometheus) -> bool:
    found = [
        (legend(target["legendFormat"], series.labels), series)
        for target in it["targets"] for series in prometheus.over_time(target["expr"])
    ]
    if not found:
        return False
    mappings = defaults(it)["mappings"]
    states = {key: value for mapping in mappings for key, value in mapping["options"].items()}
    room = min(190, max(len(name) for name, _ in found) * 5.4)
    axes = canvas.axes(left=room + 6, top=4, bottom=36, right=4)
    for number, (_, series) in enumerate(found):
        for at, value in zip(series.times, series.values):
            state = mapped(mappings, value)
            if state:
                begin = matplotlib.dates.date2num(moments([at])[0])
                axes.broken_barh([(begin, 1.05 * STEP_SECONDS / 86400)], (number + 0.12, 0.76), color=hexed(state["color"]), linewidth=0)
    axes.set_ylim(len(found), 0)
    axes.set_yticks([number + 0.5 for number in range(len(found))], [name for name, _ in found])
    time_axis(axes, prometheus)
    axes.tick_params(axis="y", labelsize=6.5 if len(found) > 12 else 7.5)
    for number, state in enumerate(states.values()):
        x = number * min(130, canvas.width / max(1, len(states)))
        canvas.write(x, canvas.height - 8, "■", size=8, color=hexed(state["color"]))
        canvas.write(x + 13, canvas.height - 8, state["text"], size=7.5)
    return True


def heatmap(canvas: Canvas, it: dict, prometheus: Prometheus) -> bool:
    found = prometheus.over_time(it["targets"][0]["expr"])
    found.sort(key=lambda series: float(series.labels["le"]))
    if not found:
        return False
    times = sorted({at for series in found for at in series.times})
    rows = [numpy.array([dict(zip(series.times, series.values)).get(at, math.nan) for at in times]) for series in found]
    counts = numpy.diff(numpy.array(rows), axis=0, prepend=0)
    counts = numpy.where(counts <= 1e-9, math.nan, counts)
    axes = canvas.axes(left=46, right=4, top=4, bottom=18)
    edges = moments([*times, times[-1] + STEP_SECONDS])
    axes.pcolormesh(edges, range(len(found) + 1), counts**0.5, cmap="Blues", edgecolors=PAPER, linewidth=0.2, vmin=0)
    bounds = [float(series.labels["le"]) for series in found]
    unit = it["options"]["yAxis"]["unit"]
    axes.set_yticks(range(1, len(found) + 1), ["∞" if math.isinf(bound) else told(bound, unit) for bound in bounds])
    time_axis(axes, prometheus)
    return True


def table(canvas: Canvas, it: dict, prometheus: Prometheus) -> bool:
    arrange = it["transformations"][-1]["options"]
    rows: dict[tuple, dict[str, object]] = {}
    several = len(it["targets"]) > 1
    for target in it["targets"]:
        value_name = f"Value #{target['refId']}" if several else "Value"
        for series in prometheus.now(target["expr"]):
            shared = {key: value for key, value in series.labels.items() if not several or key in BY}
            row = rows.setdefault(tuple(sorted(shared.items())) if several else len(rows), {})
            row.update(series.labels)
            row[value_name] = series.values[0]
    if not rows:
        return False
    ordered = list(rows.values())
    if sort_by := it["options"].get("sortBy"):
        key = next(key for key, name in arrange["renameByName"].items() if name == sort_by[0]["displayName"])
        ordered.sort(key=lambda row: -float(row.get(key, 0)))
    columns = sorted(arrange["indexByName"], key=arrange["indexByName"].get)
    headings = {key: arrange["renameByName"][key] for key in columns}
    columns = [
        key for key in columns
        if any(key in row for row in ordered) and not overrides(it, headings[key]).get("custom.hidden")
    ]
    cells = [[cell(it, headings[key], row.get(key, "")) for key in columns] for row in ordered]
    widths = [max([len(headings[key]), *(len(line[number][0]) for line in cells)]) + 2 for number, key in enumerate(columns)]
    scale = canvas.width / sum(widths)
    lefts = [scale * sum(widths[:number]) for number in range(len(columns))]
    for left, width, key in zip(lefts, widths, columns):
        canvas.write(left, 8, headings[key], color=FAINT, size=7.5, room=width * scale)
    for number, line in enumerate(cells[: int((canvas.height - 20) / ROW)]):
        for left, width, (text, color) in zip(lefts, widths, line):
            canvas.write(left, 28 + ROW * number, text, color=color, size=8, room=width * scale)
    return True


# What the tables with several queries join on.
BY = {"deployment", "organization_name", "template_name", "instance", "kind", "family", "factor", "value"}


def cell(it: dict, heading: str, value) -> tuple[str, str]:
    own = overrides(it, heading)
    mapping = mapped(own.get("mappings", []), value)
    if isinstance(value, float):
        text = told(value, own.get("unit", defaults(it)["unit"]), own.get("decimals"))
        color = stepped(own["thresholds"], value) if "thresholds" in own else INK
    else:
        text, color = mapping.get("text", str(value)), INK
    return text, hexed(mapping["color"]) if "color" in mapping else color
