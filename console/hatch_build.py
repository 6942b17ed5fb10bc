"""Builds the console into the wheel, so that an installed Perisai needs neither node nor a network."""

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleBuildHook(BuildHookInterface):
    """Runs the console's own build for a standard wheel; an editable install builds it with `make console`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        console = Path(self.root, "console")
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=console, check=True)
        subprocess.run(["npm", "run", "build"], cwd=console, check=True)
