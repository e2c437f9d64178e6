"""The dashboard around the panels: variables, links, annotations, layout."""

from panels import DATASOURCE, GRID_WIDTH
from queries import CHOSEN_DEPLOYMENT, label_values, selector

TAG = "coder-agent-exporter"

FLEET, AGENT, PROBE, EXPORTER, SERVICE = (
    f"coder-agent-{name}" for name in ("fleet", "agent", "probe", "exporter", "service")
)

SAME_CHOICE = "${datasource:queryparam}&${deployment:queryparam}&${coder_url:queryparam}&${__url_time_range}"
# Names of users and workspaces are made of letters, digits and hyphens, but an older Coder had others.
IN_CODER = "${coder_url}/@${__data.fields.workspace_owner:percentencode}/${__data.fields.workspace_name:percentencode}"
IN_DEPTH = (
    f"/d/{AGENT}?{SAME_CHOICE}&var-organization=${{__data.fields.organization_name:percentencode}}"
    "&var-template=${__data.fields.template_name:percentencode}"
)
ONE_WORKSPACE = (
    f"{IN_DEPTH}&var-owner=${{__data.fields.workspace_owner:percentencode}}"
    "&var-workspace=${__data.fields.workspace_name:percentencode}"
)


def dashboard(uid, title, description, variables, rows):
    """A whole dashboard; rows are pairs of heading and panels, laid out from left to right."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "schemaVersion": 42,
        # So that it can be tried out and copied; what is kept goes into the source.
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "links": LINKS,
        "annotations": {"list": [BUILT_IN_ANNOTATIONS, firing_alerts(variables)]},
        "templating": {"list": [DATASOURCE_VARIABLE, DEPLOYMENT, *variables, CODER_URL, EXPORTER_URL, RUNBOOKS_URL]},
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


# Variables


def variable(name, label, description, expr, values):
    """A choice of several values of a label, or all. All also takes what has no such label."""
    asked = label_values(expr, values)
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": asked,
        "query": {"qryType": 1, "query": asked, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def address(name, label, description, value):
    """An address that the reader sets; saved with the dashboard it holds for everybody."""
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "textbox",
        "query": value,
        "current": {"text": value, "value": value},
        "options": [{"text": value, "value": value, "selected": True}],
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

DEPLOYMENT = variable(
    "deployment",
    "Deployment",
    "Coder deployments by the target label `deployment`. Without this label, leave it at All.",
    "coder_exporter_build_info",
    "deployment",
)
ORGANIZATION = variable(
    "organization",
    "Organization",
    "Coder organizations to show",
    selector("coder_agents_health", (CHOSEN_DEPLOYMENT,)),
    "organization_name",
)
TEMPLATE = variable(
    "template",
    "Template",
    "Templates of these organizations to show",
    selector("coder_agents_health", (CHOSEN_DEPLOYMENT, 'organization_name=~"$organization"')),
    "template_name",
)

CODER_URL = address(
    "coder_url", "Coder", "Address of Coder, for links in the tables", "https://coder.example"
)
EXPORTER_URL = address(
    "exporter_url", "Exporter", "Address of the exporter's page", "http://exporter.example:21120"
)
RUNBOOKS_URL = {
    **address("runbooks_url", "Runbooks", "Address of alerts/runbooks",
              "https://coder-agent-exporter.example/alerts/runbooks"),
    "hide": 2,
}

# Links and annotations


def outward(title, tooltip, icon, url):
    return {"type": "link", "title": title, "tooltip": tooltip, "icon": icon, "tags": [], "url": url,
            "targetBlank": True}


LINKS = [
    {
        "type": "dashboards",
        "title": "Coder agents",
        "icon": "external link",
        "tags": [TAG],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    },
    outward("Coder", "Open the Coder deployment", "external link", "${coder_url}"),
    outward("Exporter's page", "Current state on the exporter's page", "dashboard", "${exporter_url}"),
    outward("Runbooks", "What each alert means and what to do", "doc", "${runbooks_url}"),
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


def firing_alerts(variables):
    """Alerts on what is shown. One that lacks the label of a choice is always shown: hence the "|"."""
    matchers = ['alertname=~"Coder.+"', 'alertstate="firing"', CHOSEN_DEPLOYMENT]
    if TEMPLATE in variables:
        matchers += ['organization_name=~"$organization|"', 'template_name=~"$template|"']
    return {
        "name": "Firing alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "titleFormat": "{{alertname}} ({{severity}})",
        "textFormat": "{{organization_name}} {{template_name}} {{instance}} {{collector}}",
        "tagKeys": "severity",
        "target": {"refId": "Anno", "expr": selector("ALERTS", matchers), "interval": "60s"},
    }

