"""What the door answers, question by question."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
from services import CLAIRE, DOMAIN, SERVICES
from settings_readers import read_apple, read_mozilla, read_outlook, read_pacc

from mssante.doors.autoconfig.app import Desk, build_app
from mssante.model.autoconfig import MailServices
from mssante.wire.autoconfig.autodiscover import OUTLOOK_ANSWER, OUTLOOK_REQUEST
from mssante.wire.autoconfig.mozilla import PATHS

OTHER = "clinique.mssante.fr"
QUESTION = (
    f'<Autodiscover xmlns="{OUTLOOK_REQUEST}"><Request><EMailAddress>ADDRESS</EMailAddress>'
    f"<AcceptableResponseSchema>{OUTLOOK_ANSWER}</AcceptableResponseSchema></Request></Autodiscover>"
)


def services(domain: str) -> MailServices:
    return replace(SERVICES, domain=domain)


async def two_domains() -> tuple[str, ...]:
    return (DOMAIN, OTHER)


def client_of(desk: Desk) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=build_app(desk))
    return httpx2.AsyncClient(transport=transport, base_url=f"https://autoconfig.{DOMAIN}")


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(Desk(services, two_domains)) as made:
        yield made


@pytest.mark.parametrize("path", PATHS)
async def test_thunderbird_is_answered_at_each_of_its_addresses(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path, params={"emailaddress": f"x@{OTHER}"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert f"<domain>{OTHER}</domain>" in answer.text
    assert len(read_mozilla(answer.content)[0]) == 4
    by_host = await client.get(path)
    assert f"<domain>{DOMAIN}</domain>" in by_host.text


async def test_the_answer_is_the_same_whether_the_address_exists_or_not(client: httpx2.AsyncClient) -> None:
    answers = {
        (await client.get(PATHS[0], params={"emailaddress": f"{who}@{DOMAIN}"})).content
        for who in ("claire.martin", "personne", "%EMAILLOCALPART%")
    }
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{PATHS[0]}?emailaddress=a@inconnu.fr", 404),
        (f"{PATHS[0]}?emailaddress=a@b@", 400),
        ("/mobileconfig?address=a@inconnu.fr", 404),
        ("/mobileconfig?address=rien", 400),
        ("/mobileconfig", 400),
        ("/autre", 404),
        ("/autodiscover/autodiscover.xml", 405),
    ],
)
async def test_refuses_in_clear_words_without_repeating_the_question(
    client: httpx2.AsyncClient, path: str, status: int
) -> None:
    answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.text.endswith(".\n")
    assert "inconnu.fr" not in answer.text


@pytest.mark.parametrize("path", ["/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"])
async def test_outlook_is_answered_in_either_case(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.post(path, content=QUESTION.replace("ADDRESS", CLAIRE))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    assert len(read_outlook(answer.content, CLAIRE)) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (QUESTION.replace("ADDRESS", "a@inconnu.fr"), 404),
        ("<!DOCTYPE a>" + QUESTION.replace("ADDRESS", CLAIRE), 400),
        ("", 400),
        ("x" * 10 * 1024 * 1024, 413),
    ],
)
async def test_outlook_questions_are_bounded(client: httpx2.AsyncClient, body: str, status: int) -> None:
    answer = await client.post("/autodiscover/autodiscover.xml", content=body)
    assert answer.status_code == status


async def test_newer_outlooks_are_shown_the_way(client: httpx2.AsyncClient) -> None:
    for path in ("/autodiscover/autodiscover.json", f"/autodiscover/autodiscover.json/v1.0/{CLAIRE}"):
        answer = await client.get(path, params={"Protocol": "AutodiscoverV1"})
        assert answer.json()["Url"] == "https://web.chu-valdore.fr/autodiscover/autodiscover.xml"
    assert (await client.get("/autodiscover/autodiscover.json?Protocol=EWS")).status_code == 400


async def test_the_newer_draft_is_answered_by_the_name_of_the_host(client: httpx2.AsyncClient) -> None:
    path = "/.well-known/user-agent-configuration.json"
    answer = await client.get(path, headers={"Host": f"ua-auto-config.{OTHER}"})
    assert answer.headers["content-type"] == "application/json"
    assert len(read_pacc(json.loads(answer.content))) == 2
    assert (await client.get(path, headers={"Host": "ua-auto-config.inconnu.fr"})).status_code == 404


@pytest.mark.parametrize("host", ["[", "[::1]:443", "é", "a" * 5000, ":", "autoconfig."])
async def test_a_strange_host_is_one_that_is_not_served(client: httpx2.AsyncClient, host: str) -> None:
    answer = await client.get(PATHS[0], headers={"Host": host.encode()})
    assert answer.status_code == 404


async def test_an_only_domain_is_told_under_every_name() -> None:
    async def one() -> tuple[str, ...]:
        return (DOMAIN,)

    async with client_of(Desk(services, one)) as client:
        answer = await client.get(PATHS[0], headers={"Host": f"AUTOCONFIG.{DOMAIN.upper()}.:443"})
        assert f"<domain>{DOMAIN}</domain>" in answer.text
        assert (await client.get(PATHS[0], headers={"Host": "127.0.0.1"})).content == answer.content


async def test_the_domain_alone_is_enough_as_a_list_of_providers_is_asked(client: httpx2.AsyncClient) -> None:
    assert (await client.get(PATHS[0], params={"emailaddress": OTHER})).status_code == 200


async def test_apple_gets_a_profile_that_is_signed_when_there_is_a_key() -> None:
    async with client_of(Desk(services, two_domains)) as client:
        answer = await client.get("/mobileconfig", params={"address": CLAIRE})
        assert answer.headers["content-type"] == "application/x-apple-aspen-config"
        assert answer.headers["content-disposition"].endswith('.mobileconfig"')
        assert answer.headers["cache-control"] == "no-store"
        read_apple(answer.content, CLAIRE)
    async with client_of(Desk(services, two_domains, sign=lambda data: b"signed " + data)) as client:
        answer = await client.get("/mobileconfig", params={"address": CLAIRE})
        assert answer.content.startswith(b"signed ")


async def test_people_get_a_page_that_needs_nothing_from_elsewhere(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'; style-src 'sha256-" in answer.headers["content-security-policy"]
    assert "Régler votre logiciel de messagerie" in answer.text
    assert "CHU de Valdoré &amp; fils" in answer.text
    assert "<code>imap.chu-valdore.fr</code>" in answer.text
    assert "<script" not in answer.text


async def test_head_is_answered_without_the_bytes(client: httpx2.AsyncClient) -> None:
    for path in (PATHS[0], "/"):
        answer = await client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["content-length"]) > 100
