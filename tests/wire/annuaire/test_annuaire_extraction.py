import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.directory import Coded, ListedMailbox, PostalAddress, Professional, Structure
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import MailboxType
from mssante.model.national import with_luhn
from mssante.wire.annuaire.extraction import (
    COLUMNS,
    EXTRACTION_HEADER,
    Column,
    address_of,
    extraction_line,
    mailbox_of,
    professional_of,
    read_extraction,
    structure_of,
)
from mssante.wire.annuaire.lines import BadLine, Row

RPPS = with_luhn("1099000000")
PER = (
    f"PER|jean.martin@medecin.mssante.fr|8|{RPPS}|8{RPPS}|1|1449000289||DR|MARTIN|Jean|C|Civil|10|Médecin|SM54|"
    "Médecine générale|O|CABINET DES TILLEULS|LES TILLEULS|BAT A|BP 12|12|BIS|R|DE LA PAIX|LE BOURG|44093 NANTES CEDEX 1|44093|44|FRANCE"
)
ORG = (
    "ORG|secretariat.cardiologie@chu-exemple.mssante.fr||||1|449000289|SECRETARIAT CARDIOLOGIE||||||||||N|CHU EXEMPLE|||||||||"
    "44000 NANTES|||"
)


def rows_of(*lines: str) -> list[Row]:
    (batch,) = read_extraction([EXTRACTION_HEADER, "\n".join(lines).encode()])
    assert batch.bad == []
    return batch.rows


def bad_of(line: str | bytes) -> list[BadLine]:
    raw = line if isinstance(line, bytes) else line.encode()
    (batch,) = read_extraction([EXTRACTION_HEADER, raw])
    assert batch.rows == []
    assert batch.lines == 1
    return batch.bad


def changed(line: str, column: Column, value: str) -> str:
    fields = line.split("|")
    fields[column] = value
    return "|".join(fields)


def test_there_are_31_columns_and_each_has_its_name() -> None:
    assert len(COLUMNS) == len(Column) == 31
    assert COLUMNS[Column.PAPERLESS] == "Dématérialisation"
    assert EXTRACTION_HEADER.decode().rstrip().split("|") == list(COLUMNS)


def test_a_personal_mailbox_is_read_with_its_holder_and_place() -> None:
    (row,) = rows_of(PER)
    assert mailbox_of(row) == ListedMailbox(
        "jean.martin@medecin.mssante.fr", MailboxType.PER, f"8{RPPS}", "1449000289", is_paperless=True
    )
    assert professional_of(row) == Professional(
        f"8{RPPS}",
        "DR",
        "MARTIN",
        "Jean",
        Coded("10", "Médecin"),
        Coded("C", "Civil"),
        (Coded("SM54", "Médecine générale"),),
    )
    assert structure_of(row) == Structure("1449000289", "CABINET DES TILLEULS", "LES TILLEULS", address_of(row))
    assert address_of(row) == PostalAddress(
        "BAT A", "BP 12", "12 BIS R DE LA PAIX", "LE BOURG", "44093", "NANTES", "44", "FRANCE"
    )


def test_a_mailbox_of_an_organisation_is_read_and_its_place_completed() -> None:
    (row,) = rows_of(ORG)
    assert row[Column.STRUCTURE] == "1449000289"
    assert mailbox_of(row).kind is MailboxType.ORG
    assert mailbox_of(row).service == "SECRETARIAT CARDIOLOGIE"
    assert mailbox_of(row).is_paperless is False
    assert professional_of(row) is None
    assert address_of(row) == PostalAddress(postcode="44000", town="NANTES", department="44")


def test_a_person_without_structure_or_savoir_faire_has_none() -> None:
    (row,) = rows_of(f"PER|a.b@pro.mssante.fr|8|{RPPS}||||{'|' * 23}")
    assert row[Column.PERSON] == f"8{RPPS}"
    assert structure_of(row) is None
    holder = professional_of(row)
    assert holder is not None
    assert holder.specialities == ()
    assert mailbox_of(row).is_paperless is None


