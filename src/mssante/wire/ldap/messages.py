"""What a client asks, as values; and what is read of it within bounds.

Source: RFC 4511 section 4.
"""

import enum
from dataclasses import dataclass, field
from typing import Final

from mssante.wire.ldap.filters import Filter, FilterLimits
from mssante.wire.ldap.results import ResultCode

MESSAGE_ID_MAX: Final = 2**31 - 1
# The tag of a response, for those operations that are refused before they are looked into.
BIND_RESPONSE: Final = 0x61
SEARCH_ENTRY: Final = 0x64
SEARCH_DONE: Final = 0x65
COMPARE_RESPONSE: Final = 0x6F
SEARCH_REFERENCE: Final = 0x73
EXTENDED_RESPONSE: Final = 0x78


class Scope(enum.Enum):
    """How far below its base a search looks."""

    BASE = 0
    ONE = 1
    SUBTREE = 2


@dataclass(frozen=True, slots=True)
class Control:
    """More that is said about an operation.

    Source: RFC 4511 section 4.1.11.
    """

    oid: str
    is_critical: bool = False
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class SimpleBind:
    """Sign in with a name and a password."""

    version: int
    name: str
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SaslBind:
    """Sign in with a SASL mechanism; `credentials` is None when the client gave none."""

    version: int
    name: str
    mechanism: str
    credentials: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OtherBind:
    """Sign in with a choice that RFC 4511 does not have."""

    version: int
    name: str
    choice: int


@dataclass(frozen=True, slots=True)
class Unbind:
    """Hang up."""


@dataclass(frozen=True, slots=True)
class Search:
    """Look for entries.

    Attributes:
        size_limit: most entries wanted; 0: no wish.
        time_limit_seconds: 0: no wish.
        attributes: as asked; none: all of the user's.
    """

    base: str
    scope: Scope
    filter: Filter
    attributes: tuple[str, ...] = ()
    size_limit: int = 0
    time_limit_seconds: int = 0
    types_only: bool = False
    aliases: int = 0


@dataclass(frozen=True, slots=True)
class Compare:
    """Ask whether an entry has a value.

    Source: RFC 4511 section 4.10.
    """

    name: str
    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Abandon:
    """Give up the operation with that number."""

    message_id: int


@dataclass(frozen=True, slots=True)
class Extended:
    """An operation known by its object identifier."""

    oid: str
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class Unserved:
    """An operation that is not carried out; this is its answer.

    Attributes:
        response_tag: of the answer.
        code, text: of the answer.
    """

    response_tag: int
    code: ResultCode
    text: str


Bind = SimpleBind | SaslBind | OtherBind
Operation = Bind | Unbind | Search | Compare | Abandon | Extended | Unserved


def response_tag(operation: Operation) -> int:
    """Return the tag of what answers an operation; -1 for those that have no answer."""
    match operation:
        case Unserved(tag):
            return tag
        case Search():
            return SEARCH_DONE
        case Compare():
            return COMPARE_RESPONSE
        case Extended():
            return EXTENDED_RESPONSE
        case Unbind() | Abandon():
            return -1
        case _:
            return BIND_RESPONSE


@dataclass(frozen=True, slots=True)
class Message:
    """One operation with its number and its controls."""

    message_id: int
    operation: Operation
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How much of a request is read.

    Attributes:
        filter: of a search.
        attributes: most that a search names.
        controls: most that come with an operation.
    """

    filter: FilterLimits = FilterLimits()  # noqa: RUF009 - a frozen value
    attributes: int = 256
    controls: int = 16
