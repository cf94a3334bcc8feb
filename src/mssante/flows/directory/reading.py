"""The directory as doors and the command line use it: who may see what, and how much, is decided here and only here.

Source: reliability.md D09 (harvest), operators.md 4.2 (red list); issue of the directory.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from mssante.flows.directory.budgets import COMPLETIONS, ENTRIES, Budgets
from mssante.flows.directory.changing import changed, found
from mssante.flows.directory.searching import Asker, completed, searched
from mssante.flows.directory.selecting import (
    Visible,
    selected,
    selected_people,
    selected_places,
    selected_roles,
)
from mssante.flows.directory.values import Page
from mssante.flows.ports import Clock
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import (
    Caller,
    Condition,
    EntryId,
    ListedMailbox,
    MailboxChange,
    Person,
    Place,
    Role,
    Selected,
    Subject,
    Target,
)
from mssante.model.directory_search import NO_FILTERS, Filters, Past, Ranked
from mssante.model.errors import DirectoryMissingError, StoreError
from mssante.rules.directory_condition import LEAVES_MAX, leaves
from mssante.rules.directory_words import read_words
from mssante.store.directory.engine import DirectoryStore
from mssante.store.tx import Tx

T = TypeVar("T")

SEARCH_MAX: Final = 50
PAGE_MAX: Final = 1000
COMPLETIONS_MAX: Final = 12
COMPLETIONS_AN_ENTRY: Final = 3


class History(Protocol):
    """What deliveries have told of addresses."""

    async def past(self, caller: Caller) -> Mapping[str, Past]:
        """Return it for one who asks: address in lower case -> what is known."""
        ...


class _Refused(Exception):  # noqa: N818 - carries a value out of a transaction, so that nothing of it is kept
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.public)
        self.refusal = refusal


class Directory:
    """The use cases; holds nothing but its parts."""

    def __init__(
        self,
        store: DirectoryStore,
        clock: Clock,
        *,
        daily_entries: int,
        history: History | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            daily_entries: most entries that a caller gets in a day; 0 bounds nothing.
            budgets: what callers got; None: kept in memory only.
        """
        self._store = store
        self._clock = clock
        self._daily_entries = daily_entries
        self._history = history
        self._budgets = budgets or Budgets(clock)

    async def close(self) -> None:
        """Write down what callers got; the store of the directory is its owner's to close."""
        await self._budgets.close()

    async def aclose(self) -> None:
        """Do as `close`, for `contextlib.aclosing`."""
        await self.close()

    async def search(
        self, caller: Caller, words: str, filters: Filters = NO_FILTERS, *, limit: int = 20
    ) -> Ranked | Refusal:
        """Return the best entries for words and filters, with their reasons."""
        asked = read_words(words, filters)
        if not asked.terms and not asked.address and not asked.identifiers:
            return _unclear("Nothing to look for", "Tapez un nom, une ville, une spécialité, un numéro ou une adresse.")
        past: Mapping[str, Past] = {} if self._history is None else await self._history.past(caller)
        asker = Asker(caller.near, past, self._clock())

        async def work(most: int) -> Ranked | Refusal:
            return await self._read(lambda tx: searched(tx, asked, asker, most))

        return await self._counted(caller, min(limit, SEARCH_MAX), work, lambda one: len(one.entries))

    async def complete(self, caller: Caller, words: str, *, limit: int = 8) -> tuple[str, ...] | Refusal:
        """Return what the words may become; from two letters on. A day has a bound of them too."""

        async def work(_most: int) -> tuple[str, ...] | Refusal:
            return await self._read(lambda tx: completed(tx, words[:200], min(limit, COMPLETIONS_MAX)))

        try:
            most = self._daily_entries * COMPLETIONS_AN_ENTRY
            return await self._budgets.spend(caller, COMPLETIONS, most, 1, work, lambda _one: 1)
        except StoreError as error:
            return _unavailable(error)

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected | Refusal:
        """Return a page of entries that fulfil a condition."""
        see = _visible(caller)

        async def work(most: int) -> Selected | Refusal:
            return await self._read(lambda tx: selected(tx, subject, condition, see, limit=most, after=after))

        return await self._bounded(caller, condition, limit, work, lambda one: len(one.entries))

    async def people(
        self, caller: Caller, condition: Condition, *, limit: int, after: int | None = None
    ) -> Page[Person] | Refusal:
        """Return a page of professionals."""
        return await self._paged(caller, condition, selected_people, limit, after)

    async def roles(
        self, caller: Caller, condition: Condition, *, limit: int, after: int | None = None
    ) -> Page[Role] | Refusal:
        """Return a page of exercise situations."""
        return await self._paged(caller, condition, selected_roles, limit, after)

    async def places(
        self, caller: Caller, condition: Condition, *, limit: int, after: int | None = None
    ) -> Page[Place] | Refusal:
        """Return a page of structures."""
        return await self._paged(caller, condition, selected_places, limit, after)

    async def one(self, caller: Caller, target: Target) -> Person | Role | Place | Refusal:
        """Return one professional, situation or structure."""
        see = _visible(caller)

        async def work(_most: int) -> Person | Role | Place | Refusal:
            one = await self._read(lambda tx: found(tx, target))
            return one if isinstance(one, Refusal) else replace(one, mailboxes=tuple(filter(see, one.mailboxes)))

        return await self._counted(caller, 1, work, lambda _one: 1)

    async def change(
        self, caller: Caller, target: Target, changes: tuple[MailboxChange, ...]
    ) -> Person | Role | Place | Refusal:
        """Change mailboxes of one entry, all or none; return the entry as it is then, red-listed boxes included."""
        if not caller.operator:
            return Refusal(Kind.NOT_YOURS, "directory", "Only operators change the directory")
        now = self._clock()

        async def work(tx: Tx) -> Person | Role | Place | Refusal:
            refusal = await changed(tx, caller, target, changes, now)
            if refusal is not None:
                raise _Refused(refusal)
            return await found(tx, target)

        try:
            return await self._store.write(work)
        except _Refused as refused:
            return refused.refusal
        except StoreError as error:
            return _unavailable(error)

    async def _paged(
        self,
        caller: Caller,
        condition: Condition,
        select: Callable[..., Awaitable[Page[T]]],
        limit: int,
        after: int | None,
    ) -> Page[T] | Refusal:
        see = _visible(caller)

        async def run(tx: Tx, most: int) -> Page[T]:
            return await select(tx, condition, see, limit=most, after=after)

        async def work(most: int) -> Page[T] | Refusal:
            return await self._read(lambda tx: run(tx, most))

        return await self._bounded(caller, condition, limit, work, lambda one: len(one.items))

    async def _bounded(
        self,
        caller: Caller,
        condition: Condition,
        limit: int,
        work: Callable[[int], Awaitable[T | Refusal]],
        count: Callable[[T], int],
    ) -> T | Refusal:
        if leaves(condition) > LEAVES_MAX:
            return _unclear("Too many or too deep conditions", "Trop de critères à la fois : simplifiez la recherche.")
        return await self._counted(caller, min(limit, PAGE_MAX), work, count)

    async def _counted(
        self, caller: Caller, wanted: int, work: Callable[[int], Awaitable[T | Refusal]], count: Callable[[T], int]
    ) -> T | Refusal:
        """Do a reading work within the budget of the caller, and count the entries that it gave.

        Nothing is given when it cannot be known what the caller got before.
        """
        try:
            return await self._budgets.spend(caller, ENTRIES, self._daily_entries, wanted, work, count)
        except StoreError as error:
            return _unavailable(error)

    async def _read(self, work: Callable[[Tx], Awaitable[T]]) -> T | Refusal:
        async def run(tx: Tx) -> T:
            return await work(tx)

        try:
            return await self._store.read(run)
        except StoreError as error:
            return _unavailable(error)


def _visible(caller: Caller) -> Visible:
    """Return what this caller may see: the one place where the red list is enforced for selections."""

    def see(mailbox: ListedMailbox) -> bool:
        return not mailbox.is_red or (caller.sees_red and mailbox.operator == caller.operator)

    return see


def _unclear(public: str, french: str) -> Refusal:
    return Refusal(Kind.QUERY_UNCLEAR, "directory", public, french=french)


def _unavailable(error: StoreError) -> Refusal:
    french = (
        "L'annuaire n'est pas encore chargé ici : réessayez plus tard."
        if isinstance(error, DirectoryMissingError)
        else "L'annuaire ne répond pas : réessayez dans un moment."
    )
    return Refusal(Kind.DIRECTORY_UNAVAILABLE, "directory", "The directory cannot be asked now", str(error), french)
