from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from forge import NOW, operator

from mssante.flows.publish import Publishing, Signer
from mssante.model.errors import ConfigError, TheirProtocolError
from mssante.model.settings import StoreSettings
from mssante.store import audit
from mssante.store.engine import Store
from mssante.wire.whitelist.read import read_white_list
from mssante.wire.whitelist.sign import Required

DN = "CN=mss.ch.fr,OU=1130000003,O=CH,ST=Bouches-du-Rhône (13),C=FR"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "data", StoreSettings())
    yield store
    await store.close()


@pytest.fixture
def publishing(store: Store) -> Publishing:
    return Publishing(store=store, clock=lambda: NOW)


async def test_what_is_admitted_is_published(publishing: Publishing, store: Store) -> None:
    assert await publishing.current() is None
    await publishing.admit(domain="CH.mssante.fr", dn_text=DN, description="CH & Cie", actor="me")
    published = await publishing.publish(actor="me")
    current = await publishing.current()
    assert current is not None
    found = read_white_list(current.raw)
    assert found == published
    assert (found.entries[0].domain, found.entries[0].dn_text, found.entries[0].description) == (
        "ch.mssante.fr",
        DN,
        "CH & Cie",
    )
    rows = await store.read(lambda tx: audit.rows(tx, limit=10))
    assert [(row.event.event, row.event.actor) for row in rows] == [
        ("listing.admitted", "me"),
        ("list.published", "me"),
    ]


async def test_each_version_is_later_than_the_one_before(publishing: Publishing) -> None:
    versions = [(await publishing.publish(actor="me")).generated_at for _ in range(3)]
    assert versions == sorted(set(versions))


async def test_what_is_removed_is_no_longer_published(publishing: Publishing) -> None:
    await publishing.admit(domain="a.fr", dn_text=DN, actor="me")
    await publishing.admit(domain="a.fr", dn_text="CN=other,C=FR", actor="me")
    assert await publishing.remove(domain="a.fr", dn_text=DN, actor="me") == 1
    assert len((await publishing.publish(actor="me")).entries) == 1
    assert await publishing.remove(domain="A.fr", actor="me") == 1
    assert await publishing.remove(domain="a.fr", actor="me") == 0
    assert (await publishing.publish(actor="me")).entries == ()


@pytest.mark.parametrize(
    ("domain", "dn", "text"),
    [("a@b.fr", DN, ""), ("localhost", DN, ""), ("a.fr", "no name", ""), ("a.fr", DN, "\x00")],
)
async def test_refuses_to_admit_what_no_operator_could_read(
    publishing: Publishing, domain: str, dn: str, text: str
) -> None:
    with pytest.raises(TheirProtocolError):
        await publishing.admit(domain=domain, dn_text=dn, description=text, actor="me")
    assert (await publishing.publish(actor="me")).entries == ()


async def test_signs_when_there_is_a_signer(store: Store) -> None:
    signer = operator("sign.exemple.fr")
    publishing = Publishing(store=store, clock=lambda: NOW, signer=Signer((signer.der,), signer.key_pem))
    await publishing.admit(domain="a.fr", dn_text=DN, actor="me")
    await publishing.publish(actor="me")
    current = await publishing.current()
    assert current is not None
    assert read_white_list(Required(lambda der, now: "").verified(current.raw, NOW)).names.keys() == {"a.fr"}


async def test_a_bad_key_publishes_nothing(store: Store) -> None:
    publishing = Publishing(store=store, clock=lambda: NOW, signer=Signer((operator().der,), b"no key"))
    with pytest.raises(ConfigError):
        await publishing.publish(actor="me")
    assert await publishing.current() is None
