"""Receipts that a box of ours gives: where they go, what they say, once, and when none may be given.

Source: clients.md 5.7; RFC 8098 section 2.1.
"""

import pytest
from standins import ANNE, BRUNO, VILLE, Office, letter, parsed

from mssante.flows.acknowledging import Acknowledged, Acknowledging, Verdict
from mssante.flows.intake import Accepted
from mssante.model.address import parse_address
from mssante.model.envelope import Notify
from mssante.model.errors import MssError
from mssante.model.receipt import ReceiptKind
from mssante.store import receipts
from mssante.wire.mime.compose import compose
from mssante.wire.mime.mdn import Disposition
from mssante.wire.mime.mdn_read import read_mdn

ASKS = f"Disposition-Notification-To: {VILLE}\r\n"
FILED = Verdict(Disposition.PROCESSED, is_automatic=True)
UNKNOWN = Verdict(Disposition.PROCESSED, "902", is_automatic=True)


async def got(office: Office, *, head: str = ASKS, sender: str | None = VILLE, data: bytes = b"") -> str:
    """Receive a message in Anne's box; return its reference."""
    found = await office.receive(data or letter(sender=VILLE, ident="v1@ville", head=head), ANNE, sender=sender)
    assert isinstance(found, Accepted)
    return found.reference


async def answer(office: Office, reference: str, verdict: Verdict, box: str = ANNE) -> Acknowledged:
    acknowledging = Acknowledging(store=office.store, submitting=office.submitting)
    mailbox = await office.mailbox(box)
    return await acknowledging.answer(mailbox, reference, verdict, actor="cli:test", now=office.clock())


async def test_a_receipt_goes_once_to_who_asked_with_the_null_path(office: Office) -> None:
    reference = await got(office)
    given = await answer(office, reference, FILED)
    assert (str(given.to), given.was_asked) == (VILLE, True)
    await office.delivering.drain()
    ((_host, parcel),) = office.courier.parcels
    assert parcel.sender is None
    assert [(str(one.address), one.notify) for one in parcel.recipients] == [(VILLE, Notify.NEVER)]
    mdn = read_mdn(bytes(parcel.data[1]))
    assert mdn is not None
    assert (mdn.disposition, mdn.is_automatic, mdn.original_message_id) == (Disposition.PROCESSED, True, "v1@ville")
    assert str(mdn.final_recipient) == ANNE
    (event,) = await office.events("receipt.given")
    assert (event.subject, dict(event.facts)) == (reference, {"from": ANNE, "to": VILLE, "receipt": "mdn-processed"})
    with pytest.raises(MssError, match="déjà été rendu"):
        await answer(office, reference, UNKNOWN)


async def test_an_error_gives_the_pdf_back_with_its_code(office: Office) -> None:
    files = (("lettre.pdf", "application/pdf", b"%PDF-1.4"), ("image.png", "image/png", b"x"))
    data = compose(
        sender=parse_address(VILLE),
        to=(parse_address(ANNE),),
        subject="XDM/1.0/DDM+lettre",
        text="x",
        attachments=files,
        message_id="v1@ville",
        now=office.clock(),
        headers={"Disposition-Notification-To": VILLE},
    )
    await answer(office, await got(office, data=data), UNKNOWN)
    await office.delivering.drain()
    message = parsed(bytes(office.courier.parcels[0][1].data[1]))
    assert message["Subject"] == "[KO Intégration système !][902] XDM/1.0/DDM+lettre"
    assert [part.get_filename() for part in message.walk() if part.get_filename()] == ["lettre.pdf"]
    (event,) = await office.events("receipt.given")
    assert (event.facts["receipt"], event.facts["code"]) == ("mdn-error", "902")


