"""Compare our mailboxes with the directory in force and with what another FHIR directory answers, in both directions.

Memory is bounded: pages of mailboxes, and so many findings and no more. What a source did not answer is counted, and
never taken for missing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

import msgspec

from mssante.flows.ports import Clock
from mssante.model.address import parse_address
from mssante.model.directory import Entry, ListedMailbox
from mssante.model.directory_search import Column
from mssante.model.errors import DirectoryMissingError, StoreError, TheirProtocolError
from mssante.model.folding import fold
from mssante.model.mailbox import MailboxState
from mssante.model.publication import Announced, Unreachable
from mssante.rules.directory_diff import Facts, Finding, Own, Source, judge
from mssante.rules.publication import publication_of
from mssante.store import correspondents, publication
from mssante.store.directory import history, read, search
from mssante.store.directory.engine import DirectoryStore
from mssante.store.directory.numbers import BOX_LIMIT
from mssante.store.domains import list_domains
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.tx import Tx

PAGE: Final = 200
FINDINGS_MAX: Final = 10_000
LINES_MAX: Final = 20
BATCH: Final = 20
"""Addresses of one question."""
ASKED_AT_ONCE: Final = 4
"""Questions on their way at the same time."""
UNREACHED_MAX: Final = 5
"""Questions in a row without an answer after which no more is asked."""

LookUp = Callable[[Sequence[str]], Awaitable[Mapping[str, tuple[ListedMailbox, ...]] | Unreachable]]
"""Ask the FHIR directory for some addresses: each with its lines, none when it is not there; an address that is not
named got no answer that can be believed."""
Progress = Callable[[int, int], None]
"""Told how many of our mailboxes are compared, and how many there are."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old what a source says is.

    Attributes:
        at: moment of the reading (ours), of the last import (extract), of the first question (FHIR); None: not used.
        note: in French, why it was not used or only in part; "".
        is_available: it answered, in part at least.
        unanswered: addresses that it did not answer for.
    """

    source: Source
    at: datetime | None
    note: str = ""
    is_available: bool = True
    unanswered: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one comparison found.

    Attributes:
        compared: mailboxes of ours.
        unattached: mailboxes of ours that nothing says whose they are: they can be in no directory.
        found: how many findings there are; `findings` holds the first `FINDINGS_MAX`.
    """

    at: datetime
    sources: tuple[Freshness, ...]
    compared: int
    unattached: int
    found: int
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Round:
    """What is gathered while comparing."""

    at: datetime
    extract_at: datetime | None = None
    extract_note: str = ""
    asked_at: datetime | None = None
    answered: int = 0
    unanswered: int = 0
    unreached_in_a_row: int = 0
    gave_up: bool = False
    reason: str = ""
    compared: int = 0
    unattached: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, facts: Facts) -> None:
        """Judge one address."""
        for one in judge(facts):
            self.found += 1
            if len(self.findings) < FINDINGS_MAX:
                self.findings.append(one)

    def take(
        self, asked: Sequence[str], answer: Mapping[str, tuple[ListedMailbox, ...]] | Unreachable
    ) -> Mapping[str, tuple[ListedMailbox, ...]]:
        """Count an answer of the FHIR directory, and return what can be believed of it."""
        believed = {} if isinstance(answer, Unreachable) else {one: answer[one] for one in asked if one in answer}
        self.answered += len(believed)
        self.unanswered += len(asked) - len(believed)
        if isinstance(answer, Unreachable):
            self.reason = answer.reason
            self.unreached_in_a_row += 1
            self.gave_up |= self.unreached_in_a_row >= UNREACHED_MAX
        else:
            self.unreached_in_a_row = 0
        return believed


