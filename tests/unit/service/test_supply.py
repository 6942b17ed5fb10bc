"""What runs is pinned with hashes, and none of it is under the GPL."""

import importlib.metadata
import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[3] / "uv.lock"


def _locked() -> list[dict[str, Any]]:
    """What is locked; some packages in two versions, for older and newer Pythons."""
    return tomllib.loads(LOCK.read_text())["package"]


def _packages() -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in _locked()}


def _run_time() -> set[str]:
    """Names of all that `pip install perisai` brings."""
    packages, seen, ahead = _packages(), set(), ["perisai"]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            extras = packages[name].get("optional-dependencies", {}).values()
            needed = packages[name].get("dependencies", []) + [one for extra in extras for one in extra]
            ahead += [one["name"] for one in needed]
    return seen - {"perisai"}


def test_every_package_is_pinned_with_hashes():
    for package in _locked():
        name = package["name"]
        if name == "perisai":
            continue
        files = package.get("wheels", []) + ([package["sdist"]] if "sdist" in package else [])
        assert files and all(one["hash"].startswith("sha256:") for one in files), name
        assert "registry" in package["source"], name


def test_nothing_that_runs_is_under_the_gpl():
    looked = 0
    for name in _run_time():
        try:
            told = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system
        looked += 1
        said = [told.get("License-Expression") or "", *(told.get_all("Classifier") or [])]
        gpl = [one for one in said if re.search(r"(?<!L)(?<!Lesser )GPL|GNU General Public", one) and " OR " not in one]
        assert not gpl, (name, gpl)
    assert looked > 40


def test_the_bill_of_materials_names_all_that_runs():
    root = LOCK.parent
    (root / "artefacts/perisai.cdx.json").unlink(missing_ok=True)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(["make", "sbom"], cwd=root, env=plain, check=True, capture_output=True, timeout=120)
    bill = json.loads((root / "artefacts/perisai.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    listed = {(one["name"], one["version"]) for one in bill["components"]}
    assert listed <= {(one["name"], one["version"]) for one in _locked()}
    assert _run_time() <= {name for name, _ in listed}
