"""The kernel cache: a second start compiles nothing, and a changed helper in another file is not missed."""

import os
import subprocess
import sys
from pathlib import Path

HELPER = "from perisai.kernels import kernel\n\n\n@kernel\ndef helper(x):\n    return x + {}\n"
CALLER = (
    "from perisai.kernels import kernel\n\nfrom .helper import helper\n\n\n"
    "@kernel\ndef caller(x):\n    return helper(x)\n"
)
SAY = (
    "import perisai.tracking.caller as c; print(c.caller(1), sum(c.caller.stats.cache_hits.values()),"
    " sum(c.caller.stats.cache_misses.values()))"
)


def _run(root: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True, env=environment, check=True)
    return done.stdout.strip()


def test_a_second_start_compiles_nothing_and_a_changed_helper_is_seen(tmp_path):
    package = tmp_path / "perisai"
    (package / "tracking").mkdir(parents=True)
    source = Path(__file__).parents[2] / "src" / "perisai"
    for name in ("kernels.py", "geodesy.py"):
        (package / name).write_text((source / name).read_text())
    for init in (package, package / "tracking"):
        (init / "__init__.py").write_text("")
    (package / "tracking" / "helper.py").write_text(HELPER.format(1))
    (package / "tracking" / "caller.py").write_text(CALLER)
    assert _run(tmp_path) == "2 0 1"
    assert _run(tmp_path) == "2 1 0"
    (package / "tracking" / "helper.py").write_text(HELPER.format(10))
    assert _run(tmp_path) == "11 0 1"
