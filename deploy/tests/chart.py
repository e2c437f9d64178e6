"""What the chart renders to, held against Kubernetes, the Prometheus operator and itself.

    chart.py RENDER     RENDER is the program made from render/main.go

Kubernetes' own objects are validated by its published schemas, those of the Prometheus operator by
models made from its definitions: what a model does not know, it drops, so an object that comes
back with something missing had a field that does not exist.
"""

import json
import pathlib
import subprocess
import sys

import jsonschema
import kubernetes_validate
import yaml
from cloudcoil.models.prometheus_operator import v1 as operator

from pods import ALL_PODS, check_pods, container_of, deployments
from requirement import require

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm/coder-agent-exporter"
VALUES = ROOT / "deploy/tests/values"
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
    ({"settings": {"probe.dialer": ""}}, "''"),
    ({"settings": {"probe-dialer": "coderd"}}, "probe-dialer"),
    ({"extraEnv": [{"name": "CODER_EXPORTER_PROBE_DIALER", "value": "coderd"}]}, "PROBE_DIALER"),
    ({"podLabels": {"app.kubernetes.io/component": "monitoring"}}, "component"),
    ({"webConfig": {"scheme": "https"}}, "https"),
    ({"image": {"digest": "0123"}}, "0123"),
    ({"serviceMonitor": {"interval": "30"}}, "30"),
    ({"serviceMonitor": {"endpoint": {"port": "web"}}}, "port"),
]
BY_TEMPLATE = [
    ({"postgres": {"existingSecret": "database"}}, "image.repository"),
    ({"image": {"repository": "registry.example/exporter"}}, "postgres.existingSecret"),
]


def main():
    render = Renderer(sys.argv[1])
    schema = json.loads((CHART / "values.schema.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    cases = sorted(VALUES.glob("*.yaml"))
    for case in cases:
        settings = yaml.safe_load(case.read_text())
        validator.validate(merged(settings))
        objects = render(settings)
        for item in objects:
            check_object(item)
        check_together(objects)
        print(f"{case.name}: {len(objects)} objects")
    check_everything_is_there(render)
    check_pods(render)
    check_names(render)
    check_sources(render)
    check_changed_rules(render)
    check_refusals(render, validator)
    check_version()


class Renderer:
    """Objects by values, as the program named renders them."""

    def __init__(self, program):
        self.program = program

    def run(self, settings, release="demo"):
        """The finished program."""
        command = [self.program, CHART, release, "/dev/stdin"]
        return subprocess.run(command, input=yaml.safe_dump(settings), capture_output=True, text=True)

    def __call__(self, settings, release="demo"):
        done = self.run(settings, release)
        if done.returncode:
            sys.exit(f"the chart does not render: {done.stderr}")
        return [item for item in yaml.load_all(done.stdout, Unique) if item]


class Unique(yaml.SafeLoader):
    """A key given twice is a mistake, though YAML's readers take the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            sys.exit(f"a key stands twice: {node.start_mark}")
        return super().construct_mapping(node, deep)


def merged(settings):
    """Our defaults with these on top, as the schema sees them."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for name, value in settings.items():
        if isinstance(value, dict) and isinstance(values.get(name), dict):
            value = values[name] | value
        values[name] = value
    return values


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
        "ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "PrometheusRule",
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
        done = render.run(changed(more))
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


def check_refusals(render, validator):
    """What cannot work says so."""
    for settings, named in BY_SCHEMA:
        errors = [error.message for error in validator.iter_errors(merged(settings))]
        require(any(named in error for error in errors), f"{settings} is accepted: {errors}")
    for settings, named in BY_TEMPLATE:
        done = render.run(settings)
        require(done.returncode and f"set {named}" in done.stderr, f"{settings} is accepted")


def check_version():
    """The chart is released with the program."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    manifest = (ROOT / "Cargo.toml").read_text()
    for field in ("version", "appVersion"):
        line = f'\nversion = "{chart[field]}"\n'
        require(line in manifest, f"{field} of Chart.yaml is not the version in Cargo.toml")


def load(name):
    """Values of a case."""
    return yaml.safe_load((VALUES / f"{name}.yaml").read_text())


if __name__ == "__main__":
    main()
