"""Changes of mailboxes in the directory, as their operators ask for them, all or none.

Source: operators.md 4.6 (write API), 4.2 (where a type of mailbox lives).
"""

import json
from datetime import datetime
from typing import Final

from mssante.model.decision import Kind, Refusal
from mssante.model.directory import (
    AddMailbox,
    Caller,
    ChangeMailbox,
    Holder,
    ListedMailbox,
    MailboxChange,
    Person,
    Place,
    RemoveMailbox,
    Role,
    Target,
)
from mssante.model.mailbox import MailboxType
from mssante.store.directory import editing, read, search
from mssante.store.directory.numbers import box_number, number_of, number_of_identified_situation
from mssante.store.tx import Tx

CHANGES_MAX: Final = 50
RANK_MAX: Final = 100
_TEXT_MAX: Final = {"description": 256, "service": 128, "responsible": 128}
KINDS: Final = {
    Holder.PERSON: frozenset({MailboxType.PER, MailboxType.CAB}),
    Holder.ROLE: frozenset({MailboxType.PER}),
    Holder.PLACE: frozenset({MailboxType.ORG, MailboxType.APP}),
}
"""Which types of mailbox a holder may have."""


async def found(tx: Tx, target: Target) -> Person | Role | Place | Refusal:
    """Return whom a target means."""
    is_role = target.holder is Holder.ROLE
    number = number_of_identified_situation(target.identifier) if is_role else number_of(target.identifier)
    one: Person | Role | Place | None
    match target.holder:
        case Holder.PERSON:
            one = next(iter(await read.people(tx, [number])), None)
        case Holder.ROLE:
            one = (await read.roles(tx, [number])).get(number)
        case Holder.PLACE:
            one = next(iter(await read.places(tx, [number])), None)
    if one is None:
        said = f"{target.holder.value} {target.identifier}"
        return Refusal(
            Kind.ENTRY_UNKNOWN, "directory", "No such entry", said, "Cette fiche n'existe pas dans l'annuaire."
        )
    return one


async def changed(
    tx: Tx, caller: Caller, target: Target, changes: tuple[MailboxChange, ...], now: datetime
) -> Refusal | None:
    """Make the changes in their order; the caller of this rolls back when one is refused."""
    if len(changes) > CHANGES_MAX:
        return _bad(f"at most {CHANGES_MAX} operations", f"au plus {CHANGES_MAX} opérations à la fois")
    for one in changes:
        refusal = await _changed(tx, caller, target, one, now)
        if refusal is not None:
            return refusal
    return None


async def _changed(tx: Tx, caller: Caller, target: Target, one: MailboxChange, now: datetime) -> Refusal | None:
    who = await found(tx, target)
    if isinstance(who, Refusal):
        return who
    match one:
        case AddMailbox(mailbox):
            return await _added(tx, caller, target, who, mailbox, now)
        case ChangeMailbox():
            return await _altered(tx, caller, who, one, now)
        case RemoveMailbox(address):
            held = _held(who, address)
            if isinstance(held, Refusal):
                return held
            if not _may(caller, held):
                return _not_yours(held)
            number = box_number(held.address, number_of(held.professional), number_of(held.structure))
            await editing.remove(tx, number, number_of(held.professional), number_of(held.structure))
            await editing.tell(tx, now, "removed", held.address, "{}", caller.name)
    return None


async def _added(
    tx: Tx, caller: Caller, target: Target, who: Person | Role | Place, mailbox: ListedMailbox, now: datetime
) -> Refusal | None:
    if mailbox.kind not in KINDS[target.holder]:
        kinds = ", ".join(sorted(kind.value for kind in KINDS[target.holder]))
        return _bad(f"only {kinds} here", f"ici, seuls les types {kinds} sont possibles, pas {mailbox.kind.value}")
    refusal = _judge_texts(mailbox.description, mailbox.service, mailbox.responsible, mailbox.rank)
    if refusal is not None:
        return refusal
    if await search.by_address(tx, mailbox.address.lower(), 1):
        return Refusal(
            Kind.ADDRESS_TAKEN,
            "directory",
            "That address is in the directory already",
            mailbox.address,
            f"L'adresse {mailbox.address} est déjà dans l'annuaire : modifiez-la, ou choisissez-en une autre.",
        )
    professional = "" if isinstance(who, Place) else who.professional.identifier
    structure = "" if isinstance(who, Person) else who.structure.identifier
    await editing.add(tx, _placed(mailbox, professional, structure, caller.operator), now)
    await editing.tell(tx, now, "created", mailbox.address, _json(mailbox), caller.name)
    return None


