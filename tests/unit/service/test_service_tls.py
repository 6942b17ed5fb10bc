"""TLS run end to end with an authority made here: a console page, and the bus with certificates of both sides."""

import asyncio
import contextlib
import ipaddress
import ssl
import subprocess
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from service_support import app_with_accounts

from perisai.model import BadInputError, ResourceError
from perisai.service import bus as bus_module
from perisai.service.bus import Bus
from perisai.service.bus_settings import BusSettings
from perisai.service.config import ServiceSettings
from perisai.service.listen import listening, web_server
from perisai.service.nats_server import _program

BOTH = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


class Authority:
    """Signs certificates and writes them as PEM files."""

    def __init__(self, directory, name):
        self.directory, self.key = directory, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = self._certificate(self.name, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
        self.file = str(directory / f"{name}.pem")
        (directory / f"{name}.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def issue(self, name):
        """(certificate file, key file) of a machine at 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signed = self._certificate(subject, key.public_key(), x509.BasicConstraints(ca=False, path_length=None))
        files = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        return str(files[0]), str(files[1])

    def _certificate(self, subject, public_key, constraints):
        now = datetime.now(UTC)
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public_key)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(minutes=5))
        made = made.not_valid_after(now + timedelta(days=1)).add_extension(constraints, critical=True)
        made = made.add_extension(address, critical=False)
        if not constraints.ca:
            made = made.add_extension(x509.ExtendedKeyUsage(BOTH), critical=False)
        return made.sign(self.key, hashes.SHA256())


@contextlib.asynccontextmanager
async def tls_bus(directory, ours):
    """A nats-server that asks for a certificate of `ours`, as deploy/nats/nats.conf has it; its address."""
    certificate, key = ours.issue("server")
    ports = directory / "ports"
    ports.mkdir()
    (directory / "nats.conf").write_text(
        f'listen: "127.0.0.1:-1"\nports_file_dir: "{ports}"\njetstream {{ store_dir: "{directory}/js" }}\n'
        f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{ours.file}", verify: true }}\n'
    )
    process = subprocess.Popen([_program(), "--config", str(directory / "nats.conf")], stderr=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(30):
            while not (found := list(ports.glob("*.ports"))) or not (text := found[0].read_text()):
                await asyncio.sleep(0.05)
        yield "tls://" + text.split('"nats":["')[1].split('"')[0].split("//")[1]
    finally:
        process.terminate()
        process.wait()


async def test_the_bus_knows_both_sides_by_their_certificates(tmp_path, monkeypatch):
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    mine, stranger = ours.issue("tracker"), theirs.issue("stranger")
    async with tls_bus(tmp_path, ours) as url:
        good = BusSettings(tls_ca=ours.file, tls_certificate=mine[0], tls_key=mine[1])
        async with Bus(url, good) as bus:
            assert await bus.publish("perisai.tracks", b"", "one", 1) == 1
        monkeypatch.setattr(bus_module, "CONNECT_S", 1.5)
        refused = (
            BusSettings(),
            BusSettings(tls_ca=ours.file),
            BusSettings(tls_ca=ours.file, tls_certificate=stranger[0], tls_key=stranger[1]),
            BusSettings(tls_ca=theirs.file, tls_certificate=mine[0], tls_key=mine[1]),
        )
        for settings in refused:
            with pytest.raises(ResourceError, match="no NATS server answers"):
                async with Bus(url, settings):
                    pass
    with pytest.raises(BadInputError, match="PEM files"):
        BusSettings(tls_ca=str(tmp_path / "nowhere.pem")).tls()


async def test_a_page_of_the_console_over_tls(tmp_path):
    ours = Authority(tmp_path, "ours")
    certificate, key = ours.issue("console")
    settings = ServiceSettings(port=0, tls_certificate=certificate, tls_key=key)
    with listening(settings) as listener:
        server = web_server(app_with_accounts(tmp_path), settings)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(20):
                while not server.started:
                    await asyncio.sleep(0.02)
            address = f"https://127.0.0.1:{listener.getsockname()[1]}/"
            async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=ours.file)) as client:
                answer = await client.get(address + "api/v1/session")
                assert answer.status_code == 200
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            async with httpx.AsyncClient() as client:
                with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                    await client.get(address)
            async with httpx.AsyncClient() as client:
                with pytest.raises(httpx.HTTPError):
                    await client.get(address.replace("https", "http"))
        finally:
            server.should_exit = True
            await serving