class Comparing:
    """Compares; nothing is changed anywhere but the result that is kept."""

    def __init__(self, store: Store, directory: DirectoryStore, clock: Clock, *, look_up: LookUp | None = None) -> None:
        """Put the parts together; without `look_up` the comparison is two-way."""
        self._store = store
        self._directory = directory
        self._clock = clock
        self._look_up = look_up

    async def compare(self, progress: Progress = lambda _done, _total: None) -> Comparison:
        """Return what is wrong; an absent source is said, not raised.

        Raises:
            StoreError: our own store cannot be read.
        """
        run = _Round(self._clock())
        await self._date_extract(run)
        total = sum((await self._store.read(publication.count_publications)).values())
        async for page in self._own_pages():
            await self._compare_page(run, page)
            run.compared += len(page)
            progress(run.compared, total)
        for domain in await self._store.read(list_domains):
            await self._find_ghosts(run, domain)
        return Comparison(run.at, self._freshness(run), run.compared, run.unattached, run.found, tuple(run.findings))

    async def compare_and_keep(self, progress: Progress = lambda _done, _total: None) -> Comparison:
        """Compare and keep the result in the place of the one before: what runs every day."""
        made = await self.compare(progress)
        encoded = msgspec.json.encode(made)
        await self._store.write(lambda tx: correspondents.keep_comparison(tx, made.at, made.found, encoded))
        return made

    async def _own_pages(self) -> AsyncIterator[list[Announced]]:
        after = 0
        while page := await self._page_after(after):
            after = page[-1].mailbox.mailbox_id
            yield page

    async def _page_after(self, after: int) -> list[Announced]:
        return await self._store.read(lambda tx: publication.list_announced(tx, after=after, limit=PAGE))

    async def _date_extract(self, run: _Round) -> None:
        try:
            last = await self._directory.read(lambda tx: history.imports(tx, 1))
        except DirectoryMissingError:
            run.extract_note = "aucun annuaire n'a été importé ici : mssante directory import FICHIER"
        except StoreError as error:
            run.extract_note = f"l'annuaire ne peut pas être lu : {error}"
        else:
            run.extract_at = last[0].at if last else run.at

    async def _compare_page(self, run: _Round, page: Sequence[Announced]) -> None:
        owns = {}
        for one in page:
            own = _own(one)
            if own is not None:
                owns[one.mailbox.address.key] = own
            elif not one.mailbox.address.is_citizen:
                run.unattached += 1
        lines = await self._lines(run, list(owns))
        answers = await self._answers(run, list(owns))
        for address, own in owns.items():
            extract = None if lines is None else lines.get(address, ())
            run.add(Facts(address, own, extract, run.extract_at, answers.get(address)))

    async def _lines(self, run: _Round, addresses: Sequence[str]) -> dict[str, tuple[ListedMailbox, ...]] | None:
        """Return the lines of the extract by address; None without extract."""
        if run.extract_at is None:
            return None

        async def work(tx: Tx) -> dict[str, tuple[ListedMailbox, ...]]:
            found = {}
            for address in addresses:
                ids = await search.by_address(tx, address, LINES_MAX)
                entries = await read.entries(tx, ids)
                found[address] = tuple(one.mailbox for one in entries if one.mailbox is not None)
            return found

        return await self._directory.read(work)

    async def _answers(self, run: _Round, addresses: Sequence[str]) -> dict[str, tuple[ListedMailbox, ...]]:
        """Return what the FHIR directory answers; an address that is not in it got no answer."""
        found: dict[str, tuple[ListedMailbox, ...]] = {}
        look_up = self._look_up
        if look_up is None:
            return found
        batches = [addresses[start : start + BATCH] for start in range(0, len(addresses), BATCH)]
        for start in range(0, len(batches), ASKED_AT_ONCE):
            some = batches[start : start + ASKED_AT_ONCE]
            if run.gave_up:
                run.unanswered += sum(map(len, some))
                continue
            run.asked_at = run.asked_at or self._clock()
            for batch, answer in zip(some, await asyncio.gather(*map(look_up, some)), strict=True):
                found |= run.take(batch, answer)
        return found

    async def _find_ghosts(self, run: _Round, domain: str) -> None:
        """Find what the extract has in a domain of ours and we do not."""
        if run.extract_at is None:
            return
        known: set[str] = set()
        async for addresses in self._addresses_of(domain):
            strangers = await self._strangers(sorted(addresses - known))
            if len(known) < FINDINGS_MAX:
                known.update(strangers)
            lines = await self._lines(run, strangers) or {}
            answers = await self._answers(run, strangers)
            for address in strangers:
                run.add(Facts(address, None, lines.get(address, ()), run.extract_at, answers.get(address)))

    async def _addresses_of(self, domain: str) -> AsyncIterator[set[str]]:
        """Yield the addresses that the extract has in a domain, in lower case, some at a time."""
        expression = search.every(search.any_word([word], [Column.ADDRESS]) for word in fold(domain).split())

        async def page(tx: Tx, after: int) -> list[Entry]:
            return await read.entries(tx, await search.matching(tx, expression, PAGE, after=after, below=BOX_LIMIT))

        after = 0
        while entries := await self._directory.read(partial(page, after=after)):
            after = entries[-1].entry_id
            found = {one.address.lower() for one in entries}
            yield {one for one in found if one.endswith(f"@{domain}")}

    async def _strangers(self, addresses: Sequence[str]) -> list[str]:
        """Return the addresses that never were a mailbox of ours."""

        async def work(tx: Tx) -> list[str]:
            return [one for one in addresses if await mailbox_by_key(tx, _key(one)) is None]

        return await self._store.read(work)

    def _freshness(self, run: _Round) -> tuple[Freshness, ...]:
        return (
            Freshness(Source.OURS, run.at),
            Freshness(Source.EXTRACT, run.extract_at, run.extract_note, is_available=run.extract_at is not None),
            Freshness(Source.FHIR, run.asked_at, self._fhir_note(run), run.answered > 0, run.unanswered),
        )

    def _fhir_note(self, run: _Round) -> str:
        if self._look_up is None:
            return "non interrogé : aucun annuaire FHIR n'est réglé ([publication] directory_url)"
        if run.asked_at is None:
            return "non interrogé : aucune adresse à demander"
        if not run.unanswered:
            return ""
        count = f"{run.unanswered} adresses non vérifiées" if run.unanswered > 1 else "une adresse non vérifiée"
        why = f" ({run.reason})" if run.reason else ""
        if not run.answered:
            return f"indisponible, {count}{why}"
        if run.gave_up:
            return f"ne répond plus après {UNREACHED_MAX} demandes de suite, {count}{why}"
        return f"répond en partie, {count}{why}"


def kept_comparison(result: bytes) -> Comparison:
    """Return a comparison from how it is kept (`mssante.store.correspondents.last_comparison`).

    Raises:
        StoreError: it was kept by another version of this program.
    """
    try:
        return msgspec.json.decode(result, type=Comparison)
    except msgspec.DecodeError as error:
        msg = f"la dernière comparaison ne peut pas être lue : refaites-la avec mssante directory diff --keep ({error})"
        raise StoreError(msg) from error


def _own(one: Announced) -> Own | None:
    """Return what the directory is to have of a mailbox; None for a citizen's, or when nothing says whose it is."""
    if one.mailbox.address.is_citizen:
        return None
    if one.mailbox.state is not MailboxState.ACTIVE:
        return Own(None, one.state, one.changed_at)
    wanted = publication_of(one.mailbox, one.listing)
    return None if wanted is None else Own(wanted.mailbox, one.state, one.changed_at)


def _key(address: str) -> str:
    try:
        return parse_address(address).key
    except TheirProtocolError:
        return address
