"""The passport of a message between two operators, over real sockets and TLS: delivered, filed, refused, forged.

Source: issue of documents (the message passport); clients.md 5.7; RFC 3461; RFC 8098.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from proofs import FRIEND, HERE, THERE, USER
from world import Site, new_world

from mssante.app.background import ONE_NODE, silence_watch
from mssante.app.chance import utc_now
from mssante.flows.acknowledging import Acknowledging, Verdict
from mssante.flows.intake import Accepted
from mssante.flows.passport import passport_of
from mssante.links.resolver import StaticResolver
from mssante.model.address import parse_address
from mssante.model.envelope import DEFAULT_NOTIFY, Notify, Recipient
from mssante.model.mailbox import Identity, Method, Role
from mssante.model.message import StoredMessage
from mssante.model.settings import ResolverSettings
from mssante.rules.passport import Overall, Passport
from mssante.rules.timeline import StepState
from mssante.store import mailboxes, messages, receipts
from mssante.store.tx import Tx
from mssante.wire.mime.compose import compose
from mssante.wire.mime.mdn import Disposition, Mdn, ReceiptLetter, write_mdn

COLLEAGUE, ABSENT = f"collegue@{THERE}", f"absent@{THERE}"


@pytest.fixture
async def sites(tmp_path: Path, pki) -> AsyncIterator[tuple[Site, Site]]:
    """Open two operators that list each other; nothing is delivered but by `drain`."""
    world = new_world(tmp_path, pki.pki, pki.keys, pki.now)
    world.bind(HERE, pki.operator)
    world.bind(THERE, pki.other)
    async with (
        world.site("ici", pki.operator, (HERE,), (USER,)) as here,
        world.site("la-bas", pki.other, (THERE,), (FRIEND, COLLEAGUE)) as there,
    ):
        await world.publish()
        await world.publish_lists()
        # Their ports are known only now.
        for one in (here, there):
            one.operator.delivering._resolver = StaticResolver(ResolverSettings(mode="static", table=world.table))
        yield here, there


async def sent(site: Site, *to: str) -> str:
    """Send a letter that asks for everything; return its reference."""
    data = compose(
        sender=parse_address(USER),
        to=tuple(parse_address(one) for one in to),
        subject="Compte rendu",
        text="Bonjour",
        message_id="m1@poste",
        now=utc_now(),
        headers={"Disposition-Notification-To": USER},
    )
    return await submitted(site, USER, data, *to)


async def submitted(site: Site, sender: str, data: bytes, *to: str) -> str:
    box = parse_address(sender)
    identity = Identity(None, sender, Method.COMMAND_LINE, {box.key: box}, frozenset())
    wanted = tuple(Recipient(parse_address(one), DEFAULT_NOTIFY | Notify.SUCCESS) for one in to)
    answer = await site.operator.submitting.submit(identity, box, wanted, data)
    assert isinstance(answer, Accepted), answer
    await site.operator.delivering.drain()
    return answer.reference


async def got(site: Site, address: str) -> StoredMessage:
    """Return the first message of an inbox."""

    async def work(tx: Tx) -> StoredMessage:
        box = await mailboxes.mailbox_by_key(tx, address)
        assert box is not None
        folder = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.INBOX)
        return (await messages.list_messages(tx, folder.folder_id, limit=9))[0]

    return await site.operator.store.read(work)


async def shown(site: Site, reference: str) -> Passport:
    operator = site.operator
    found = await passport_of(operator.store, reference, trace_key=operator.trace_key, now=utc_now())
    assert found is not None
    return found


async def test_a_letter_is_followed_to_the_reader_s_program_and_a_dropped_part_stands_first(
    sites: tuple[Site, Site],
) -> None:
    here, there = sites
    reference = await sent(here, FRIEND, COLLEAGUE, ABSENT)
    await there.operator.delivering.drain()
    answering = Acknowledging(store=there.operator.store, submitting=there.operator.submitting)
    for address, code in ((FRIEND, ""), (COLLEAGUE, "902")):
        box = await there.operator.store.read(lambda tx, address=address: mailboxes.mailbox_by_key(tx, address))
        assert box is not None
        message = await got(there, address)
        verdict = Verdict(Disposition.PROCESSED, code, is_automatic=True)
        await answering.answer(box, message.reference, verdict, actor="test", now=utc_now())
    await there.operator.delivering.drain()
    found = await shown(here, reference)
    assert found.overall is Overall.PARTLY_SENT
    assert [(one.recipient, one.state) for one in found.timelines] == [
        (ABSENT, StepState.FAILED),
        (COLLEAGUE, StepState.REFUSED),
        (FRIEND, StepState.FILED),
    ]
    states = [step.state for step in found.timelines[2].steps]
    assert states == [
        StepState.ACCEPTED,
        StepState.ALLOWED,
        StepState.HANDED,
        StepState.DELIVERED,
        StepState.FILED,
    ]


async def test_a_colleague_s_forged_receipt_changes_nothing(sites: tuple[Site, Site]) -> None:
    here, there = sites
    reference = await sent(here, FRIEND)
    before = await shown(here, reference)
    forged = Mdn(Disposition.DISPLAYED, final_recipient=parse_address(FRIEND), original_message_id="m1@poste")
    letter = ReceiptLetter(parse_address(COLLEAGUE), parse_address(USER), "x", utc_now(), "f1@la", b"\r\n")
    await submitted(there, COLLEAGUE, write_mdn(forged, letter), USER)
    await submitted(
        there, COLLEAGUE, write_mdn(replace(forged, final_recipient=None), replace(letter, message_id="f2@la")), USER
    )
    after = await shown(here, reference)
    assert [step.state for step in after.timelines[0].steps][:3] == [step.state for step in before.timelines[0].steps][
        :3
    ]
    assert StepState.OPENED not in {step.state for step in after.timelines[0].steps}
    assert after.overall is Overall.SENT


async def test_the_work_beside_the_doors_tells_of_silence_once(sites: tuple[Site, Site]) -> None:
    here, _there = sites
    reference = await sent(here, FRIEND)
    until = utc_now()
    await here.operator.store.write(lambda tx: receipts.set_wish(tx, reference, parse_address(USER), until))
    assert [await silence_watch(here.operator).look() for _ in range(2)] == [1, 0]
    await here.operator.delivering.drain()
    assert (await got(here, USER)).summary.subject == "Sans nouvelles de votre message"
    assert "silence" in ONE_NODE
