"""Which pods the chart runs: as many as replicaCount says and, where there is a probe, one that probes.

Two exporters that dial through Coder would each take the other's connections for use, and keep
workspaces alive for each other.
"""

import itertools

from requirement import require

PREFIX = "CODER_EXPORTER_"
TOKEN = "CODER_EXPORTER_CODER_TOKEN_FILE"
ALL_PODS = {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
ONE_DEPLOYMENT = ALL_PODS | {"app.kubernetes.io/component"}


def check_pods(render):
    """Every number of pods, with and without a probe."""
    for count, dialer in itertools.product(range(4), (None, "coderd", "tcp")):
        settings = {"coder.url": "https://coder.example", "probe.interval": "2m"}
        if dialer:
            settings["probe.dialer"] = dialer
        values = {
            "replicaCount": count,
            "image": {"repository": "registry.example/exporter"},
            "postgres": {"existingSecret": "database"},
            "coderToken": {"existingSecret": "token"},
            "settings": settings,
        }
        objects = render(values)
        case = f"{count} pods, probe {dialer or 'off'}"
        check_count(objects, count, case)
        check_probe(objects, dialer, case)
        check_selectors(objects, case)


def check_count(objects, count, case):
    """The pod that probes is one of them, and a Deployment without pods is there only for none."""
    replicas = [item["spec"]["replicas"] for item in deployments(objects)]
    require(sum(replicas) == count, f"{case}: {replicas} replicas")
    require(len(replicas) <= max(count, 1), f"{case}: {len(replicas)} Deployments")
    for item in deployments(objects):
        alone = item["spec"]["replicas"] <= 1
        strategy = item["spec"]["strategy"]
        surge = strategy.get("rollingUpdate", {}).get("maxSurge", 0)
        require(alone or surge == 0, f"{case}: an update would run a further pod: {strategy}")


def check_probe(objects, dialer, case):
    """Exactly one container has a dialer, and it alone has what belongs to the probe."""
    # `check` dials nothing.
    (check,) = [item for item in objects if item["kind"] == "Pod"]
    require(check["spec"]["containers"][0]["args"] == ["check"], f"{case}: the pod of helm test serves")
    objects = [item for item in objects if item is not check]
    everywhere = [name for container in containers(objects) for name in variables(container)]
    found = everywhere.count(f"{PREFIX}PROBE_DIALER")
    require(found == (1 if dialer else 0), f"{case}: {found} containers have a dialer")
    for item in deployments(objects):
        names = variables(container_of(item))
        probes = f"{PREFIX}PROBE_DIALER" in names
        require(f"{PREFIX}CODER_URL" in names, f"{case}: without Coder's address for links")
        others = [name for name in names if name.startswith(f"{PREFIX}PROBE_")]
        require(probes or not others, f"{case}: {others} where nothing probes")
        require(not probes or f"{PREFIX}PROBE_INTERVAL" in names, f"{case}: the probe has no interval")
        # Where nothing probes, for the commands that dial.
        needed = probes or not dialer
        require((TOKEN in names) == needed, f"{case}: Coder's token is not where it is needed")
        mounts = [mount["name"] for mount in container_of(item)["volumeMounts"]]
        require(("coder-token" in mounts) == needed, f"{case}: the token's Secret is mounted elsewhere")
        if probes:
            require(item["spec"]["strategy"] == {"type": "Recreate"}, f"{case}: an update would run two probes")
            require(item["spec"]["replicas"] <= 1, f"{case}: two pods probe")
    # The Prometheus operator makes it a label: two names would be two series for one fleet.
    names = {container["name"] for container in containers(objects)}
    require(names == {"exporter"}, f"{case}: containers are called {names}")


def check_selectors(objects, case):
    """Each Deployment selects its own pods alone."""
    for one, other in itertools.product(deployments(objects), repeat=2):
        selector = one["spec"]["selector"]["matchLabels"]
        # A label that changes with the version would lose the pods at every update.
        require(selector.keys() == ONE_DEPLOYMENT, f"{case}: a Deployment selects by {selector}")
        labels = other["spec"]["template"]["metadata"]["labels"]
        selects = selector.items() <= labels.items()
        require(selects == (one is other), f"{case}: {name_of(one)} and the pods of {name_of(other)}")


def deployments(objects):
    """All Deployments."""
    return [item for item in objects if item["kind"] == "Deployment"]


def containers(value):
    """Every container in any object, whatever kind it is of."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("containers", "initContainers"):
                yield from inner
            yield from containers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from containers(inner)


def container_of(deployment):
    """The one container of its pods."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container


def variables(container):
    """The names of its variables, as often as they are there."""
    return [entry["name"] for entry in container.get("env", [])]


def name_of(item):
    """Its name."""
    return item["metadata"]["name"]