def test_a_separator_at_the_end_of_lines_and_spaces_and_crlf_change_nothing() -> None:
    spaced = EXTRACTION_HEADER.strip().upper().replace(b"|", b" | ") + b"|\r\n"
    (batch,) = read_extraction([b"\xef\xbb\xbf" + spaced, PER.replace("|", " | ").encode() + b"|\r\n"])
    assert batch.rows == rows_of(PER)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (PER + "|x", "32 colonnes au lieu de 31"),
        (PER.removesuffix("|FRANCE"), "30 colonnes au lieu de 31"),
        ("", "ligne vide"),
        (changed(PER, Column.KIND, "PERS"), "type de BAL inconnu : « PERS »"),
        (changed(PER, Column.KIND, "USAGER"), "type de BAL inconnu"),
        (changed(PER, Column.ADDRESS, "jean.martin"), "adresse de BAL mal formée"),
        (changed(PER, Column.ADDRESS, "a@b@c.mssante.fr"), "adresse de BAL mal formée"),
        (changed(PER, Column.ADDRESS, "jean martin@c.mssante.fr"), "adresse de BAL mal formée"),
        (changed(PER, Column.ADDRESS, "a\u200bb@c.mssante.fr"), "adresse de BAL mal formée"),
        (changed(PER, Column.ADDRESS, f"{'a' * 65}@c.mssante.fr"), "adresse de BAL mal formée"),
        (changed(PER, Column.ADDRESS, f"a@{'c' * 250}.fr"), "adresse de BAL mal formée"),
        (changed(PER, Column.PERSON, f"8{RPPS[:-1]}{(int(RPPS[-1]) + 1) % 10}"), "RPPS faux"),
        (changed(changed(PER, Column.PERSON, ""), Column.PERSON_NUMBER, ""), "BAL PER sans professionnel"),
        (changed(PER, Column.STRUCTURE, "44"), "identifiant de structure de forme inconnue"),
        (changed(ORG, Column.STRUCTURE, ""), "BAL ORG sans structure"),
        (PER.encode() + b"\xff", "UTF-8"),
        (PER.replace("Jean", "Je\0an"), "caractère de contrôle"),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_reason(line: str | bytes, said: str) -> None:
    (bad,) = bad_of(line or "\n")
    assert bad.number == 2
    assert said in bad.reason
    assert len(bad.text) <= 200


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"", "vide"),
        (b"Type de BAL;Adresse BAL", "colonne 1 « Type de BAL;Adresse BAL » au lieu de « Type de BAL »"),
        (EXTRACTION_HEADER.replace(b"Adresse BAL", b"Adresse"), "colonne 2 « Adresse » au lieu de « Adresse BAL »"),
        (EXTRACTION_HEADER.replace(b"|Pays structure BAL", b""), "colonne 31 «  » au lieu de « Pays structure BAL »"),
        (EXTRACTION_HEADER.strip() + b"|Plus", "32 colonnes"),
        (PER.encode(), "colonne 1 « PER »"),
    ],
)
def test_another_header_is_refused_and_the_column_named(header: bytes, said: str) -> None:
    with pytest.raises(TheirProtocolError, match=said):
        list(read_extraction([header]))


def test_an_extraction_without_a_mailbox_is_one() -> None:
    assert list(read_extraction([EXTRACTION_HEADER])) == []


TEXT = st.text("ABCDEFGHIJÉèàç'- 0123456789.()", max_size=20).map(str.strip)
CODE = st.sampled_from(["", "10", "SM54", "C"])
PERSONS = st.builds(
    Professional,
    identifier=st.integers(0, 9_999_999_999).map(lambda number: f"8{with_luhn(f'{number:010d}')}"),
    civility=st.sampled_from(["DR", "M", "MME", ""]),
    family=TEXT,
    given=TEXT,
    profession=st.builds(Coded, CODE, TEXT),
    category=st.builds(Coded, CODE, TEXT),
    specialities=st.one_of(st.just(()), st.tuples(st.builds(Coded, st.just("SM54"), TEXT))),
)
PLACES = st.builds(
    Structure,
    identifier=st.from_regex(r"1[0-9]{9}|3[0-9]{14}|4[0-9]{14}", fullmatch=True),
    name=TEXT,
    sign=TEXT,
    address=st.builds(
        PostalAddress,
        complement=TEXT,
        distribution=TEXT,
        street=TEXT.map(lambda text: " ".join(text.split())),
        locality=TEXT,
        postcode=st.just("44000"),
        town=st.sampled_from(["NANTES", "SAINT-HERBLAIN", "L'AIGLE"]),
        department=st.just("44"),
        country=st.sampled_from(["", "FRANCE"]),
    ),
)


