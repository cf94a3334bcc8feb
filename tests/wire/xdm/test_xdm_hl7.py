"""The HL7 texts inside metadata."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.document import Actor, Coded, Identifier, Organization, PersonName
from mssante.model.hl7_time import utc_time
from mssante.wire.xdm.hl7 import (
    is_oid,
    plain,
    read_cx,
    read_xcn,
    read_xon,
    write_coded,
    write_cx,
    write_recipient,
    write_xcn,
    write_xon,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("279035121518989^^^&1.2.250.1.213.1.4.8&ISO^NH", Identifier("1.2.250.1.213.1.4.8", "279035121518989")),
        ("42^^^Hôpital&1.2.3&ISO", Identifier("1.2.3", "42")),
        (" 42 ^^^& 1.2.3 ", Identifier("1.2.3", "42")),
        ("42", None),
        ("42^^^Hôpital", None),
        ("^^^&1.2.3&ISO", None),
        ("42^^^&&ISO", None),
        ("42^^^&ISO", None),
        ("42^^^&hospital.example&DNS", None),
        ("", None),
        ("^" * 10_000, None),
    ],
)
def test_a_patient_identifier_is_read_or_is_none(text: str, found: Identifier | None) -> None:
    assert read_cx(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("8^BIDEAULT^Jacques^^^^^^&1.2.3&ISO^D^^^IDNPS", Actor((Identifier("1.2.3", "8"),), PersonName("BIDEAULT", "Jacques"))),
        ("^BIDEAULT^Jacques", Actor((), PersonName("BIDEAULT", "Jacques"))),
        ("9^Automate X^M1^^^^^^&1.2.3&ISO^U^^^RI", Actor((Identifier("1.2.3", "9"),), device="Automate X M1")),
        ("", None),
        ("^^^^", None),
    ],
)  # fmt: skip
def test_a_person_or_a_device_is_read(text: str, found: Actor | None) -> None:
    assert read_xcn(text) == found


def test_an_organisation_is_read() -> None:
    text = "Clinique^^^^^&1.2.3&ISO^IDNST^^^1750803447"
    assert read_xon(text) == Organization((Identifier("1.2.3", "1750803447"),), "Clinique")
    assert read_xon("Clinique") == Organization((), "Clinique")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("20181201110000+0100", "20181201100000"),
        ("20180101003000+0100", "20171231233000"),
        ("20181201110000-0430", "20181201153000"),
        ("201812011100+0100", "201812011000"),
        ("2018120111+0100", "201812011000"),
        ("2018120111+0130", "201812010930"),
        ("20181201110000.123+01:00", "20181201100000"),
        ("20181201110000", "20181201110000"),
        ("20181201", "20181201"),
        ("20181201+0100", "20181201"),
        ("201812", "201812"),
        ("2018", "2018"),
        ("00010101000000+0100", ""),
        ("99991231235959-0100", ""),
        ("291812011200+0100", "291812011100"),
        ("20181301", ""),
        ("201812010", ""),
        ("", ""),
        ("hier", ""),
        ("٢٠١٨", ""),
        ("2018120111+9999", ""),
        ("2018120111+0060", ""),
    ],
)
def test_times_come_in_utc_as_precise_as_they_were(text: str, found: str) -> None:
    assert utc_time(text) == found


def test_object_identifiers_are_told_from_others() -> None:
    assert all(is_oid(text) for text in ("1.2.250.1.213.1.4.8", "2.25.123456789", "0.0"))
    assert not any(is_oid(text) for text in ("", "1", "1.", "1.02", "3.1", "1.2.a", "1.2\n", "1." * 200 + "1", "１.2"))


NAME = st.text(max_size=20)


@given(NAME, NAME, NAME, NAME)
def test_no_text_can_break_out_of_its_field(root: str, extension: str, family: str, given_name: str) -> None:
    actor = Actor(
        (Identifier(root, extension),), PersonName(family, given_name), Coded("a", root, family), mail=extension
    )
    assert write_cx(actor.ids[0]).count("^") == 4
    assert write_xcn(actor).count("^") in {9, 12}
    assert write_xon(Organization(actor.ids, family)).count("^") in {0, 9}
    assert write_coded(Coded(root or "c", extension, family)).count("^") == 2
    assert write_recipient(actor).count("|") <= 2
    cx = read_cx(write_cx(actor.ids[0]))
    assert cx is None or cx == Identifier(plain(root), plain(extension))
    found = read_xcn(write_xcn(actor))
    assert found is None or found.name == PersonName(plain(family), plain(given_name))
