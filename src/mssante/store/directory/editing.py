"""Single changes in the directory: a mailbox added, altered, removed, with its place in the search; the feed."""

from datetime import datetime

from mssante.model.directory import ListedMailbox
from mssante.model.folding import fold
from mssante.store.directory.making import box_number
from mssante.store.directory.numbers import PERSON_BASE, PLACE_BASE, number_of
from mssante.store.tx import Tx


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
    if professional and await tx.one("has_box", professional=professional) is None:
        await tx.run("index_person", entry_id=PERSON_BASE + professional, id=professional)
    elif not professional and structure and await tx.one("has_own_box", structure=structure) is None:
        await tx.run("index_place", entry_id=PLACE_BASE + structure, id=structure)


async def tell(tx: Tx, now: datetime, what: str, address: str, detail: str, who: str) -> None:
    """Write a change into the feed."""
    await tx.run("add_feed", at=int(now.timestamp()), what=what, address=address, detail=detail, who=who)


async def _count(tx: Tx, words: set[str]) -> None:
    for word in words:
        if not await tx.run("count_word", word=word):
            await tx.run("add_piece", id=await tx.insert("add_word", word=word), word=word)


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
