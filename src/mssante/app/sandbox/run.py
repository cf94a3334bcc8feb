"""The demonstration from beginning to end: lay out, start, search, send, follow, refuse, publish, stop."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from mssante.app.config import read_config, read_secret
from mssante.app.sandbox import annuaire, letters, published, space
from mssante.app.sandbox.documents import check_documents
from mssante.app.sandbox.follow import Followed, Stores, follow, open_stores
from mssante.app.sandbox.layout import LOGS, Layout, lay_out
from mssante.app.sandbox.peers import BAD_PEERS, Stage
from mssante.app.sandbox.processes import Nursery, Served, start, stop
from mssante.app.sandbox.reading import open_box
from mssante.app.sandbox.refusals import Refused, refuse
from mssante.app.sandbox.robot import ask_robot, run_robot
from mssante.app.sandbox.show import Totals, View
from mssante.app.sandbox.stores import SandboxAccount, delist, fetch_list, fill_manager, fill_operator
from mssante.flows.passport import passport_of
from mssante.model.errors import MssError
from mssante.rules.passport import Overall, Passport

T = TypeVar("T")

_GONE_WELL: Final = frozenset({Overall.SENT, Overall.CONFIRMED})

PROGRAMS: Final = 2 + len(space.OPERATORS) + annuaire.COMMANDS + published.COMMANDS
"""Manager, identity provider, operators, and the commands that are run once."""


@dataclass(frozen=True, slots=True)
class Space:
    """A running space.

    Attributes:
        accounts: operator key -> its accounts.
    """

    layout: Layout
    accounts: dict[str, tuple[SandboxAccount, ...]]

    def account_of(self, address: object) -> SandboxAccount:
        """Return the account of an address."""
        return next(one for made in self.accounts.values() for one in made if one.address == address)


async def demonstrate(folder: Path, view: View, nursery: Nursery, *, once: bool, people: int) -> bool:
    """Run the whole demonstration; without `once`, keep the space running until cancelled.

    Args:
        people: professionals in the directory.

    Returns:
        True when the directory gave the right address first, every copy arrived, a mail program could read it, every
        bad peer was refused as it should, and the new mailbox was published and found elsewhere.

    Raises:
        MssError: a program of the space did not start, a letter was not accepted, the directory did not answer.
    """
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        running = await open_space(folder, view, nursery, stack, people)
        stores = await open_stores(running.layout, stack)
        searched = await annuaire.search_first(running.layout, running.account_of(letters.DOCTOR))
        view.searched(searched, people)
        publishing = _beside(_publish(running, stores, nursery), stack)
        first, followed, first_at = await _send_all(running, stores, view)
        letter = first.letter
        passport = await _passport(running, stores, first)
        view.passport(letter.title, passport)
        opened = await open_box(running.layout, running.account_of(letters.GP), letter)
        view.opened(opened)
        checked = await check_documents(running.layout, stores, running.account_of(letters.DOCTOR), letter)
        view.checked(checked)
        robot = _beside(_run_robot(running, stores), stack)
        answered = await ask_robot(running.layout, stores, running.account_of(letters.GP))
        view.answered(answered)
        refused = await _refuse_all(running, stores, view)
        new_box = await publishing
        view.published(new_box)
        arrived = sum(one.arrived for one in followed)
        totals = Totals(
            delivered=arrived,
            refused=sum(one.as_expected for one in refused),
            expected_refusals=len(BAD_PEERS),
            lost=len(followed) - arrived,
            first_seconds=first_at - began,
            seconds=time.monotonic() - began,
        )
        view.done(totals)
        if not once:
            view.waiting()
            await asyncio.Event().wait()
        if robot.done():
            robot.result()
    good = (opened, searched, new_box, checked, answered)
    return totals.is_as_expected and all(one.as_expected for one in good) and passport.overall in _GONE_WELL


async def open_space(folder: Path, view: View, nursery: Nursery, stack: AsyncExitStack, people: int) -> Space:
    """Lay the space out in the folder and start its programs; they are stopped with the stack."""
    now = datetime.now(UTC)
    view.progress("Création des autorités, des certificats et des configurations...")
    (folder / LOGS).mkdir()
    # Other processes make the directory meanwhile: it takes longest.
    nation = _beside(annuaire.generate_nation(folder, nursery, people), stack)
    layout = await asyncio.to_thread(lay_out, folder, now)
    directory = _beside(annuaire.prepare_directory(layout, nursery, nation), stack)
    view.progress("Création des boîtes aux lettres...")
    await fill_manager(layout)
    # The manager starts while the operators' stores are filled; they start when its list can be fetched.
    manager = asyncio.ensure_future(_start(stack, nursery, layout, {space.MANAGER_KEY: layout.manager_config}))
    try:
        accounts = {laid.plan.key: await fill_operator(laid, now) for laid in layout.operators}
    finally:
        await manager
    view.progress("Démarrage des quatre opérateurs...")
    programs = {laid.plan.key: laid.config for laid in layout.operators}
    await _start(stack, nursery, layout, {space.IDENTITY_KEY: layout.identity.config, **programs})
    view.progress(f"Annuaire national inventé, {people} professionnels...")
    await directory
    view.ready(layout, accounts)
    return Space(layout, accounts)


async def _publish(running: Space, stores: Stores, nursery: Nursery) -> published.Published:
    """Open a mailbox at the hospital and follow it to a doctor of the private practitioners."""
    hospital = running.layout.operator_of(letters.DOCTOR.domain)
    asker = running.account_of(letters.GP)
    return await published.publish_new_box(running.layout, nursery, stores.of(hospital), asker)


def _beside(work: Coroutine[Any, Any, T], stack: AsyncExitStack) -> "asyncio.Task[T]":
    """Begin some work, which ends with the stack at the latest; what becomes of it is told where it is waited for."""

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    task = asyncio.create_task(work)
    stack.push_async_callback(end)
    return task


async def _start(stack: AsyncExitStack, nursery: Nursery, layout: Layout, configs: Mapping[str, Path]) -> None:
    """Start these programs at the same time; those that run are stopped with the stack, also when one fails."""
    logs = layout.folder / LOGS
    starts = (start(nursery, key, config, logs / f"{key}.log") for key, config in configs.items())
    results = await asyncio.gather(*starts, return_exceptions=True)
    served = [one for one in results if isinstance(one, Served)]
    stack.push_async_callback(_stop, served)
    for one in results:
        if isinstance(one, BaseException):
            raise one


async def _stop(served: list[Served]) -> None:
    await asyncio.gather(*(stop(one) for one in served))


async def _run_robot(running: Space, stores: Stores) -> None:
    """Let the robot of the citizens' operator answer, as long as the space runs."""
    citizens = running.layout.operator_of(space.ROBOT.domain)
    await run_robot(running.layout, stores.of(citizens), running.account_of(space.ROBOT))


