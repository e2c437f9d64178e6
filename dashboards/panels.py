"""The panels that all dashboards are made of. What they must agree on is said here once.

Each panel needs a title, a description, a unit, and a text for the time without data, in which
the reader must be able to distinguish "none" from "not known".
"""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

GRID_WIDTH = 24

GRAY = "#8e8e8e"
HEALTH_COLORS = {
    "healthy": "green",
    "starting": "light-blue",
    "connecting": "blue",
    "disconnected": "red",
    "terminated": "semi-dark-red",
    "stuck_created": "purple",
    "stuck_starting": "yellow",
    "stuck_connecting": "orange",
    "connect_timeout": "dark-orange",
    "start_error": "dark-red",
    "shutdown": GRAY,
}
PROBLEMS = ["disconnected", "terminated", "stuck_created", "stuck_starting", "stuck_connecting", "connect_timeout", "start_error"]
PROBLEM_COLORS = {health: HEALTH_COLORS[health] for health in PROBLEMS}
# Labels of an agent, and what a reader calls them.
NAME_COLUMNS = [
    ("workspace_owner", "Owner"),
    ("workspace_name", "Workspace"),
    ("agent_name", "Agent"),
    ("template_name", "Template"),
    ("organization_name", "Organization"),
    ("deployment", "Deployment"),
    ("agent_id", "Agent id"),
    ("coder_url", "Coder"),
]
PROBLEM_COLUMNS = [("Value", "Age"), ("health", "Health"), ("cause", "Cause"), ("kind", "Kind"), *NAME_COLUMNS]
ANY_PROBLEM = f'health=~"{"|".join(PROBLEMS)}"'
WORKSPACE_COLORS = {"running": "green", "starting": "light-blue", "failed": "red", "no_agent": "orange", "stopped": GRAY}
ACTIVITY_COLORS = {"session": "green", "traffic": "light-blue", "idle": GRAY, "unknown": "orange"}
STATUS_COLORS = {"connected": "green", "connecting": "blue", "disconnected": "red", "timeout": "orange"}

YES_OR_NO = [
    {
        "type": "value",
        "options": {"1": {"text": "yes", "color": "green", "index": 0}, "0": {"text": "no", "color": "red", "index": 1}},
    }
]

GREEN = [("green", None)]
GREEN_IF_NONE = [("green", None), ("red", 1)]
GREEN_IF_ANY = [("red", None), ("green", 1)]
NEUTRAL = [("blue", None)]

GAP = " A gap means that there was no data."


def stat(title, description, expr, thresholds, *, unit="short", no_value="unknown", mappings=(), width=3, decimals=None,
         red_from=None):
    """One number of now, for each deployment. It is an instant query: the last number of an hour ago is not now's.

    `red_from` is a query whose answer is where red begins. The thresholds hold when it has none.
    """
    made = panel(
        "stat", title, description, (width, 4), [instant(query(expr, "{{deployment}}"))],
        defaults={
            "unit": unit,
            "noValue": no_value,
            "mappings": list(mappings),
            "color": {"mode": "thresholds"},
            "thresholds": steps(thresholds),
            **({} if decimals is None else {"decimals": decimals}),
        },
        options={
            "colorMode": "background",
            "graphMode": "none",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
    )
    if red_from:
        made["targets"].append(instant(query(red_from, "red from", "B")))
        made["transformations"] = [{
            "id": "configFromData",
            "options": {
                "configRefId": "B",
                "applyTo": {"id": "byFrameRefID", "options": "A"},
                "mappings": [{
                    "fieldName": "red from", "handlerKey": "threshold1", "reducerId": "lastNotNull",
                    "handlerArguments": {"threshold": {"color": "red"}},
                }],
            },
        }]
    return made


def graph(title, description, expr, legend, *, width, height, unit="short", stacked=False, colors=None,
          no_value="unknown: no data in this time", negative=False, most=None):
    """Numbers over time. Gaps stay gaps: what was not known is not drawn."""
    custom = {"lineWidth": 1, "fillOpacity": 60 if stacked else 10, "showPoints": "never", "spanNulls": False}
    if stacked:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    limits = {} if negative else {"min": 0}
    if most is not None:
        limits["max"] = most
    return panel(
        "timeseries", title, description, (width, height), [query(expr, legend)],
        defaults={"unit": unit, "noValue": no_value, "custom": custom, **limits},
        overrides=[
            ending(name, color={"mode": "fixed", "fixedColor": color}) for name, color in (colors or {}).items()
        ],
        options={
            "legend": {
                "displayMode": "table",
                "placement": "right" if width >= GRID_WIDTH / 2 else "bottom",
                "showLegend": True,
                "calcs": ["lastNotNull", "max"],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )


def quantiles(title, description, buckets, *, width, height, unit, no_value, logarithmic=False):
    """Three quantiles of a histogram over time, from its buckets."""
    made = graph(title, description, "", "", width=width, height=height, unit=unit, no_value=no_value,
                 negative=logarithmic)
    if logarithmic:
        made["fieldConfig"]["defaults"]["custom"]["scaleDistribution"] = {"type": "log", "log": 2}
    shares = [(0.99, "99 of 100"), (0.9, "9 of 10"), (0.5, "half")]
    made["targets"] = [
        query(f"histogram_quantile({share}, {buckets})", "{{deployment}} " + legend, ref)
        for ref, (share, legend) in zip("ABC", shares)
    ]
    return made


def against_last_week(title, description, asked, *, width, height):
    """A number over time beside what it was a week ago; `asked` makes the query, of an offset."""
    made = graph(title, description + " The gray line is a week ago.", "", "", width=width, height=height,
                 colors={"a week ago": GRAY, "now": "blue"})
    made["targets"] = [query(asked(""), "{{deployment}} now"), query(asked(" offset 1w"), "{{deployment}} a week ago", "B")]
    return made


def bands(title, description, expr, legend, *, width, height, no_value, mappings=YES_OR_NO):
    """A band for each series, in the colour of its state; by default green for 1 and red for 0."""
    return panel(
        "state-timeline", title, description, (width, height), [query(expr, legend)],
        defaults={
            "unit": "none",
            "noValue": no_value,
            "mappings": mappings,
            "custom": {"fillOpacity": 70, "lineWidth": 0},
        },
        options={
            "mergeValues": True,
            "showValue": "never",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "single", "sort": "none"},
        },
    )


def heatmap(title, description, expr, *, width, height, unit, no_value, counts="short"):
    """A distribution over time, from the buckets of a histogram."""
    return panel(
        "heatmap", title, description, (width, height), [{**query(expr, "{{le}}"), "format": "heatmap"}],
        defaults={"unit": counts, "noValue": no_value},
        options={
            "calculate": False,
            "cellGap": 1,
            "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "exponent": 0.5, "fill": "blue",
                      "reverse": False},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "showColorScale": True, "yHistogram": True},
            "yAxis": {"axisPlacement": "left", "unit": unit, "reverse": False},
        },
    )


