"""What is asked of the directory and how long it takes: through LDAP, both servers in turn, and inside our process."""

import asyncio
import ssl
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from bench.directory_entries import SUFFIX, Drawn
from bench.directory_ldap import Answer, LdapSession, request
from bench.directory_queries import FILTERS, filters, words_typed
from bench.sending import MeasureError
from mssante.flows.directory.reading import Directory
from mssante.model.decision import Refusal
from mssante.model.directory import Caller, Subject
from mssante.store.directory.file import DirectoryFolder
from mssante.wire.ldap.conditions import condition
from mssante.wire.ldap.filter_text import parse_filter

T = TypeVar("T")

LIMIT: Final = 20
_ASKER: Final = Caller("bench")


@dataclass(slots=True)
class Times:
    """Milliseconds of each question, a list for each run."""

    runs: list[list[float]] = field(default_factory=list)

    @property
    def value(self) -> float:
        """Return the median of the runs' medians."""
        return statistics.median(statistics.median(run) for run in self.runs)

    def share(self, percent: int) -> float:
        """Return how long the slowest of that many percent of all questions took."""
        every = sorted(one for run in self.runs for one in run)
        return every[min(len(every) * percent // 100, len(every) - 1)]


@dataclass(slots=True)
class Compared:
    """One kind of question to both servers.

    Attributes:
        asked, alike: questions, and those to which both gave as many entries.
        cut: those at which ours said that it had not looked at everything.
    """

    ours: Times = field(default_factory=Times)
    peer: Times = field(default_factory=Times)
    asked: int = 0
    alike: int = 0
    cut: int = 0


class LdapPeer(Protocol):
    """A server under measure."""

    @property
    def ldap_port(self) -> int:
        """Return its port with TLS from the first byte."""
        ...

    def sign_in(self) -> tuple[str, str]:
        """Return name and password; both "" for nobody."""
        ...


def compare(
    ours: LdapPeer,
    peer: LdapPeer,
    context: ssl.SSLContext,
    drawn: Sequence[Drawn],
    *,
    runs: int,
    count: int,
    advance: Callable[[], None],
) -> dict[str, Compared]:
    """Ask both servers the same, one connection each; every run has its own questions, after as many to get warm."""
    found = {kind: Compared() for kind in FILTERS}
    with ExitStack() as stack:
        mine, theirs = (
            stack.enter_context(LdapSession(one.ldap_port, context)).bind(*one.sign_in()) for one in (ours, peer)
        )
        for run in range(-1, runs):
            for kind, compared in found.items():
                asked = [request(SUFFIX, text, limit=LIMIT) for text in filters(kind, drawn, count, str(run))]
                first, first_answers = _timed(mine, asked)
                second, second_answers = _timed(theirs, asked)
                advance()
                if run < 0:
                    continue
                compared.ours.runs.append(first)
                compared.peer.runs.append(second)
                compared.asked += count
                pairs = list(zip(first_answers, second_answers, strict=True))
                compared.alike += sum(a.entries == b.entries for a, b in pairs)
                compared.cut += sum(a.was_cut for a, _ in pairs)
    return found


def _timed(session: LdapSession, asked: Sequence[bytes]) -> tuple[list[float], list[Answer]]:
    times, answers = [], []
    for one in asked:
        began = time.perf_counter()
        answers.append(session.ask(one))
        times.append(1000 * (time.perf_counter() - began))
    return times, answers


@dataclass(slots=True)
class Inside:
    """Our use cases without any door.

    Attributes:
        selects: kind of filter -> times.
        words: our own search for the three words of the filters.
    """

    selects: dict[str, Times]
    words: Times


def measure_inside(folder: DirectoryFolder, drawn: Sequence[Drawn], *, runs: int, count: int) -> Inside:
    """Ask the use cases in this process; every run has its own questions, after as many to get warm."""

    async def work() -> Inside:
        store = folder.store()
        directory = Directory(store, lambda: datetime.now(UTC), daily_entries=0)
        found = Inside({kind: Times() for kind in FILTERS}, Times())
        try:
            for run in range(-1, runs):
                await _select(directory, found if run >= 0 else None, drawn, count, run)
                await _search(directory, found if run >= 0 else None, drawn, count, run)
        finally:
            await store.close()
        return found

    return asyncio.run(work())


async def _select(directory: Directory, into: Inside | None, drawn: Sequence[Drawn], count: int, run: int) -> None:
    for kind in FILTERS:
        times = []
        for text in filters(kind, drawn, count, str(run)):
            wanted = condition(parse_filter(text))
            began = time.perf_counter()
            given(await directory.select(_ASKER, Subject.EVERYTHING, wanted, limit=LIMIT))
            times.append(1000 * (time.perf_counter() - began))
        if into is not None:
            into.selects[kind].runs.append(times)


async def _search(directory: Directory, into: Inside | None, drawn: Sequence[Drawn], count: int, run: int) -> None:
    words = []
    for text in words_typed(drawn, count, str(run)):
        began = time.perf_counter()
        given(await directory.search(_ASKER, text, limit=LIMIT))
        words.append(1000 * (time.perf_counter() - began))
    if into is not None:
        into.words.runs.append(words)


def given(found: T | Refusal) -> T:
    """Return an answer.

    Raises:
        MeasureError: it is a refusal.
    """
    if isinstance(found, Refusal):
        raise MeasureError(found.public)
    return found
