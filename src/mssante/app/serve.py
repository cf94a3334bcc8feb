"""Run one operator: open the doors, say so in one line, work until told to stop."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, Protocol

from mssante.app.autoconfig import open_autoconfig
from mssante.app.boxes import box_work
from mssante.app.callers import Federation
from mssante.app.chance import new_reference, probe_from
from mssante.app.compose import Operator, open_operator
from mssante.app.config import Config
from mssante.app.directory import open_directory_door
from mssante.app.house import keep_house
from mssante.app.ready import say_ready
from mssante.app.stored import must_exist
from mssante.doors.imap.connection import Connection as ImapConnection
from mssante.doors.imap.door import imap_door
from mssante.doors.imap.state import Desk as ImapDesk
from mssante.doors.ldap.connection import Connection as LdapConnection
from mssante.doors.ldap.door import ldap_door
from mssante.doors.ldap.state import Desk as LdapDesk
from mssante.doors.net.account_door import AccountDoor
from mssante.doors.smtp.connection import Desk
from mssante.doors.smtp.door import Door
from mssante.doors.smtp.operator import OperatorDesk
from mssante.doors.smtp.submission import SubmissionDesk
from mssante.model.directory import Caller
from mssante.model.errors import ConfigError, StoreAwayError, StoreError, TheirProtocolError
from mssante.model.log import accident
from mssante.model.mailbox import DIRECTORY
from mssante.model.system import reason
from mssante.store import leases
from mssante.wire.ldap.tree import Tree
from mssante.wire.smtp.session import ServerProfile

AWAY_SECONDS: Final = 1.0
LEASE: Final = timedelta(seconds=30)
LOOKS_A_LEASE: Final = 3
ONE_NODE: Final = frozenset({"house", "life-cycle", "absences"})
"""Works that only one of several nodes does: what is over is forgotten, boxes are aged, absences are answered once."""
CERTIFICATE_LOOK_SECONDS: Final = 30.0
FIRST_LIST_SECONDS: Final = 15.0
BANNER: Final = "MSSante operator"
SECTIONS: Final = {
    "smtp": "smtp",
    "submission": "submission",
    "submissions": "submission",
    "imap": "imap",
    "imaps": "imap",
    "ldap": "ldap",
    "ldaps": "ldap",
}
"""Door -> the section of the configuration that says where it listens."""


class _Opens(Protocol):
    """Any door."""

    async def open(self, host: str, port: int) -> int:
        """Listen; return the port."""
        ...

    async def close(self) -> None:
        """Close in order."""
        ...


async def run_operator(config: Config, stop: asyncio.Event) -> None:
    """Run the operator until `stop` is set.

    Raises:
        ConfigError: certificates, keys, secrets or addresses cannot be used.
        StoreError: there is no store, or it cannot be opened. An empty one made here would refuse, for good, mail for
            mailboxes that exist.
    """
    must_exist(config)
    async with open_operator(config, probe=probe_from(os.environ)) as operator:
        if not operator.trust.is_usable():
            await _first_list(operator)
        async with (
            open_doors(operator) as ports,
            open_autoconfig(operator) as web,
            open_directory_door(
                config,
                operator.directory,
                operator.sign_in,
                federation=Federation(operator.trust, operator.receiving.early.note),
                log=operator.log,
            ) as directory,
            background(operator),
        ):
            submission = config.submission
            say_ready(
                {
                    "name": config.operator.name,
                    "role": config.role,
                    "pid": os.getpid(),
                    "list": operator.trust.list_version(),
                    "smtp": {"host": config.smtp.host, "port": ports["smtp"]},
                    "submission": {
                        "host": submission.host,
                        "port": ports["submission"],
                        "implicit_port": ports.get("submissions"),
                    },
                    "imap": {
                        "host": config.imap.host,
                        "port": ports.get("imap"),
                        "implicit_port": ports.get("imaps"),
                    },
                    "autoconfig": {"host": config.autoconfig.host, "port": web},
                    "directory": {"host": config.directory.host, "port": directory},
                    "ldap": {
                        "host": config.ldap.host,
                        "port": ports.get("ldap"),
                        "implicit_port": ports.get("ldaps"),
                    },
                }
            )
            operator.log.info("ready", **ports)
            await stop.wait()
            operator.log.info("stopping")


async def _first_list(operator: Operator) -> None:
    """Look for a list before the doors open, for a while: without one every peer is put off until the watch has it."""
    try:
        async with asyncio.timeout(FIRST_LIST_SECONDS):
            await operator.trust.refresh()
    except (StoreError, TimeoutError) as error:
        operator.log.error("list-not-refreshed", error=str(error) or "no answer in time")


@asynccontextmanager
async def open_doors(operator: Operator) -> AsyncIterator[dict[str, int]]:
    """Open the SMTP and IMAP doors; yields door name -> port; closes them in order at the end."""
    config = operator.config
    doors: list[_Opens] = []
    ports: dict[str, int] = {}

    async def open_one(name: str, host: str, port: int, door: _Opens) -> None:
        try:
            ports[name] = await door.open(host, port)
        except OSError as error:
            where = f"[{SECTIONS[name]}] impossible d'écouter sur {host}, port {port}"
            msg = f"{where} : {reason(error)} ; changez host ou port, ou libérez-le"
            raise ConfigError(msg) from error
        doors.append(door)

    try:
        await open_one("smtp", config.smtp.host, config.smtp.port, _operator_door(operator))
        host, port, implicit = config.submission.host, config.submission.port, config.submission.implicit_port
        await open_one("submission", host, port, _submission_door(operator, implicit_tls=False))
        if implicit >= 0:
            await open_one("submissions", host, implicit, _submission_door(operator, implicit_tls=True))
        accounts: Counter[int] = Counter()
        imap = config.imap
        if imap.port >= 0:
            await open_one("imap", imap.host, imap.port, _imap_door(operator, accounts, implicit_tls=False))
        if imap.implicit_port >= 0:
            await open_one("imaps", imap.host, imap.implicit_port, _imap_door(operator, accounts, implicit_tls=True))
        ldap = config.ldap
        if ldap.port >= 0:
            await open_one("ldap", ldap.host, ldap.port, _ldap_door(operator, implicit_tls=False))
        if ldap.implicit_port >= 0:
            await open_one("ldaps", ldap.host, ldap.implicit_port, _ldap_door(operator, implicit_tls=True))
        yield ports
    finally:
        await asyncio.gather(*(door.close() for door in doors))


def _operator_door(operator: Operator) -> Door:
    config = operator.config
    return Door(
        name="smtp",
        profile=ServerProfile(
            hostname=config.operator.hostname,
            banner=BANNER,
            starttls=True,
            tls_required=True,
            auth_mechanisms=(),
            sign_in_required=False,
            limits=config.limits,
            require_tls_offered=True,
        ),
        implicit_tls=False,
        make_desk=lambda: OperatorDesk(operator.receiving),
        tls_context=operator.contexts.operator_server,
        limits=config.limits,
        log=operator.log,
    )


def _submission_door(operator: Operator, *, implicit_tls: bool) -> Door:
    config = operator.config

    def make_desk() -> Desk:
        tries, described = config.submission.sign_in_tries, operator.provider_described_at
        return SubmissionDesk(operator.submitting, operator.sign_in, tries, described)

    return Door(
        name="submissions" if implicit_tls else "submission",
        profile=ServerProfile(
            hostname=config.operator.hostname,
            banner=BANNER,
            starttls=not implicit_tls,
            tls_required=True,
            auth_mechanisms=tuple(name.encode() for name in operator.mechanisms),
            sign_in_required=True,
            limits=config.limits,
            require_tls_offered=True,
        ),
        implicit_tls=implicit_tls,
        make_desk=make_desk,
        tls_context=operator.contexts.user_server,
        limits=config.limits,
        log=operator.log,
    )


def _imap_door(operator: Operator, accounts: Counter[int], *, implicit_tls: bool) -> AccountDoor[ImapConnection]:
    return imap_door(
        name="imaps" if implicit_tls else "imap",
        desk=ImapDesk(
            reading=operator.reading,
            sign_in=operator.sign_in,
            settings=operator.config.imap,
            mechanisms=operator.mechanisms,
            hostname=operator.config.operator.hostname,
            starttls=not implicit_tls,
            configuration_url=operator.provider_described_at,
        ),
        implicit_tls=implicit_tls,
        tls_context=operator.contexts.user_server,
        accounts=accounts,
        log=operator.log,
    )


def _ldap_door(operator: Operator, *, implicit_tls: bool) -> AccountDoor[LdapConnection]:
    settings, near = operator.config.ldap, operator.config.directory.near
    try:
        tree = Tree(settings.suffix)
    except TheirProtocolError as error:
        msg = f"[ldap] suffix {settings.suffix!r} n'est pas un nom ; par exemple ou=mssante,o=annuaire,c=fr"
        raise ConfigError(msg) from error
    return ldap_door(
        name="ldaps" if implicit_tls else "ldap",
        desk=LdapDesk(
            settings,
            operator.directory,
            operator.sign_in,
            lambda identity: Caller(identity.login, near=near, address=identity.login),
            tree,
            starttls=not implicit_tls,
            mechanisms=("PLAIN", "EXTERNAL"),
            service=DIRECTORY,
        ),
        implicit_tls=implicit_tls,
        tls_context=operator.contexts.user_server,
        accounts=Counter(),
        log=operator.log,
    )


@asynccontextmanager
async def background(operator: Operator) -> AsyncIterator[None]:
    """Run deliveries, the watch over the list, the index of messages, and housekeeping; ends them at the end."""
    works: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "deliver": operator.delivering.run,
        "trust": lambda: operator.trust.watch(operator.notifier.wake_queue),
        "room": operator.room.watch,
        "index": operator.reading.indexing.run,
        "certificates": lambda: _watch_certificates(operator),
        "house": lambda: keep_house(operator.store, operator.config.store, clock=operator.clock, log=operator.log),
        **box_work(operator),
    }
    node = new_reference()
    for name in ONE_NODE & works.keys():
        works[name] = partial(alone, operator, name, node, works[name])
    tasks = [asyncio.create_task(kept_going(operator, name, begin), name=name) for name, begin in works.items()]
    for task in tasks:
        task.add_done_callback(lambda ended: _stop_on_accident(operator, ended))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def kept_going(operator: Operator, name: str, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a work; begin it again when a database or an object store elsewhere was away: it comes back by itself."""
    while True:
        try:
            await begin()
        except StoreAwayError as error:
            operator.log.warning("task-waits", task=name, error=str(error))
            await asyncio.sleep(AWAY_SECONDS)
        else:
            return


