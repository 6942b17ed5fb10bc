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
NAMED = (
    "from typing import NamedTuple\n\nfrom perisai.kernels import kernel\n\n\nclass {0}(NamedTuple):\n    x: int\n\n\n"
    "@kernel\ndef caller(x):\n    return inner({0}(x))\n\n\n@kernel\ndef inner(pair):\n    return pair.x\n\n\n"
    "def both(x):\n    return inner({0}(x))\n"
)
SAY = (
    "import perisai.tracking.caller as c; print(c.caller(1), sum(c.caller.stats.cache_hits.values()),"
    " sum(c.caller.stats.cache_misses.values()))"
)


def _package(root: Path) -> Path:
    package = root / "perisai"
    (package / "tracking").mkdir(parents=True)
    source = Path(__file__).parents[3] / "src" / "perisai"
    for name in ("kernels.py", "geodesy.py"):
        (package / name).write_text((source / name).read_text())
    for init in (package, package / "tracking"):
        (init / "__init__.py").write_text("")
    return package


def _run(root: Path, say: str = SAY) -> str:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, env=environment, check=True)
    return done.stdout.strip()


def test_a_second_start_compiles_nothing_and_a_changed_helper_is_seen(tmp_path):
    package = _package(tmp_path)
    (package / "tracking" / "helper.py").write_text(HELPER.format(1))
    (package / "tracking" / "caller.py").write_text(CALLER)
    assert _run(tmp_path) == "2 0 1"
    assert _run(tmp_path) == "2 1 0"
    (package / "tracking" / "helper.py").write_text(HELPER.format(10))
    assert _run(tmp_path) == "11 0 1"


def test_what_an_earlier_version_kept_stops_no_start(tmp_path):
    package = _package(tmp_path)
    say = "import perisai.tracking.named as c; print(c.both(3))"
    for name in ("First", "Second"):
        (package / "tracking" / "named.py").write_text(NAMED.format(name))
        assert _run(tmp_path, say) == "3"
