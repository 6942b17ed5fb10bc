"""CoT against taky, a TAK server, and pytak, a TAK client; protobuf read back by takproto."""

import asyncio
import socket
import time
import xml.etree.ElementTree as ET

import pytest
import takproto
from channels_house import centre, some_tracks, until
from channels_support import an_alert, squares
from cot_peers import Client, make_certificates, taky
from ports import free_port

from perisai.alerting import CapSettings, CapWriter
from perisai.channels.cot import CotChannel
from perisai.channels.cot_event import alert_events, to_xml, track_events
from perisai.channels.cot_proto import mesh, stream
from perisai.channels.cot_server import CotServer
from perisai.channels.cot_settings import CotSettings
from perisai.model import AlertChange

AREAS = squares()
INDEX = {code: number for number, code in enumerate(AREAS.code)}
ANY = CotSettings(url="udp://127.0.0.1:1")


def now_us() -> int:
    return time.time_ns() // 1000


def said(kind="raised", writer=None, at_us=None, area="A1"):
    """CAP messages of now about an alarm."""
    at_us = at_us or now_us()
    writer = writer or CapWriter(AREAS, CapSettings())
    return writer.step([AlertChange(kind, an_alert(area, start_us=at_us), at_us)], at_us)


def shown(kind="raised", writer=None, area="A1"):
    return [one for message in said(kind, writer, area=area) for one in alert_events(message, AREAS, INDEX, ANY)]


@pytest.mark.oracle
async def test_a_tak_server_hands_on_tracks_and_alerts_and_is_told_again_after_it_was_lost(tmp_path):
    port, writer = free_port(), CapWriter(AREAS, CapSettings())
    settings = CotSettings(url=f"tcp://127.0.0.1:{port}", retry_s=0.1, max_retry_s=0.2)
    channel = CotChannel(settings)
    running = asyncio.create_task(channel.run())
    url = f"tcp://127.0.0.1:{port}"
    async with taky(tmp_path, port), Client(url).connected(hello=True) as client:
        await until(lambda: channel.connected)
        await asyncio.sleep(0.3)
        channel.push(shown(writer=writer))
        channel.push(track_events(some_tracks(now_us(), 7, 8, p_drone=[0.9, 0.3]), settings))
        await until(lambda: {"perisai.track.7", "perisai.track.8", "perisai.area.A1.0"} <= client.events.keys())
        assert client.kind("perisai.track.7") == "a-h-A-M-F-Q"
        assert client.kind("perisai.track.8") == "a-u-A-M-F-Q"
        alert = client.events["perisai.alert.A1.alarm"]
        assert alert.get("type") == "b-a-g"
        assert alert.find("detail/emergency").get("type") == "Geo-fence Breached"
        assert len(client.events["perisai.area.A1.0"].findall("detail/link")) == 5
    await until(lambda: channel.count.failures)
    running.cancel()  # taky keeps nothing for who comes later: the client is to be there before the channel is
    async with taky(tmp_path, port), Client(url).connected(hello=True) as client:
        await asyncio.sleep(0.3)
        running = asyncio.create_task(channel.run())
        await until(lambda: client.kind("perisai.alert.A1.alarm") == "b-a-g")
        channel.push(shown("ended", writer))
        await until(lambda: client.kind("perisai.alert.A1.alarm") == "b-a-o-can")
        assert client.kind("perisai.area.A1.0.delete") == "t-x-d-d"
    running.cancel()
    assert sum(channel.count.failures.values()) >= 1


@pytest.mark.oracle
async def test_a_tak_server_over_tls_that_wants_our_certificate(tmp_path):
    files, port = make_certificates(tmp_path), free_port()
    known = {"certificate": str(files["client"]), "key": str(files["client_key"]), "authority": str(files["authority"])}
    channel = CotChannel(CotSettings(url=f"tls://127.0.0.1:{port}", retry_s=0.1, **known))
    stranger = CotChannel(CotSettings(url=f"tls://127.0.0.1:{port}", retry_s=0.1, authority=known["authority"]))
    config = {
        "PYTAK_TLS_CLIENT_CERT": known["certificate"],
        "PYTAK_TLS_CLIENT_KEY": known["key"],
        "PYTAK_TLS_CLIENT_CAFILE": known["authority"],
        "PYTAK_TLS_DONT_CHECK_HOSTNAME": "1",
    }
    async with taky(tmp_path, port, files):
        running = [asyncio.create_task(one.run()) for one in (channel, stranger)]
        async with Client(f"tls://127.0.0.1:{port}", **config).connected(hello=True) as client:
            await until(lambda: channel.connected)
            await asyncio.sleep(0.3)
            channel.push(shown())
            stranger.push(shown(area="A2"))
            await until(lambda: "perisai.alert.A1.alarm" in client.events)
            await until(lambda: stranger.count.failures)
            assert "perisai.alert.A2.alarm" not in client.events
        for task in running:
            task.cancel()


