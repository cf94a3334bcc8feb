"""The hospital as two nodes on a PostgreSQL cluster and an object store: each part is killed while letters cross.

A letter counts as accepted once the sender's operator has said 250; the ledger of them is kept here, outside of
everything that is killed.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mssante.app.sandbox import letters, space
from mssante.app.sandbox.cluster.cluster import Cluster, open_cluster
from mssante.app.sandbox.follow import Followed, Stores, follow, open_stores
from mssante.app.sandbox.layout import LOGS, Common, Laid, Layout, lay_out
from mssante.app.sandbox.processes import Nursery, Served, kill, start, stop
from mssante.app.sandbox.stores import SandboxAccount, fill_manager, fill_operator
from mssante.app.sandbox.swift.swift import Swift, open_swift
from mssante.model.errors import LinkError, StoreError
from mssante.model.mailbox import Role
from mssante.model.message import StoredMessage
from mssante.store import mailboxes, messages
from mssante.store.engine import Store
from mssante.store.tx import Tx

PROGRAMS: Final = 4 + len(space.OPERATORS)
"""Manager, identity provider, operators, the second node, and the first one again."""
LETTERS_AT_ONCE: Final = 2
PAUSE_SECONDS: Final = 0.2
LOOK_SECONDS: Final = 0.1
BACK_SECONDS: Final = 90.0
LARGE_BYTES: Final = 400_000
LARGE_EVERY: Final = 5
MESSAGES_MAX: Final = 10_000

Told = Callable[[str, str, Mapping[str, object]], None]
"""Told a name, a line in French, and the facts of it."""


@dataclass(frozen=True, slots=True)
class Killed:
    """One part that was killed.

    Attributes:
        part: "node", "database" or "device".
        name: which one.
        back_seconds: from the kill until a letter that was accepted after it lay in its reader's box.
    """

    part: str
    name: str
    back_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of everything.

    Attributes:
        accepted: letters for the hospital, by their sender's operator.
        lost: of them, not in the reader's box in the end.
        twice: of them, there more than once.
        damaged: of them, with other bytes than were sent.
        crossed: the first letter arrived at each of its recipients.
    """

    crossed: bool
    killed: tuple[Killed, ...]
    accepted: int
    lost: int
    twice: int
    damaged: int

    @property
    def as_expected(self) -> bool:
        """Tell whether mail went on and nothing was lost."""
        return self.crossed and self.accepted > 0 and not self.lost + self.twice + self.damaged


@dataclass(slots=True)
class _Ledger:
    """Letters that were accepted: Message-ID -> letter and when."""

    accepted: dict[str, tuple[letters.Letter, float]] = field(default_factory=dict)


@dataclass(slots=True)
class _Running:
    layout: Layout
    cluster: Cluster
    swift: Swift
    nursery: Nursery
    accounts: dict[str, tuple[SandboxAccount, ...]]
    programs: dict[str, Served]
    ledger: _Ledger

    def account_of(self, address: object) -> SandboxAccount:
        return next(one for made in self.accounts.values() for one in made if one.address == address)


async def demonstrate_cluster(folder: Path, told: Told, nursery: Nursery) -> Outcome:
    """Run the whole demonstration; everything is stopped at its end.

    Raises:
        MssError: a program did not start, a package is missing, or mail did not come back within 90 seconds.
    """
    async with AsyncExitStack() as stack:
        running = await _open(folder, told, nursery, stack)
        stores = await open_stores(running.layout, stack)
        hospital = stores.of(running.layout.operator_of(letters.DOCTOR.domain))
        crossed = await _first_letter(running, stores, told)
        async with _traffic(running):
            killed = [
                await _kill(running, hospital, told, part, name, act, mend)
                for part, name, act, mend in await _victims(running)
            ]
        outcome = await _settled(running, hospital, crossed, tuple(killed))
        told("done", _summary(outcome), asdict(outcome))
        return outcome