@pytest.mark.parametrize("asks", [{"Disposition-Notification-To": VILLE}, {}], ids=["asked", "not asked"])
async def test_an_archive_that_may_not_leave_is_not_given_back_but_its_error_is_told(
    office: Office, asks: dict[str, str]
) -> None:
    data = compose(
        sender=parse_address(VILLE),
        to=(parse_address(ANNE),),
        subject="XDM/1.0/DDM+lettre",
        text="x",
        attachments=(("IHE_XDM.zip", "application/zip", b"PK\3\4"),),
        message_id="v1@ville",
        now=office.clock(),
        headers=asks,
    )
    await answer(office, await got(office, data=data), Verdict(Disposition.PROCESSED, "900"))
    await office.delivering.drain()
    message = parsed(bytes(office.courier.parcels[0][1].data[1]))
    assert message["Subject"] == "[KO Intégration système !][900] XDM/1.0/DDM+lettre"
    assert "IHE_XDM.zip" not in [part.get_filename() for part in message.walk()]
    assert message.get_content_subtype() == ("report" if asks else "mixed")


async def test_an_error_is_told_even_when_no_receipt_was_asked_for(office: Office) -> None:
    reference = await got(office, head="")
    with pytest.raises(MssError, match="n'a pas demandé d'accusé"):
        await answer(office, reference, FILED)
    given = await answer(office, reference, UNKNOWN)
    assert not given.was_asked
    await office.delivering.drain()
    parcel = office.courier.parcels[0][1]
    assert str(parcel.sender) == ANNE, "an ordinary message has a return path"
    message = parsed(bytes(parcel.data[1]))
    assert message.get_content_type() == "multipart/mixed"
    assert "message_original.eml" in [part.get_filename() for part in message.walk()]


async def test_a_receipt_that_would_go_elsewhere_waits_for_a_person(office: Office) -> None:
    other = "ailleurs@loin.mssante.fr"
    reference = await got(office, head=f"Disposition-Notification-To: {other}\r\n")
    with pytest.raises(MssError, match="--confirm"):
        await answer(office, reference, FILED)
    given = await answer(office, reference, Verdict(Disposition.DISPLAYED, confirmed=True))
    assert str(given.to) == other


async def test_a_receipt_never_leaves_the_trust_space(office: Office) -> None:
    reference = await got(office, head="Disposition-Notification-To: espion@dehors.fr\r\n")
    with pytest.raises(MssError, match="espace de confiance"):
        await answer(office, reference, Verdict(Disposition.DISPLAYED, confirmed=True))
    assert not await office.events("receipt.given")


@pytest.mark.parametrize(
    ("head", "sender"),
    [
        (ASKS + "Auto-Submitted: auto-generated\r\n", VILLE),
        (ASKS + "Precedence: bulk\r\n", VILLE),
        (ASKS, None),
    ],
    ids=["a program", "a list", "a notice"],
)
@pytest.mark.parametrize("verdict", [FILED, UNKNOWN], ids=["filed", "error"])
async def test_no_program_answers_a_program(office: Office, head: str, sender: str | None, verdict: Verdict) -> None:
    reference = await got(office, head=head, sender=sender)
    with pytest.raises(MssError):
        await answer(office, reference, verdict)


async def test_a_code_that_does_not_exist_or_a_message_that_is_not_there_is_refused(office: Office) -> None:
    reference = await got(office)
    with pytest.raises(MssError, match="codes :"):
        await answer(office, reference, Verdict(Disposition.PROCESSED, "999"))
    with pytest.raises(MssError, match="n'a pas de message"):
        await answer(office, "inconnue", FILED)
    with pytest.raises(MssError, match="n'a pas de message"):
        await answer(office, reference, FILED, box=BRUNO)


async def test_a_receipt_between_two_boxes_of_ours_comes_back_to_the_passport(office: Office) -> None:
    data = letter(sender=ANNE, ident="m1@poste", head=f"Disposition-Notification-To: {ANNE}\r\n")
    submitted = await office.submit(data, BRUNO)
    assert isinstance(submitted, Accepted)
    await office.delivering.drain()
    (message,) = await office.listed(BRUNO)
    await answer(office, message.reference, FILED, box=BRUNO)
    await office.delivering.drain()
    (receipt,) = await office.store.read(lambda tx: receipts.receipts_of(tx, submitted.reference))
    assert (receipt.kind, receipt.recipient) == (ReceiptKind.MDN_PROCESSED, BRUNO)
