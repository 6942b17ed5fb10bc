"""Peers of the CoT channel: a TAK server (taky), a TAK client (pytak), and certificates for both ends."""

import asyncio
import contextlib
import datetime
import ipaddress
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from configparser import ConfigParser
from pathlib import Path

import pytak
from channels_house import until
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ports import free_port

ATAK = (
    '<event version="2.0" uid="ANDROID-1" type="a-f-G-U-C" how="m-g" time="{now}" start="{now}" stale="{stale}">'
    '<point lat="50.0" lon="30.0" hae="0" ce="10" le="10"/><detail>'
    '<takv platform="ATAK" os="1" device="x" version="5"/>'
    '<contact callsign="DUTY" endpoint="*:-1:stcp"/><uid Droid="DUTY"/><__group name="Cyan" role="HQ"/>'
    '<status battery="90"/></detail></event>'
)


@contextlib.asynccontextmanager
async def taky(directory: Path, port: int, certificates: dict[str, Path] | None = None) -> AsyncIterator[None]:
    """A taky server on 127.0.0.1; with certificates over TLS, asking for the client's."""
    config = ConfigParser()
    config["taky"] = {"bind_ip": "127.0.0.1", "hostname": "localhost", "root_dir": str(directory)}
    config["cot_server"] = {"port": str(port)}
    if certificates:
        config["ssl"] = {
            "enabled": "true",
            "client_cert_required": "true",
            "ca": str(certificates["authority"]),
            "cert": str(certificates["server"]),
            "key": str(certificates["server_key"]),
            "cert_db": str(directory / "cert-db.txt"),
        }
        (directory / "cert-db.txt").touch()
        config["cot_server"] = {"port": str(port), "mon_ip": "127.0.0.1", "mon_port": str(free_port())}
    path = directory / "taky.conf"
    with path.open("w") as file:
        config.write(file)
    with (directory / "taky.log").open("a") as log:
        program = Path(sys.executable).with_name("taky")
        process = subprocess.Popen([program, "-c", path, "-l", "info"], stdout=log, stderr=log, cwd=directory)
    try:
        await until(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, (directory / "taky.log").read_text()
        yield
    finally:
        process.kill()
        process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


class Client:
    """A pytak client that keeps what it is told, newest of each uid."""

    def __init__(self, url: str, **more: str) -> None:
        parser = ConfigParser()
        parser["peer"] = {"COT_URL": url, **more}
        self._config = parser["peer"]
        self.events: dict[str, ET.Element] = {}
        self.told = 0

    @contextlib.asynccontextmanager
    async def connected(self, *, hello: bool) -> AsyncIterator["Client"]:
        """hello: say who it is, as a TAK server wants."""
        reader, writer = await pytak.protocol_factory(self._config)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        if hello:
            now = datetime.datetime.now(datetime.UTC)
            stamp = "%Y-%m-%dT%H:%M:%S.000Z"
            text = ATAK.format(now=now.strftime(stamp), stale=(now + datetime.timedelta(hours=1)).strftime(stamp))
            writer.write(text.encode())
        tasks = [
            asyncio.create_task(pytak.RXWorker(queue, self._config, reader).run()),
            asyncio.create_task(self._keep(queue)),
        ]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            writer.close()

    async def _keep(self, queue: "asyncio.Queue[bytes]") -> None:
        while True:
            event = ET.fromstring(await queue.get())
            self.events[event.get("uid", "")] = event
            self.told += 1

    def kind(self, uid: str) -> str:
        return self.events[uid].get("type", "") if uid in self.events else ""


def make_certificates(directory: Path) -> dict[str, Path]:
    """PEM files of an authority and of a server and a client that it vouches for; the server is 127.0.0.1."""
    files = {}
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("authority", authority_key.public_key(), "authority", authority_key, authority=True)
    pairs = {"authority": (authority_key, authority)}
    for name in ("server", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        pairs[name] = (key, _certificate(name, key.public_key(), "authority", authority_key))
    for name, (key, certificate) in pairs.items():
        files[name], files[f"{name}_key"] = directory / f"{name}.pem", directory / f"{name}.key"
        files[name].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        files[f"{name}_key"].write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        )
    return files


def _certificate(name: str, key, issuer: str, issuer_key, *, authority: bool = False) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    named = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(named, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
