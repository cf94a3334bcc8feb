"""Receipts and answers that come by mail: what is kept of them, and everything that is not (think of the forger).

Source: clients.md 5.7; RFC 8098 section 6.1; issue of documents (forged receipts change nothing).
"""

from dataclasses import replace

import pytest
from forge import NOW
from receipt_letters import OPENED, REFUSED, sent, written
from standins import ANNE, BRUNO, FAR, HOSTS, LOIN, NEAR, TRACE_KEY, VILLE, Office, letter, peer_of

from mssante.flows.intake import Accepted
from mssante.flows.returned import envelope_id_of
from mssante.model.address import Address, parse_address
from mssante.model.envelope import Notify
from mssante.model.message import Copy, CopyState
from mssante.model.receipt import Receipt, ReceiptKind
from mssante.store import receipts
from mssante.wire.mime.compose import compose
from mssante.wire.mime.dsn import Notice, NoticeKind, NoticeRecipient, build_notice
from mssante.wire.mime.mdn import Disposition, ReceiptLetter, write_integration_error, write_mdn


async def kept(office: Office, copy: Copy) -> list[tuple[ReceiptKind, str]]:
    return [(one.kind, one.code) for one in await all_of(office, copy)]


async def all_of(office: Office, copy: Copy) -> list[Receipt]:
    return await office.store.read(lambda tx: receipts.receipts_of(tx, copy.reference))


async def test_an_opening_told_by_the_reader_is_kept_with_its_proof(office: Office) -> None:
    copy = await sent(office)
    office.clock.step(hours=2)
    answer = await office.receive(written(OPENED), ANNE, sender=None)
    assert isinstance(answer, Accepted)
    (receipt,) = await all_of(office, copy)
    assert receipt == Receipt(
        copy.reference,
        VILLE,
        ReceiptKind.MDN_DISPLAYED,
        office.clock(),
        proof="sender and content",
        source=answer.reference,
    )
    (event,) = await office.events("receipt.noted")
    assert (event.subject, event.rule) == (copy.reference, "receipt")
    assert event.facts["receipt"] == "mdn-displayed"
    assert len(await office.notices_to(ANNE)) == 1, "the receipt itself is delivered"


async def test_an_error_of_a_program_is_kept_with_its_code_whoever_is_the_return_path(office: Office) -> None:
    copy = await sent(office)
    await office.receive(written(REFUSED), ANNE, sender=f"logiciel@{NEAR}")
    (receipt,) = await all_of(office, copy)
    assert (receipt.kind, receipt.code, receipt.detail) == (ReceiptKind.MDN_ERROR, "902", "patient inconnu")
    (event,) = await office.events("receipt.noted")
    assert "patient inconnu" not in str(event.facts), "what a stranger writes stands in no trace"


async def test_an_error_that_nobody_asked_for_is_known_by_its_subject(office: Office) -> None:
    copy = await sent(office)
    original = b"Message-ID: <m1@poste>\r\n\r\nx\r\n"
    note = ReceiptLetter(parse_address(VILLE), parse_address(ANNE), "XDM/1.0/DDM+x", NOW, "e1@v", original)
    await office.receive(write_integration_error(replace(REFUSED, code="906"), note), ANNE)
    assert await kept(office, copy) == [(ReceiptKind.MDN_ERROR, "906")]


async def test_an_answer_of_a_recipient_is_kept_and_an_automatic_one_is_not(office: Office) -> None:
    copy = await sent(office)
    plain = {"sender": parse_address(VILLE), "to": (parse_address(ANNE),), "subject": "Re: x", "text": "Merci"}
    absent = compose(**plain, message_id="a0@v", now=NOW, in_reply_to="m1@poste", headers={"Auto-Submitted": "auto-replied"})  # type: ignore[arg-type]  # fmt: skip
    await office.receive(absent, ANNE)
    assert await kept(office, copy) == []
    answer = compose(**plain, message_id="a1@v", now=NOW, in_reply_to="m1@poste")  # type: ignore[arg-type]
    await office.receive(answer, ANNE)
    assert await kept(office, copy) == [(ReceiptKind.ANSWERED, "")]
    assert not await office.events("receipt.refused")


