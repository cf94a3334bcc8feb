"""What this door needs: the directory's use cases, and somebody who knows the callers."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from mssante.model.decision import Refusal
from mssante.model.directory import Caller, Condition, MailboxChange, Person, Place, Role, Target
from mssante.model.directory_search import Filters, Ranked
from mssante.model.peer import PeerFacts

Item_co = TypeVar("Item_co", covariant=True)

MayPublish = Callable[[Caller, str], Refusal | None]
"""Returns why a caller may not publish mailboxes of a domain, or None."""


class Page(Protocol[Item_co]):
    """One page of people, roles or places.

    Attributes:
        after: give it back to get the next page; None at the end.
        was_cut: there are more that no page will show.
    """

    @property
    def items(self) -> tuple[Item_co, ...]:
        """Return what is on the page."""
        ...

    @property
    def after(self) -> int | None:
        """Return where the next page begins."""
        ...

    @property
    def was_cut(self) -> bool:
        """Tell whether the search stopped at its bound."""
        ...


class Directory(Protocol):
    """The part of `mssante.flows.directory` that is used here: budgets, caps and the red list are kept there."""

    async def people(
        self, caller: Caller, condition: Condition, *, limit: int, after: int | None = None
    ) -> Page[Person] | Refusal:
        """Return professionals."""
        ...

    async def roles(
        self, caller: Caller, condition: Condition, *, limit: int, after: int | None = None
    ) -> Page[Role] | Refusal:
        """Return situations."""
        ...

    async def places(
        self, caller: Caller, condition: Condition, *, limit: int, after: int | None = None
    ) -> Page[Place] | Refusal:
        """Return structures."""
        ...

    async def one(self, caller: Caller, target: Target) -> Person | Role | Place | Refusal:
        """Return one of them by its identifier, or by the id that `mssante.wire.fhir.ids` makes of it."""
        ...

    async def change(
        self, caller: Caller, target: Target, changes: tuple[MailboxChange, ...]
    ) -> Person | Role | Place | Refusal:
        """Make the changes, in order, all or none; return what has become of it."""
        ...

    async def search(self, caller: Caller, words: str, filters: Filters = ..., *, limit: int = 20) -> Ranked | Refusal:
        """Return what the words find, the best first."""
        ...

    async def complete(self, caller: Caller, words: str, *, limit: int = 8) -> tuple[str, ...] | Refusal:
        """Return what the words may become; () below two letters."""
        ...


class Authenticate(Protocol):
    """Knows who calls; app gives one made of its accounts, keys and certificates."""

    async def __call__(self, headers: Mapping[str, str], peer: PeerFacts) -> Caller | Refusal:
        """Return the caller, or why there is none (SIGN_IN_REQUIRED, SIGN_IN_FAILED, SIGN_IN_THROTTLED...).

        Args:
            headers: of the request, names in lower case; `mssante.doors.directory.credentials` reads them.
            peer: address and port, and the client certificate when one was presented.
        """
        ...