async def _open(folder: Path, told: Told, nursery: Nursery, stack: AsyncExitStack) -> _Running:
    def progress(text: str) -> None:
        told("progress", text, {})

    progress("Démarrage de PostgreSQL (trois nœuds Patroni, etcd) et de Swift (trois disques)...")
    (folder / LOGS).mkdir()
    cluster, swift = await asyncio.gather(
        stack.enter_async_context(open_cluster(progress=progress)),
        stack.enter_async_context(open_swift(progress=progress)),
    )
    now = datetime.now(UTC)
    layout = await asyncio.to_thread(lay_out, folder, now, _shared(folder, cluster, swift))
    progress("Création des boîtes aux lettres...")
    await fill_manager(layout)
    running = _Running(layout, cluster, swift, nursery, {}, {}, _Ledger())
    stack.push_async_callback(_stop_all, running)
    await _start(running, space.MANAGER_KEY, layout.manager_config)
    for laid in layout.operators:
        running.accounts[laid.plan.key] = await fill_operator(laid, now)
    progress("Démarrage des opérateurs, l'hôpital sur deux nœuds...")
    await _start(running, space.IDENTITY_KEY, layout.identity.config)
    await asyncio.gather(*(_start(running, _key(laid), laid.config) for laid in _nodes(layout)))
    doors = ", ".join(f"{_key(laid)} SMTP {laid.ports.smtp}" for laid in _nodes(layout))
    told("ready", f"L'hôpital tourne sur deux nœuds, une base et un stockage partagés : {doors}", {})
    return running


def _shared(folder: Path, cluster: Cluster, swift: Swift) -> Common:
    """Return the sections that make two nodes of one operator: one database, one object store."""
    bodies = swift.settings(folder)
    values = {name: value for name, value in asdict(bodies).items() if value not in {None, ""}}
    return {"store": {"engine": "postgresql", "dsn": cluster.store_dsn}, "blobs": values}


def _nodes(layout: Layout) -> tuple[Laid, ...]:
    return layout.operators if layout.twin is None else (*layout.operators, layout.twin)


def _key(laid: Laid) -> str:
    return laid.folder.name


async def _start(running: _Running, key: str, config: Path) -> None:
    running.programs[key] = await start(running.nursery, key, config, running.layout.folder / LOGS / f"{key}.log")


async def _stop_all(running: _Running) -> None:
    await asyncio.gather(*(stop(one) for one in running.programs.values()))


async def _first_letter(running: _Running, stores: Stores, told: Told) -> bool:
    """Send the letter of the usual demonstration from the hospital, and its answer back."""
    now = datetime.now(UTC)
    letter = letters.first_letters(now)[0]
    found: list[Followed] = []
    for one in (letter, letters.answer_to(letter, now)):
        sent = await letters.send(running.layout, running.account_of(one.sender), one)
        found += await follow(running.layout, stores, sent)
    arrived = all(one.arrived for one in found)
    told("crossed", f"{'✔' if arrived else '✘'} {letter.title} et sa réponse : {len(found)} copies remises", {})
    return arrived


Act = Callable[[], Awaitable[None]]


async def _victims(running: _Running) -> list[tuple[str, str, Act, Act]]:
    """Return what is killed in turn, how, and how it is started again."""
    leader = await running.cluster.wait_leader()
    hospital = running.layout.operator_of(letters.DOCTOR.domain)
    node = _key(hospital)
    device = running.swift.devices[0]

    async def end_node() -> None:
        await kill(running.programs.pop(node))

    return [
        ("node", node, end_node, lambda: _start(running, node, hospital.config)),
        ("database", leader, lambda: running.cluster.kill(leader), lambda: running.cluster.start(leader)),
        ("device", device, lambda: running.swift.kill(device), lambda: running.swift.start(device)),
    ]


async def _kill(running: _Running, hospital: Store, told: Told, part: str, name: str, act: Act, mend: Act) -> Killed:
    """Kill a part, wait until mail goes through again, and start it again."""
    least_bytes = LARGE_BYTES if part == "device" else 0
    await _until_read(running, hospital, time.monotonic(), least_bytes)
    began = time.monotonic()
    await act()
    back = await _until_read(running, hospital, time.monotonic(), least_bytes)
    found = Killed(part, name, back - began)
    seconds = f"{found.back_seconds:.1f}".replace(".", ",")
    told("killed", f"✔ {_PARTS[part]} {name} tué (-9) : le courrier passe de nouveau après {seconds} s", asdict(found))
    await mend()
    return found


