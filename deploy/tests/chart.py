"""What the chart renders to, held against Kubernetes, the Prometheus operator and itself.

    chart.py HELM CHART     CHART is the folder that scripts/chart wrote

Kubernetes' own objects are validated by its published schemas, those of the Prometheus operator by
models made from its definitions: what a model does not know, it drops, so an object that comes
back with something missing had a field that does not exist.
"""

import json
import sys

import kubernetes_validate
import yaml
from cloudcoil.models.prometheus_operator import v1 as operator

from helm import ROOT, VALUES, Helm, load
from pods import ALL_PODS, check_pods, container_of, deployments
from requirement import require

SOURCE = ROOT / "deploy/helm/coder-agent-exporter"
KUBERNETES = "1.30"
EXAMPLES = ("https://coder-agent-exporter.example", "https://grafana.example")
# The longest name that Helm allows a release.
LONGEST = "coder-of-the-platform-team-for-everybody-in-the-house"

# Values that must be refused, and what the refusal has to name.
BY_SCHEMA = [
    ({"replicas": 2}, "replicas"),
    ({"postgres": {"url": "postgres://coder"}}, "url"),
    ({"settings": {"postgres.url": "postgres://coder"}}, "postgres.url"),
    ({"settings": {"web.listen-address": ":1"}}, "web.listen-address"),
    ({"settings": {"--log.level": "debug"}}, "--log.level"),
    ({"settings": {"probe.dialer": ""}}, "must be one of 'coderd', 'tcp'"),
    ({"settings": {"probe-dialer": "coderd"}}, "probe-dialer"),
    ({"extraEnv": [{"name": "CODER_EXPORTER_PROBE_DIALER", "value": "coderd"}]}, "/extraEnv/0/name"),
    ({"podLabels": {"app.kubernetes.io/component": "monitoring"}}, "component"),
    ({"webConfig": {"scheme": "https"}}, "'HTTP', 'HTTPS'"),
    ({"image": {"digest": "0123"}}, "0123"),
    ({"serviceMonitor": {"interval": "30"}}, "30"),
    ({"serviceMonitor": {"endpoint": {"port": "web"}}}, "port"),
]
BY_TEMPLATE = [
    ({"postgres": {"existingSecret": "database"}, "image": {"repository": ""}}, "set image.repository"),
    ({}, "set postgres.existingSecret"),
    (load("least") | {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}, "scraped twice"),
]


def main():
    render = Helm(*sys.argv[1:])
    for case in sorted(VALUES.glob("*.yaml")):
        objects = render(load(case.stem))
        for item in objects:
            check_object(item)
        check_together(objects)
        print(f"{case.name}: {len(objects)} objects")
    check_everything_is_there(render)
    check_pods(render)
    check_names(render)
    check_sources(render)
    check_changed_rules(render)
    check_annotations(render)
    check_refusals(render)
    check_source(render)
    check_version()


def check_object(item):
    """It is what its kind says, with no field too many."""
    if item["apiVersion"].startswith("monitoring.coreos.com/"):
        model = getattr(operator, item["kind"]).model_validate(item)
        back = json.loads(model.model_dump_json(by_alias=True, exclude_unset=True))
        lost = list(missing(item, back))
        if lost:
            sys.exit(f"{item['kind']} has no field {', '.join(lost)}")
    else:
        kubernetes_validate.validate(item, KUBERNETES, strict=True)


def missing(given, back, path=""):
    """The paths of what is given and did not come back."""
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(back, dict) or key not in back:
                yield f"{path}.{key}"
            else:
                yield from missing(value, back[key], f"{path}.{key}")
    elif isinstance(given, list):
        for index, value in enumerate(given):
            yield from missing(value, back[index], f"{path}[{index}]")


