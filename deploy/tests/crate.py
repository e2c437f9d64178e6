"""The crate: what `cargo package` would pack is what the program is built from, its licence and documents."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = {"README.md", "CHANGELOG.md", "LICENSE"}
WRITTEN_BY_CARGO = {".cargo_vcs_info.json", "Cargo.toml.orig"}
LARGEST = 3_000_000


def main():
    command = ["cargo", "package", "--list", "--allow-dirty", "--locked"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    names = set(listed) - WRITTEN_BY_CARGO
    for name in names:
        known = name in DOCUMENTS | {"Cargo.toml", "Cargo.lock", "build.rs"}
        known |= name.startswith("src/") and name.endswith((".rs", ".sql", ".sh", ".css", ".js", ".svg"))
        known |= name.startswith("alerts/runbooks/") and name.endswith(".md")
        require(known, f"{name} is in the crate")
    require(DOCUMENTS <= names, f"{DOCUMENTS - names} are missing")
    for name in (name for name in names if name.endswith(".rs")):
        for included in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', (ROOT / name).read_text()):
            path = str((ROOT / name).parent.joinpath(included).resolve().relative_to(ROOT))
            require(path in names or is_test(name), f"{name} includes {path}, which is not in the crate")
    size = sum((ROOT / name).stat().st_size for name in names)
    print(f"crate: {len(names)} files, {size} bytes unpacked")
    require(size < LARGEST, f"the crate has {size} bytes")


def is_test(name):
    """A module that is compiled for tests only."""
    return bool(re.search(r"(^|/)(tests/.*|[a-z_]*tests?|fixtures)\.rs$", name)) or "/tests/" in name


def require(holds, complaint):
    """Ends with the complaint unless it holds."""
    if not holds:
        sys.exit(f"crate: {complaint}")


if __name__ == "__main__":
    main()
