"""Notes that programs keep on the server for their user: entries under "/private/"; "/shared/" is read only.

Source: RFC 5464 sections 3.1, 4.2 and 4.3.
"""

from typing import Final

from mssante.model.decision import Kind, Refusal
from mssante.model.mailbox import AccountId
from mssante.store import folders
from mssante.store.engine import Store
from mssante.store.tx import Tx

ENTRIES_MAX: Final = 100
VALUE_MAX_BYTES: Final = 4096
ENTRY_MAX_CHARS: Final = 200


async def noted(store: Store, account_id: AccountId, entries: tuple[str, ...], depth: int) -> dict[str, bytes]:
    """Return entry -> value of the entries that exist.

    Args:
        store: where.
        account_id: who asks.
        entries: names, in any case.
        depth: 0 the entry only, 1 also right below, -1 also all below.
    """
    known = await store.read(lambda tx: folders.annotations(tx, account_id))
    wanted = [entry.casefold().rstrip("/") for entry in entries]
    return {name: value for name, value in known.items() if any(_is_within(name, entry, depth) for entry in wanted)}


async def note(store: Store, account_id: AccountId, values: tuple[tuple[str, bytes | None], ...]) -> Refusal | None:
    """Set entries, all or none; None removes one."""
    for entry, value in values:
        refusal = _judge(entry, value)
        if refusal is not None:
            return refusal

    async def work(tx: Tx) -> Refusal | None:
        known = set(await folders.annotations(tx, account_id))
        if len(known | {entry.casefold() for entry, value in values if value is not None}) > ENTRIES_MAX:
            return _refusal(Kind.TOO_MANY_FOLDERS, "Too many entries")
        for entry, value in values:
            await folders.annotate(tx, account_id, entry.casefold(), value)
        return None

    return await store.write(work)


def _is_within(name: str, entry: str, depth: int) -> bool:
    if name == entry:
        return True
    below = name.removeprefix(f"{entry}/")
    return below != name and (depth < 0 or (depth == 1 and "/" not in below))


def _judge(entry: str, value: bytes | None) -> Refusal | None:
    if not entry.casefold().startswith("/private/"):
        return _refusal(Kind.RIGHTS_MISSING, "Only entries under /private/ can be set")
    levels = entry.split("/")[2:]
    is_plain = entry.isascii() and entry.isprintable() and not set(entry) & set("*% ") and all(levels)
    if not is_plain or len(entry) > ENTRY_MAX_CHARS:
        return _refusal(Kind.PARAMETER_UNKNOWN, "Not the name of an entry")
    if value is not None and len(value) > VALUE_MAX_BYTES:
        return _refusal(Kind.MESSAGE_TOO_BIG, f"At most {VALUE_MAX_BYTES} bytes")
    return None


def _refusal(kind: Kind, public: str) -> Refusal:
    return Refusal(kind, "metadata", public, french="Cette note ne peut pas être enregistrée sur le serveur.")
