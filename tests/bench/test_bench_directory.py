import asyncio
import base64
import ssl
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from bench.credentials import make_credentials
from bench.directory_alone import Searches, draw, invent, measure_searches
from bench.directory_entries import ABOVE, SUFFIX, Drawn, drawable, ldif_entry, ldif_line
from bench.directory_ldap import LdapSession, request
from bench.directory_load import Loaded, fill
from bench.directory_load import measure as measure_load
from bench.directory_measure import Compared, Inside, Times
from bench.directory_queries import FILTERS, TYPED, filters, longest_word, typed, words, words_typed
from bench.directory_report import (
    Held,
    Measured,
    engine_figures,
    engine_table,
    figures_of,
    page_of,
    search_figures,
    search_page,
)
from bench.peers.slapd import Slapd
from mssante.app.sandbox.ports import free_ports
from mssante.model.directory import (
    Coded,
    Entry,
    EntryId,
    ListedMailbox,
    PostalAddress,
    Professional,
    Structure,
)
from mssante.model.mailbox import MailboxType
from mssante.store.directory.file import DirectoryFolder
from mssante.wire.ldap.filter_text import parse_filter

DRAWN = [
    Drawn("jean.dupont@medecin.mssante.fr", "DUPONT", "Jean-Marie", "Cardiologie", "Nantes", "44"),
    Drawn("a(b)*c@chu.mssante.fr", "N'GUYEN-MARTIN", "Zoé", "Médecine générale", "L'Haÿ-les-Roses", "94"),
]
ENTRY = Entry(
    EntryId(7),
    ListedMailbox("zoe.lefevre@chu.mssante.fr", MailboxType.PER, "810000000001", "1440000001"),
    Professional(
        "810000000001", "DR", "LEFÈVRE", "Zoé", Coded("10", "Médecin"), specialities=(Coded("SM26", "Urologie"),)
    ),
    Structure("1440000001", "CHU : Nord", address=PostalAddress(postcode="44000", town="Nantes", department="44")),
)


@pytest.mark.parametrize("value", ["", " space before", "space after ", ": colon", "<url", "é", "two\nlines", "nul\0"])
def test_ldif_writes_in_base64_what_a_reader_could_take_wrongly(value: str) -> None:
    line = ldif_line("cn", value)
    assert line.startswith("cn:: ")
    assert line.count("\n") == 1
    assert base64.b64decode(line.removeprefix("cn:: ")).decode() == value


@pytest.mark.parametrize("value", ["Jean Dupont", "a: b", "x", "44000", "a<b"])
def test_ldif_writes_plain_text_as_it_is(value: str) -> None:
    assert ldif_line("cn", value) == f"cn: {value}\n"


def test_an_entry_is_written_with_what_our_own_door_says_of_it() -> None:
    lines = ldif_entry(ENTRY).splitlines()
    assert lines[0] == "dn: uid=7,ou=mssante,o=annuaire,c=fr"
    assert "objectClass: inetOrgPerson" in lines
    assert "mail: zoe.lefevre@chu.mssante.fr" in lines
    assert f"sn:: {base64.b64encode('LEFÈVRE'.encode()).decode()}" in lines
    assert {"title: Urologie", "uid: 7", "uid: 810000000001", "o: CHU : Nord", "l: Nantes"} <= set(lines)
    assert lines[-1] == ""


def test_a_box_of_a_structure_has_no_surname_that_only_the_peer_would_find() -> None:
    text = ldif_entry(replace(ENTRY, professional=None))
    assert "\nsn:" not in text
    assert "objectClass: inetOrgPerson" not in text


def test_only_who_can_be_asked_for_in_every_way_is_drawn() -> None:
    assert drawable(ENTRY) == Drawn("zoe.lefevre@chu.mssante.fr", "LEFÈVRE", "Zoé", "Urologie", "Nantes", "44")
    assert drawable(replace(ENTRY, structure=None)) is None
    assert ENTRY.mailbox is not None
    assert drawable(replace(ENTRY, mailbox=replace(ENTRY.mailbox, is_red=True))) is None


@pytest.mark.parametrize("kind", FILTERS)
def test_the_same_seed_draws_the_same_filters_and_all_can_be_read(kind: str) -> None:
    drawn = filters(kind, DRAWN, 40, "1")
    assert drawn == filters(kind, DRAWN, 40, "1")
    assert all(request("c=fr", text, limit=20) and parse_filter(text) for text in drawn)


def test_another_seed_draws_others() -> None:
    assert filters("exact", DRAWN, 40, "1") != filters("exact", DRAWN, 40, "2")


def test_what_is_typed_is_the_same_for_the_same_seed_and_holds_every_kind_as_often() -> None:
    drawn = typed(DRAWN, 10, "1")
    assert drawn == typed(DRAWN, 10, "1")
    assert {kind: sum(one.kind == kind for one in drawn) for kind in TYPED} == dict.fromkeys(TYPED, 10)


def test_a_filter_of_three_words_asks_for_what_is_typed_into_our_own_search() -> None:
    for text, said in zip(filters("words", DRAWN, 20, "1"), words_typed(DRAWN, 20, "1"), strict=True):
        assert len(said.split()) == 3
        assert text.count("(cn=") == 3
        assert all(f"(l=*{word}*)" in text for word in said.split() if word.isascii())


def test_signs_of_a_name_stay_out_of_the_filter() -> None:
    assert filters("exact", DRAWN[1:], 1, "1") == [r"(mail=a\28b\29\2ac@chu.mssante.fr)"]
    assert longest_word("L'Haÿ-les-Roses") == "Roses"


