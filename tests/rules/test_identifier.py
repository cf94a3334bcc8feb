"""National identifiers of the holders, as a table."""

import pytest

from mssante.model.address import Address
from mssante.model.mailbox import MailboxType
from mssante.model.national import ins_key, with_luhn
from mssante.rules.identifier import identifier_fault

RPPS = with_luhn("1000123456")
FINESS = with_luhn("31000010")
CORSICAN = "2A" + with_luhn("20000010")[2:]
SIRET = with_luhn("1234567890123")
INS = "1850578006048" + ins_key("1850578006048")
BOX = Address("boite", "chu.mssante.fr")


@pytest.mark.parametrize(
    ("kind", "identifier", "sound"),
    [
        (MailboxType.PER, "", True),
        (MailboxType.PER, RPPS, True),
        (MailboxType.PER, f"8{RPPS}", True),
        (MailboxType.PER, f"9{RPPS}", False),
        (MailboxType.PER, RPPS[:-1], False),
        (MailboxType.CAB, RPPS, True),
        (MailboxType.CAB, SIRET, False),
        (MailboxType.ORG, FINESS, True),
        (MailboxType.ORG, CORSICAN, True),
        (MailboxType.ORG, f"1{FINESS}", True),
        (MailboxType.ORG, f"3{FINESS}", False),
        (MailboxType.APP, SIRET, True),
        (MailboxType.APP, f"3{SIRET}", True),
        (MailboxType.APP, "٣" * 9, False),
        (MailboxType.ORG, RPPS, False),
    ],
)
def test_each_type_has_its_own_identifiers(kind: MailboxType, identifier: str, sound: bool) -> None:
    assert (identifier_fault(kind, BOX, identifier) == "") is sound


@pytest.mark.parametrize(
    ("local", "identifier", "sound"),
    [(INS, "", True), (INS, INS, False), ("jean.petit", "", False), (INS[:-2] + "00", "", False)],
)
def test_a_citizens_identity_is_the_address_itself(local: str, identifier: str, sound: bool) -> None:
    address = Address(local, "patient.mssante.fr")
    assert (identifier_fault(MailboxType.CITIZEN, address, identifier) == "") is sound
