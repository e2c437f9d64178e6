#!/usr/bin/env python3
"""without_kubernetes.py FILE: a Prometheus configuration with its kubernetes_sd_configs taken out.

Debian builds Prometheus without that discovery. What is taken out is checked here: that each has
a role there is, and no field there is not.
"""

import sys

import yaml

ROLES = {"node", "service", "pod", "endpoints", "endpointslice", "ingress"}
FIELDS = {"role", "namespaces", "selectors", "attach_metadata", "api_server", "kubeconfig_file"}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        configuration = yaml.safe_load(file)
    for scrape in configuration["scrape_configs"]:
        for discovery in scrape.pop("kubernetes_sd_configs", []):
            check(discovery)
            # Something has to be left for the job to scrape.
            scrape["static_configs"] = [{"targets": ["exporter.example:21120"]}]
    yaml.safe_dump(configuration, sys.stdout)


def check(discovery):
    """The fields of one kubernetes_sd_config."""
    require(discovery.keys() <= FIELDS, f"unknown fields in {discovery}")
    require(discovery["role"] in ROLES, f"no such role: {discovery['role']}")
    require(discovery.get("namespaces", {}).keys() <= {"names", "own_namespace"}, "namespaces")
    for selector in discovery.get("selectors", []):
        require(selector.keys() <= {"role", "label", "field"}, f"selector {selector}")
        # Prometheus takes selectors for what the role looks at, and refuses others.
        require(selector["role"] in {discovery["role"], "pod", "service"}, f"selector {selector}")


def require(holds, complaint):
    """Ends with the complaint unless it holds."""
    if not holds:
        sys.exit(f"{sys.argv[1]}: {complaint}")


if __name__ == "__main__":
    main()
