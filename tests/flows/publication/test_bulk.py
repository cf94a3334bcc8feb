"""Opening a hospital's boxes from a file: the same again and again, no address twice, all of a batch or nothing."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standins import SteppingClock

from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.flows.publication.bulk import (
    BATCH_LINES,
    FirstPassword,
    ImportOrder,
    LineOutcome,
    LineReport,
    Watching,
    import_all,
)
from mssante.flows.publication.staff_file import read_staff
from mssante.model.address import Address
from mssante.model.errors import StoreError
from mssante.model.mailbox import Mailbox, MailboxState, MailboxType
from mssante.model.national import with_luhn
from mssante.model.publication import Announced
from mssante.model.settings import StoreSettings
from mssante.store import accounts, audit, mailboxes, publication
from mssante.store.engine import Store
from mssante.store.tx import Tx

DOMAIN, FINESS = "chu.mssante.fr", with_luhn("31000010")
CREATED, CHANGED, UNCHANGED, REFUSED, _LEFT, _SUSPENDED = LineOutcome
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
    return await import_all(
        lines, wanted, watching or Watching(), store=store, administering=clerk(store), clock=SteppingClock()
    )


def rpps(number: int) -> str:
    return with_luhn(f"1{number:09d}")


async def box(store: Store, local: str) -> tuple[Mailbox, Announced, tuple[str, ...]]:
    async def look(tx: Tx) -> tuple[Mailbox, Announced, tuple[str, ...]]:
        found = await mailboxes.mailbox_by_key(tx, f"{local}@{DOMAIN}")
        assert found is not None
        listed = await publication.announced(tx, found.mailbox_id)
        assert listed is not None
        return found, listed, await accounts.members(tx, found.mailbox_id)

    return await store.read(look)


async def outcome(store: Store, text: str, **order: object) -> tuple[LineOutcome, tuple[str, ...], str]:
    """Return what becomes of the last line, the same in a dry run; then a second run must change nothing."""
    dry = await take(store, text, dry_run=True, **order)
    done = await take(store, text, **order)
    assert dry == done
    head = await store.read(audit.head)
    assert not {CREATED, CHANGED} & {one.outcome for one in await take(store, text, **order)}
    assert await store.read(audit.head) == head
    return done[-1].outcome, done[-1].fields, done[-1].reason


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
    (5, UNCHANGED, "luc.petit"),
    (6, UNCHANGED, "claire.martin"),
    (7, REFUSED, ""),
    (8, CREATED, "secretariat-de-cardiologie"),
    (9, REFUSED, ""),
]


async def test_each_line_has_its_report_and_a_second_run_changes_nothing(store: Store) -> None:
    assert said(await take(store, FILE)) == EXPECTED
    boxes, head = await store.read(mailboxes.list_mailboxes), await store.read(audit.head)
    again = said(await take(store, FILE))
    assert [(line, UNCHANGED if outcome is CREATED else outcome, local) for line, outcome, local in EXPECTED] == again
    assert await store.read(mailboxes.list_mailboxes) == boxes
    assert await store.read(audit.head) == head


async def test_a_dry_run_gives_the_same_report_and_changes_nothing(store: Store) -> None:
    before = await store.read(audit.head)
    dry = await take(store, FILE, dry_run=True)
    assert await store.read(audit.head) == before
    assert dry == await take(store, FILE)


async def test_the_order_of_a_second_file_does_not_matter(store: Store) -> None:
    await take(store, FILE)
    turned = f"nom;prenom;rpps\nMARTIN;Claire;{rpps(2)}\nMARTIN;Claire;{rpps(3)}\nMARTIN;Claire;{rpps(1)}\n"
    assert said(await take(store, turned)) == [
        (2, UNCHANGED, "claire.martin2"),
        (3, CREATED, "claire.martin3"),
        (4, UNCHANGED, "claire.martin"),
    ]


async def test_a_closed_address_is_never_given_again_even_to_the_same_person(store: Store) -> None:
    text = f"nom;prenom;rpps\nMARTIN;Claire;{rpps(1)}\n"
    await take(store, text)
    await clerk(store).change_state(Address("claire.martin", DOMAIN), MailboxState.CLOSED)
    assert said(await take(store, text)) == [(2, CREATED, "claire.martin2")]
    assert said(await take(store, text)) == [(2, UNCHANGED, "claire.martin2")]


async def test_a_suspended_box_is_still_that_persons(store: Store) -> None:
    text = f"nom;prenom;rpps\nMARTIN;Claire;{rpps(1)}\n"
    await take(store, text)
    await clerk(store).change_state(Address("claire.martin", DOMAIN), MailboxState.SUSPENDED)
    assert said(await take(store, text)) == [(2, UNCHANGED, "claire.martin")]


async def test_somebody_who_gets_a_national_number_keeps_the_box(store: Store) -> None:
    await take(store, "nom;prenom;matricule\nPETIT;Luc;A1\n")
    (report,) = await take(store, f"nom;prenom;matricule;rpps\nPETIT;Luc;A1;{rpps(5)}\n")
    assert (report.outcome, report.address, report.fields) == (CHANGED, f"luc.petit@{DOMAIN}", ("identifier",))
    # A number of the register that is given again to somebody else is not the same person.
    await take(store, f"nom;prenom;matricule;rpps\nROUX;Eve;B1;{rpps(6)}\n")
    assert said(await take(store, f"nom;prenom;matricule;rpps\nROUX;Ida;B1;{rpps(7)}\n")) == [(2, CREATED, "ida.roux")]


async def test_what_differs_is_changed_named_and_to_be_published_again(store: Store) -> None:
    await take(store, f"nom;prenom;rpps;telephone;civilite\nMARTIN;Claire;{rpps(1)};01;Dr\n")
    await store.write(
        lambda tx: publication.claim_due(tx, now=SteppingClock()(), limit=9, lease="l", until=SteppingClock()())
    )
    text = f"nom;prenom;rpps;matricule;rang;zero papier\nDURAND-MARTIN;Claire;{rpps(1)};A7;1;O\n"
    fields = ("holder", "is_paperless", "local_id", "rank")
    assert await outcome(store, text) == (CHANGED, fields, "")
    found, listed, _members = await box(store, "claire.martin")
    # The civility, of which this file has no column, and the telephone stay.
    assert (found.holder, listed.listing.phone, listed.listing.rank) == ("Dr Claire DURAND-MARTIN", "01", 1)
    assert listed.version > 1
    rows = await store.read(lambda tx: audit.rows(tx, limit=100, event_prefix="mailbox.changed"))
    assert [dict(row.event.facts) for row in rows] == [{"changed": ",".join(fields), "publication": "to-publish"}]


async def test_an_empty_field_leaves_what_is_and_a_hyphen_takes_it_away_but_for_the_red_list(store: Store) -> None:
    names = "nom;prenom;rpps;telephone;liste rouge;zero papier;rang;finess\n"
    row = f"MARTIN;Claire;{rpps(1)}"
    await take(store, f"{names}{row};01;O;O;2;\n")
    assert await outcome(store, f"{names}{row};;;;;\n") == (UNCHANGED, (), "")
    changed = ("is_paperless", "phone", "rank", "structure")
    assert await outcome(store, f"{names}{row};-;-;-;-;-\n") == (CHANGED, changed, "")
    assert (await box(store, "claire.martin"))[1].listing.is_red
    assert await outcome(store, f"{names}{row};;N;;;-\n") == (CHANGED, ("is_red",), "")


async def test_of_lines_that_mean_the_same_box_the_first_counts(store: Store) -> None:
    text = f"nom;prenom;rpps;matricule;telephone\nMARTIN;Claire;{rpps(1)};A1;01\nMARTIN;Claire;{rpps(1)};B2;02\n"
    assert await outcome(store, text) == (UNCHANGED, (), "même boîte que la ligne 2, qui compte seule")
    _box, listed, _members = await box(store, "claire.martin")
    assert (listed.listing.local_id, listed.listing.phone) == ("A1", "01")


async def test_a_number_of_the_register_with_another_name_may_be_somebody_else(store: Store) -> None:
    await take(store, "nom;prenom;matricule\nPETIT;Luc;A1\n")
    for text in ("nom;prenom;matricule\nROUX;Luc;A1\n", f"nom;prenom;matricule;rpps\nROUX;Luc;A1;{rpps(5)}\n"):
        (report,) = await take(store, text)
        assert (report.outcome, report.address) == (REFUSED, f"luc.petit@{DOMAIN}")
        assert "mailbox change" in report.reason
    assert (await box(store, "luc.petit"))[0].holder == "Luc PETIT"
    # Accents and case are no other name; without RPPS two people of one number are told apart by theirs.
    assert await outcome(store, "nom;prenom;matricule\nPétit;LUC;A1\n") == (CHANGED, ("holder",), "")
    for who, name in ((6, "Eve"), (7, "Ida")):
        await take(store, f"nom;prenom;matricule;rpps\nROUX;{name};B1;{rpps(who)}\n")
    (report,) = await take(store, "nom;prenom;matricule;telephone\nROUX;Ida;B1;03\n")
    assert (report.outcome, report.address) == (CHANGED, f"ida.roux@{DOMAIN}")


async def test_a_suspended_box_is_changed_and_stays_suspended(store: Store) -> None:
    text = f"nom;prenom;rpps;telephone\nMARTIN;Claire;{rpps(1)};"
    await take(store, f"{text}01\n")
    await clerk(store).change_state(Address("claire.martin", DOMAIN), MailboxState.SUSPENDED)
    told, fields, reason = await outcome(store, f"{text}02\n")
    assert (told, fields) == (CHANGED, ("phone",))
    assert f"mailbox resume claire.martin@{DOMAIN}" in reason
    assert (await box(store, "claire.martin"))[0].state is MailboxState.SUSPENDED


TEAM = "type;libelle;matricule;service;membres;nom;prenom;rpps\n"
STAFF = f";;;;;MARTIN;Claire;{rpps(1)}\n;;;;;PETIT;Luc;{rpps(2)}\n"


async def test_the_members_of_a_team_are_those_that_the_file_names(store: Store) -> None:
    text = f"{TEAM}ORG;Cardiologie;UF12;;{rpps(1)} luc.petit@{DOMAIN};;;\n{STAFF}"
    # The team stands before the people who are its members.
    assert said(await take(store, text)) == [
        (2, CREATED, "cardiologie"),
        (3, CREATED, "claire.martin"),
        (4, CREATED, "luc.petit"),
    ]
    both = (f"claire.martin@{DOMAIN}", f"luc.petit@{DOMAIN}")
    assert (await box(store, "cardiologie"))[2] == both
    assert await outcome(store, f"{TEAM}ORG;Cardiologie;UF12;;;;;\n") == (UNCHANGED, (), "")
    assert await outcome(store, f"{TEAM}{STAFF}ORG;Cardiologie;UF12;;{rpps(2)};;;\n") == (CHANGED, ("members",), "")
    assert (await box(store, "cardiologie"))[2] == both[1:]
    told, _fields, reason = await outcome(store, f"{TEAM}ORG;Cardiologie;UF12;;{rpps(9)};;;\n")
    assert (told, "n'a pas de boîte" in reason) == (REFUSED, True)


async def test_a_team_that_changes_its_name_keeps_its_box_by_its_number(store: Store) -> None:
    await take(store, f"{TEAM}ORG;Cardiologie;UF12;;;;;\n")
    assert await outcome(store, f"{TEAM}ORG;Cardiologie et rythmologie;UF12;;;;;\n") == (CHANGED, ("holder",), "")
    assert (await box(store, "cardiologie"))[0].holder == "Cardiologie et rythmologie"
    # The same number in another structure is another team, and so is the same name.
    other = with_luhn("32000010")
    assert (await outcome(store, f"{TEAM}ORG;Rythmologie;UF12;;;;;\n", structure=other))[0] is CREATED
    told, _fields, reason = await outcome(store, f"{TEAM}ORG;Cardiologie;UF13;;;;;\n", structure=other)
    assert (told, "quelqu'un d'autre" in reason) == (REFUSED, True)


async def test_names_in_capitals_and_second_given_names_are_found_again(store: Store) -> None:
    text = 'nom;prenom;matricule\nMARTIN;CLAIRE;A1\nPETIT;"Luc, Jean";A2\n'
    await take(store, text)
    assert [one.outcome for one in await take(store, text)] == [UNCHANGED, UNCHANGED]
    assert await outcome(store, "nom;prenom;matricule\nPETIT;Luc;A2\n") == (CHANGED, ("holder",), "")


PRACTICE = "type;libelle;rpps;membres;description;nom;prenom\n"


async def test_a_practice_has_who_answers_for_it_and_its_members(store: Store) -> None:
    people = f";;{rpps(1)};;;MARTIN;Claire\n;;{rpps(2)};;;PETIT;Luc\n"
    text = f"{PRACTICE}CAB;Cabinet des Lilas;{rpps(1)};{rpps(2)};Médecine générale;;\n{people}"
    assert said(await take(store, text))[0] == (2, CREATED, "cabinet-des-lilas")
    found, listed, members = await box(store, "cabinet-des-lilas")
    assert (found.kind, found.identifier) == (MailboxType.CAB, rpps(1))
    assert (listed.listing.description, listed.listing.structure) == ("Médecine générale", "")
    assert members == (f"claire.martin@{DOMAIN}", f"luc.petit@{DOMAIN}")
    assert (await outcome(store, text))[0] is UNCHANGED
    alone = f"{PRACTICE}CAB;Cabinet des Lilas;{rpps(1)};claire.martin@{DOMAIN};-;;\n"
    assert await outcome(store, alone) == (CHANGED, ("description", "members"), "")
    # A practice of another professional does not get the address of this one.
    told, _fields, reason = await outcome(store, f"{PRACTICE}CAB;Cabinet des Lilas;{rpps(2)};;;;\n")
    assert (told, "quelqu'un d'autre" in reason) == (REFUSED, True)


async def test_a_number_written_with_its_type_is_the_same_number(store: Store) -> None:
    for address, kind, number in (
        ("claire.martin", MailboxType.PER, f"8{rpps(1)}"),
        ("cardiologie", MailboxType.ORG, f"1{FINESS}"),
    ):
        await clerk(store).create(MailboxOrder(Address(address, DOMAIN), kind, "Claire MARTIN", number, 1000))
    text = f"type;nom;prenom;rpps;libelle\n;MARTIN;Claire;{rpps(1)};\nORG;;;;Cardiologie\n"
    reports = await take(store, text, structure="")
    assert [(one.outcome, one.fields) for one in reports] == [(UNCHANGED, ()), (REFUSED, ())]
    assert await outcome(store, text) == (CHANGED, ("holder",), "")


async def test_a_change_that_does_not_fit_is_refused_with_its_line_and_changes_nothing(store: Store) -> None:
    text = f"nom;prenom;rpps;telephone\nMARTIN;Claire;{rpps(1)};"
    await take(store, f"{text}01\n")
    told, _fields, reason = await outcome(store, f"{text}{'0' * 26}\n")
    assert (told, "25 caractères" in reason) == (REFUSED, True)
    assert (await box(store, "claire.martin"))[1].listing.phone == "01"


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
                again = await take(store, text)
                assert {one.outcome for one in again} <= {UNCHANGED, REFUSED}
                assert [one.address for one in again] == [one.address for one in reports]
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
