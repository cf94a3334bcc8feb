"""The one place that knows asyncpg: its connections and pools with our types, opened as the settings say.

Not for what is done with a connection (see `mssante.store.postgres.writer` and `.readers`).

Source: libraries.md (asyncpg has no types: wrapped behind one module); design.md law 1.
"""

import ipaddress
import ssl
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg  # type: ignore[import-untyped]

from mssante.model.errors import ConfigError
from mssante.model.settings import StoreSettings
from mssante.model.system import reason
from mssante.store.postgres.hosts import Host, Hosts, read_hosts

STATEMENTS: Final = 400
LOCK_SECONDS: Final = 10
"""Longest wait for the turn to write while another node has it."""
IDLE_WRITING_SECONDS: Final = 15
IDLE_READING_SECONDS: Final = 120
"""After that the server ends a transaction whose program says nothing, so that a stopped node holds nobody up."""
CHANNEL: Final = "mssante"
OLDEST_SERVER: Final = 14

Heard = Callable[["Connection", int, str, str], None]


class Connection(Protocol):
    """What we use of an asyncpg connection."""

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109 - asyncpg's
        """Run a statement; return its status line."""
        ...

    async def fetch(self, query: str, *args: object) -> list[Iterable[Any]]:
        """Return every row."""
        ...

    async def fetchval(self, query: str, *args: object) -> Any:  # noqa: ANN401 - whatever the column holds
        """Return the first column of the first row."""
        ...

    async def add_listener(self, channel: str, callback: Heard) -> None:
        """Call back at each notification."""
        ...

    def add_log_listener(self, callback: Callable[["Connection", object], None]) -> None:
        """Call back at each notice and warning of the server."""
        ...

    def add_termination_listener(self, callback: Callable[["Connection"], None]) -> None:
        """Call back when the connection ends, for whatever reason."""
        ...

    def is_closed(self) -> bool:
        """Tell whether it has ended."""
        ...

    def terminate(self) -> None:
        """End it at once."""
        ...

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's
        """End it politely."""
        ...


