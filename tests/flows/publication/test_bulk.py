"""Opening a hospital's boxes from a file: the same again and again, no address twice, all of a batch or nothing."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standins import SteppingClock

from mssante.flows.mailboxes import Administering
from mssante.flows.publication.bulk import (
    BATCH_LINES,
    FirstPassword,
    ImportOrder,
    LineOutcome,
    LineReport,
    Watching,
    open_all,
)
from mssante.flows.publication.staff_file import read_staff
from mssante.model.address import Address
from mssante.model.errors import StoreError
from mssante.model.mailbox import MailboxState
from mssante.model.national import with_luhn
from mssante.model.settings import StoreSettings
from mssante.store import accounts, audit, mailboxes, publication
from mssante.store.engine import Store
from mssante.store.tx import Tx

DOMAIN, FINESS = "chu.mssante.fr", with_luhn("31000010")
CREATED, PRESENT, REFUSED = LineOutcome
PEOPLE = [("Claire", "MARTIN"), ("claire", "Martin"), ("Jean", "MARTIN"), ("Clairé", "MARTIN"), ("Anne", "DE LA TOUR")]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await new_store(tmp_path)
    yield opened
    await opened.close()


async def new_store(folder: Path) -> Store:
    opened = await Store.open(folder / "data", StoreSettings())
    await clerk(opened).add_domain(DOMAIN)
    return opened


def clerk(store: Store) -> Administering:
    return Administering(store=store, actor="cli:root", trace_key=b"k" * 32, clock=SteppingClock())


async def take(store: Store, text: str, watching: Watching | None = None, **order: object) -> tuple[LineReport, ...]:
    wanted = ImportOrder(**{"domain": DOMAIN, "quota_bytes": 1000, "structure": FINESS, **order})
    lines = read_staff(text.encode()).lines
    return await open_all(
        lines, wanted, watching or Watching(), store=store, administering=clerk(store), clock=SteppingClock()
    )


def rpps(number: int) -> str:
    return with_luhn(f"1{number:09d}")


def said(reports: tuple[LineReport, ...]) -> list[tuple[int, LineOutcome, str]]:
    return [(one.number, one.outcome, one.address.partition("@")[0]) for one in reports]


FILE = f"""type;nom;prenom;rpps;matricule;libelle;membres
;MARTIN;Claire;{rpps(1)};;;
;MARTIN;Claire;{rpps(2)};;;
;PETIT;Luc;;A1;;
;PETIT;Luc;;A1;;
;MARTIN;Claire;{rpps(1)};;;
;FAUX;Rpps;123;;;
ORG;;;;;Secrétariat de cardiologie;claire.martin@{DOMAIN} luc.petit@{DOMAIN}
ORG;;;;;Équipe;inconnu@{DOMAIN}
"""
EXPECTED = [
    (2, CREATED, "claire.martin"),
    (3, CREATED, "claire.martin2"),
    (4, CREATED, "luc.petit"),
    (5, PRESENT, "luc.petit"),
    (6, PRESENT, "claire.martin"),
    (7, REFUSED, ""),
    (8, CREATED, "secretariat-de-cardiologie"),
    (9, REFUSED, ""),
]


async def test_each_line_has_its_report_and_a_second_run_opens_nothing(store: Store) -> None:
    assert said(await take(store, FILE)) == EXPECTED
    boxes = await store.read(mailboxes.list_mailboxes)
    again = said(await take(store, FILE))
    assert [(line, PRESENT if outcome is CREATED else outcome, local) for line, outcome, local in EXPECTED] == again
    assert await store.read(mailboxes.list_mailboxes) == boxes


async def test_a_dry_run_gives_the_same_report_and_changes_nothing(store: Store) -> None:
    before = await store.read(audit.head)
    dry = await take(store, FILE, dry_run=True)
    assert await store.read(audit.head) == before
    assert dry == await take(store, FILE)


async def test_the_order_of_a_second_file_does_not_matter(store: Store) -> None:
    await take(store, FILE)
    turned = f"nom;prenom;rpps\nMARTIN;Claire;{rpps(2)}\nMARTIN;Claire;{rpps(3)}\nMARTIN;Claire;{rpps(1)}\n"
    assert said(await take(store, turned)) == [
        (2, PRESENT, "claire.martin2"),
        (3, CREATED, "claire.martin3"),
        (4, PRESENT, "claire.martin"),
    ]


async def test_a_closed_address_is_never_given_again_even_to_the_same_person(store: Store) -> None:
    text = f"nom;prenom;rpps\nMARTIN;Claire;{rpps(1)}\n"
    await take(store, text)
    await clerk(store).change_state(Address("claire.martin", DOMAIN), MailboxState.CLOSED)
    assert said(await take(store, text)) == [(2, CREATED, "claire.martin2")]
    assert said(await take(store, text)) == [(2, PRESENT, "claire.martin2")]


async def test_a_suspended_box_is_still_that_persons(store: Store) -> None:
    text = f"nom;prenom;rpps\nMARTIN;Claire;{rpps(1)}\n"
    await take(store, text)
    await clerk(store).change_state(Address("claire.martin", DOMAIN), MailboxState.SUSPENDED)
    assert said(await take(store, text)) == [(2, PRESENT, "claire.martin")]


async def test_somebody_who_gets_a_national_number_keeps_the_box(store: Store) -> None:
    await take(store, "nom;prenom;matricule\nPETIT;Luc;A1\n")
    assert said(await take(store, f"nom;prenom;matricule;rpps\nPETIT;Luc;A1;{rpps(5)}\n")) == [
        (2, PRESENT, "luc.petit")
    ]
    # A number of the register that is given again to somebody else is not the same person.
    await take(store, f"nom;prenom;matricule;rpps\nROUX;Eve;B1;{rpps(6)}\n")
    assert said(await take(store, f"nom;prenom;matricule;rpps\nROUX;Ida;B1;{rpps(7)}\n")) == [(2, CREATED, "ida.roux")]


async def test_an_address_asked_for_is_given_once_and_to_nobody_else(store: Store) -> None:
    text = f"nom;prenom;rpps;adresse\nMARTIN;Claire;{rpps(1)};cm\nMARTIN;Jean;{rpps(2)};cm@{DOMAIN}\nROUX;Eve;{rpps(3)};e@ailleurs.fr\n"
    reports = await take(store, text)
    assert said(reports) == [(2, CREATED, "cm"), (3, REFUSED, ""), (4, REFUSED, "")]
    assert "quelqu'un d'autre" in reports[1].reason
    assert "n'est pas un domaine" in reports[2].reason


async def test_what_the_file_says_is_kept_for_the_directory_and_for_sign_in(store: Store) -> None:
    password = FirstPassword("abcd-efgh", b"d" * 32)
    kept: list[tuple[str, str]] = []
    watching = Watching(new_password=lambda: password, keep=kept.extend)
    await take(store, f"nom;prenom;rpps;liste rouge\nMARTIN;Claire;{rpps(1)};O\n", watching)
    assert kept == [(f"claire.martin@{DOMAIN}", "abcd-efgh")]

    async def look(tx: Tx) -> tuple[object, object]:
        return await publication.list_announced(tx, limit=5), await accounts.credential_by_digest(tx, b"d" * 32)

    (announced,), credential = await store.read(look)
    assert (announced.listing.structure, announced.listing.is_red) == (f"1{FINESS}", True)
    assert credential is not None


async def test_a_batch_that_fails_leaves_the_ones_before_and_running_again_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"NOM{number};P;{rpps(number)}\n" for number in range(1, BATCH_LINES * 2 + 11))
    text = "nom;prenom;rpps\n" + rows
    real, calls = mailboxes.create_mailbox, []

    async def fails(tx: Tx, *args: object, **named: object) -> object:
        calls.append(args)
        if len(calls) > BATCH_LINES + 20:
            msg = "plus de place"
            raise StoreError(msg)
        return await real(tx, *args, **named)

    monkeypatch.setattr(mailboxes, "create_mailbox", fails)
    with pytest.raises(StoreError):
        await take(store, text)
    assert len(await store.read(mailboxes.list_mailboxes)) == BATCH_LINES
    monkeypatch.undo()
    seen: list[tuple[int, int]] = []
    reports = await take(store, text, Watching(progress=lambda done, total: seen.append((done, total))))
    assert [one.outcome for one in reports].count(CREATED) == BATCH_LINES + 10
    assert seen == [(50, 110), (100, 110), (110, 110)]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 8), st.sampled_from(PEOPLE), st.booleans()), min_size=1, max_size=12),
        min_size=1,
        max_size=3,
    ),
    st.sets(st.integers(0, 8), max_size=3),
)
def test_no_address_has_two_holders_and_nobody_two_boxes_whatever_the_files(
    files: list[list[tuple[int, tuple[str, str], bool]]], closed: set[int]
) -> None:
    async def story(folder: Path) -> None:
        store = await new_store(folder)
        try:
            holders: dict[str, str] = {}
            ever: set[str] = set()
            for file in files:
                # Whether a person is named by RPPS or by the hospital's number is the same in every file.
                names = [f"rpps{rpps(who)}" if who % 2 else f"mat{who}" for who, _name, _ in file]
                rows = [
                    f"{name[1]};{name[0]};{rpps(who) if who % 2 else ''};{'' if who % 2 else f'M{who}'}"
                    for who, name, _ in file
                ]
                text = "nom;prenom;rpps;matricule\n" + "\n".join(rows) + "\n"
                dry = await take(store, text, dry_run=True)
                reports = await take(store, text)
                assert dry == reports
                for name, one in zip(names, reports, strict=True):
                    assert holders.setdefault(name, one.address) == one.address
                    assert one.outcome is not CREATED or one.address not in ever
                    ever.add(one.address)
                assert len(set(holders.values())) == len(holders)
                for who in closed:
                    name = f"rpps{rpps(who)}" if who % 2 else f"mat{who}"
                    if name in holders:
                        await clerk(store).change_state(Address(*holders.pop(name).split("@")), MailboxState.CLOSED)
            keys = [box.address.key for box in await store.read(mailboxes.list_mailboxes)]
            assert len(set(keys)) == len(keys)
        finally:
            await store.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder)))
