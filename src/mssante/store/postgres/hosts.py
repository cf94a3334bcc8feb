"""Of the hosts that a dsn names, the first that gives a connection: a silent one holds the others up a moment only.

Not for what a connection is (see `mssante.store.postgres.driver`).

Source: RFC 8305 section 5 (a new attempt begins while the one before waits); decision 0020.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import unquote

STAGGER_SECONDS: Final = 0.3
"""So long a host may take before the next one is asked too: a way there and back with TLS, far within France."""


class _Ends(Protocol):
    def terminate(self) -> None: ...


C = TypeVar("C", bound=_Ends)


@dataclass(frozen=True, slots=True)
class Host:
    """One of the servers; no port: the usual one."""

    name: str
    port: int | None


def read_hosts(netloc: str, query: Mapping[str, Sequence[str]]) -> tuple[Host, ...]:
    """Return the hosts of a dsn, in its order; none when it names none.

    Args:
        netloc: of the dsn, without the user.
        query: what follows its question mark.

    Raises:
        ValueError: a port is not a number, or there are not as many ports as hosts.
    """
    texts = netloc.split(",") if netloc else ",".join(query.get("host", ())).split(",")
    ports = [int(one) for text in query.get("port", ()) for one in text.split(",")]
    found = [_host(text) for text in texts if text]
    if len(ports) == 1:
        ports *= len(found)
    if ports and len(ports) != len(found):
        msg = f"{len(ports)} ports for {len(found)} hosts"
        raise ValueError(msg)
    usual: Sequence[int | None] = ports or [None] * len(found)
    return tuple(Host(host.name, host.port or port) for host, port in zip(found, usual, strict=True))


def _host(text: str) -> Host:
    if text.startswith("["):
        name, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.startswith("/"):
        name, port = text, ""
    else:
        name, _, port = text.partition(":")
    return Host(unquote(name), int(port) if port else None)


class Hosts:
    """The hosts of one database. Guards which one gave the last connection: it is asked first."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        """Keep them in the order of the dsn."""
        self._hosts = list(hosts)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._hosts)

    def __iter__(self) -> Iterator[Host]:
        """Give them, in the order in which they are asked now."""
        return iter(self._hosts)

    async def first(self, connect: Callable[[Host], Coroutine[Any, Any, C]]) -> C:
        """Return the first connection that is made; those that come later are ended.

        Args:
            connect: gives a connection that will do, or raises; it bounds its own wait.

        Raises:
            Whatever `connect` raises, when no host will do: rather an answer than none.
        """
        order = list(self._hosts)
        host, made = await _raced({host: lambda host=host: connect(host) for host in order})  # type: ignore[misc]
        if self._hosts[0] != host:
            self._hosts = [host, *(one for one in order if one != host)]
        return made


async def _raced(attempts: Mapping[Host, Callable[[], Coroutine[Any, Any, C]]]) -> tuple[Host, C]:
    """Begin one attempt after the other, the next when one fails or is slow; return the first that succeeds."""
    todo = list(attempts.items())
    running: dict[asyncio.Task[C], Host] = {}
    winner: asyncio.Task[C] | None = None
    try:
        while winner is None:
            if todo:
                host, attempt = todo.pop(0)
                running[asyncio.create_task(attempt())] = host
            waiting = [task for task in running if not task.done()]
            if not waiting and not todo:
                raise min((error for task in running if (error := task.exception())), key=_is_silence)
            if waiting:
                patience = STAGGER_SECONDS if todo else None
                done, _ = await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                winner = next((task for task in done if task.exception() is None), None)
        return running[winner], winner.result()
    finally:
        await _ended([task for task in running if task is not winner])


def _is_silence(error: BaseException) -> bool:
    """Tell whether an error says nothing but that nobody answered."""
    return isinstance(error, OSError)


async def _ended(tasks: Sequence["asyncio.Task[C]"]) -> None:
    """Give up attempts; one that succeeds in spite of that is ended."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(result, BaseException):
            result.terminate()
