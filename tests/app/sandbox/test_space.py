"""The plan is invented, but nothing in it could be told from the real thing by its form."""

import re

import pytest

from mssante.app.sandbox import space
from mssante.app.sandbox.pdf import letter_pdf
from mssante.model.mailbox import MailboxType
from mssante.model.national import is_finess, is_ins, is_rpps, is_siret

BOXES = [(operator, box) for operator in space.OPERATORS for box in operator.mailboxes]


@pytest.mark.parametrize(("operator", "box"), BOXES, ids=[str(box.address) for _, box in BOXES])
def test_each_mailbox_has_a_sound_identifier_and_lies_in_a_domain_of_its_operator(operator, box) -> None:
    assert box.address.domain in operator.domains
    check = {MailboxType.PER: is_rpps, MailboxType.CITIZEN: is_ins}.get(box.kind, lambda text: is_finess(text[1:]))
    # The robot is nobody.
    assert check(box.identifier) or box.address == space.ROBOT


@pytest.mark.parametrize("operator", space.OPERATORS, ids=lambda operator: operator.key)
def test_each_operator_has_a_sound_structure_number(operator) -> None:
    number = operator.legal.structure
    assert is_finess(number[1:]) if number[0] == "1" else is_siret(number[1:])
    assert len(operator.legal.organisation) <= 40


def test_all_domains_stand_in_the_national_zone_and_belong_to_one_operator() -> None:
    domains = [domain for operator in space.OPERATORS for domain in operator.domains]
    assert len(set(domains)) == len(domains)
    assert all(domain.endswith(".mssante.fr") for domain in domains)


def test_every_type_of_mailbox_has_an_example() -> None:
    assert {box.kind for _, box in BOXES} == set(MailboxType) - {MailboxType.CAB}


def test_the_letter_is_a_pdf_whose_table_points_at_its_objects() -> None:
    data = letter_pdf("Compte rendu (été)", ["Ligne 1", "a\\b(c)"])
    assert data.startswith(b"%PDF-1.4")
    assert data.rstrip().endswith(b"%%EOF")
    table = int(data.split(b"startxref\n")[1].split(b"\n")[0])
    assert data[table:].startswith(b"xref")
    places = [int(place) for place in re.findall(rb"^(\d{10}) 00000 n ", data, re.MULTILINE)]
    assert [data[place:].split(b" ")[0] for place in places] == [b"1", b"2", b"3", b"4", b"5"]
    assert b"(Compte rendu \\(\xe9t\xe9\\)) Tj" in data
