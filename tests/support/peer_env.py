"""Peers that somebody else wrote, each in an environment of its own: their packages do not get along with ours."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "peers"


@cache
def peer_python(*packages: str, dependencies: bool = True) -> str:
    """The Python of an environment with these packages (pinned: name==version), made once and kept in .tools.

    The test is skipped, and says so, where the registry cannot be reached.
    """
    place = ROOT / ".tools" / "peers" / "-".join(packages).replace("==", "-")
    python, ready = place / "bin" / "python", place / ".ready"
    if ready.exists():
        return str(python)
    uv = shutil.which("uv") or str(ROOT / ".tools/bin/uv")
    flags = [] if dependencies else ["--no-deps"]
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)],
        [uv, "pip", "install", "--quiet", "--python", str(python), *flags, *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        if done.returncode:
            pytest.skip(f"no peer {' '.join(packages)}: {(done.stderr or done.stdout).strip().splitlines()[-1][:200]}")
    ready.touch()
    return str(python)


def command(python: str, script: str, *arguments: str) -> list[str]:
    """The command that runs a script of tests/support/peers there."""
    return [python, str(SCRIPTS / script), *arguments]


@cache
def peer_node(package: str) -> Path:
    """The directory of a pinned npm package (name@version), installed once in .tools; skipped as above."""
    if not shutil.which("npm"):
        pytest.skip(f"no peer {package}: npm is not installed")
    place = ROOT / ".tools" / "peers" / package.replace("@", "-")
    found = place / "node_modules" / package.rpartition("@")[0]
    if not (place / ".ready").exists():
        place.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", package]
        done = subprocess.run(install, cwd=place, capture_output=True, text=True, timeout=180, check=False)
        if done.returncode:
            pytest.skip(f"no peer {package}: {(done.stderr or done.stdout).strip()[:200]}")
        (place / ".ready").touch()
    return found