_PARTS: Final = {
    "node": "Le nœud de l'hôpital",
    "database": "Le primaire de la base",
    "device": "Le disque du stockage objet",
}


async def _until_read(running: _Running, hospital: Store, since: float, least_bytes: int) -> float:
    """Return the moment at which a letter that was accepted after another moment lay in its reader's box.

    Args:
        least_bytes: only letters of that size count: their bodies stand in the object store.
    """
    try:
        async with asyncio.timeout(BACK_SECONDS):
            while True:
                wanted = {
                    one
                    for one, (letter, at) in running.ledger.accepted.items()
                    if at > since and len(letter.data) >= least_bytes
                }
                if wanted & {one.summary.message_id for one in await _inbox(hospital)}:
                    return time.monotonic()
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError as error:
        msg = f"le courrier ne passe pas de nouveau en {BACK_SECONDS:.0f} s : voir {running.layout.folder / LOGS}"
        raise LinkError(msg) from error


async def _inbox(store: Store) -> list[StoredMessage]:
    """Return what lies in the doctor's box; nothing while the database that we have killed is away."""

    async def work(tx: Tx) -> list[StoredMessage]:
        mailbox = await mailboxes.mailbox_by_key(tx, letters.DOCTOR.key)
        if mailbox is None:
            return []
        folder = await mailboxes.folder_by_role(tx, mailbox.mailbox_id, Role.INBOX)
        return list(await messages.list_messages(tx, folder.folder_id, limit=MESSAGES_MAX))

    try:
        return await store.read_long(work)
    except StoreError:
        return []


@asynccontextmanager
async def _traffic(running: _Running) -> AsyncIterator[None]:
    """Let the GP write to the hospital's doctor again and again, large letters among them."""
    stopping = asyncio.Event()

    async def write(number: int) -> None:
        account = running.account_of(letters.GP)
        while not stopping.is_set():
            number += LETTERS_AT_ONCE
            letter = letters.numbered(number, LARGE_BYTES if number % LARGE_EVERY == 0 else 0, datetime.now(UTC))
            # The sender's operator is not what is killed: what it refuses is not in the ledger.
            with suppress(LinkError):
                await letters.send(running.layout, account, letter)
                running.ledger.accepted[letter.message_id] = (letter, time.monotonic())
            await asyncio.sleep(PAUSE_SECONDS)

    tasks = [asyncio.create_task(write(number)) for number in range(LETTERS_AT_ONCE)]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


async def _settled(running: _Running, hospital: Store, crossed: bool, killed: tuple[Killed, ...]) -> Outcome:  # noqa: FBT001
    """Wait until every accepted letter is there, then count, and compare every byte."""
    accepted = running.ledger.accepted
    with suppress(TimeoutError):
        async with asyncio.timeout(BACK_SECONDS):
            while True:
                if accepted.keys() <= {one.summary.message_id for one in await _inbox(hospital)}:
                    break
                await asyncio.sleep(LOOK_SECONDS)
    there = await _inbox(hospital)
    times = Counter(one.summary.message_id for one in there)
    damaged = 0
    for one in there:
        if one.summary.message_id in accepted:
            letter, _at = accepted[one.summary.message_id]
            damaged += not await _is_whole(hospital, one, letter)
    return Outcome(
        crossed=crossed,
        killed=killed,
        accepted=len(accepted),
        lost=sum(one not in times for one in accepted),
        twice=sum(times[one] > 1 for one in accepted),
        damaged=damaged,
    )


async def _is_whole(store: Store, stored: StoredMessage, letter: letters.Letter) -> bool:
    content = await store.read(lambda tx: messages.message_content(tx, stored.mailbox_id, stored.folder_id, stored.uid))
    return content is not None and (await asyncio.to_thread(store.blobs.read, content[1])).endswith(letter.data)


def _summary(outcome: Outcome) -> str:
    mark = "✔" if outcome.as_expected else "✘"
    counts = f"{outcome.lost} perdue, {outcome.twice} en double, {outcome.damaged} abîmée"
    return f"{mark} {outcome.accepted} lettres acceptées pendant ce temps, {counts}"