async def alone(operator: Operator, name: str, node: str, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a work while this node holds its lease: on one of the nodes that share a store, and on the next when it dies.

    Args:
        node: a name that no other process has.
    """
    store = operator.store
    if not store.is_shared:
        await begin()
        return

    async def hold() -> bool:
        now = operator.clock()
        return await store.write(lambda tx: leases.take(tx, name, node, now, LEASE))

    pause = LEASE.total_seconds() / LOOKS_A_LEASE
    while True:
        if not await hold():
            await asyncio.sleep(pause)
            continue
        work = asyncio.create_task(begin(), name=name)
        try:
            while await hold():
                done, _ = await asyncio.wait({work}, timeout=pause)
                if done:
                    work.result()
                    return
        finally:
            # Before anything else: when the lease cannot be kept, another node begins.
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            with suppress(StoreError):
                await store.write(lambda tx: leases.give(tx, name, node))


def _stop_on_accident(operator: Operator, task: asyncio.Task[None]) -> None:
    """Stop the process when a background task dies: a supervisor starts a whole one again."""
    if not task.cancelled() and (error := task.exception()) is not None:
        operator.log.error("task-died", task=task.get_name(), error=accident(error))
        os.kill(os.getpid(), signal.SIGTERM)


async def _watch_certificates(operator: Operator) -> None:
    while True:
        operator.contexts.look()
        await asyncio.sleep(CERTIFICATE_LOOK_SECONDS)
