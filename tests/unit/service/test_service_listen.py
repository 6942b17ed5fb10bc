"""Beyond this machine only over TLS."""

import pytest

from perisai.model import BadInputError
from perisai.service.bus_settings import BusSettings
from perisai.service.config import Config, ServiceSettings, parse_config
from perisai.service.house import House
from perisai.service.listen import listening, web_server


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_no_address_beyond_this_machine_without_tls(host):
    with pytest.raises(BadInputError, match="without TLS"), listening(ServiceSettings(host=host, port=0)):
        pass


def test_a_certificate_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "c.pem").write_text("no certificate")
    settings = ServiceSettings(tls_certificate=str(tmp_path / "c.pem"), tls_key=str(tmp_path / "c.pem"))
    with pytest.raises(BadInputError, match="tls_certificate"):
        web_server(None, settings)


def test_files_are_found_beside_the_configuration(tmp_path):
    text = '[service]\ntls_certificate = "c.pem"\ntls_key = "k.pem"\n[bus]\nreplicas = 3\nnkey = "seed"\n'
    config = parse_config(text, tmp_path / "perisai.toml")
    assert config.service.tls_key == str(tmp_path / "k.pem") and config.bus.nkey == str(tmp_path / "seed")


@pytest.mark.parametrize("settings", [{"replicas": 2}, {"tls_certificate": "c.pem"}])
def test_bus_settings_that_do_not_fit_are_told(settings):
    with pytest.raises(BadInputError, match=r"^bus\."):
        BusSettings(**settings)


def test_some_roles_need_a_bus_of_their_own():
    with pytest.raises(BadInputError, match=r"service\.nats"):
        House(Config(), [], roles=("tracker",))