class Pool(Protocol):
    """What we use of an asyncpg pool."""

    def acquire(self, *, timeout: float | None = None) -> AbstractAsyncContextManager[Connection]:
        """Borrow a connection."""
        ...

    async def close(self) -> None:
        """Wait for what is borrowed, then end every connection."""
        ...

    def terminate(self) -> None:
        """End every connection at once."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """The database, as the settings name it.

    Attributes:
        dsn: without a password.
        name: what errors call it: host and database.
        options: what asyncpg needs beside the dsn.
        hosts: where it may be, when the dsn names several places.
    """

    dsn: str
    name: str
    options: dict[str, object]
    settings: StoreSettings
    hosts: Hosts

    async def connect(self, program: str, *, read_only: bool) -> Connection:
        """Return a connection with every setting made.

        Args:
            program: name under which the server shows it, and under which it tells what it changes.
            read_only: it will only read.

        Raises:
            OSError, asyncpg's errors: it cannot be made.
        """
        connection = await self._connected(self.dsn, **self.options, server_settings={"application_name": program})
        try:
            await self._prepare(connection, read_only=read_only)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def pool(self, program: str, size: int) -> Pool:
        """Return a pool of reading connections, made when they are needed."""

        async def prepare(connection: Connection) -> None:
            await self._prepare(connection, read_only=True)

        pool = asyncpg.create_pool(
            self.dsn,
            **self.options,
            server_settings={"application_name": program},
            connect=self._connected,
            min_size=0,
            max_size=size,
            init=prepare,
            # Nothing is set on a borrowed connection: the usual reset would cost one more way there and back.
            reset=_leave_it,
        )
        return cast("Pool", await pool)

    async def _connected(self, dsn: str, **options: object) -> Connection:
        """Return a connection of asyncpg; of several hosts the first that answers and may write."""
        if len(self.hosts) <= 1:
            return cast("Connection", await asyncpg.connect(dsn, **options))

        async def connect(host: Host) -> Connection:
            return cast("Connection", await asyncpg.connect(dsn, host=host.name, port=host.port, **options))

        return await self.hosts.first(connect)

    async def _prepare(self, connection: Connection, *, read_only: bool) -> None:
        idle_seconds = IDLE_READING_SECONDS if read_only else IDLE_WRITING_SECONDS
        milliseconds = int(self.settings.answer_seconds * 1000)
        # SET and not the start of the connection, which poolers in between refuse.
        await connection.execute(
            f"SET jit = off; SET lock_timeout = '{LOCK_SECONDS}s'; SET statement_timeout = {milliseconds};"
            f" SET idle_in_transaction_session_timeout = '{idle_seconds}s'; SET TimeZone = 'UTC';"
            f" SET default_transaction_read_only = {'on' if read_only else 'off'};"
        )
        if not read_only and await connection.fetchval("SHOW synchronous_commit") in {"off", "local"}:
            # Accepted means flushed, here and on whom the server counts on (law 1).
            await connection.execute("SET synchronous_commit = on")


def read_target(settings: StoreSettings) -> Target:
    """Return the database that the settings name.

    Raises:
        ConfigError: the dsn, a certificate or the password's file cannot be used.
    """
    parts = urlsplit(settings.dsn)
    if parts.scheme not in {"postgresql", "postgres"}:
        msg = "[store] dsn doit être comme postgresql://mssante@serveur/mssante"
        raise ConfigError(msg)
    query = parse_qs(parts.query)
    if parts.password is not None or "password" in query:
        msg = "[store] dsn ne doit pas contenir le mot de passe : mettez-le dans un fichier et donnez [store] password"
        raise ConfigError(msg)
    if query.keys() & {"sslmode", "ssl"}:
        msg = "[store] dsn : sslmode se règle par [store] tls_anchors, retirez-le"
        raise ConfigError(msg)
    netloc = parts.netloc.rpartition("@")[2]
    hosts = _hosts(netloc, query.get("host", []))
    try:
        places = Hosts(read_hosts(netloc, query))
    except ValueError as error:
        msg = f"[store] dsn : ports inutilisables ({error}) ; donnez un port, ou un par serveur"
        raise ConfigError(msg) from error
    options: dict[str, object] = {
        "ssl": _tls(settings, hosts),
        "timeout": settings.connect_seconds,
        "command_timeout": settings.answer_seconds + LOCK_SECONDS,
        "statement_cache_size": STATEMENTS,
        "max_cached_statement_lifetime": 0,
        # Of several hosts the one that writes; the others are its copies.
        "target_session_attrs": "primary",
    }
    if settings.password is not None:
        options["password"] = _read_password(settings.password)
    database = unquote(parts.path.lstrip("/")) or "mssante"
    return Target(settings.dsn, f"{','.join(hosts) or 'localhost'}/{database}", options, settings, places)


def _hosts(netloc: str, named: list[str]) -> list[str]:
    found = [unquote(one) for one in netloc.split(",") if one]
    return found + [one for text in named for one in text.split(",")]


def _tls(settings: StoreSettings, hosts: list[str]) -> ssl.SSLContext | bool:
    """Return how the way to the server is protected: verified TLS, unless it does not leave this machine."""
    if settings.tls_anchors is None and all(_is_here(host) for host in hosts):
        return False
    try:
        context = ssl.create_default_context(cafile=None if settings.tls_anchors is None else str(settings.tls_anchors))
        if settings.tls_certificate is not None:
            context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(one) for one in (settings.tls_anchors, settings.tls_certificate, settings.tls_key) if one)
        msg = f"[store] certificats inutilisables ({files}) : {error} ; donnez des fichiers PEM lisibles"
        raise ConfigError(msg) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _is_here(host: str) -> bool:
    if host.startswith("/"):
        return True
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in {"", "localhost"}


def _read_password(path: Path) -> str:
    try:
        data, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        msg = f"[store] password {path} : {reason(error)} ; donnez le fichier qui contient le mot de passe"
        raise ConfigError(msg) from error
    if mode & 0o077:
        msg = f"[store] password {path} : lisible par d'autres utilisateurs ; tapez : chmod 600 {path}"
        raise ConfigError(msg)
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        msg = f"[store] password {path} : ce n'est pas du texte ; mettez-y le mot de passe seul"
        raise ConfigError(msg) from error


async def _leave_it(_connection: Connection) -> None:
    """Leave a connection that comes back to the pool as it is."""