async def _altered(
    tx: Tx, caller: Caller, who: Person | Role | Place, change: ChangeMailbox, now: datetime
) -> Refusal | None:
    held = _held(who, change.address)
    if isinstance(held, Refusal):
        return held
    if not _may(caller, held):
        return _not_yours(held)
    new = ListedMailbox(
        address=held.address,
        kind=held.kind,
        professional=held.professional,
        structure=held.structure,
        service=held.service if change.service is None else change.service,
        description=held.description if change.description is None else change.description,
        responsible=held.responsible if change.responsible is None else change.responsible,
        phone=held.phone,
        is_red=held.is_red if change.is_red is None else change.is_red,
        is_paperless=held.is_paperless,
        rank=held.rank if change.rank is None else change.rank or None,
        operator=held.operator,
    )
    refusal = _judge_texts(new.description, new.service, new.responsible, new.rank)
    if refusal is None and new != held:
        await editing.alter(tx, new, now)
        await editing.tell(tx, now, "changed", held.address, _json(new), caller.name)
    return refusal


def _held(who: Person | Role | Place, address: str) -> ListedMailbox | Refusal:
    one = next((box for box in who.mailboxes if box.address.lower() == address.lower()), None)
    if one is not None:
        return one
    return Refusal(
        Kind.ENTRY_UNKNOWN,
        "directory",
        "No such mailbox in that entry",
        address,
        f"L'adresse {address} n'est pas dans cette fiche : vérifiez-la, ou celle de sa fiche.",
    )


def _may(caller: Caller, held: ListedMailbox) -> bool:
    return not held.operator or held.operator == caller.operator


def _not_yours(held: ListedMailbox) -> Refusal:
    return Refusal(
        Kind.NOT_YOURS,
        "directory",
        "Another operator publishes that mailbox",
        held.operator,
        f"L'adresse {held.address} est publiée par un autre opérateur : lui seul la modifie.",
    )


def _judge_texts(description: str, service: str, responsible: str, rank: int | None) -> Refusal | None:
    texts = {"description": description, "service": service, "responsible": responsible}
    for name, text in texts.items():
        if len(text) > _TEXT_MAX[name] or not (text.isprintable()):
            return _bad(f"{name}: up to {_TEXT_MAX[name]} characters", f"{name} : au plus {_TEXT_MAX[name]} caractères")
    if rank is not None and not 1 <= rank <= RANK_MAX:
        return _bad(f"rank: 1 to {RANK_MAX}", f"rang : de 1 à {RANK_MAX}")
    return None


def _bad(public: str, french: str) -> Refusal:
    return Refusal(Kind.QUERY_UNCLEAR, "directory", public, french=f"Modification refusée : {french}.")


def _placed(mailbox: ListedMailbox, professional: str, structure: str, operator: str) -> ListedMailbox:
    return ListedMailbox(
        address=mailbox.address,
        kind=mailbox.kind,
        professional=professional,
        structure=structure,
        service=mailbox.service,
        description=mailbox.description,
        responsible=mailbox.responsible,
        phone=mailbox.phone,
        is_red=mailbox.is_red,
        is_paperless=mailbox.is_paperless,
        rank=mailbox.rank,
        operator=operator,
    )


def _json(mailbox: ListedMailbox) -> str:
    kept = {
        "kind": mailbox.kind.value,
        "service": mailbox.service,
        "description": mailbox.description,
        "red": mailbox.is_red,
        "rank": mailbox.rank,
    }
    return json.dumps(kept, ensure_ascii=False)
