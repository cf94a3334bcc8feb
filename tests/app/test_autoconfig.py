"""From the configuration to what mail programs are told, and the door in the running operator."""

import ssl
from pathlib import Path

import httpx2
import pytest
from cli_world import CLAIRE, DOMAIN, Shell, new_shell
from cryptography.hazmat.primitives.serialization import pkcs7
from settings_readers import read_mozilla

from mssante.app.autoconfig import open_autoconfig
from mssante.app.compose import open_operator
from mssante.app.config import Config, read_config
from mssante.app.services import mail_services
from mssante.model.autoconfig import Authentication, Endpoint, Socket
from mssante.model.errors import ConfigError

HOST = "mss.chu-valdore.fr"


@pytest.fixture
def shell(tmp_path: Path, pki, capsys) -> Shell:
    return new_shell(tmp_path, pki, capsys)


def config_with(shell: Shell, text: str) -> Config:
    path = shell.config.with_name("autre.toml")
    before, _, after = shell.config.read_text().partition("[autoconfig]")
    path.write_text(f"{before}[autoconfig]\n{text}\n[limits]\n{after.partition('[limits]')[2]}")
    return read_config(path)


def test_without_a_section_the_doors_are_told_as_they_listen(shell: Shell) -> None:
    told = mail_services(read_config(shell.config), DOMAIN)
    assert told.imap == (Endpoint(HOST, 143, Socket.STARTTLS), Endpoint(HOST, 993, Socket.TLS))
    assert told.submission == (Endpoint(HOST, 587, Socket.STARTTLS), Endpoint(HOST, 465, Socket.TLS))
    assert (told.ldap, told.jmap_url, told.web, told.oauth, told.help_url) == ((), "", None, None, "")
    assert told.display_name == "CHU de Valdoré"


def test_public_names_and_ports_come_first(shell: Shell) -> None:
    config = config_with(
        shell,
        'port = 8443\nimap_host = "imap.x.fr"\nimap_port = 1143\nimap_implicit_port = -1\nprefer = "tls"\n'
        'ldap_port = 389\nweb_host = "web.x.fr"\ndisplay_name = "V\\u0001aldoré"\n'
        '[identity]\nissuer = "https://psc.test"\nauthorization_url = "https://psc.test/auth"\n'
        'token_url = "https://psc.test/token"',
    )
    told = mail_services(config, DOMAIN)
    assert told.imap == (Endpoint("imap.x.fr", 1143, Socket.STARTTLS),)
    assert [one.port for one in told.submission] == [465, 587]
    assert told.ldap == (Endpoint(HOST, 389, Socket.STARTTLS),)
    assert (told.web, told.help_url) == (Endpoint("web.x.fr", 8443, Socket.TLS), "https://web.x.fr:8443/")
    assert told.authentication[0] is Authentication.OAUTH2
    assert told.display_name == "Valdoré"


@pytest.mark.parametrize(
    "text",
    ["port = -2", "priority = 70000", 'prefer = "plain"', "imap_implicit_port = -2", 'unknown = "x"'],
)
def test_refuses_settings_that_cannot_be(shell: Shell, text: str) -> None:
    with pytest.raises(ConfigError, match=r"\[autoconfig\]"):
        config_with(shell, text)


async def test_a_wrong_public_name_stops_the_start(shell: Shell) -> None:
    config = config_with(shell, 'host = "127.0.0.1"\nport = 0\nimap_host = "pas un nom"')
    async with open_operator(config) as operator:
        with pytest.raises(ConfigError, match="imap_host"):
            async with open_autoconfig(operator):
                pass


async def test_the_door_is_closed_unless_it_is_asked_for(shell: Shell) -> None:
    async with open_operator(read_config(shell.config)) as operator, open_autoconfig(operator) as port:
        assert port is None


def client_context(config: Config) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=config.tls.anchors)
    made.check_hostname = False
    return made


async def test_the_door_answers_over_tls_for_the_domains_of_the_store(shell: Shell) -> None:
    config = config_with(shell, 'host = "127.0.0.1"\nport = 0')
    async with open_operator(config) as operator, open_autoconfig(operator) as port:
        trusting = client_context(config)
        async with httpx2.AsyncClient(verify=trusting, base_url=f"https://127.0.0.1:{port}") as client:
            answer = await client.get("/mail/config-v1.1.xml", params={"emailaddress": CLAIRE})
            assert read_mozilla(answer.content)[0][0] == ("imap", HOST, 143, "STARTTLS")
            assert (await client.get("/mail/config-v1.1.xml?emailaddress=a@autre.fr")).status_code == 404
            profile = await client.get("/mobileconfig", params={"address": CLAIRE})
            assert pkcs7.load_der_pkcs7_certificates(profile.content)
            long = await client.get("/mail/config-v1.1.xml", params={"emailaddress": "a" * 5000})
            assert long.status_code == 400