@given(
    st.sampled_from([MailboxType.PER, MailboxType.ORG, MailboxType.APP, MailboxType.CAB]),
    PERSONS,
    PLACES,
    TEXT,
    st.sampled_from([None, True, False]),
)
def test_what_is_written_is_read_again(
    kind: MailboxType, person: Professional, place: Structure, service: str, paperless: bool | None
) -> None:
    is_person = kind in {MailboxType.PER, MailboxType.CAB}
    mailbox = ListedMailbox(
        "prenom.nom@ch-exemple.mssante.fr", kind, person.identifier if is_person else "", place.identifier, service,
        is_paperless=paperless,
    )  # fmt: skip
    written = extraction_line(mailbox, person if is_person else None, place)
    (batch,) = read_extraction([EXTRACTION_HEADER, written])
    (row,) = batch.rows
    assert mailbox_of(row) == mailbox
    assert professional_of(row) == (person if is_person else None)
    assert structure_of(row) == place


def test_a_mailbox_without_structure_of_a_person_with_a_long_identifier_is_read_again() -> None:
    mailbox = ListedMailbox("a.b@ch-exemple.mssante.fr", MailboxType.PER, "10a.b@ch-exemple.mssante.fr")
    person = Professional("10a.b@ch-exemple.mssante.fr", "M", "B", "A")
    (batch,) = read_extraction([EXTRACTION_HEADER, extraction_line(mailbox, person, None)])
    (row,) = batch.rows
    assert (mailbox_of(row), professional_of(row), structure_of(row)) == (mailbox, person, None)


@given(st.text(max_size=80))
def test_no_text_can_break_out_of_its_field(text: str) -> None:
    mailbox = ListedMailbox("a.b@ch-exemple.mssante.fr", MailboxType.ORG, structure="1449000289", service=text)
    written = extraction_line(mailbox, None, None)
    assert written.count(b"\n") == 1
    assert written.decode("utf-8", "replace").count("|") == 30


def row_of_any(line: str) -> Row | None:
    (batch,) = read_extraction([EXTRACTION_HEADER, line.encode()])
    return batch.rows[0] if batch.rows else None


@given(
    st.lists(
        st.one_of(TEXT, st.sampled_from(["PER", "ORG", "a@b.fr", f"8{RPPS}", "1449000289", "8", "1"])),
        min_size=31,
        max_size=31,
    )
)
def test_values_can_be_made_of_every_row(fields: list[str]) -> None:
    row = row_of_any("|".join(["ORG", "a@b.mssante.fr", *fields[2:]]))
    if row is not None:
        assert mailbox_of(row).address == "a@b.mssante.fr"
        assert (structure_of(row) is None) == (not row[Column.STRUCTURE])
        assert (professional_of(row) is None) == (not row[Column.PERSON])


@given(st.lists(st.sampled_from(["", "a", " a", "a ", "a b", "\u00a0a", "a|b", "a\nb", " "]), min_size=3, max_size=3))
def test_a_line_is_the_same_whether_its_fields_need_care_or_not(texts: list[str]) -> None:
    mailbox = ListedMailbox("a.b@ch-exemple.mssante.fr", MailboxType.ORG, structure="1449000289", service=texts[0])
    place = Structure("1449000289", texts[1], address=PostalAddress(country=texts[2]))
    fields = extraction_line(mailbox, None, place).decode().removesuffix("\n").split("|")
    breaks = str.maketrans("|\n", "  ")
    assert len(fields) == 31
    assert [fields[7], fields[18], fields[30]] == [text.translate(breaks).strip() for text in texts]
