"""Operators and software at the directory's HTTPS door with their client certificates: real TLS, real lists, loopback.

Source: operators.md 2.5 (R2 to R5), 4.5; issue of the directory (doors: authenticated callers).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from directory_files import CHU, DUPONT, activities, extraction, loaded
from directory_keys import KEY, patch_of, written
from ldap_talk import KeptLog
from proofs import HERE, THERE, USER, Stage, events, kept, one_site
from world import PASSWORD

from mssante.app.callers import Federation
from mssante.app.directory import open_directory_door, read_operators
from mssante.app.directory_place import directory_folder
from mssante.app.sandbox.authority import Issued
from mssante.model.address import parse_address
from mssante.model.dn import parse_dn
from mssante.model.errors import ConfigError
from mssante.model.mailbox import AccountKind
from mssante.store import accounts

SEARCH = "/api/v1/directory?q=dupont"
STRUCTURE = "/fhir/v2/Organization?identifier=https://finess.esante.gouv.fr|440000289"
JSON = {"Content-Type": "application/fhir+json"}


@dataclass
class Hall:
    """The open door of a site; its log."""

    stage: Stage
    port: int
    log: KeptLog

    @asynccontextmanager
    async def client(self, issued: Issued | None, name: str = "caller") -> AsyncIterator[httpx2.AsyncClient]:
        """Yield a client that shows that certificate."""
        context = self.stage.world.client_context(issued, name)
        async with httpx2.AsyncClient(base_url=f"https://localhost:{self.port}", verify=context) as client:
            yield client

    async def refusal(self, issued: Issued, headers: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Return status, stable reason and words of the answer to a search with that certificate."""
        async with self.client(issued) as client:
            answer = await client.get(SEARCH, headers=headers)
            said = answer.json()
            return answer.status_code, said["kind"], said["detail"]


@pytest.fixture
async def hall(tmp_path: Path, pki) -> AsyncIterator[Hall]:
    async with one_site(tmp_path, pki) as stage:
        operator, log = stage.site.operator, KeptLog()
        keys = written(tmp_path)
        with keys.open("a") as file:
            file.write(f"\n[[operator]]\nname = \"chu\"\ncertificate = '{pki.operator.name}'\n")
        section = replace(operator.config.directory, host="127.0.0.1", port=0, api_keys=keys)
        config = replace(operator.config, directory=section)
        loaded(directory_folder(config), extraction=extraction(), activities=activities([(DUPONT, CHU)]))
        federation = Federation(operator.trust, operator.receiving.early.note)
        door = open_directory_door(config, operator.directory, operator.sign_in, federation=federation, log=log)
        async with door as port:
            assert port is not None
            yield Hall(stage, port, log)


async def test_an_operator_of_the_white_list_searches_with_its_certificate_and_no_key(hall: Hall, pki) -> None:
    async with hall.client(pki.other) as client:
        answer = await client.get(SEARCH)
        assert answer.status_code == 200, answer.text
        assert "jean.dupont@chu-nantes.mssante.fr" in answer.text
        assert (await client.get("/fhir/v2/Practitioner?family=dupont")).status_code == 200
    async with hall.client(None) as client:
        answer = await client.get(SEARCH)
        assert (answer.status_code, answer.json()["kind"]) == (401, "sign-in-required")


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("expired", "certificate-expired", "a expiré"),
        ("not-yet-valid", "certificate-expired", "pas encore valable"),
        ("revoked", "certificate-revoked", "révoqué"),
        ("other-name", "dn-not-listed", "aucun opérateur de la liste blanche"),
    ],
)
async def test_a_bad_certificate_is_refused_with_its_reason_and_written_down(
    hall: Hall, pki, name: str, kind: str, words: str
) -> None:
    before = await kept(hall.stage.site)
    status, said, detail = await hall.refusal(pki.bad[name])
    assert (status, said) == (401, kind)
    assert words in detail
    (event,) = await events(hall.stage.site, before.seq, "peer.refused")
    assert (event.subject, event.outcome) == ("directory", kind)
    assert event.facts["ip"] == "127.0.0.1"


@pytest.mark.parametrize("name", ["expired", "revoked"])
async def test_a_bad_certificate_is_refused_beside_a_good_key_and_a_good_password(hall: Hall, pki, name: str) -> None:
    status, kind, _words = await hall.refusal(pki.bad[name], {"ESANTE-API-KEY": KEY})
    assert (status, kind) == (401, f"certificate-{name}")
    async with hall.client(pki.bad[name]) as client:
        answer = await client.get(SEARCH, auth=(USER, f"{PASSWORD}-{USER}"))
        assert answer.status_code == 401