def check_together(objects):
    """Names and labels by which the objects find each other."""
    by_kind = {item["kind"]: item for item in objects if item["kind"] != "Service"}
    services = [item for item in objects if item["kind"] == "Service"]
    # The one for all pods; the other is for the pod that probes.
    for_all = [item for item in services if item["spec"]["selector"].keys() == ALL_PODS]
    require(len(for_all) == 1, f"{len(for_all)} Services are for all pods")
    (service,) = for_all
    selectors = {"Service": service["spec"]["selector"]}
    for kind, field in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        if kind in by_kind:
            selectors[kind] = by_kind[kind]["spec"][field]["matchLabels"]
    account = by_kind.get("ServiceAccount", {"metadata": {"name": "default"}})["metadata"]["name"]
    # The pod of `helm test` is in no Service, which would send it requests.
    (check,) = [item for item in objects if item["kind"] == "Pod"]
    labels = check["metadata"]["labels"].items()
    found = [kind for kind, selector in selectors.items() if selector.items() <= labels]
    require(not found, f"{found} select the pod of helm test")
    for deployment in deployments(objects):
        check_pod(deployment["spec"]["template"], selectors, services, account)
    for service_of_some in services:
        selector = service_of_some["spec"]["selector"]
        pods = [item["spec"]["template"]["metadata"]["labels"] for item in deployments(objects)]
        found = any(selector.items() <= labels.items() for labels in pods)
        require(found, f"a Service selects no pod: {selector}")
    if "ServiceMonitor" in by_kind:
        spec = by_kind["ServiceMonitor"]["spec"]
        wanted = spec["selector"]["matchLabels"].items()
        found = [item for item in services if wanted <= item["metadata"]["labels"].items()]
        # A pod behind two of them would be scraped twice.
        require(found == [service], f"the ServiceMonitor selects {len(found)} Services")
        # What the alerts call the job.
        job = service["metadata"]["labels"][spec["jobLabel"]]
        require(job == "coder-agent-exporter", f"the job would be {job}")
    require("Secret" not in by_kind, "the chart writes a Secret")


def check_pod(pod, selectors, services, account):
    """Everything that is for all pods finds this one, and what it mounts is there."""
    labels = pod["metadata"]["labels"]
    container = pod["spec"]["containers"][0]
    for kind, selector in selectors.items():
        require(selector.items() <= labels.items(), f"{kind} does not select the pods: {selector}")
        # A label that changes with the version would lose the pods at every update.
        require(selector.keys() == ALL_PODS, f"{kind} selects by {selector}")
    ports = {port["name"] for port in container["ports"]}
    for port in [port for service in services for port in service["spec"]["ports"]]:
        require(port["targetPort"] in ports, f"the pods have no port {port['targetPort']}")
    volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    require(volumes == mounts, f"volumes {volumes} are not the mounts {mounts}")
    require(pod["spec"]["serviceAccountName"] == account, "the pods have another's account")


def check_names(render):
    """No two objects of a kind have the same name, and none a longer one than a label may be."""
    for release in ("demo", LONGEST):
        names = [(item["kind"], item["metadata"]["name"]) for item in render(load("most"), release)]
        twice = [name for name in names if names.count(name) > 1]
        require(not twice, f"release {release} has {twice}")
        long = [name for _, name in names if len(name) > 63]
        require(not long, f"release {release} has {long}")


def check_everything_is_there(render):
    """Each template renders something when all is switched on."""
    kinds = {item["kind"] for item in render(load("most"))}
    expected = {
        "ConfigMap", "Deployment", "NetworkPolicy", "Pod", "PodDisruptionBudget", "PrometheusRule",
        "Service", "ServiceAccount", "ServiceMonitor",
    }  # fmt: skip
    require(kinds == expected, f"rendered {kinds}")
    for deployment in deployments(render(load("most"))):
        env = {entry["name"]: entry.get("value") for entry in container_of(deployment)["env"]}
        require(env["CODER_EXPORTER_METRICS_MAX_AGENT_SERIES"] == "1000000", "a number is garbled")
        require(env["CODER_EXPORTER_METRICS_CODERD_COMPAT"] == "true", "a switch is garbled")


def check_sources(render):
    """Rules and dashboards are those of the source tree, but for their links."""
    settings = load("most")
    links = settings["prometheusRule"]
    ours = (links["runbookUrl"].rstrip("/"), links["grafanaUrl"])
    rules, dashboards = [], {}
    for item in render(settings):
        if item["kind"] == "PrometheusRule":
            rules.append(item["spec"])
        if item["kind"] == "ConfigMap":
            dashboards |= {name: json.loads(text) for name, text in item["data"].items()}
    sources = sorted((ROOT / "alerts").glob("*.rules.yaml"))
    require(rules == [yaml.safe_load(relinked(path, ours)) for path in sources], "rules differ")
    sources = (ROOT / "dashboards").glob("*.json")
    expected = {f"coder-{path.name}": json.loads(relinked(path, ours)) for path in sources}
    require(rules and dashboards == expected, "dashboards differ")


