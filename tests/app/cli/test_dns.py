"""``mssante dns`` and ``mssante autoconfig``: what they print, for whom, and for which domains."""

import dns.zone
import pytest
from cli_world import CLAIRE, DOMAIN, Shell
from settings_readers import read_apple, read_mozilla, read_outlook, read_pacc


def test_prints_a_zone_that_a_parser_reads(shell: Shell) -> None:
    out = shell.good("dns", DOMAIN).out
    zone = dns.zone.from_text(out, origin=DOMAIN, check_origin=False)
    assert len(list(zone.iterate_rdatas())) == 9
    assert "; Réception des messages des autres opérateurs" in out


def test_prints_the_same_records_for_programs(shell: Shell) -> None:
    found = shell.good("dns", DOMAIN, "--json").json
    assert {"name": DOMAIN, "type": "MX", "data": "10 mss.chu-valdore.fr."}.items() <= found[0].items()


def test_refuses_a_domain_that_is_not_served(shell: Shell) -> None:
    for command in (("dns", "autre.mssante.fr"), ("autoconfig", "show", "a@autre.mssante.fr")):
        answer = shell(*command)
        assert answer.code == 1
        assert "le domaine autre.mssante.fr n'est pas servi ici" in answer.err


def test_says_when_the_dns_is_silent(shell: Shell) -> None:
    text = shell.config.read_text().replace(
        "[resolver]", '[resolver]\nnameservers = ["127.0.0.1:1"]\ntimeout_seconds = 0.2'
    )
    shell.config.write_text(text)
    assert shell("dns", DOMAIN, "--check").code == 4


@pytest.mark.parametrize("shape", ["mozilla", "autodiscover", "mobileconfig", "well-known"])
def test_shows_what_each_program_would_learn(shell: Shell, shape: str) -> None:
    answer = shell.good("autoconfig", "show", CLAIRE, "--format", shape)
    readers = {
        "mozilla": lambda: read_mozilla(answer.out.encode())[0],
        "autodiscover": lambda: read_outlook(answer.out.encode(), CLAIRE),
        "mobileconfig": lambda: read_apple(answer.out.encode(), CLAIRE)[0],
        "well-known": lambda: read_pacc(answer.json),
    }
    assert {host for _, host, _, _ in readers[shape]()} == {"mss.chu-valdore.fr"}


def test_the_check_of_the_configuration_looks_at_the_door_and_its_certificate(shell: Shell) -> None:
    assert "réglage auto" not in shell("config", "check").out
    text = shell.config.read_text()
    shell.config.write_text(text.replace("port = -1 ", "port = 8443 "))
    assert "ne nomme aucun autoconfig.DOMAINE" in shell("config", "check").out
    shell.config.write_text(text.replace("port = -1 ", 'imap_host = "pas un nom"\nport = 8443 '))
    answer = shell("config", "check")
    assert answer.code == 2
    assert "[autoconfig] imap_host" in answer.out
