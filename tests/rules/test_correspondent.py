"""Which failures are the address's own, how an address is doing, what is proposed instead."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from directory_files import BAC, CARDIO, CHU, DUPONT, DUPONT_PARIS, LINES, PRACTICE, Line, box, red

from mssante.model.decision import Kind
from mssante.model.directory import Entry, EntryId, Health
from mssante.rules.correspondent import ALIVE_FOR, Alternative, Told, bounce_reason, choose_alternative, health_of

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
LATE = datetime(2026, 11, 27, 23, 59, tzinfo=UTC)
UNKNOWN, SUSPENDED = "mailbox-unknown", "mailbox-suspended"


@pytest.mark.parametrize(
    ("kind", "reply", "reason"),
    [
        (Kind.MAILBOX_UNKNOWN, "", UNKNOWN),
        (Kind.MAILBOX_SUSPENDED, "", SUSPENDED),
        (Kind.PEER_REFUSED, "550 5.1.1 Unknown", UNKNOWN),
        (Kind.PEER_REFUSED, "550 5.1.6 Moved", UNKNOWN),
        (Kind.PEER_REFUSED, "550 5.2.1 Closed", SUSPENDED),
        (Kind.PEER_REFUSED, "550 No such user", ""),
        (Kind.PEER_REFUSED, "550 5.7.1 Not allowed", ""),
        (Kind.MESSAGE_TOO_BIG, "552 5.3.4 Too big", ""),
        (Kind.EXPIRED, "450 4.2.1 Busy", ""),
        (Kind.CERTIFICATE_EXPIRED, "", ""),
        (Kind.HOST_UNKNOWN, "", ""),
    ],
)
def test_only_a_refusal_of_the_address_itself_is_a_bounce(kind: Kind, reply: str, reason: str) -> None:
    assert bounce_reason(kind, reply) == reason


@pytest.mark.parametrize(
    ("told", "health"),
    [
        (Told(), Health.UNKNOWN),
        (Told(NOW), Health.ALIVE),
        (Told(NOW - ALIVE_FOR), Health.ALIVE),
        (Told(NOW - ALIVE_FOR - timedelta(seconds=1)), Health.UNKNOWN),
        (Told(NOW, NOW, NOW, 1), Health.BOUNCING),
        (Told(None, LATE, LATE + timedelta(minutes=2), 2), Health.BOUNCING),
        (Told(None, LATE - timedelta(hours=12), LATE, 9), Health.BOUNCING),
        (Told(None, LATE, LATE + timedelta(hours=6), 2), Health.DEAD),
        (Told(NOW - timedelta(days=30), LATE, NOW, 2), Health.DEAD),
        (Told(None, NOW - timedelta(hours=24), NOW, 2), Health.DEAD),
        (Told(NOW, NOW - timedelta(days=2), NOW - timedelta(days=1), 0), Health.ALIVE),
    ],
)
def test_an_address_is_dead_after_bounces_on_two_days_and_alive_after_a_success(told: Told, health: Health) -> None:
    assert health_of(told, NOW) is health


def entries(*lines: Line) -> list[Entry]:
    return [Entry(EntryId(at), line[0], line[1], line[2]) for at, line in enumerate(lines)]


LOST = box("jean.dupont@chu-nantes.mssante.fr", DUPONT, CHU)
SERVICE = box("secretariat.cardiologie@chu-nantes.mssante.fr", None, CHU, service="Secrétariat de cardiologie")
CONTACT = box("contact@chu-nantes.mssante.fr", None, CHU)
TOWN = box("dupont@medecin.mssante.fr", DUPONT, PRACTICE)


@pytest.mark.parametrize(
    ("lost", "others", "bad", "proposed"),
    [
        ([LOST], [LOST, SERVICE, TOWN], (), TOWN),
        (
            [LOST],
            [LOST, TOWN, box("j.dupont@chu-nantes.mssante.fr", DUPONT, CHU)],
            (),
            "j.dupont@chu-nantes.mssante.fr",
        ),
        ([LOST], [TOWN, SERVICE], ("dupont@medecin.mssante.fr",), SERVICE),
        ([LOST], [red(TOWN), SERVICE], (), SERVICE),
        ([LOST], [CONTACT], (), None),
        ([LOST], [box("jean@x.fr", DUPONT_PARIS, BAC)], (), None),
        ([], [TOWN], (), None),
        (
            [SERVICE],
            [CONTACT, box("cardio2@chu.fr", None, CHU, service="secretariat de Cardiologie")],
            (),
            "cardio2@chu.fr",
        ),
    ],
)
def test_the_same_person_is_proposed_first_then_the_team_of_the_service(
    lost: list[Line], others: list[Line], bad: tuple[str, ...], proposed: Line | str | None
) -> None:
    found = choose_alternative(entries(*lost), entries(*others), bad)
    wanted = proposed[0].address if isinstance(proposed, tuple) else proposed
    assert (None if found is None else found.address) == wanted


def test_an_alternative_says_why_in_french() -> None:
    assert DUPONT.specialities == (CARDIO,)
    found = choose_alternative(entries(LOST), entries(*LINES), ())
    assert found == Alternative(SERVICE[0].address, "boîte du service « Secrétariat de cardiologie »")
    other = choose_alternative(entries(LOST), entries(replace_rank(TOWN)), ())
    assert other == Alternative("dupont@medecin.mssante.fr", "autre boîte de Jean DUPONT, CABINET DU PORT")


def replace_rank(line: Line) -> Line:
    return replace(line[0], rank=1), line[1], line[2]
