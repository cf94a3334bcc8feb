"""The entries of our directory as LDIF, so that slapd holds the same ones; and some of them drawn for questions.

The values are those that our LDAP door gives. Written once before anything is measured.

Source: RFC 2849 (LDIF).
"""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from bench.directory_ldap import ATTRIBUTES
from mssante.model.directory import Entry
from mssante.store.directory import read
from mssante.store.directory.engine import DirectoryStore
from mssante.store.directory.file import DirectoryFolder
from mssante.store.directory.listing import numbers_from
from mssante.store.tx import Tx
from mssante.wire.ldap.attributes import BY_NAME

SUFFIX: Final = "ou=mssante,o=annuaire,c=fr"
BLOCK: Final = 5000
DRAWN: Final = 2000
ABOVE: Final = f"dn: {SUFFIX}\nobjectClass: organizationalUnit\nou: mssante\n\n"
# What may stand in LDIF as it is: ASCII without line ends, not beginning with a space, a colon or <, not ending with a
# space.
_SAFE: Final = re.compile(r"[!-9;=-~](?:[ -~]*[!-~])?")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a question may name of an entry: a professional with a mailbox in a structure."""

    address: str
    family: str
    given: str
    work: str
    town: str
    department: str


def ldif_line(name: str, value: str) -> str:
    """Return one attribute with its value, in base64 when it could be read wrongly; not folded.

    Source: RFC 2849 (SAFE-STRING).
    """
    if _SAFE.fullmatch(value):
        return f"{name}: {value}\n"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}\n"


def ldif_entry(entry: Entry) -> str:
    """Return an entry as LDIF; its name is the number of the entry, since addresses may be there twice."""
    has_surname = entry.professional is not None and bool(entry.professional.family)
    classes = ("inetOrgPerson",) if has_surname else ("organizationalRole", "extensibleObject")
    lines = [f"dn: uid={entry.entry_id},{SUFFIX}\n", *[f"objectClass: {one}\n" for one in classes]]
    lines.append(f"uid: {entry.entry_id}\n")
    for name in ATTRIBUTES:
        if name == "sn" and not has_surname:
            continue  # ours searches no surname there either
        lines += [ldif_line(name, value) for value in dict.fromkeys(BY_NAME[name.lower()].values(entry))]
    return "".join([*lines, "\n"])


def write_ldif(
    store: DirectoryStore, path: Path, seed: int, progress: Callable[[int], None]
) -> tuple[list[Drawn], int]:
    """Write all entries that our directory shows; return those that were drawn, and how many there are.

    Args:
        progress: told how many entries are written.
    """
    random = Random(seed)
    drawn: list[Drawn] = []
    seen = written = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(ABOVE)
        for block in _blocks(store):
            file.write("".join([ldif_entry(one) for one in block]))
            written += len(block)
            progress(written)
            for one in block:
                found = drawable(one)
                if found is None:
                    continue
                seen += 1
                # A reservoir: every entry has the same chance, and only the drawn ones are kept.
                if len(drawn) < DRAWN:
                    drawn.append(found)
                elif (place := random.randrange(seen)) < DRAWN:
                    drawn[place] = found
    random.shuffle(drawn)
    return drawn, written


def drawable(entry: Entry) -> Drawn | None:
    """Return what a question may name of an entry, None when it lacks some of it."""
    who, where = entry.professional, entry.structure
    if entry.mailbox is None or entry.mailbox.is_red or who is None or where is None:
        return None
    work = who.specialities[0].label if who.specialities else who.profession.label
    found = Drawn(entry.address, who.family, who.given, work, where.address.town, where.address.department)
    return found if all((found.address, found.family, found.given, work, found.town, found.department)) else None


def folder_bytes(folder: DirectoryFolder) -> int:
    """Return the size of the file in force."""
    path = folder.current()
    return 0 if path is None else path.stat().st_size


def _blocks(store: DirectoryStore) -> Iterator[list[Entry]]:
    """Yield what is not on the red list, in the order of the directory."""
    last = 0

    async def work(tx: Tx) -> tuple[int, list[Entry]]:
        ids = await numbers_from(tx, "entries_from", last, BLOCK)
        return (ids[-1] if ids else 0), await read.entries(tx, ids)

    while True:
        last, found = store.read_now(work)
        if not last:
            return
        yield [one for one in found if one.mailbox is None or not one.mailbox.is_red]
