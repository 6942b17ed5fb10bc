"""Layers that partners give to be drawn under the picture: GeoJSON files named in the settings."""

from pathlib import Path

from litestar import Controller, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from .guard import needs_view


class LayersController(Controller):
    """`/api/v1/layers`."""

    path = "/api/v1/layers"

    @get("/", guards=[needs_view], sync_to_thread=False)
    def names(self, state: State) -> list[str]:
        """Their names: those of the files."""
        return list(_paths(state))

    @get("/{name:str}", media_type="application/geo+json", guards=[needs_view], sync_to_thread=True)
    def layer(self, state: State, name: FromPath[str]) -> bytes:
        """One layer as GeoJSON, as it lies on disk now."""
        path = _paths(state).get(name)
        if path is None or not path.is_file():
            raise NotFoundException(detail=f"no layer {name[:80]}")
        return path.read_bytes()


def _paths(state: State) -> dict[str, Path]:
    return {Path(path).stem: Path(path) for path in state.config.region.layers}