def check_changed_rules(render):
    """Alerts are left out, changed and labelled as the values say, and nothing else changes."""
    changes = {
        "disabled": ["CoderUpgrading"],
        "customRules": {
            "CoderAgentOut": {"severity": "warning", "for": "1h"},
            "CoderProbeDisagreement": {"threshold": 7},
            "CoderWatchdog": {"expr": "vector(2)"},
        },
        "additionalRuleLabels": {"team": "platform"},
    }
    (before,), (after,) = (
        [item["spec"] for item in render(changed(more)) if item["kind"] == "PrometheusRule"] for more in ({}, changes)
    )
    alerts = {(rule["alert"], rule["labels"]["severity"]): rule for rule in rules_of(before) if "alert" in rule}
    del alerts["CoderUpgrading", "info"]
    out = alerts.pop(("CoderAgentOut", "info"))
    out["labels"]["severity"], out["for"] = "warning", "1h"
    alerts["CoderAgentOut", "warning"] = out
    disagreement = alerts["CoderProbeDisagreement", "warning"]
    disagreement["expr"] = disagreement["expr"].replace(">= 3 ", ">= 7 ")
    alerts["CoderWatchdog", "none"]["expr"] = "vector(2)"
    for rule in alerts.values():
        rule["labels"]["team"] = "platform"
    found = {(rule["alert"], rule["labels"]["severity"]): rule for rule in rules_of(after) if "alert" in rule}
    require(found == alerts, "changed rules differ")
    recorded = [[rule for rule in rules_of(spec) if "record" in rule] for spec in (before, after)]
    require(recorded[0] == recorded[1], "recording rules differ")
    for more, named in (
        ({"disabled": ["CoderOther"]}, "no alert is called CoderOther"),
        ({"customRules": {"CoderUsersCutOff": {"threshold": 9}}}, "CoderUsersCutOff has 6 thresholds"),
    ):
        done = render.template(changed(more))
        require(done.returncode and named in done.stderr, f"{more} is accepted: {done.stderr}")


def changed(more):
    settings = load("most")
    settings["prometheusRule"] |= more
    return settings


def rules_of(spec):
    return [rule for group in spec["groups"] for rule in group["rules"]]


def relinked(path, links):
    """The file's text with the operator's addresses."""
    text = path.read_text()
    for example, link in zip(EXAMPLES, links, strict=True):
        text = text.replace(example, link)
    return text


def check_annotations(render):
    """A Prometheus without the operator finds the pods that serve, by the values of the settings."""
    settings = load("least") | {
        "scrapeAnnotations": True,
        "settings": {"web.telemetry-path": "/fleet"},
        "webConfig": {"existingSecret": "web", "scheme": "HTTPS"},
        "podAnnotations": {"prometheus.io/path": "/mine"},
    }
    objects = render(settings)
    for deployment in deployments(objects):
        found = deployment["spec"]["template"]["metadata"]["annotations"]
        expected = {"scrape": "true", "port": "21120", "path": "/mine", "scheme": "https"}
        require(found == {f"prometheus.io/{name}": value for name, value in expected.items()}, f"{found}")
    (check,) = [item for item in objects if item["kind"] == "Pod"]
    require("prometheus.io/scrape" not in check["metadata"]["annotations"], "the pod of helm test is scraped")


def check_refusals(render):
    """What cannot work says so."""
    for settings, named in BY_SCHEMA:
        done = render.template(load("least") | settings)
        by_schema = "meet the specifications of the schema" in done.stderr
        require(done.returncode and by_schema and named in done.stderr, f"{settings}: {done.stderr}")
    for settings, named in BY_TEMPLATE:
        done = render.template(settings)
        require(done.returncode and named in done.stderr, f"{settings}: {done.stderr}")


def check_source(render):
    """The templates alone install the exporter, and say what they lack for the rest."""
    render = Helm(render.program, SOURCE)
    render(load("most") | {"prometheusRule": {}, "dashboards": {}})
    for name in ("prometheusRule", "dashboards"):
        done = render.template(load("one") | {name: {"enabled": True}})
        require(done.returncode and "run scripts/chart" in done.stderr, f"{name}: {done.stderr}")


def check_version():
    """The chart is released with the program."""
    chart = yaml.safe_load((SOURCE / "Chart.yaml").read_text())
    manifest = (ROOT / "Cargo.toml").read_text()
    for field in ("version", "appVersion"):
        line = f'\nversion = "{chart[field]}"\n'
        require(line in manifest, f"{field} of Chart.yaml is not the version in Cargo.toml")


if __name__ == "__main__":
    main()
