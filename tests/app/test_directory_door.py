"""The door to the directory for programs, opened as the programs open it: keys, passwords, FHIR, REST.

Source: issue of the directory (doors, limits); operators.md 4.5, 4.6.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from directory_files import CHU, DUPONT, activities, extraction, loaded
from directory_keys import KEY, patch_of, written
from proofs import USER, Stage, one_site
from world import PASSWORD

from mssante.app.directory import KeyEntry, add_key, open_directory_door, read_keys
from mssante.app.directory_place import directory_folder
from mssante.model.errors import ConfigError
from mssante.store import budgets
from mssante.store.engine import Store


@pytest.fixture
async def client(tmp_path, pki) -> AsyncIterator[httpx2.AsyncClient]:
    async with one_site(tmp_path, pki) as stage, _client(stage, tmp_path) as made:
        yield made


def _client(stage: Stage, folder: Path) -> "_Opened":
    operator = stage.site.operator
    config = replace(
        operator.config,
        directory=replace(operator.config.directory, host="127.0.0.1", port=0, api_keys=written(folder), near="44000"),
    )
    loaded(directory_folder(config), extraction=extraction(), activities=activities([(DUPONT, CHU)]))
    return _Opened(config, operator, stage)


class _Opened:
    def __init__(self, config, operator, stage) -> None:
        self._door = open_directory_door(config, operator.directory, operator.sign_in)
        self._context = stage.world.client_context(None)

    async def __aenter__(self) -> httpx2.AsyncClient:
        port = await self._door.__aenter__()
        self._client = httpx2.AsyncClient(base_url=f"https://localhost:{port}", verify=self._context)
        return self._client

    async def __aexit__(self, *failure: object) -> None:
        await self._client.aclose()
        await self._door.__aexit__(*failure)


async def test_nobody_reads_without_a_key_but_the_metadata(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/fhir/v2/metadata")).status_code == 200
    for path in ("/fhir/v2/Practitioner?family=dupont", "/api/v1/directory?q=dupont", "/fhir/v2/Organization/1"):
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers={"ESANTE-API-KEY": "fausse"})).status_code == 401


async def test_a_person_searches_with_their_application_password(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/v1/directory", params={"q": "jean dupont"}, auth=(USER, f"{PASSWORD}-{USER}"))
    assert answer.status_code == 200
    found = answer.json()
    assert "jean.dupont@chu-nantes.mssante.fr" in answer.text
    assert "nom et prénom exacts" in answer.text
    assert found


async def test_what_a_person_got_is_kept_over_a_restart(tmp_path: Path, pki) -> None:
    async with one_site(tmp_path, pki) as stage:
        async with _client(stage, tmp_path) as client:
            asked, secret = {"q": "jean dupont"}, (USER, f"{PASSWORD}-{USER}")
            answers = [await client.get("/api/v1/directory", params=asked, auth=secret) for _turn in range(3)]
        got = sum(len(one.json()["entries"]) for one in answers)
        operator = stage.site.operator
        today, folder, settings = operator.clock().date(), operator.config.operator.data_dir, operator.config.store
    store = await Store.open(folder, settings)
    assert await store.read(lambda tx: budgets.spent_on(tx, f"mailbox:{USER}", "entries", today)) == got > 0
    await store.close()


async def test_an_operator_publishes_a_mailbox_by_fhir_patch_and_it_is_found(client: httpx2.AsyncClient) -> None:
    patch = patch_of("pharmacie@chu-nantes.mssante.fr")
    where = "/fhir/v2/Organization?identifier=https://finess.esante.gouv.fr|440000289"
    headers = {"ESANTE-API-KEY": KEY, "Content-Type": "application/fhir+json"}
    assert (await client.patch(where, json=patch, headers={**headers, "ESANTE-API-KEY": "lecteur"})).status_code == 403
    answer = await client.patch(where, json=patch, headers=headers)
    assert answer.status_code == 200, answer.text
    assert "pharmacie@chu-nantes.mssante.fr" in answer.text
    assert (await client.patch(where, json=patch, headers=headers)).status_code == 422
    found = await client.get(
        "/fhir/v2/Organization", params={"mailbox-mss:contains": "pharmacie"}, headers={"ESANTE-API-KEY": "lecteur"}
    )
    assert [one["resource"]["resourceType"] for one in found.json()["entry"]] == ["Organization"]
    person = await client.get(f"/fhir/v2/Practitioner/{DUPONT.identifier}", headers={"ESANTE-API-KEY": "lecteur"})
    assert person.json()["name"][0]["family"] == "DUPONT"


def test_a_file_of_keys_is_read_and_its_faults_are_named(tmp_path: Path) -> None:
    file = written(tmp_path)
    assert {one.name: one.operator for one in read_keys(file).values()} == {"key:CHU": "chu", "key:Lecteur": ""}
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(ConfigError, match="a déjà une clé"):
        add_key(file, KeyEntry("CHU", "0" * 64))
    file.write_text('[[key]]\nname = "x"\nsha256 = "court"\n')
    with pytest.raises(ConfigError, match="64 chiffres"):
        read_keys(file)
    file.write_text("[[key]]\nnom = 1\n")
    with pytest.raises(ConfigError, match="mssante directory key"):
        read_keys(file)
    with pytest.raises(ConfigError, match="mssante directory key"):
        read_keys(tmp_path / "absent.toml")