@pytest.mark.oracle
async def test_tak_clients_connect_to_a_running_centre(tmp_path):
    listening = CotSettings(url="tcp+listen://127.0.0.1:0", period_s=0.05)
    writer, t = CapWriter(AREAS, CapSettings()), now_us()
    async with centre(tmp_path, AREAS, listening) as house:
        outlet = house.outlet("cot")
        await until(lambda: outlet.connected)
        await house.say(said(writer=writer, at_us=t))
        await house.say(said(writer=writer, at_us=t, area="A2"))
        await house.say(said("ended", writer, at_us=t + 1, area="A2"))
        await until(lambda: outlet._channel._kept.standing(t))
        async with Client(outlet.address).connected(hello=False) as client:
            await until(lambda: client.kind("perisai.alert.A1.alarm") == "b-a-g")
            rows = some_tracks(t, 7, 8, 9, address=[None, "4BA912", None], p_drone=[0.9, None, None])
            rows = rows.set_column(rows.schema.get_field_index("p_aircraft"), "p_aircraft", [[0.0, 0.9, 0.9]])
            await house.show(rows, t)
            await until(lambda: "perisai.track.9" in client.events)
            kinds = [client.kind(f"perisai.track.{number}") for number in (7, 8, 9)]
            assert kinds == ["a-h-A-M-F-Q", "a-n-A-C-F", "a-u-A-M-F"]
            assert client.kind("perisai.alert.A2.alarm") == "b-a-o-can"
        await until(lambda: outlet._channel.clients == 0)
        assert outlet.count.messages >= 5


async def test_clients_of_a_listener_need_a_certificate_when_it_says_so_and_are_not_without_number(tmp_path):
    files = make_certificates(tmp_path)
    ours = {"certificate": str(files["server"]), "key": str(files["server_key"]), "authority": str(files["authority"])}
    server = CotServer(CotSettings(url="tls+listen://127.0.0.1:0", clients=1, **ours))
    running = asyncio.create_task(server.run())
    await until(lambda: server.connected)
    theirs = {"certificate": str(files["client"]), "key": str(files["client_key"]), "authority": ours["authority"]}
    friend = CotChannel(CotSettings(url=server.address, **theirs))
    running_friend = asyncio.create_task(friend.run())
    await until(lambda: server.clients == 1)
    second = CotChannel(CotSettings(url=server.address, **theirs))
    running_second = asyncio.create_task(second.run())
    await until(lambda: server.count.failures["too_many_clients"] == 1)
    for task in (running_friend, running_second, running):
        task.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.oracle
@pytest.mark.parametrize("form", ["xml", "protobuf"])
async def test_datagrams_are_read_by_takproto_and_as_xml(form):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        ears.setblocking(False)
        channel = CotChannel(CotSettings(url=f"udp://127.0.0.1:{ears.getsockname()[1]}", format=form))
        running = asyncio.create_task(channel.run())
        t = now_us()
        channel.push(track_events(some_tracks(t, 7), ANY))
        data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(ears, 65_536), 10)
        running.cancel()
    if form == "xml":
        event = ET.fromstring(data)
        assert (event.get("uid"), event.find("point").get("lat")) == ("perisai.track.7", "50.100000")
        return
    event = takproto.parse_proto(bytearray(data)).cotEvent
    assert (event.uid, event.type, event.lat, event.sendTime) == ("perisai.track.7", "a-h-A-M-F-Q", 50.1, t // 1000)
    assert event.staleTime - event.startTime == 30_000
    assert event.detail.contact.callsign == "Drone 7"
    assert event.detail.track.speed == pytest.approx(53.85, abs=0.01)
    assert event.detail.track.course == pytest.approx(291.8, abs=0.1)


@pytest.mark.oracle
def test_protobuf_says_what_the_xml_says():
    for event in [*shown(), *track_events(some_tracks(now_us(), 7), ANY)]:
        ours = takproto.parse_proto(bytearray(mesh(event))).cotEvent
        theirs = takproto.parse_proto(bytearray(takproto.xml2proto(to_xml(event).decode()))).cotEvent
        for name in ("uid", "type", "how", "lat", "lon", "hae", "ce", "le", "sendTime", "staleTime"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=0.06), name
        assert takproto.parse_proto(bytearray(stream(event))).cotEvent == ours


def test_an_alert_that_is_raised_again_is_not_deleted_by_the_end_of_the_last():
    writer = CapWriter(AREAS, CapSettings())
    server = CotServer(CotSettings(url="tcp+listen://127.0.0.1:0"))
    t = now_us()
    for kind, n in (("raised", 0), ("ended", 1), ("raised", 2)):
        for message in said(kind, writer, at_us=t + n * 1_000_000):
            server.push(alert_events(message, AREAS, INDEX, ANY))
    standing = {event.uid: event.type for event in server._kept.standing(t)}
    assert standing["perisai.area.A1.0"] == "u-d-f"
    assert "perisai.area.A1.0.delete" not in standing


def test_friends_neutrals_ended_and_tentative_tracks():
    t = now_us()
    rows = some_tracks(t, 1, 2, status=["ended", "confirmed"], address=["aabbcc", "ddeeff"])
    one, two = track_events(rows, CotSettings(url="udp://h:1", friends=("ddeeff",)), "exercise", shift_us=5_000_000)
    assert one.stale_us == one.time_us == t + 5_000_000
    assert two.type == "a-f-A-M-F-Q"
    assert two.callsign == "EXERCISE Drone 2"
    assert two.stale_us == t + 35_000_000