def table(title, description, exprs, columns, *, overrides=(), no_value, height, width=GRID_WIDTH, sort_by=None):
    """One row for each series of now; `columns` are pairs of label (or Value) and heading, in order.

    Several queries are joined by the labels they share; their values are then `Value #A` and on.
    """
    targets = [{**instant(query(expr, "", ref)), "format": "table"} for ref, expr in zip("ABCDEFGH", exprs)]
    options = {"cellHeight": "sm", "showHeader": True}
    if sort_by:
        options["sortBy"] = [{"displayName": sort_by, "desc": True}]
    made = panel(
        "table", title, description, (width, height), targets,
        defaults={"unit": "none", "noValue": no_value, "custom": {"filterable": True}},
        overrides=overrides,
        options=options,
    )
    arrange = {
        "id": "organize",
        "options": {
            "excludeByName": {"Time": True},
            "indexByName": {label: index for index, (label, _) in enumerate(columns)},
            "renameByName": dict(columns),
        },
    }
    made["transformations"] = [*([{"id": "merge", "options": {}}] if len(exprs) > 1 else []), arrange]
    return made


def panel(kind, title, description, size, targets, *, defaults, options, overrides=()):
    width, height = size
    return {
        "type": kind,
        "title": title,
        "description": description,
        "gridPos": {"w": width, "h": height},
        "datasource": DATASOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
    }


def query(expr, legend, ref="A"):
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": expr,
        "legendFormat": legend,
        "range": True,
    }


def instant(target):
    return {**target, "instant": True, "range": False}


def steps(thresholds):
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for color, value in thresholds]}


def field(name, **properties):
    """What differs for one series or column; `custom__width` stands for the property custom.width."""
    return differing("byName", name, properties)


def ending(name, **properties):
    """The same for the series of each deployment, whose names end so."""
    return differing("byRegexp", f"/(^| ){name}$/", properties)


def differing(matcher, options, properties):
    return {
        "matcher": {"id": matcher, "options": options},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


# Columns that several tables have


def age(name="Age"):
    return field(name, unit="s", decimals=1, custom__width=110)


def colored(name, colors):
    """A column of words, each in its colour."""
    return field(
        name,
        custom__cellOptions={"type": "color-text"},
        mappings=[{"type": "value", "options": {word: {"color": color} for word, color in colors.items()}}],
    )


def worded(name, texts):
    """A column in which each value is shown as its text."""
    return field(name, mappings=[{"type": "value", "options": {word: {"text": texts[word]} for word in texts}}])


def counted(name, thresholds, **properties):
    """A column of numbers, coloured by their size."""
    return field(
        name, custom__cellOptions={"type": "color-text"}, color={"mode": "thresholds"}, thresholds=steps(thresholds),
        **properties,
    )


# For links alone.
NO_COLUMN = {"custom__hidden": True}
CODER_URL = field("Coder", **NO_COLUMN)


def linked(name, title, url, *, new_tab=False):
    return field(name, links=[{"title": title, "url": url, "targetBlank": new_tab}])
