"""The decorator of all numba kernels, and a disk cache that notices when a kernel's helpers change.

numba keeps compiled kernels beside their source and compiles one again when its own file changes. A kernel that calls
one in another file has that code inside it, so here the freshness of a kernel is that of all kernels of its stage, of
what they import there, and of what every stage may use.
"""

import functools
import hashlib
import pickle
import re
from pathlib import Path
from typing import Any

import numba
from numba.core import caching

PACKAGE = Path(__file__).parent
_KERNEL = re.compile(r"^@(?:kernel|loop|inlined)\b", re.MULTILINE)
_IMPORT = re.compile(r"^from \.+(?:([\w.]+) import| import (\w+))", re.MULTILINE)
_Locator: Any = caching._SourceFileBackedLocatorMixin  # pyright: ignore[reportAttributeAccessIssue]
_own_stamp = _Locator.get_source_stamp


@functools.cache
def stage_stamp(stage: str) -> bytes:
    """Hash of the sources that kernels of a stage (a folder of the package) can contain: of the files with kernels and
    of all files of the stage that these import, directly or not."""
    digest = hashlib.sha256()
    for path in (PACKAGE / "kernels.py", PACKAGE / "geodesy.py"):
        digest.update(path.read_bytes())
    sources = {path: path.read_text() for path in sorted((PACKAGE / stage).rglob("*.py"))}
    held = {path for path, text in sources.items() if _KERNEL.search(text)}
    fresh = held
    while fresh:
        named = {
            name.rpartition(".")[2] for path in fresh for names in _IMPORT.findall(sources[path]) for name in names
        }
        fresh = {path for path in sources if path.stem in named} - held
        held = held | fresh
    for path in sorted(held):
        digest.update(sources[path].encode())
    return digest.digest()


def _stamp(locator: Any) -> Any:
    path = Path(locator._py_file)
    if PACKAGE not in path.parents or not path.is_file():
        return _own_stamp(locator)
    inside = path.relative_to(PACKAGE).parts
    return stage_stamp(inside[0] if len(inside) > 1 else "")


_Locator.get_source_stamp = _stamp

_Index: Any = caching.IndexDataCacheFile
_own_load = _Index._load_index


def _load_index(index: Any) -> Any:
    """What is kept, or nothing where it names classes that these sources no longer have: then it is compiled anew."""
    try:
        return _own_load(index)
    except (AttributeError, ImportError, EOFError, pickle.UnpicklingError):
        return {}


_Index._load_index = _load_index

kernel: Any = numba.njit(nogil=True, cache=True, error_model="numpy")
"""Compiled on first call, without the interpreter lock, kept on disk; division by zero gives inf, as in numpy."""

loop: Any = numba.njit(nogil=True, cache=True, error_model="numpy", _nrt=False)
"""The same for kernels that allocate no array: without numba's counting of references, whose atomic operations cost the
tracker more than its sums did (docs/adr/0012). One that allocates does not compile."""

inlined: Any = numba.njit(nogil=True, error_model="numpy", inline="always")
"""The same, copied into each kernel that calls it: a call with arrays counts their references, which costs more than a
short function does (half the time of the rollouts)."""
