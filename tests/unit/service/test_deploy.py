"""The deployment files, judged by validators that somebody else wrote; and what they name exists here."""

import datetime
import re
import shutil
import subprocess
from pathlib import Path

import compose_spec
import kubernetes_validate
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from service_support import app_with_accounts, browser

from perisai.service.config import Config, ServiceSettings
from perisai.service.nats_accounts import RIGHTS, write_accounts
from perisai.service.nats_server import _program
from perisai.service.parts import ROLES

DEPLOY = Path(__file__).parents[3] / "deploy"
KUBERNETES = "1.37"


@pytest.mark.oracle
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", sorted(path.name for path in (DEPLOY / "systemd").glob("*.service")))
def test_systemd_takes_the_units(tmp_path, unit):
    text = (DEPLOY / "systemd" / unit).read_text()
    program = re.search(r"ExecStart=(\S+)", text)
    assert program and program[1].startswith("/opt/perisai/bin/")
    path = tmp_path / unit.replace("@.", "@tracker.")
    path.write_text(text.replace(program[1], "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


@pytest.mark.oracle
def test_kubernetes_takes_the_manifests():
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "perisai.yaml").read_text()))
    for document in documents:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    workloads = [one for one in documents if one["kind"] in ("Deployment", "StatefulSet")]
    assert {one["metadata"]["name"] for one in workloads} == set(ROLES)
    for one in workloads:
        (container,) = one["spec"]["template"]["spec"]["containers"]
        assert container["args"][-2:] == ["--role", one["metadata"]["name"]]
        assert container["securityContext"]["readOnlyRootFilesystem"]


@pytest.mark.oracle
def test_compose_takes_its_file():
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    document = {key: value for key, value in document.items() if not key.startswith("x-")}
    spec = compose_spec.PyCompose.from_yaml(yaml.safe_dump(document))
    spec.validate()
    assert set(spec.service_names()) == {*ROLES, "n1", "n2", "n3"}


@pytest.mark.oracle
def test_nats_takes_its_settings(tmp_path):
    _certificate(tmp_path)
    write_accounts(tmp_path / "keys", ["radar-north"], ["ro"], ["pl=ua"])
    text = (DEPLOY / "nats" / "nats.conf").read_text().replace("/etc/perisai/tls", str(tmp_path))
    (tmp_path / "nats.conf").write_text(text.replace("/var/lib/perisai-nats", str(tmp_path / "store")))
    done = subprocess.run(
        [_program(), "-t", "--config", str(tmp_path / "nats.conf")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert set(RIGHTS) == set(ROLES)


async def test_alert_rules_ask_for_figures_there_are(tmp_path):
    rules = yaml.safe_load((DEPLOY / "prometheus" / "perisai.rules.yaml").read_text())["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"perisai_\w+", rule["expr"])}
    config = Config(service=ServiceSettings(data=str(tmp_path)))
    async with browser(app_with_accounts(tmp_path, config=config)) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    there = set(re.findall(r"^# TYPE (\w+)", answer.text, re.MULTILINE))
    there |= {f"{name}_total" for name in there}
    assert asked - there == set()
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] in ("page", "warn") for rule in rules)


def _certificate(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "n1")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (directory / "server.pem").write_bytes(pem)
    (directory / "ca.pem").write_bytes(pem)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "server.key").write_bytes(key.private_bytes(*form))
