"""What a start does not wait for: seconds in which, after a crash, nobody is alerted."""

import json
import subprocess
import sys

LATER = ("scipy.stats", "scipy.optimize", "duckdb", "rasterio", "highspy", "matplotlib", "opentelemetry.exporter")
"""Loaded by the command, the channel or the country in regions that needs them."""


def test_the_live_service_loads_nothing_that_the_first_alert_can_do_without():
    code = "import json, sys; import perisai.service.commands.live; print(json.dumps(list(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
    assert "numba" in loaded, "the list is that of the service"
    assert not [name for name in loaded if name.startswith(LATER)]
