"""Boxes that a staff file does not name: seen, told apart from those of other files, suspended only as agreed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standins import SteppingClock
from store_world import message

from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.flows.publication.absentees import Absentees, absentees, reports_of, suspend
from mssante.flows.publication.bulk import ImportOrder, LineOutcome, Watching, import_all
from mssante.flows.publication.staff_file import read_staff
from mssante.model.address import Address
from mssante.model.mailbox import MailboxState, MailboxType, Role
from mssante.model.national import with_luhn
from mssante.model.publication import Listing
from mssante.model.settings import StoreSettings
from mssante.rules.absentees import AbsenceGuard
from mssante.store import audit, mailboxes, messages
from mssante.store.engine import Store
from mssante.store.tx import Tx

DOMAIN, HERE, THERE = "chu.mssante.fr", with_luhn("31000010"), with_luhn("32000010")
EVERYBODY = AbsenceGuard(1.0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data", StoreSettings())
    await clerk(opened).add_domain(DOMAIN)
    await clerk(opened).add_domain("autre.mssante.fr")
    yield opened
    await opened.close()


def clerk(store: Store) -> Administering:
    return Administering(store=store, actor="cli:root", trace_key=b"k" * 32, clock=SteppingClock())


def rpps(number: int) -> str:
    return with_luhn(f"1{number:09d}")


async def open_box(
    store: Store, local: str, kind: MailboxType = MailboxType.PER, number: str = "", **more: object
) -> None:
    domain = more.pop("domain", DOMAIN)
    order = {"holder": local, "identifier": number, "quota_bytes": 1_000_000, "listing": Listing(**more)}
    await clerk(store).create(MailboxOrder(address=Address(local, domain), kind=kind, **order))


async def look(store: Store, text: str, spared: tuple[str, ...] = ()) -> Absentees:
    order = ImportOrder(DOMAIN, 1_000_000, structure=HERE)
    lines = read_staff(text.encode()).lines
    reports = await import_all(lines, order, Watching(), store=store, administering=clerk(store), clock=SteppingClock())
    return await absentees(lines, order, reports, store=store, spared=spared)


async def fill_inbox(store: Store, local: str) -> None:
    async def work(tx: Tx) -> None:
        box = await mailboxes.mailbox_by_key(tx, f"{local}@{DOMAIN}")
        assert box is not None
        number = await message(tx)
        await messages.file_message(
            tx, message=number, mailbox_id=box.mailbox_id, role=Role.INBOX, prefix=b"", now=SteppingClock()()
        )

    await store.write(work)


async def state(store: Store, local: str) -> MailboxState:
    found = await store.read(lambda tx: mailboxes.mailbox_by_key(tx, f"{local}@{DOMAIN}"))
    assert found is not None
    return found.state


ONE = f"nom;prenom;rpps\nMARTIN;Claire;{rpps(1)}\n"


async def test_only_boxes_of_the_types_and_structures_of_the_file_are_missing_from_it(store: Store) -> None:
    await open_box(store, "partie", number=rpps(2), structure=HERE)
    await open_box(store, "ailleurs", number=rpps(3), structure=THERE)
    await open_box(store, "sans.lieu", number=rpps(4))
    await open_box(store, "autre", number=rpps(5), structure=HERE, domain="autre.mssante.fr")
    await open_box(store, "equipe", MailboxType.ORG, HERE)
    await open_box(store, "postmaster", number=rpps(6), structure=HERE)
    await open_box(store, "suspendue", number=rpps(7), structure=HERE)
    await clerk(store).change_state(Address("suspendue", DOMAIN), MailboxState.SUSPENDED)
    found = await look(store, ONE, spared=(f"postmaster@{DOMAIN}",))
    assert ([str(one.address) for one in found.found], found.in_scope) == ([f"partie@{DOMAIN}"], 2)
    teams = f"type;libelle;nom;prenom;rpps\nORG;Urgences;;;\n;;MARTIN;Claire;{rpps(1)}\n"
    found = await look(store, teams, spared=(f"postmaster@{DOMAIN}",))
    assert [one.address.local for one in found.found] == ["equipe", "partie"]


async def test_what_nobody_has_read_is_not_suspended_nor_what_was_not_agreed(store: Store) -> None:
    for number, local in enumerate(("lue", "non.lue", "pas.dite"), 2):
        await open_box(store, local, number=rpps(number), structure=HERE)
    await fill_inbox(store, "non.lue")
    found = await look(store, ONE)
    assert [(one.address.local, one.unread) for one in found.found] == [("lue", 0), ("non.lue", 1), ("pas.dite", 0)]
    head = await store.read(audit.head)
    assert {one.outcome for one in reports_of(found)} == {LineOutcome.LEFT}
    assert await store.read(audit.head) == head
    told = await suspend(found, {f"lue@{DOMAIN}", f"non.lue@{DOMAIN}"}, clerk(store))
    assert [one.outcome for one in told] == [LineOutcome.SUSPENDED, LineOutcome.LEFT, LineOutcome.LEFT]
    assert "1 message non lu" in told[1].reason
    assert [await state(store, one) for one in ("lue", "non.lue", "pas.dite")] == [
        MailboxState.SUSPENDED,
        MailboxState.ACTIVE,
        MailboxState.ACTIVE,
    ]
    rows = await store.read(lambda tx: audit.rows(tx, limit=100, event_prefix="mailbox.suspended"))
    assert [row.event.subject for row in rows] == [f"lue@{DOMAIN}"]
    # The same file again: who was suspended is no longer in service and is not said twice.
    assert [one.address.local for one in (await look(store, ONE)).found] == ["non.lue", "pas.dite"]


async def test_a_line_that_is_refused_stops_every_suspension_unless_its_box_is_known(store: Store) -> None:
    await open_box(store, "partie", number=rpps(2), structure=HERE)
    unclear = await look(store, f"{ONE}FAUX;Rpps;123\n")
    assert (unclear.refused, unclear.fault(EVERYBODY) != "") == (1, True)
    known = await look(store, f"nom;prenom;rpps;telephone\nMARTIN;Claire;{rpps(1)};{'0' * 26}\n")
    assert (known.refused, known.fault(EVERYBODY)) == (0, "")
    assert [one.address.local for one in known.found] == ["partie"]


async def test_practices_have_no_structure_and_are_missing_from_files_of_practices_only(store: Store) -> None:
    await open_box(store, "cabinet", MailboxType.CAB, rpps(3))
    assert (await look(store, ONE)).found == ()
    text = f"type;libelle;rpps\nCAB;Les Lilas;{rpps(1)}\n"
    assert [one.address.local for one in (await look(store, text)).found] == ["cabinet"]