async def test_an_answer_to_the_box_that_reply_to_names_counts(office: Office) -> None:
    copy = await sent(office)
    answer = compose(
        sender=parse_address(VILLE),
        to=(parse_address(BRUNO),),
        subject="Re: x",
        text="Merci",
        message_id="a1@v",
        now=NOW,
        in_reply_to="m1@poste",
    )
    await office.receive(answer, BRUNO)
    assert await kept(office, copy) == [(ReceiptKind.ANSWERED, "")]
    stranger = answer.replace(VILLE.encode(), f"mallory@{NEAR}".encode()).replace(b"a1@v", b"a2@v")
    await office.receive(stranger, BRUNO, sender=f"mallory@{NEAR}")
    assert len(await all_of(office, copy)) == 1


async def test_a_message_without_identifier_of_its_own_is_known_by_the_one_that_we_gave(office: Office) -> None:
    answer = await office.submit(b"From: anne@chu.mssante.fr\r\nSubject: x\r\n\r\nBonjour\r\n", VILLE)
    assert isinstance(answer, Accepted)
    await office.delivering.drain()
    (copy,) = await office.copies()
    await office.receive(written(replace(OPENED, original_message_id=f"{answer.reference}@mss.chu.fr")), ANNE)
    assert await kept(office, copy) == [(ReceiptKind.MDN_DISPLAYED, "")]


async def test_between_two_boxes_of_ours_a_receipt_counts_too(office: Office) -> None:
    copy = await sent(office, BRUNO)
    data = written(replace(OPENED, final_recipient=parse_address(BRUNO)), by=BRUNO)
    await office.submit(data, ANNE, sender=BRUNO)
    await office.delivering.drain()
    assert await kept(office, copy) == [(ReceiptKind.MDN_DISPLAYED, "")]


@pytest.mark.parametrize("head", ["In-Reply-To: <m1@poste>\r\n", ""], ids=["answer", "letter"])
async def test_a_large_answer_between_two_boxes_of_ours_counts_too(office: Office, head: str) -> None:
    copy = await sent(office, BRUNO)
    await office.submit(letter("x" * 400_000, sender=BRUNO, head=head), ANNE, sender=BRUNO)
    await office.delivering.drain()
    assert len(await all_of(office, copy)) == bool(head)


async def test_a_large_receipt_with_the_files_is_read_too(office: Office) -> None:
    copy = await sent(office)
    big = ("lettre.pdf", "application/pdf", bytes(400_000))
    note = ReceiptLetter(parse_address(VILLE), parse_address(ANNE), "XDM/1.0/DDM+x", NOW, "r1@v", b"\r\n", (big,))
    await office.receive(write_mdn(REFUSED, note), ANNE)
    assert await kept(office, copy) == [(ReceiptKind.MDN_ERROR, "902")]


async def test_a_receipt_that_somebody_forwards_is_an_answer_and_no_receipt(office: Office) -> None:
    copy = await sent(office)
    inner = b"Content-Type: message/rfc822\r\n\r\n" + written(replace(OPENED, disposition=Disposition.DELETED))
    outer = (
        f"From: {VILLE}\r\nSubject: TR\r\nIn-Reply-To: <m1@poste>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="dehors"\r\n\r\n--dehors\r\n'
    )
    await office.receive(outer.encode() + inner + b"\r\n--dehors--\r\n", ANNE)
    assert await kept(office, copy) == [(ReceiptKind.ANSWERED, "")]
    assert not await office.events("receipt.refused")


async def test_the_same_receipt_again_changes_nothing(office: Office) -> None:
    copy = await sent(office)
    for number in range(3):
        await office.receive(written(OPENED, ident=f"r{number}@ville"), ANNE, sender=None)
    assert len(await all_of(office, copy)) == 1
    assert len(await office.events("receipt.noted")) == 1


OTHER = parse_address(LOIN)


