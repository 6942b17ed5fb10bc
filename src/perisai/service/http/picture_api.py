"""The air picture over HTTP: state, ground, tracks, sensors, alerts, and why an area is as it is."""

import time
from collections import Counter
from typing import Any

import msgspec
from litestar import Controller, Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from perisai.model import LEVELS, STATUSES, THREATS, ResourceError

from ..picture import track_feature
from ..track_columns import is_neutral
from .guard import needs_view
from .pages import packed

STILL_S, BEHIND_S = 10.0, 15.0
"""A picture that stands for so long, or is so far behind, is no ground to act on."""

GEOJSON = "application/geo+json"


class PictureController(Controller):
    """`/api/v1`: what the operator's console draws."""

    path = "/api/v1"

    @get("/state", guards=[needs_view], sync_to_thread=False)
    def state(self, state: State) -> dict[str, Any]:
        """Mode, time of the picture, the region's bounds, and the lists that ticks number into."""
        picture, config = state.gateway.picture, state.config
        return {
            "mode": picture.mode,
            "now_us": picture.now_us,
            "region": {"name": config.region.name, "bounds": state.ground.bounds},
            "languages": list(config.region.languages),
            "statuses": list(STATUSES),
            "threats": list(THREATS),
            "levels": list(LEVELS),
            "consoles": len(state.gateway.consoles),
        }

    @get("/areas.geojson", media_type=GEOJSON, sync_to_thread=False)
    def areas(self, request: Request, state: State) -> Response[bytes]:
        return packed(request, state.ground.areas_geojson, state.ground.areas_gzipped, GEOJSON)

    @get("/outlines.geojson", media_type=GEOJSON, sync_to_thread=False)
    def outlines(self, request: Request, state: State) -> Response[bytes]:
        return packed(request, state.ground.outlines_geojson, state.ground.outlines_gzipped, GEOJSON)

    @get("/basemap.geojson", media_type=GEOJSON, sync_to_thread=False)
    def basemap(self, request: Request, state: State) -> Response[bytes]:
        return packed(request, state.ground.basemap_geojson, state.ground.basemap_gzipped, GEOJSON)

    @get("/sensors", guards=[needs_view], sync_to_thread=False)
    def sensors(self, state: State) -> list[dict[str, Any]]:
        """The sensors with their place, reach and health."""
        health = {row["id"]: row for row in state.gateway.picture.sensors()}
        return [msgspec.to_builtins(sensor) | health[sensor.id] for sensor in state.sensors]

    @get("/trust", guards=[needs_view], sync_to_thread=False)
    def trust(self, state: State) -> dict[str, Any]:
        """Whom the trackers do not believe: suspect sensors, reports that instruments contradict, doubted reporters."""
        picture = state.gateway.picture
        told = [one.standing for one in picture.trust.values() if one.standing is not None]
        return {
            "sensors": picture.suspects(),
            "claims": picture.claims(),
            "reporters": [
                {"reporter": name, "seen": seen, "refuted": refuted}
                for standing in told
                for name, seen, refuted in standing.reporters
            ],
            "doubted": sum(standing.doubted for standing in told),
            "held": dict(sum((Counter(standing.held) for standing in told), Counter[str]())),
        }

    @get("/sensors/{sensor:str}/detections", guards=[needs_view], sync_to_thread=False)
    def detections(self, state: State, sensor: FromPath[str]) -> dict[str, list[float]]:
        """Detections a second of a sensor over the last half hour, in parts of half a minute: time_us, per_s."""
        if all(one.id != sensor for one in state.sensors):
            raise NotFoundException(detail=f"no sensor {sensor}")
        return state.gateway.picture.rates.per_second(sensor, state.gateway.picture.input_us)

    @get("/tracks.geojson", media_type=GEOJSON, guards=[needs_view], sync_to_thread=False)
    def tracks(self, state: State) -> bytes:
        """All tracks of the picture."""
        features = [track_feature(track.row) for track in state.gateway.picture.tracks.values()]
        return msgspec.json.encode({"type": "FeatureCollection", "features": features})

    @get("/tracks/{track:int}/history", guards=[needs_view], sync_to_thread=False)
    def history(self, state: State, track: FromPath[int]) -> dict[str, Any]:
        """Where a track came from, what it is held to be, and which areas it is foreseen to reach."""
        found = state.gateway.picture.tracks.get(track)
        if found is None:
            raise NotFoundException(detail=f"no track {track} in the picture")
        foreseen = state.gateway.picture.forecasts_of(track)
        return {
            "track": found.row,
            "neutral": is_neutral(found.row),
            "history": list(found.history),
            "forecasts": foreseen,
        }

    @get("/areas/{code:str}/timeline", guards=[needs_view], sync_to_thread=True)
    def timeline(self, state: State, code: FromPath[str]) -> dict[str, Any]:
        """An area's alerts and what is foreseen for it now: the tracks, probabilities and times."""
        if code not in state.ground.index:
            raise NotFoundException(detail=f"no area with code {code}")
        picture = state.gateway.picture
        alerts = [msgspec.to_builtins(alert) for alert in picture.book.all(area=code)]
        return {
            "code": code,
            "names": state.ground.areas.names[state.ground.index[code]],
            "alerts": sorted(alerts, key=lambda alert: -alert["start_us"]),
            "forecasts": sorted(picture.areas_forecast.get(code, []), key=lambda row: -row["probability"]),
            "now_us": picture.now_us,
        }

    @get("/health/live", sync_to_thread=False)
    def live(self) -> dict[str, str]:
        """200 while the process answers: who asks more often than that is answered has nothing to restart."""
        return {"status": "live"}

    @get("/health/ready", sync_to_thread=False)
    def ready(self, state: State) -> Response[dict[str, Any]]:
        """200 while the picture moves and follows what comes in; 503 with the reason when not."""
        picture = state.gateway.picture
        still_s = time.monotonic() - picture.moved_s
        reasons = [
            said
            for holds, said in (
                (not picture.now_us, "no frame has passed yet"),
                (still_s > STILL_S, f"the picture has not moved for {still_s:.0f} s"),
                (picture.lag_s() > BEHIND_S, f"tracks are {picture.lag_s():.0f} s behind what came in"),
            )
            if holds
        ]
        body = {"status": "not ready" if reasons else "ready", "reasons": reasons}
        return Response(body, status_code=503 if reasons else 200)

    @get("/health")
    async def health(self, state: State) -> Response[dict[str, Any]]:
        """200 while the picture moves, 503 before the first frame has passed. sirens: how many there are of each state,
        how many are at fault."""
        picture = state.gateway.picture
        try:
            told = (await state.work.sirens()).rows
        except ResourceError:  # no process has the role gateway: that is the sirens' matter, not the picture's
            told = []
        sirens = dict(Counter(one["state"] for one in told), faulty=sum(bool(one["fault"]) for one in told))
        body = {"now_us": picture.now_us, "lag_s": picture.lag_s(), "tracks": len(picture.tracks), "sirens": sirens}
        return Response(body, status_code=200 if picture.now_us else 503)
