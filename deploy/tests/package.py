"""The chart as a package, by Helm itself.

    package.py HELM CHART      CHART is the folder that scripts/chart wrote
    UPDATE_GOLDEN=1            writes what is compared, instead

What the five value files render to is compared with deploy/tests/golden, and the Kustomize base with
the chart. The package has no picture and no script, its release record is small, and its successor
changes nothing that Kubernetes refuses to change.
"""

import base64
import gzip
import json
import os
import pathlib
import shutil
import sys
import tarfile
import tempfile

import yaml

from helm import IMAGE, ROOT, VALUES, Helm, load
from requirement import require

GOLDEN = ROOT / "deploy/tests/golden"
BASE = ROOT / "deploy/kustomize/exporter.yaml"
UPDATE = os.environ.get("UPDATE_GOLDEN")
# Kubernetes refuses a Secret above 1 MiB.
LARGEST_RECORD = 256 * 1024
# What an update may change: the version's labels and the image.
VERSIONS = ("0.0.1", "0.0.2")


def main():
    helm = Helm(sys.argv[1], pathlib.Path(sys.argv[2]))
    for values in sorted(VALUES.glob("*.yaml")):
        helm.good("lint", "--strict", "--quiet", helm.chart, "--values", values)
        check_golden(values.stem, helm(load(values.stem)))
    check_kustomize(helm)
    check_notes(helm)
    check_documented(helm.chart)
    with tempfile.TemporaryDirectory() as folder:
        packages = [package(helm, version, folder) for version in VERSIONS]
        check_contents(packages[0].chart)
        check_record(packages[0])
        check_upgrade(*packages)


def package(helm, version, folder):
    """Helm with a package of this version."""
    helm.good("package", helm.chart, "--version", version, "--app-version", version, "--destination", folder)
    return Helm(helm.program, pathlib.Path(folder) / f"coder-agent-exporter-{version}.tgz")


def check_golden(name, objects):
    """The objects are the committed ones. Rules and dashboards are compared with their sources elsewhere."""
    for item in objects:
        if item["kind"] == "PrometheusRule":
            item["spec"] = f"{sum(len(group['rules']) for group in item['spec']['groups'])} rules"
        if item["kind"] == "ConfigMap":
            item["data"] = {key: "a dashboard" for key in item["data"]}
    compare(GOLDEN / f"{name}.yaml", dump(objects))


def check_kustomize(helm):
    """The base is what the chart renders, without what belongs to Helm."""
    objects = helm({**load("least"), "image": {"repository": "coder-agent-exporter"}}, "coder-agent-exporter")
    objects = [item for item in objects if "helm.sh/hook" not in item["metadata"].get("annotations", {})]
    for labels in labels_of(objects):
        for name in ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"):
            labels.pop(name, None)
    about = "# What the chart renders with its least values; scripts/check-deploy compares.\n"
    compare(BASE, about + dump(objects))


def labels_of(value):
    """Every `labels` in any object."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "labels":
                yield inner
            yield from labels_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from labels_of(inner)


def compare(path, text):
    """The file has this text; the version is of no interest."""
    version = yaml.safe_load((ROOT / "deploy/helm/coder-agent-exporter/Chart.yaml").read_text())["version"]
    text = text.replace(version, "VERSION")
    if UPDATE:
        path.write_text(text)
    require(path.exists() and path.read_text() == text, f"{path.relative_to(ROOT)} differs: UPDATE_GOLDEN=1 {sys.argv[0]}")


def dump(objects):
    """Objects as Kubernetes' users read them."""
    return yaml.safe_dump_all(objects, sort_keys=False, width=120, explicit_start=True)


def check_notes(helm):
    """What Helm prints after an installation, with the probe's pod in it. Only a cluster prints it: here
    another template includes it."""
    with tempfile.TemporaryDirectory() as folder:
        chart = pathlib.Path(folder) / "chart"
        shutil.copytree(helm.chart, chart)
        template = 'notes: {{ include (print .Template.BasePath "/NOTES.txt") . | quote }}\n'
        (chart / "templates/notes.yaml").write_text(template)
        arguments = ["template", "demo", chart, "--namespace", "coder", "--show-only", "templates/notes.yaml"]
        text = helm.good(*arguments, "--values", VALUES / "most.yaml")
    for command in ("helm test demo --namespace coder", "deploy/demo-coder-agent-exporter-probe"):
        require(command in text, f"NOTES.txt does not name {command}")
    require("not scraped yet" not in text, "NOTES.txt says that the exporter is not scraped")


def check_documented(chart):
    """Each value is in the schema and in the README, and the schema has no others."""
    values = yaml.safe_load((chart / "values.yaml").read_text())
    schema = json.loads((chart / "values.schema.json").read_text())["properties"]
    require(schema.keys() - {"global"} == values.keys(), f"schema and values differ: {schema.keys() ^ values.keys()}")
    readme = (chart / "README.md").read_text()
    for name, value in values.items():
        require(f"`{name}" in readme, f"the chart's README does not name {name}")
        if schema[name].get("additionalProperties") is False:
            fields = schema[name]["properties"].keys()
            require(fields == value.keys(), f"{name}: schema and values differ: {fields ^ value.keys()}")


def check_contents(path):
    """Templates, rules, dashboards and documents, and nothing else."""
    with tarfile.open(path) as archive:
        names = [name.removeprefix("coder-agent-exporter/") for name in archive.getnames()]
    top = {"Chart.yaml", "values.yaml", "values.schema.json", "README.md", "LICENSE", ".helmignore"}
    for name in names:
        known = name in top or name.startswith("templates/") or name.endswith((".rules.yaml", ".json"))
        require(known, f"the package has {name}")
    boards = {path.name for path in (ROOT / "dashboards").glob("*.json")}
    packed = {name.rsplit("/", 1)[1] for name in names if name.startswith("files/dashboards/")}
    require(packed == boards, f"the package has the dashboards {packed}")


def check_record(helm):
    """The Secret in which Helm keeps a release: all of the package and all that it renders."""
    settings = load("most")
    files = []
    with tarfile.open(helm.chart) as archive:
        for member in archive.getmembers():
            data = base64.b64encode(archive.extractfile(member).read()).decode()
            files.append({"name": member.name, "data": data})
    release = {"config": settings, "chart": {"files": files}, "manifest": helm.template(settings).stdout}
    record = base64.b64encode(gzip.compress(json.dumps(release).encode(), 9))
    print(f"package {helm.chart.stat().st_size} bytes, release record {len(record)} bytes")
    require(len(record) < LARGEST_RECORD, f"the release record has {len(record)} bytes")


def check_upgrade(before, after):
    """Two packages differ by their version only, and nothing changes that cannot be changed."""
    for values in sorted(VALUES.glob("*.yaml")):
        old, new = (helm.template(load(values.stem)).stdout for helm in (before, after))
        require(old != new, "the version is nowhere")
        require(old.replace(*VERSIONS) == new, f"{values.name}: more than the version differs")
        for item, other in zip(*(list(yaml.safe_load_all(text)) for text in (old, new)), strict=True):
            require(identity(item) == identity(other), f"{identity(item)} became {identity(other)}")
    require(IMAGE in old, "the image is not the package's")


def identity(item):
    """What Kubernetes does not let a later version change."""
    about = [item["apiVersion"], item["kind"], item["metadata"]["name"]]
    return [*about, item["spec"]["selector"]] if item["kind"] == "Deployment" else about


if __name__ == "__main__":
    main()