async def test_a_certificate_of_another_authority_ends_the_handshake_with_an_alert(hall: Hall, pki) -> None:
    async with hall.client(pki.bad["other-authority"]) as client:
        with pytest.raises((httpx2.TransportError, ssl.SSLError), match=r"(?i)unknown.ca"):
            await client.get(SEARCH)
    ((event, facts),) = hall.log.events
    assert (event, facts["door"], facts["kind"]) == ("tls-failed", "directory", "certificate-untrusted")


async def test_an_operator_that_is_taken_off_the_list_is_refused_at_its_next_request(hall: Hall, pki) -> None:
    async with hall.client(pki.other) as client:
        assert (await client.get(SEARCH)).status_code == 200
        hall.stage.world.unbind(THERE)
        await hall.stage.world.publish()
        answer = await client.get(SEARCH)
        assert (answer.status_code, answer.json()["kind"]) == (401, "dn-not-listed")


async def test_without_a_list_that_is_in_force_nobody_is_let_in_by_certificate(hall: Hall, pki) -> None:
    trust = hall.stage.site.operator.trust
    trust._clock = lambda: pki.now + timedelta(days=30)
    status, kind, _words = await hall.refusal(pki.other)
    assert status == 503
    assert kind in {"list-unavailable", "revocation-unknown"}


async def test_an_operator_publishes_under_its_own_domains_only(hall: Hall, pki) -> None:
    async with hall.client(pki.other) as client:
        answer = await client.patch(STRUCTURE, json=patch_of(f"pharmacie@{HERE}"), headers=JSON)
        assert answer.status_code == 403, answer.text
        assert f"n'attribue pas le domaine {HERE}" in answer.text
        answer = await client.patch(STRUCTURE, json=patch_of(f"pharmacie@{THERE}"), headers=JSON)
        assert answer.status_code == 200, answer.text


async def test_the_certificate_of_an_operator_and_its_key_are_the_same_operator(hall: Hall, pki) -> None:
    async with hall.client(None) as client:
        headers = {**JSON, "ESANTE-API-KEY": KEY}
        answer = await client.patch(STRUCTURE, json=patch_of(f"pharmacie@{HERE}"), headers=headers)
        assert answer.status_code == 200, answer.text
    delete = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "delete"},
                    {"name": "path", "valueString": f"Organization.telecom.where(value = 'pharmacie@{HERE}')"},
                ],
            }
        ],
    }
    async with hall.client(pki.operator) as client:
        answer = await client.patch(STRUCTURE, json=delete, headers=JSON)
        assert answer.status_code == 200, answer.text
        assert f"pharmacie@{HERE}" not in answer.text


async def test_software_with_an_account_searches_with_its_certificate(hall: Hall, pki) -> None:
    status, kind, _words = await hall.refusal(pki.application)
    assert (status, kind) == (401, "dn-not-listed")
    name = parse_dn(pki.application.name)
    login = str(parse_address(f"dpi@{HERE}"))
    await hall.stage.site.operator.store.write(
        lambda tx: accounts.create_account(tx, login, AccountKind.APPLICATION, certificate_name=name, now=pki.now)
    )
    async with hall.client(pki.application) as client:
        assert (await client.get(SEARCH)).status_code == 200


async def test_a_person_with_a_password_needs_no_certificate(hall: Hall) -> None:
    async with hall.client(None) as client:
        assert (await client.get(SEARCH, auth=(USER, f"{PASSWORD}-{USER}"))).status_code == 200


def test_an_operator_whose_certificate_is_no_name_is_a_fault_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "cles.toml"
    file.write_text('[[operator]]\nname = "chu"\ncertificate = "pas un nom"\n')
    with pytest.raises(ConfigError, match="n'est pas un nom"):
        read_operators(file)


async def test_a_renewed_certificate_is_shown_at_the_next_handshake(hall: Hall, pki) -> None:
    tls = hall.stage.site.operator.config.tls
    renewed = pki.other.certificate.public_bytes(serialization.Encoding.DER)
    assert await _shown(hall.port) != renewed
    tls.certificate.write_bytes(pki.pki.chain_pem(pki.other))
    tls.key.write_bytes(pki.other.key_pem)
    assert await _shown(hall.port) == renewed
    assert [event for event, _facts in hall.log.events] == ["certificate-loaded"]


async def _shown(port: int) -> bytes:
    return ssl.PEM_cert_to_DER_cert(await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port)))
