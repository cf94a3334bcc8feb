"""A citizen answers who wrote to him, and nobody else; FIN ends it, for earlier messages too."""

from standins import CITIZEN, LOIN, VILLE, Office, letter

from mssante.flows.intake import Accepted
from mssante.model.decision import Refusal


async def _answers(office: Office, to: str) -> bool:
    answer = await office.submit(letter(sender=CITIZEN), to, sender=CITIZEN)
    if isinstance(answer, Refusal):
        assert answer.rule == "conversation"
        assert "qui vous a écrit" in answer.french
    return isinstance(answer, Accepted)


def _from(sender: str, head: str = "") -> bytes:
    return f"From: {sender}\r\nSubject: bilan\r\n{head}\r\nBonjour\r\n".encode()


async def test_only_a_professional_opens_and_closes_an_exchange(office: Office) -> None:
    assert not await _answers(office, VILLE)
    await office.receive(_from(VILLE), CITIZEN, sender=VILLE)
    assert await _answers(office, VILLE)
    assert not await _answers(office, LOIN)
    await office.receive(_from(VILLE, "X-MSS-MES: FIN\r\n"), CITIZEN, sender=VILLE)
    assert not await _answers(office, VILLE)
    await office.receive(_from(VILLE, "X-Again: 1\r\n"), CITIZEN, sender=VILLE)
    assert await _answers(office, VILLE)
    await office.receive(_from(VILLE).replace(b"bilan", b"[FIN]"), CITIZEN, sender=VILLE)
    assert not await _answers(office, VILLE)


async def test_reply_to_takes_the_place_of_who_wrote(office: Office) -> None:
    await office.receive(_from(VILLE, f"Reply-To: {LOIN}\r\n"), CITIZEN, sender=VILLE)
    assert await _answers(office, LOIN)
    assert not await _answers(office, VILLE)
