"""The parts that every dashboard is made of: queries, panels, variables, and their layout.

What all dashboards must agree on is said here once: the colour of each health, how two exporters
are taken for one, which organizations and templates are shown.
"""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
TAG = "coder-agent-exporter"

GRAY = "#8e8e8e"
HEALTH_COLORS = {
    "healthy": "green",
    "starting": "light-blue",
    "connecting": "blue",
    "disconnected": "red",
    "stuck_created": "purple",
    "stuck_starting": "yellow",
    "stuck_connecting": "orange",
    "connect_timeout": "dark-orange",
    "start_error": "dark-red",
    "shutdown": GRAY,
}

GRID_WIDTH = 24
YES_OR_NO = [
    {
        "type": "value",
        "options": {"1": {"text": "yes", "color": "green", "index": 0}, "0": {"text": "no", "color": "red", "index": 1}},
    }
]


# Queries


def shown(metric, *matchers):
    """A fleet metric for the organizations and templates that the reader chose."""
    chosen = ('organization_name=~"$organization"', 'template_name=~"$template"')
    return f"{metric}{{{', '.join(chosen + matchers)}}}"


def fleet(metric, *matchers):
    """The same, with two exporters that run side by side taken for one."""
    return f"max without (instance, pod) ({shown(metric, *matchers)})"


# Panels. Each needs a title, a description and a text for the time without data, in which the
# reader must be able to tell "none" from "not known".


def stat(title, description, expr, thresholds, *, unit="short", no_value="unknown", mappings=(), width=3):
    """One number of now. It is an instant query: the last number of an hour ago is not now's."""
    return panel(
        "stat", title, description, (width, 4), {**query(expr, title), "instant": True, "range": False},
        defaults={
            "unit": unit,
            "noValue": no_value,
            "mappings": list(mappings),
            "color": {"mode": "thresholds"},
            "thresholds": {"mode": "absolute", "steps": [{"color": c, "value": v} for c, v in thresholds]},
        },
        options={
            "colorMode": "background",
            "graphMode": "none",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
    )


def graph(title, description, expr, legend, *, width, height, unit="short", stacked=False, colors=None,
          no_value="unknown: no data in this time", negative=False):
    """Numbers over time. Gaps stay gaps: what was not known is not drawn."""
    custom = {"lineWidth": 1, "fillOpacity": 60 if stacked else 10, "showPoints": "never", "spanNulls": False}
    if stacked:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    return panel(
        "timeseries", title, description, (width, height), query(expr, legend),
        defaults={"unit": unit, "noValue": no_value, "custom": custom, **({} if negative else {"min": 0})},
        overrides=[
            field(name, color={"mode": "fixed", "fixedColor": color}) for name, color in (colors or {}).items()
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


def yes_or_no_over_time(title, description, expr, legend, *, width, height, no_value):
    """A band for each series, green while it is 1 and red while it is 0."""
    return panel(
        "state-timeline", title, description, (width, height), query(expr, legend),
        defaults={
            "unit": "none",
            "noValue": no_value,
            "mappings": YES_OR_NO,
            "custom": {"fillOpacity": 70, "lineWidth": 0, "spanNulls": False},
        },
        options={
            "mergeValues": True,
            "showValue": "never",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "single", "sort": "none"},
        },
    )


def table(title, description, expr, columns, *, overrides, no_value, height):
    """One row for each series of now; columns are pairs of label (or Value) and heading, in order."""
    target = {**query(expr, ""), "instant": True, "range": False, "format": "table"}
    made = panel(
        "table", title, description, (GRID_WIDTH, height), target,
        defaults={"unit": "none", "noValue": no_value, "custom": {"filterable": True}},
        overrides=overrides,
        options={"cellHeight": "sm", "showHeader": True},
    )
    made["transformations"] = [
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True},
                "indexByName": {label: index for index, (label, _) in enumerate(columns)},
                "renameByName": dict(columns),
            },
        }
    ]
    return made


def panel(kind, title, description, size, target, *, defaults, options, overrides=()):
    width, height = size
    return {
        "type": kind,
        "title": title,
        "description": description,
        "gridPos": {"w": width, "h": height},
        "datasource": DATASOURCE,
        "targets": [target],
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
    }


def query(expr, legend):
    return {
        "refId": "A",
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": expr,
        "legendFormat": legend,
        "range": True,
    }


def field(name, **properties):
    """What differs for one series or column; `custom__width` stands for the property custom.width."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


# The dashboard around them


def dashboard(uid, title, description, variables, rows):
    """A whole dashboard; rows are pairs of heading and panels, laid out from left to right."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "schemaVersion": 42,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "links": LINKS,
        "annotations": {"list": [BUILT_IN_ANNOTATIONS, FIRING_ALERTS]},
        "templating": {"list": [DATASOURCE_VARIABLE, *variables]},
        "panels": laid_out(rows),
    }


def laid_out(rows):
    panels, top = [], 0
    for heading, members in rows:
        panels.append({"type": "row", "title": heading, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": top, "w": GRID_WIDTH, "h": 1}})
        top, left, tallest = top + 1, 0, 0
        for member in members:
            size = member["gridPos"]
            if left + size["w"] > GRID_WIDTH:
                top, left, tallest = top + tallest, 0, 0
            panels.append({**member, "gridPos": {"x": left, "y": top, **size}})
            left, tallest = left + size["w"], max(tallest, size["h"])
        top += tallest
    return [{"id": number, **member} for number, member in enumerate(panels, start=1)]


def variable(name, label, description, values):
    """A choice of several label values, or all."""
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": values,
        "query": {"qryType": 1, "query": values, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


DATASOURCE_VARIABLE = {
    "name": "datasource",
    "label": "Data source",
    "type": "datasource",
    "query": "prometheus",
    "regex": "",
    "refresh": 1,
    "multi": False,
    "includeAll": False,
    "current": {},
}

LINKS = [
    {
        "type": "dashboards",
        "title": "Coder agents",
        "icon": "external link",
        "tags": [TAG],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    },
    {
        "type": "link",
        "title": "Runbooks",
        "tooltip": "What each alert means and what to do",
        "icon": "doc",
        "tags": [],
        "url": "https://coder-agent-exporter.example/alerts/runbooks",
        "targetBlank": True,
    },
]

BUILT_IN_ANNOTATIONS = {
    "name": "Annotations & Alerts",
    "type": "dashboard",
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
}

# An alert on the deployment or the exporter has neither label and is always shown: hence the "|".
FIRING_ALERTS = {
    "name": "Firing alerts",
    "datasource": DATASOURCE,
    "enable": True,
    "hide": False,
    "iconColor": "red",
    "titleFormat": "{{alertname}} ({{severity}})",
    "textFormat": "{{organization_name}} {{template_name}} {{instance}} {{collector}}",
    "tagKeys": "severity",
    "target": {
        "refId": "Anno",
        "expr": 'ALERTS{alertname=~"Coder(Agents|Deployment|Exporter).*", alertstate="firing", '
                'organization_name=~"$organization|", template_name=~"$template|"}',
        "interval": "60s",
    },
}
