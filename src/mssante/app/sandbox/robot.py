"""The test robot of the citizens' operator: it answers each message, so that a vendor sees an answer come back.

Source: clients.md 5.10 (``reponse.automatique-test@patient.mssante.fr``).
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mssante.app.sandbox import letters, space
from mssante.app.sandbox.follow import Stores
from mssante.app.sandbox.layout import Layout
from mssante.app.sandbox.stores import SandboxAccount
from mssante.model.address import Address
from mssante.model.errors import LinkError, MssError
from mssante.model.mailbox import Role
from mssante.model.message import StoredMessage
from mssante.store.engine import Store
from mssante.store.mailboxes import folder_by_role, mailbox_by_key
from mssante.store.messages import list_messages
from mssante.store.tx import Tx

LOOK_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 20.0
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back from the robot; `seconds` until it lay in the asker's box, 0 when nothing came."""

    robot: Address
    subject: str
    seconds: float

    @property
    def as_expected(self) -> bool:
        """Tell whether it answered."""
        return self.seconds > 0


async def run_robot(layout: Layout, store: Store, account: SandboxAccount) -> None:
    """Answer every message in the robot's box for ever; nothing without a sender, and never twice.

    Args:
        store: of the citizens' operator.
        account: of the robot.
    """
    uid = 0
    while True:
        for message in await _since(store, account.address, uid):
            uid = message.uid
            summary = message.summary
            written = summary.reply_to or summary.from_addresses
            is_program = not message.sender or "auto-submitted" in summary.present
            if is_program or not written or written[0].is_citizen:
                continue
            answer = letters.robot_answer(written[0], summary.subject, summary.message_id)
            # What cannot be answered, because the exchange was closed meanwhile, stays without an answer.
            with contextlib.suppress(LinkError):
                await letters.send(layout, account, answer)
        await asyncio.sleep(LOOK_SECONDS)


async def ask_robot(layout: Layout, stores: Stores, account: SandboxAccount) -> Answered:
    """Write to the robot and wait for its answer.

    Args:
        account: who writes.

    Raises:
        MssError: the message was not accepted.
    """
    store = stores.of(layout.operator_of(account.address.domain))
    letter = letters.question_to_robot(account.address, datetime.now(UTC))
    await letters.send(layout, account, letter)
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_SECONDS:
        for message in await _since(store, account.address, 0):
            if message.summary.subject == f"Re: {letter.title}":
                return Answered(space.ROBOT, message.summary.subject, time.monotonic() - began)
        await asyncio.sleep(LOOK_SECONDS / 4)
    return Answered(space.ROBOT, "", 0.0)


async def _since(store: Store, address: Address, uid: int) -> list[StoredMessage]:
    async def work(tx: Tx) -> list[StoredMessage]:
        box = await mailbox_by_key(tx, address.key)
        if box is None:
            msg = f"{address} has no mailbox in the sandbox"
            raise MssError(msg)
        inbox = await folder_by_role(tx, box.mailbox_id, Role.INBOX)
        return await list_messages(tx, inbox.folder_id, after_uid=uid, limit=_PAGE)

    return await store.read(work)
