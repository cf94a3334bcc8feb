"""Rights on folders given to named people, each change with its trace.

Source: RFC 4314 section 3.
"""

from datetime import datetime

from mssante.flows.folders.boxes import Who, find_spot
from mssante.model.decision import Kind, Refusal
from mssante.model.folder import RIGHTS, AclEntry, rights_text
from mssante.model.mailbox import AccountId
from mssante.rules.access import Act, judge_identifier, parse_rights
from mssante.store import accounts, audit, folders
from mssante.store.engine import Store
from mssante.store.tx import Tx

ENTRIES_MAX = 100
"""Most entries of one folder's list."""


async def acl(store: Store, who: Who, name: str) -> tuple[AclEntry, ...] | Refusal:
    """Return the rights that a folder gives, those of who asks first."""

    async def work(tx: Tx) -> tuple[AclEntry, ...] | Refusal:
        spot = await find_spot(tx, who, name, Act.GOVERN)
        if isinstance(spot, Refusal):
            return spot
        entries = spot.box.acl.get(spot.folder.folder_id, ())
        return (AclEntry(who.login, rights_text(spot.rights)), *entries)

    return await store.read(work)


async def list_rights(store: Store, who: Who, name: str, identifier: str) -> tuple[str, tuple[str, ...]] | Refusal:
    """Return what somebody always has on a folder, and what may be given (RFC 4314 section 3.7)."""

    async def work(tx: Tx) -> tuple[str, tuple[str, ...]] | Refusal:
        spot = await find_spot(tx, who, name, Act.GOVERN)
        if isinstance(spot, Refusal):
            return spot
        if spot.box.is_own and identifier.casefold() == who.login.casefold():
            return RIGHTS, ()
        return "", tuple(RIGHTS)

    return await store.read(work)


async def set_acl(
    store: Store, who: Who, name: str, identifier: str, mode: str, rights: str | None, now: datetime
) -> AccountId | Refusal:
    """Change one entry of a folder's list of rights; return the account of who it is about."""
    letters = parse_rights(rights or "")

    async def work(tx: Tx) -> AccountId | Refusal:
        spot = await find_spot(tx, who, name, Act.GOVERN)
        if isinstance(spot, Refusal):
            return spot
        refusal = judge_identifier(identifier)
        if refusal is not None:
            return refusal
        about = await accounts.account_by_login(tx, identifier.removeprefix("-"))
        if letters is None or about is None:
            return Refusal(
                Kind.PARAMETER_UNKNOWN,
                "acl",
                "Unknown right or identifier",
                french="Cette personne n'a pas de compte ici, ou ce droit n'existe pas.",
            )
        key = identifier.casefold()
        entries = {entry.identifier: frozenset(entry.rights) for entry in spot.box.acl.get(spot.folder.folder_id, ())}
        if key not in entries and len(entries) >= ENTRIES_MAX:
            return Refusal(
                Kind.TOO_MANY_FOLDERS,
                "acl",
                "Too many entries",
                french=f"Ce dossier est déjà partagé avec {ENTRIES_MAX} personnes.",
            )
        before = entries.get(key, frozenset())
        after = {"+": before | letters, "-": before - letters}.get(mode, letters) if rights is not None else frozenset()
        await folders.set_acl(tx, spot.folder.folder_id, key, rights_text(after))
        # The login is shown as in every trace: an address of a citizen never is.
        event = who.event(
            "folder.shared",
            spot.box.mailbox,
            folder=spot.folder.folder_id,
            to=who.traced(identifier.removeprefix("-")),
            rights=rights_text(after),
            before=rights_text(before),
        )
        await audit.append(tx, event, now)
        return about.account_id

    return await store.write(work)
