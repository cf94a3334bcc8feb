"""What an identity may do with a folder: rights as letters, what each act needs, which flags they protect.

Source: RFC 4314 sections 2.1, 2.1.1 and 4.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mssante.model.decision import Kind, Refusal
from mssante.model.folder import OLD_RIGHTS, RIGHTS, AclEntry, rights_text

ALL_RIGHTS: Final = frozenset(RIGHTS)
NO_RIGHTS: Final[frozenset[str]] = frozenset()
# Whoever reads a shared box works in it; its list of rights is its administrator's.
SHARED_RIGHTS: Final = frozenset("lrswikxte")
_NOBODY: Final = frozenset({"", "anyone", "anonymous"})


class Act(enum.Enum):
    """What is done to a folder."""

    LIST = "list"
    READ = "read"
    STATUS = "status"
    ADD = "add"
    CREATE = "create"
    DELETE = "delete"
    RENAME = "rename"
    EXPUNGE = "expunge"
    GOVERN = "govern"


NEEDED: Final[Mapping[Act, str]] = MappingProxyType(
    {
        Act.LIST: "l",
        Act.READ: "r",
        Act.STATUS: "r",
        Act.ADD: "i",
        Act.CREATE: "k",
        Act.DELETE: "x",
        Act.RENAME: "x",
        Act.EXPUNGE: "e",
        Act.GOVERN: "a",
    }
)
"""The right that each act needs."""


@dataclass(frozen=True, slots=True)
class Holding:
    """The facts of one identity and one folder.

    Attributes:
        login: of the identity.
        is_own: the mailbox is the identity's own.
        may_read, may_send: what its account may do with the mailbox.
        is_open: the mailbox is active.
        acl: of the folder.
    """

    login: str
    is_own: bool
    may_read: bool
    may_send: bool
    is_open: bool
    acl: tuple[AclEntry, ...] = ()


def rights_of(holding: Holding) -> frozenset[str]:
    """Return the rights of an identity on a folder; none on a mailbox that is suspended or closed.

    Source: RFC 4314 section 2 (negative rights win over positive ones).
    """
    if not holding.is_open:
        return NO_RIGHTS
    given: set[str] = set()
    if holding.may_read:
        given |= ALL_RIGHTS if holding.is_own else SHARED_RIGHTS
        if not holding.may_send:
            given.discard("p")
        elif not holding.is_own:
            given.add("p")
    login, taken = holding.login.casefold(), set[str]()
    for entry in holding.acl:
        if entry.identifier.casefold() == login:
            given |= set(entry.rights)
        elif entry.identifier.startswith("-") and entry.identifier[1:].casefold() == login:
            taken |= set(entry.rights)
    # Nobody takes the own box away from its holder: only an administrator suspends it.
    return frozenset(given if holding.is_own else given - taken) & ALL_RIGHTS


def judge_act(act: Act, rights: frozenset[str]) -> Refusal | None:
    """Return the refusal of an act, or None. Without the right to see a folder, it does not exist.

    Source: RFC 4314 section 6 (no answer tells whether a folder exists that one may not see).
    """
    if "l" not in rights and "r" not in rights:
        return folder_unknown()
    if NEEDED[act] in rights:
        return None
    return Refusal(
        Kind.RIGHTS_MISSING,
        "rights",
        "You do not have the rights for that",
        f"needs {NEEDED[act]}, has {rights_text(rights)}",
        "Vous n'avez pas les droits nécessaires sur ce dossier : demandez-les au responsable de la boîte.",
    )


def judge_identifier(identifier: str) -> Refusal | None:
    """Return the refusal of a list entry that would open a folder to everybody, or None."""
    if identifier.removeprefix("-").casefold() in _NOBODY:
        return Refusal(
            Kind.RIGHTS_MISSING,
            "acl-anyone",
            "A folder is shared with named people only",
            french="Un dossier ne se partage qu'avec des personnes nommées : donnez leur identifiant.",
        )
    return None


def folder_unknown() -> Refusal:
    """Return the one answer for a folder that is not there and for one that must not be seen."""
    return Refusal(
        Kind.FOLDER_UNKNOWN,
        "folder",
        "No such mailbox",
        french="Ce dossier n'existe pas : actualisez la liste des dossiers.",
    )


def storable(flags: Iterable[str], rights: frozenset[str]) -> frozenset[str]:
    r"""Return the flags that those rights let somebody change: \Seen needs s, \Deleted t, the others w.

    Source: RFC 4314 section 4 (STORE, APPEND and COPY leave out what is not allowed).
    """
    return frozenset(flag for flag in flags if _guard(flag) in rights)


def parse_rights(text: str) -> frozenset[str] | None:
    """Return typed rights as a set, old letters spelt out; None when a letter is unknown."""
    letters = "".join(OLD_RIGHTS.get(letter, letter) for letter in text)
    found = frozenset(letters)
    return found if found <= ALL_RIGHTS else None


def _guard(flag: str) -> str:
    return {"\\seen": "s", "\\deleted": "t"}.get(flag.casefold(), "w")
