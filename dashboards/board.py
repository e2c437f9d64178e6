"""The dashboard around the panels: variables, links, annotations, layout."""

from panels import DATASOURCE, GRID_WIDTH
from queries import CHOSEN_DEPLOYMENT, label_values, selector

TAG = "coder-agent-exporter"

FLEET, AGENT, PROBE, EXPORTER, SERVICE = (
    f"coder-agent-{name}" for name in ("fleet", "agent", "probe", "exporter", "service")
)

SAME_CHOICE = "${datasource:queryparam}&${deployment:queryparam}&${__url_time_range}"
# Names of users and workspaces are made of letters, digits and hyphens, but an older Coder had others. The
# address of Coder is that of the row's deployment.
IN_CODER = "${__data.fields.coder_url}/@${__data.fields.workspace_owner:percentencode}/${__data.fields.workspace_name:percentencode}"
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
        "annotations": {"list": [BUILT_IN_ANNOTATIONS, firing_alerts(variables), INCIDENTS]},
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


def address(name, label, description, known_as):
    """An address that the exporters of the chosen deployments know; where there are several, one is chosen."""
    asked = label_values(selector("coder_exporter_links_info", (CHOSEN_DEPLOYMENT, f'{known_as}!=""')), known_as)
    return {
        **variable(name, label, description, "", ""),
        "definition": asked,
        "query": {"qryType": 1, "query": asked, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "multi": False,
        "includeAll": False,
        "allValue": "",
        "current": {},
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

CODER_URL = address("coder_url", "Coder", "Address of Coder: --coder.url of its exporter", "coder_url")
EXPORTER_URL = address(
    "exporter_url", "Exporter", "Address of the exporter's page: its --web.external-url", "external_url"
)
RUNBOOKS = "https://coder-agent-exporter.example/alerts/runbooks"
RUNBOOKS_URL = {
    "name": "runbooks_url",
    "label": "Runbooks",
    "description": "Address of alerts/runbooks",
    "type": "textbox",
    "query": RUNBOOKS,
    "current": {"text": RUNBOOKS, "value": RUNBOOKS},
    "options": [{"text": RUNBOOKS, "value": RUNBOOKS, "selected": True}],
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


def alerts(state, with_templates):
    """Matchers of alerts on what is shown. One that lacks the label of a choice is always shown: hence the "|".

    The watchdog always fires, and is no news.
    """
    matchers = ['alertname=~"Coder.+"', 'alertname!="CoderWatchdog"', *state, CHOSEN_DEPLOYMENT]
    if with_templates:
        matchers += ['organization_name=~"$organization|"', 'template_name=~"$template|"']
    return matchers


FIRING = ('alertstate="firing"',)


def firing_alerts(variables):
    return {
        "name": "Firing alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "titleFormat": "{{alertname}} ({{severity}})",
        "textFormat": "{{organization_name}} {{template_name}} {{instance}} {{collector}}",
        "tagKeys": "severity",
        "target": {"refId": "Anno", "expr": selector("ALERTS", alerts(FIRING, TEMPLATE in variables)), "interval": "60s"},
    }


INCIDENT = "deployment, kind, family, factor, value"


def incident(metric):
    """A metric of incidents, with two exporters taken for one."""
    return f"max by ({INCIDENT}) ({selector(metric, (CHOSEN_DEPLOYMENT,))})"


# Each for as long as it lasts.
INCIDENTS = {
    "name": "Incidents",
    "datasource": DATASOURCE,
    "enable": True,
    "hide": False,
    "iconColor": "orange",
    "titleFormat": "Incident: {{family}}, {{factor}} {{value}}",
    "textFormat": "{{deployment}} {{kind}}",
    "tagKeys": "kind",
    "target": {"refId": "Anno", "expr": incident("coder_incident_agents"), "interval": "60s"},
}
