"""The file of all our boxes for a directory whose interface is not public: whole, without red list, put once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standins import SteppingClock
from store_world import ALICE

from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.flows.publication.dropping import Dropped, Dropping
from mssante.links.directory_drop import DirectoryDrop
from mssante.model.address import Address
from mssante.model.errors import LinkError
from mssante.model.mailbox import MailboxState, MailboxType
from mssante.model.national import with_luhn
from mssante.model.publication import Listing, PublicationState
from mssante.model.settings import StoreSettings
from mssante.store import audit, publication
from mssante.store.engine import Store
from mssante.wire.annuaire.extraction import EXTRACTION_HEADER, extraction_line, read_extraction

RPPS, FINESS = with_luhn("1000123456"), with_luhn("31000010")
TEAM, RED, NOBODY = (Address(local, ALICE.domain) for local in ("cardiologie", "rouge", "personne"))
TO_PUBLISH, SENT, ACCEPTED, REFUSED, WITHDRAWN = PublicationState


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data", StoreSettings())
    clerk = clerk_of(opened)
    await clerk.add_domain(ALICE.domain)
    for address, kind, identifier, listing in (
        (ALICE, MailboxType.PER, RPPS, Listing(structure=FINESS, is_paperless=True)),
        (TEAM, MailboxType.ORG, FINESS, Listing(service="Cardiologie | étage 2")),
        (RED, MailboxType.ORG, FINESS, Listing(is_red=True)),
        (NOBODY, MailboxType.PER, "", Listing()),
    ):
        await clerk.create(MailboxOrder(address, kind, "Dr Alice DE LA TOUR", identifier, 1000, listing=listing))
    yield opened
    await opened.close()


def clerk_of(store: Store) -> Administering:
    return Administering(store=store, actor="cli:root", trace_key=b"k" * 32, clock=SteppingClock())


def dropping(store: Store, folder: Path, clock: SteppingClock | None = None) -> Dropping:
    return Dropping(
        store=store,
        folder=DirectoryDrop(folder),
        header=EXTRACTION_HEADER,
        line=extraction_line,
        actor="cli:root",
        trace_key=b"k" * 32,
        clock=clock or SteppingClock(),
    )


async def states(store: Store) -> dict[str, tuple[PublicationState, str]]:
    found = await store.read(lambda tx: publication.list_announced(tx, limit=100))
    return {one.mailbox.address.local: (one.state, one.code) for one in found}


async def test_the_file_has_every_box_that_may_be_found_and_reads_back(store: Store, tmp_path: Path) -> None:
    done = await dropping(store, tmp_path).drop()
    assert (done.lines, done.left_out, done.changed) == (2, 2, 4)
    data = (tmp_path / done.name).read_bytes()
    assert data.count(b"\n") == 3
    assert b"rouge@" not in data
    assert b"DE LA TOUR|Alice" in data
    batches = list(read_extraction([data]))
    assert sum(len(batch.rows) for batch in batches) == 2
    assert sum(len(batch.bad) for batch in batches) == 0
    assert await states(store) == {
        "Alice.Martin": (SENT, ""),
        "cardiologie": (SENT, ""),
        "rouge": (SENT, ""),
        "personne": (REFUSED, "no-identifier"),
    }


async def test_a_file_is_put_only_when_something_is_new_and_who_left_is_withdrawn(store: Store, tmp_path: Path) -> None:
    clock = SteppingClock()
    first = await dropping(store, tmp_path, clock).drop()
    assert await dropping(store, tmp_path, clock).drop() == Dropped("")
    await clerk_of(store).change_state(ALICE, MailboxState.CLOSED)
    clock.step(days=1)
    second = await dropping(store, tmp_path, clock).drop()
    assert second.name > first.name
    assert (second.lines, second.changed) == (1, 1)
    assert (await states(store))["Alice.Martin"] == (WITHDRAWN, "")
    rows = await store.read(lambda tx: audit.rows(tx, limit=100, event_prefix="publication."))
    assert [row.event.event for row in rows][-2:] == ["publication.withdrawn", "publication.file"]


async def test_a_folder_that_cannot_be_written_leaves_everything_to_be_published(store: Store, tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="dépôt"):
        await dropping(store, tmp_path / "nowhere").drop()
    assert {state for state, _code in (await states(store)).values()} == {TO_PUBLISH}