def test_entries_that_nothing_can_be_asked_of_are_an_error() -> None:
    short = [replace(DRAWN[0], family="LY")]
    assert words(short[0], Random(1)) == ""
    with pytest.raises(ValueError, match="can be asked for"):
        filters("words", short, 1, "1")


@pytest.mark.skipif(not Path("/usr/sbin/slapd").exists(), reason="Debian's slapd is not installed")
def test_slapd_finds_what_was_written_for_it_and_compares_accents(tmp_path: Path) -> None:
    files = make_credentials(tmp_path / "pki", crl_url="https://localhost:1/ca.crl")
    (port,) = free_ports(1)
    slapd = Slapd(tmp_path / "slapd", files, port=port, suffix=SUFFIX)
    ldif = tmp_path / "entries.ldif"
    box = replace(ENTRY, entry_id=EntryId(8), professional=None)
    ldif.write_text(ABOVE + ldif_entry(ENTRY) + ldif_entry(box), encoding="utf-8")
    slapd.empty()
    measure_load(slapd.loading(ldif), tmp_path / "log")
    context = ssl.create_default_context(cafile=str(files.authority))
    context.check_hostname = False
    with slapd.running(), LdapSession(port, context).bind(*slapd.sign_in()) as session:
        asked = ("(mail=ZOE.lefevre@chu.mssante.fr)", "(sn=lefè*)", "(sn=lefe*)", "(&(cn=*lefèvre*)(l=*ante*))")
        answers = [session.ask(request(SUFFIX, text, limit=20)).entries for text in asked]
    assert answers == [2, 1, 0, 1]
    assert slapd.bytes() > 0


def test_a_loading_is_timed_with_the_memory_of_its_processes(tmp_path: Path) -> None:
    found = measure_load(("sh", "-c", "sleep 0.5"), tmp_path / "log")
    assert found.seconds >= 0.5
    assert found.peak_bytes > found.own_bytes > 0


def test_a_loading_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no room"):
        measure_load(("sh", "-c", "echo no room >&2; exit 3"), tmp_path / "log")


def searches(*times: float) -> Searches:
    return Searches({"": Times([list(times)]), **{kind: Times([[1.0]]) for kind in TYPED}})


def test_the_page_of_our_search_alone_gives_its_p99_and_its_slowest() -> None:
    found = searches(*[1.0] * 98, 12.0, 40.0)
    (figure,) = search_figures(found)
    assert (figure.name, figure.value, figure.ratio) == ("directory_search_p99", 40.0, 0.25)
    page = search_page(found, [figure], said="Measured.")
    assert "| all of them, mixed | 1.00 | 40.00 | 40.00 | 0 of 100 |" in page
    assert "`directory_search_p99`" in page


def test_two_engines_stand_beside_each_other_with_their_ratio() -> None:
    found = {"SQLite": searches(*[2.0] * 99, 9.0), "PostgreSQL": searches(*[4.0] * 99, 18.0)}
    p50, p99 = engine_figures(found["SQLite"], found["PostgreSQL"])
    assert (p50.name, p50.value, p50.ratio) == ("directory_search_postgresql_p50", 4.0, 0.5)
    assert (p99.name, p99.value, p99.ratio) == ("directory_search_postgresql_p99", 18.0, 0.5)
    assert "| all of them, mixed | 2.00 / 9.00 / 9.00 | 4.00 / 18.00 / 18.00 |" in engine_table(found)


async def test_every_question_is_asked_of_each_directory_and_timed(tmp_path: Path) -> None:
    shelves = {name: DirectoryFolder(tmp_path / name) for name in ("un", "deux")}

    def work() -> dict[str, Searches]:
        files = invent(tmp_path / "nation", 1000, lambda _done: None)
        for shelf in shelves.values():
            fill(shelf, files)
        drawn, entries = draw(shelves["un"], lambda _done: None)
        assert entries >= len(drawn) > 0
        return measure_searches(shelves, drawn, runs=2, count=3)

    found = await asyncio.to_thread(work)
    assert [one.asked for one in found.values()] == [2 * 3 * len(TYPED)] * 2
    assert found["un"].without_answer == found["deux"].without_answer
    assert all(min(min(run) for run in one.times[""].runs) > 0 for one in found.values())


def test_the_page_gives_each_figure() -> None:
    compared = {
        kind: Compared(Times([[1.0, 2.0, 3.0]]), Times([[4.0, 4.0, 4.0]]), asked=3, alike=2) for kind in FILTERS
    }
    inside = Inside({kind: Times([[1.0]]) for kind in FILTERS}, Times([[1.5]]))
    held = {"mssante": Held(3, 2, 1)}
    loads = ([Loaded(10.0, 400_000_000, 1)], [Loaded(30.0, 1, 1)])
    measured = Measured(1000, 2000, 1, loads, (1, 1), compared, held, inside)
    figures = {one.name: one for one in figures_of(measured)}
    assert set(figures) == {f"directory_{one}" for one in ("load", "exact", "prefix", "words")}
    assert figures["directory_load"].ratio == 3.0
    assert (figures["directory_prefix"].value, figures["directory_prefix"].ratio) == (2000.0, 2.0)
    page = page_of(measured, list(figures.values()), about="a machine", date="2026-01-02")
    assert "400 MB, under its bound of 500 MB" in page
    assert "2 of 3" in page
