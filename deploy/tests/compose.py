"""What the schema of Compose does not see in deploy/compose.yaml.

Files that are mounted exist, everybody who is named is a service, each port is for this machine
alone, and each image says which version it is.
"""

import pathlib
import sys

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parents[1]


def main():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    for name, service in services.items():
        for port in service.get("ports", []):
            require(port.startswith("127.0.0.1:"), f"{name} listens for everybody: {port}")
        for other in service.get("depends_on", []):
            require(other in services, f"{name} depends on {other}, which is no service")
        healthy = [
            other
            for other, how in dict_of(service.get("depends_on", [])).items()
            if how.get("condition") == "service_healthy"
        ]
        for other in healthy:
            require("healthcheck" in services[other], f"{other} has no healthcheck")
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            there = (DEPLOY / source).exists() if source.startswith(".") else source in compose["volumes"]
            require(there, f"{name} mounts {source}, which is not there")
        if "build" in service:
            build = service["build"]
            dockerfile = (DEPLOY / build["context"] / build["dockerfile"]).read_text()
            require(f" AS {build['target']}\n" in dockerfile, f"no stage {build['target']}")
        else:
            require(":" in service["image"], f"{name}: which version of {service['image']}?")
            require(not service["image"].endswith(":latest"), f"{name}: {service['image']}")
    check_addresses(services)


def check_addresses(services):
    """Where the provisioned files look for each other."""
    prometheus = load("compose/prometheus.yaml")
    targets = [
        target
        for group in [*prometheus["scrape_configs"], *prometheus["alerting"]["alertmanagers"]]
        for static in group["static_configs"]
        for target in static["targets"]
    ]
    source = load("compose/grafana/datasources/prometheus.yaml")["datasources"][0]
    for address in [*targets, source["url"].removeprefix("http://")]:
        name, port = address.split(":")
        published = [mapping.split(":")[-1] for mapping in services[name]["ports"]]
        require(port in published, f"{name} does not serve on {port}")
    mounted = {mount.split(":")[1] for mount in services["grafana"]["volumes"]}
    folder = load("compose/grafana/dashboards/files.yaml")["providers"][0]["options"]["path"]
    require(folder in mounted, f"Grafana has no folder {folder}")
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    dashboard = DEPLOY.parent / home.lstrip("/")
    require(dashboard.exists(), f"there is no dashboard {home}")


def dict_of(depends_on):
    """depends_on in its long form."""
    return depends_on if isinstance(depends_on, dict) else {name: {} for name in depends_on}


def load(name):
    """A YAML file of deploy/."""
    return yaml.safe_load((DEPLOY / name).read_text())


def require(holds, complaint):
    """Ends with the complaint unless it holds."""
    if not holds:
        sys.exit(f"compose: {complaint}")


if __name__ == "__main__":
    main()