@pytest.mark.parametrize(
    ("data", "sender", "peer", "box"),
    [
        (written(OPENED), None, FAR, ANNE),
        (written(OPENED, by=LOIN), LOIN, FAR, ANNE),
        (written(replace(OPENED, final_recipient=OTHER), by=LOIN), None, FAR, ANNE),
        (written(OPENED, by=f"mallory@{NEAR}"), None, NEAR, ANNE),
        (written(OPENED), LOIN, FAR, ANNE),
        (written(replace(OPENED, final_recipient=parse_address(f"mallory@{NEAR}"))), None, NEAR, ANNE),
        (written(OPENED), None, NEAR, BRUNO),
        (written(replace(OPENED, original_message_id="m2@poste")), None, NEAR, ANNE),
        (written(replace(OPENED, original_message_id="")), None, NEAR, ANNE),
        (
            written(OPENED).replace(b"Message-ID: <m1@poste>\r\n\r\n", b"Message-ID: <autre@x>\r\n\r\n"),
            None,
            NEAR,
            ANNE,
        ),
    ],
    ids=[
        "another operator speaks for the reader",
        "a reader to whom it was not sent",
        "the same with the null path",
        "a neighbour of the reader",
        "a return path of another domain",
        "about somebody else",
        "to a box that did not send it",
        "about a message that was never sent",
        "about no message",
        "gives another message back",
    ],
)
async def test_a_forged_receipt_changes_nothing_and_is_written_down(
    office: Office, data: bytes, sender: str | None, peer: str, box: str
) -> None:
    copy = await sent(office)
    answer = await office.receive(data, box, sender=sender, peer=peer_of(HOSTS[peer]))
    assert isinstance(answer, Accepted), "mail is delivered whatever it pretends"
    assert await all_of(office, copy) == []
    (event,) = await office.events("receipt.refused")
    assert (event.subject, event.outcome) == (answer.reference, "sender-not-allowed")
    assert (await office.copies())[0].state is CopyState.RELAYED


async def test_one_of_two_readers_speaks_for_himself_only(office: Office) -> None:
    copy = await sent(office, VILLE, LOIN)
    await office.receive(
        written(replace(OPENED, final_recipient=OTHER), by=LOIN), ANNE, sender=None, peer=peer_of(HOSTS[FAR])
    )
    assert [one.recipient for one in await all_of(office, copy)] == [LOIN]


def notice(office: Office, copy: Copy, kind: NoticeKind, status: str, envelope_id: str | None = None) -> bytes:
    domain = copy.recipient.address.domain
    return build_notice(
        Notice(
            kind=kind,
            reporting_mta="mss.ville.fr",
            postmaster=Address("postmaster", NEAR),
            to=parse_address(ANNE),
            recipients=(NoticeRecipient(copy.recipient.address, None, status),),
            envelope_id=envelope_id or envelope_id_of(TRACE_KEY, copy.reference, domain),
            arrived_at=office.clock(),
            now=office.clock(),
            message_id="avis@mss.ville.fr",
            original_id="m1@poste",
            reference="AUTRE",
            original=b"Subject: x\r\n\r\n",
            full=False,
            limit_bytes=9000,
        )
    )


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        (NoticeKind.DELIVERED, "2.0.0", ReceiptKind.DSN_DELIVERED),
        (NoticeKind.RELAYED, "2.0.0", ReceiptKind.DSN_RELAYED),
        (NoticeKind.DELAYED, "4.4.1", ReceiptKind.DSN_DELAYED),
        (NoticeKind.FAILED, "5.1.1", ReceiptKind.DSN_FAILED),
    ],
)
async def test_a_notice_with_our_envelope_identifier_is_kept(
    office: Office, kind: NoticeKind, status: str, expected: ReceiptKind
) -> None:
    copy = await sent(office)
    await office.receive(notice(office, copy, kind, status), ANNE, sender=None)
    assert await kept(office, copy) == [(expected, status)]


@pytest.mark.parametrize(
    ("kind", "status", "envelope_id", "peer"),
    [
        (NoticeKind.DELIVERED, "2.0.0", "ref-1.000000000000000000000000", NEAR),
        (NoticeKind.DELIVERED, "5.0.0", None, NEAR),
        (NoticeKind.DELIVERED, "2.0.0", None, FAR),
    ],
    ids=["guessed", "contradicts itself", "another operator"],
)
async def test_a_forged_notice_of_delivery_tells_nothing(
    office: Office, kind: NoticeKind, status: str, envelope_id: str | None, peer: str
) -> None:
    copy = await sent(office)
    await office.receive(notice(office, copy, kind, status, envelope_id), ANNE, sender=None, peer=peer_of(HOSTS[peer]))
    assert await all_of(office, copy) == []


async def test_a_request_for_success_goes_out_with_the_copy(office: Office) -> None:
    await office.submit(letter(sender=ANNE, ident="m1@poste"), VILLE, notify=Notify.SUCCESS | Notify.FAILURE)
    await office.delivering.drain()
    assert office.courier.parcels[0][1].recipients[0].notify & Notify.SUCCESS
