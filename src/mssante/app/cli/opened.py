"""Open the store of a configuration for one command, and close it after.

For commands that must work whatever the state of the certificates; what needs the whole operator goes through
`mssante.app.compose`.
"""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mssante.app.chance import utc_now
from mssante.app.config import Config, find_config, read_config, read_secret
from mssante.app.stored import must_be_operator, must_exist
from mssante.flows.mailboxes import Administering
from mssante.model.address import Address
from mssante.model.errors import MssError
from mssante.model.mailbox import Mailbox
from mssante.model.settings import LogSettings
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a command works on.

    Attributes:
        actor: the operating system's user, as the audit names it.
        trace_key: keys the pseudonyms of citizens in traces.
    """

    config: Config
    store: Store
    actor: str
    trace_key: bytes

    @property
    def administering(self) -> Administering:
        """Return the use cases of the administrator, in the name of this user."""
        return Administering(store=self.store, actor=self.actor, trace_key=self.trace_key, clock=utc_now)

    async def mailbox(self, address: Address) -> Mailbox:
        """Return the mailbox of an address.

        Raises:
            MssError: there is none.
        """
        found = await self.store.read(lambda tx: mailbox_by_key(tx, address.key))
        if found is None:
            msg = f"la boîte {address} n'existe pas ici ; `mssante mailbox list` donne celles qui existent"
            raise MssError(msg)
        return found


def actor_name() -> str:
    """Return who types the command, for the audit: ``cli:`` and the operating system's user."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:unknown"


def run_opened(config_path: Path | None, work: Callable[[Opened], Awaitable[T]], *, any_role: bool = False) -> T:
    """Run the work on the store of the configuration; return what it returns.

    Args:
        any_role: the store of a manager will do too.

    Raises:
        ConfigError: the configuration or the key of traces cannot be used.
        StoreError: there is no store, or it cannot be used.
    """
    config = read_config(find_config(config_path))
    if not any_role:
        must_be_operator(config)

    async def run() -> T:
        async with open_store(config) as store:
            return await work(Opened(config, store, actor_name(), read_secret(config.secrets.trace_key)))

    return asyncio.run(run())


def quiet(config: Config) -> Config:
    """Return the configuration with logs for a person at a terminal: readable, and only what goes wrong."""
    return replace(config, logs=LogSettings(format="console", level="warning"))


@asynccontextmanager
async def open_store(config: Config) -> AsyncIterator[Store]:
    """Open a store that exists; a wrong path must not make an empty one.

    Raises:
        StoreError: there is none, or it cannot be opened.
    """
    must_exist(config)
    store = await Store.open(config.operator.data_dir, config.store, blobs=config.blobs, must_be_there=True)
    try:
        yield store
    finally:
        await store.close()
