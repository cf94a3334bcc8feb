"""A mailbox that the hospital opens: published at the manager, extracted, found in the directory of another operator.

Source: operators.md 4.4 (extraction), 4.6 (FHIR Patch).
"""

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mssante.app.config import read_secret
from mssante.app.sandbox.annuaire import LOG, Searched, search_directory
from mssante.app.sandbox.layout import LOGS, Laid, Layout
from mssante.app.sandbox.letters import DOCTOR
from mssante.app.sandbox.places import HOSPITAL
from mssante.app.sandbox.processes import Nursery, run_command
from mssante.app.sandbox.stores import ACTOR, SandboxAccount
from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.model.address import parse_address
from mssante.model.mailbox import MailboxId, MailboxType
from mssante.model.publication import Listing, PublicationState
from mssante.model.settings import StoreSettings
from mssante.store import publication
from mssante.store.engine import Store

BOX: Final = parse_address("hdj.cardiologie@chu-valdore.mssante.fr")
SERVICE: Final = "Hôpital de jour de cardiologie"
WORDS: Final = "hôpital de jour cardiologie valdoré"
COMMANDS: Final = 2
"""How many commands are run here: export, fetch."""
_ACCEPTED_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.05
_OVER: Final = frozenset({PublicationState.ACCEPTED, PublicationState.REFUSED})


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a mailbox that the hospital opened: published, extracted, fetched and found by another operator.

    Attributes:
        state: of its publication.
        accepted_seconds: from the opening to the answer of the manager's directory.
        lines: mailboxes in the extraction.
        code: why it is not accepted, or "".
        searched: by a doctor of the other operator.
    """

    address: str
    state: PublicationState
    accepted_seconds: float
    lines: int
    code: str
    searched: Searched

    @property
    def as_expected(self) -> bool:
        """Tell whether it was accepted and found."""
        return self.state is PublicationState.ACCEPTED and self.searched.as_expected


async def publish_new_box(layout: Layout, nursery: Nursery, store: Store, asker: SandboxAccount) -> Published:
    """Open a mailbox at the hospital, and follow it until another operator's directory knows it.

    The hospital publishes it by itself. The extraction and its import, which running programs do once a day, are asked
    for here.

    Args:
        store: of the hospital, which runs.
        asker: a doctor of the other operator.

    Raises:
        LinkError: a command failed, or the directory did not answer.
    """
    log = layout.folder / LOGS / LOG
    hospital = layout.operator_of(BOX.domain)
    began = time.monotonic()
    state, code = await _accepted(store, await _open_box(hospital, store))
    accepted_seconds = time.monotonic() - began
    made = await run_command(nursery, log, "directory", "export", "--json", "--config", str(layout.manager_config))
    other = layout.operator_of(asker.address.domain)
    await run_command(nursery, log, "directory", "fetch", "--json", "--config", str(other.config))
    searched = await search_directory(layout, asker, WORDS, str(BOX))
    return Published(str(BOX), state, accepted_seconds, int(json.loads(made)["lines"]), code, searched)


async def _open_box(hospital: Laid, store: Store) -> MailboxId:
    key = read_secret(hospital.folder / "secrets" / "trace_key.bin")
    administering = Administering(store=store, actor=ACTOR, trace_key=key, clock=lambda: datetime.now(UTC))
    order = MailboxOrder(
        BOX,
        MailboxType.ORG,
        SERVICE,
        HOSPITAL.identifier,
        StoreSettings().quota_bytes,
        members=(str(DOCTOR),),
        listing=Listing(service=SERVICE),
    )
    return (await administering.create(order)).mailbox_id


async def _accepted(store: Store, mailbox_id: MailboxId) -> tuple[PublicationState, str]:
    """Return the state of a publication once it is accepted or refused, or when it has had enough time."""
    end = time.monotonic() + _ACCEPTED_SECONDS
    while True:
        found = await store.read(lambda tx: publication.announced(tx, mailbox_id))
        if found is not None and (found.state in _OVER or time.monotonic() > end):
            return found.state, found.code
        await asyncio.sleep(_LOOK_SECONDS)
