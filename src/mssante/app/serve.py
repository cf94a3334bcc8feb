"""Run one operator: open the doors, say so in one line, work until told to stop."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

from mssante.app.autoconfig import open_autoconfig
from mssante.app.background import background
from mssante.app.callers import Federation
from mssante.app.chance import probe_from
from mssante.app.compose import Operator, open_operator
from mssante.app.config import Config
from mssante.app.directory import open_directory_door
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
from mssante.model.errors import ConfigError, StoreError, TheirProtocolError
from mssante.model.mailbox import DIRECTORY
from mssante.model.system import reason
from mssante.wire.ldap.tree import Tree
from mssante.wire.smtp.session import ServerProfile

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
            background(operator, {**ports, "autoconfig": web, "directory": directory}),
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
