"""Live and ready are two things: a process that answers, and a picture one may act on."""

from service_support import app_with_accounts, browser

from perisai.model import build, empty
from perisai.service.picture import Picture
from perisai.service.roles.gateway import Gateway

T0_US = 1_767_225_600_000_000


async def test_ready_while_the_picture_moves_and_follows(tmp_path):
    picture = Picture("test", [])
    gateway = Gateway(None, picture)  # pyright: ignore[reportArgumentType]
    async with browser(app_with_accounts(tmp_path, gateway=gateway)) as client:
        first = await client.get("/api/v1/health/ready")
        assert first.status_code == 503 and first.json()["reasons"] == ["no frame has passed yet"]
        assert (await client.get("/api/v1/health/live")).status_code == 200
        picture.take_tracks(empty("tracks"), T0_US)
        assert (await client.get("/api/v1/health/ready")).json() == {"status": "ready", "reasons": []}
        picture.take_detections(build("detections", {"time": [T0_US], "sensor": ["a"]}), T0_US + 30_000_000)
        behind = await client.get("/api/v1/health/ready")
        assert behind.status_code == 503 and "30 s behind" in behind.json()["reasons"][0]
        picture.take_tracks(empty("tracks"), T0_US + 30_000_000)
        picture.moved_s -= 60.0
        still = await client.get("/api/v1/health/ready")
        assert still.status_code == 503 and "has not moved for 60 s" in still.json()["reasons"][0]
        assert (await client.get("/api/v1/health/live")).status_code == 200