async def _passport(running: Space, stores: Stores, sent: letters.Sent) -> Passport:
    """Return what the sender's operator knows of a letter.

    Raises:
        MssError: it knows nothing of it.
    """
    laid = running.layout.operator_of(sent.letter.sender.domain)
    key = read_secret(read_config(laid.config).secrets.trace_key)
    found = await passport_of(stores.of(laid), sent.reference, trace_key=key, now=datetime.now(UTC))
    if found is None:
        msg = f"{sent.letter.title}: nothing is known of {sent.reference}"
        raise MssError(msg)
    return found


async def _send_all(running: Space, stores: Stores, view: View) -> tuple[letters.Sent, list[Followed], float]:
    """Send and follow every letter; return the first, what became of the copies, and when the first was followed."""
    now = datetime.now(UTC)
    first = letters.first_letters(now)
    found: list[Followed] = []
    first_at = 0.0
    first_sent: letters.Sent | None = None
    for letter in (*first, letters.answer_to(first[0], now)):
        sent = await letters.send(running.layout, running.account_of(letter.sender), letter)
        first_sent = first_sent or sent
        view.sent(sent)
        arrived = await follow(running.layout, stores, sent)
        first_at = first_at or time.monotonic()
        for one in arrived:
            view.followed(one)
            found.append(one)
    if first_sent is None:
        msg = "no letter was sent"
        raise MssError(msg)
    return first_sent, found, first_at


async def _refuse_all(running: Space, stores: Stores, view: View) -> list[Refused]:
    async def take_out(domain: str) -> None:
        await delist(running.layout, domain)
        await fetch_list(running.layout.operator_of(letters.DOCTOR.domain))

    stage = Stage(running.layout, running.account_of(letters.DOCTOR), take_out)
    found: list[Refused] = []
    for peer in BAD_PEERS:
        refused = await refuse(peer, stage, stores)
        view.refused(refused)
        found.append(refused)
    return found
