"""What a command shows: one JSON object, or a few lines; and a progress bar when it takes long."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
PATIENCE_S = 2.0


def show(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a result: with --json one object and nothing else, else a line a figure."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(result, enc_hook=_plain).decode() + "\n")
        return
    for name, value in result.items():
        sys.stdout.write(f"{name.replace('_', ' ')}: {_short(value)}\n")


def say(text: str) -> None:
    """A line for the person, on standard error, so that standard output stays for results."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The items, with a bar on a terminal once they have taken over two seconds."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    begun = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=False) as bar:
        task = bar.add_task(what, total=total, visible=False)
        for item in items:
            yield item
            bar.update(task, advance=1, visible=time.monotonic() - begun > PATIENCE_S)


@contextmanager
def meter() -> Iterator[Callable[[str, float], None]]:
    """A function to tell (what is done, share done of it), shown as a bar on a terminal after two seconds."""
    if not sys.stderr.isatty():
        yield lambda _what, _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    begun = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, visible=False)

        def tell(what: str, share: float) -> None:
            bar.update(task, description=what, completed=share, visible=time.monotonic() - begun > PATIENCE_S)

        yield tell


def _short(value: Any, inner: bool = False) -> str:
    if isinstance(value, Mapping):
        said = ", ".join(f"{key} {_short(item, True)}" for key, item in value.items()) or "none"
        return f"({said})" if inner else said
    if isinstance(value, (list, tuple)):
        return ", ".join(_short(item, True) for item in value) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value.tolist() if hasattr(value, "tolist") else str(value)
