"""What deploy/Dockerfile builds from is all that the program is built from.

Nothing is compiled in that it does not copy, a build script included, and the targets that the manifest
names, which Cargo wants to be there, are those that the first stage makes up.
"""

import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"


def copied():
    """The folders that the first stage copies."""
    stage = (ROOT / "deploy/Dockerfile").read_text().split("\nFROM ")[1]
    sources = re.findall(r"^COPY (?!--)(\S+) \S+$", stage, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().split()
    for name in sources:
        require(f"!{name}" in ignored, f".dockerignore leaves out {name}")
    return [ROOT / name for name in sources]


def main():
    folders = copied()
    require(SOURCE in folders, "src is not copied")
    for path in SOURCE.rglob("*.rs"):
        for name in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', path.read_text()):
            included = (path.parent / name).resolve()
            require(included.exists(), f"{path} includes {name}, which is not there")
            is_copied = any(included.is_relative_to(it) for it in folders)
            require(is_copied, f"{path} includes {name}: COPY it, too")
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    if (ROOT / "build.rs").exists():
        require(re.search(r"^COPY Cargo.toml .*\bbuild\.rs\b", dockerfile, re.MULTILINE), "there is a build.rs: COPY it, too")
        require("!build.rs" in (ROOT / ".dockerignore").read_text().split(), ".dockerignore leaves out build.rs")
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    for kind, folder in (("test", "tests"), ("bench", "benches"), ("example", "examples")):
        for target in manifest.get(kind, []):
            name = target["name"]
            paths = [target.get("path"), f"{folder}/{name}.rs", f"{folder}/{name}/main.rs"]
            there = [path for path in paths if path and (ROOT / path).exists()]
            made = any(path in dockerfile for path in there)
            require(made, f"the manifest names {folder} {name}: touch {there} where src/lib.rs is")


def require(holds, complaint):
    """Ends with the complaint unless it holds."""
    if not holds:
        sys.exit(f"deploy/Dockerfile: {complaint}")


if __name__ == "__main__":
    main()
