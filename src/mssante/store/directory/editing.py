"""Single changes in the directory: a mailbox added, altered, removed, with its place in the search; the feed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mssante.model.directory import ListedMailbox
from mssante.model.folding import fold
from mssante.store.directory.listing import links_of
from mssante.store.directory.numbers import PERSON_BASE, PLACE_BASE, box_number, number_of
from mssante.store.tx import Row, Tx

BOXES_OF_AN_ADDRESS_MAX: Final = 2000
# Of the table mailbox, in their order.
_COLUMNS: Final = (
    "id",
    "address",
    "kind",
    "professional",
    "structure",
    "service",
    "description",
    "responsible",
    "phone",
    "words",
    "is_red",
    "is_paperless",
    "rank",
    "operator",
    "source",
    "changed_at",
)


async def add(tx: Tx, mailbox: ListedMailbox, now: datetime) -> None:
    """Add a mailbox; its holder, or its structure, is no entry of its own any more."""
    professional, structure = number_of(mailbox.professional), number_of(mailbox.structure)
    number = box_number(mailbox.address, professional, structure)
    await tx.run(
        "add_mailbox",
        id=number,
        address=mailbox.address,
        kind=mailbox.kind.value,
        professional=professional,
        structure=structure,
        phone=mailbox.phone,
        is_paperless=None if mailbox.is_paperless is None else int(mailbox.is_paperless),
        operator=mailbox.operator,
        at=int(now.timestamp()),
        **_alterable(mailbox),
    )
    await tx.run("index_box", id=number)
    await tx.run("unindex", entry_id=PERSON_BASE + professional if professional else PLACE_BASE + structure)
    await _count(tx, {*_words(mailbox).split(), *fold(mailbox.address).split()})


async def alter(tx: Tx, mailbox: ListedMailbox, now: datetime) -> None:
    """Change what may change of a mailbox."""
    number = box_number(mailbox.address, number_of(mailbox.professional), number_of(mailbox.structure))
    await tx.run("change_mailbox", id=number, at=int(now.timestamp()), **_alterable(mailbox))
    await tx.run("unindex", entry_id=number)
    await tx.run("index_box", id=number)
    await _count(tx, set(_words(mailbox).split()))


async def remove(tx: Tx, number: int, professional: int, structure: int) -> None:
    """Remove a mailbox; a holder or structure without any other one is an entry again."""
    await tx.run("remove_mailbox", id=number)
    await tx.run("unindex", entry_id=number)
    await _seat(tx, professional, structure)


async def put(tx: Tx, address: str, rows: Sequence[Row]) -> None:
    """Put the mailboxes of an address as another version of the directory has them.

    Args:
        rows: whole rows of `mailbox`, in the order of its columns.
    """
    found = await tx.all("boxes_by_address", address=address.lower(), limit=BOXES_OF_AN_ADDRESS_MAX)
    links = await links_of(tx, [row[0] for row in found])
    for (number,) in found:
        await tx.run("remove_mailbox", id=number)
        await tx.run("unindex", entry_id=number)
    for row in rows:
        await tx.run("put_mailbox", **dict(zip(_COLUMNS, row, strict=True)))
        await tx.run("index_box", id=row[0])
        links.append((row[_COLUMNS.index("professional")], row[_COLUMNS.index("structure")]))
        if not found:
            await _count(tx, {*row[_COLUMNS.index("words")].split(), *fold(address).split()})
    for professional, structure in set(links):
        await _seat(tx, professional, structure)


async def tell(tx: Tx, now: datetime, what: str, address: str, detail: str, who: str) -> None:
    """Write a change into the feed."""
    await tx.run("add_feed", at=int(now.timestamp()), what=what, address=address, detail=detail, who=who)


async def _seat(tx: Tx, professional: int, structure: int) -> None:
    """Let a holder, or a structure whose mailbox has none, be an entry of their own when they have no mailbox."""
    if professional:
        await tx.run("unindex", entry_id=PERSON_BASE + professional)
        if await tx.one("has_box", professional=professional) is None:
            await tx.run("index_person", entry_id=PERSON_BASE + professional, id=professional)
    elif structure:
        await tx.run("unindex", entry_id=PLACE_BASE + structure)
        if await tx.one("has_own_box", structure=structure) is None:
            await tx.run("index_place", entry_id=PLACE_BASE + structure, id=structure)


async def _count(tx: Tx, words: set[str]) -> None:
    for word in words:
        if not await tx.run("count_word", word=word):
            await tx.run("add_word", word=word)
            await tx.run("add_piece", word=word)


def _words(mailbox: ListedMailbox) -> str:
    return fold(f"{mailbox.service} {mailbox.description}")


def _alterable(mailbox: ListedMailbox) -> dict[str, str | int | None]:
    return {
        "is_red": int(mailbox.is_red),
        "description": mailbox.description,
        "service": mailbox.service,
        "responsible": mailbox.responsible,
        "rank": mailbox.rank,
        "words": _words(mailbox),
    }
