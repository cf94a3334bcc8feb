"""The envelope of a message as IMAP writes it, and what sorting and threading need of its header: once, at delivery.

Source: RFC 9051 section 7.5.2 (ENVELOPE); RFC 5256 sections 2.1, 2.2 and 3; RFC 5322 sections 3.4, 3.6 and 4.3.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from mssante.wire.mime.headers import iter_fields
from mssante.wire.mime.strings import imap_nstring, imap_string
from mssante.wire.mime.words import decode_words, one_line

VALUE_MAX_BYTES: Final = 64 * 1024
ADDRESSES_MAX: Final = 2000
REFERENCES_MAX: Final = 1000
SUBJECT_MAX_CHARS: Final = 998
_DATE_MAX_CHARS: Final = 100
_LISTS: Final = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")
_KEPT: Final = frozenset((*_LISTS, b"date", b"subject", b"in-reply-to", b"message-id", b"references"))
_ID: Final = re.compile(rb"<([^<>\s]{1,998})>")
# Possessive: an unclosed string or comment takes the rest, no step is tried twice.
_TOKEN: Final = re.compile(rb'"((?:[^"\\]|\\.)*+)(?:"|\\?$)|[<>,:;()]|[^"<>,:;()]++', re.DOTALL)
_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)
# The form that nearly every address has.
_PLAIN: Final = re.compile(
    rb"[ \t]*+(?:\"([^\"\\]*+)\"|([^\"\\<>,;:@()]*+))[ \t]*+<([^<>@\"\\,;: ]++)@([^<>@\"\\,;: ]++)>[ \t]*+"
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address of a list; `host` None is the start of a group, or its end when `name` is None too.

    Attributes:
        name: as written, without its quotes.
        local: of the address, or the name of the group.
    """

    name: bytes | None
    local: bytes | None
    host: bytes | None


@dataclass(frozen=True, slots=True)
class Head:
    """The fields that the envelope is made of: unfolded values; lists as addresses."""

    values: dict[bytes, bytes]
    lists: dict[bytes, list[Mailbox]]


def read_head(head: bytes) -> Head:
    """Return the fields of a header block; a repeated list is one list, of other fields the first counts."""
    values: dict[bytes, bytes] = {}
    for raw_name, raw in iter_fields(head):
        name = raw_name.lower()
        if name not in _KEPT:
            continue
        value = raw[:VALUE_MAX_BYTES].replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"").strip()
        if name not in values:
            values[name] = value
        elif name in {b"to", b"cc", b"bcc"} and len(values[name]) < VALUE_MAX_BYTES:
            values[name] += b", " + value
    return Head(values, {name: parse_mailboxes(values[name]) for name in _LISTS if values.get(name)})


def render_envelope(head: Head) -> bytes:
    """Return the envelope in its brackets."""
    values, lists = head.values, head.lists
    authors = _render_list(lists.get(b"from"))
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        imap_nstring(values.get(b"date")),
        imap_nstring(values.get(b"subject")),
        authors,
        _render_list(lists.get(b"sender")) if lists.get(b"sender") else authors,
        _render_list(lists.get(b"reply-to")) if lists.get(b"reply-to") else authors,
        _render_list(lists.get(b"to")),
        _render_list(lists.get(b"cc")),
        _render_list(lists.get(b"bcc")),
        imap_nstring(values.get(b"in-reply-to")),
        imap_nstring(values.get(b"message-id")),
    )


def _render_list(found: list[Mailbox] | None) -> bytes:
    if not found:
        return b"NIL"
    return b"(" + b"".join([_render_mailbox(one) for one in found]) + b")"


def _render_mailbox(one: Mailbox) -> bytes:
    name = b"NIL" if one.name is None else imap_string(one.name)
    local = b"NIL" if one.local is None else imap_string(one.local)
    host = b"NIL" if one.host is None else imap_string(one.host)
    return b"(%b NIL %b %b)" % (name, local, host)


def parse_mailboxes(value: bytes) -> list[Mailbox]:
    """Return the addresses of a list with its groups, at most 2,000. Never raises; linear."""
    plain = _PLAIN.fullmatch(value)
    if plain is not None:
        name = plain[1] if plain[1] is not None else plain[2].strip()
        return [Mailbox(name or None, plain[3], plain[4])]
    if not any(char in value for char in b'"<>:;()'):
        return [_address(None, piece) for piece in value.split(b",", ADDRESSES_MAX)[:ADDRESSES_MAX] if piece.strip()]
    return _ListReader().read(value)


class _ListReader:
    """Reads one list; guards where in an address, a comment or a group we are."""

    __slots__ = ("_angle", "_comment", "_depth", "_found", "_group", "_words")

    def __init__(self) -> None:
        self._found: list[Mailbox] = []
        self._words: list[bytes] = []
        self._angle: list[bytes] | None = None
        self._comment: list[bytes] = []
        self._depth = 0
        self._group = False

    def read(self, value: bytes) -> list[Mailbox]:
        for match in _TOKEN.finditer(value):
            piece = match[0]
            if piece == b"(":
                self._depth += 1
            elif piece == b")":
                self._depth = max(0, self._depth - 1)
            elif self._depth:
                self._comment.append(piece)
            else:
                self._take(piece, match[1])
            if len(self._found) >= ADDRESSES_MAX:
                break
        self._end_address()
        if self._group:
            self._found.append(Mailbox(None, None, None))
        return self._found

    def _take(self, piece: bytes, quoted: bytes | None) -> None:
        if quoted is not None:
            (self._words if self._angle is None else self._angle).append(_PAIR.sub(rb"\1", quoted))
        elif piece == b"<":
            self._angle = []
        elif piece in {b",", b";"}:
            self._end_address()
            if piece == b";" and self._group:
                self._found.append(Mailbox(None, None, None))
                self._group = False
        elif piece == b":" and self._angle is None and not self._group:
            self._found.append(Mailbox(None, b"".join(self._words).strip(), None))
            self._group = True
            self._words = []
        elif piece == b">":
            pass
        elif self._angle is not None:
            # A source route ends with a colon: what stands after it is the address (RFC 5322 section 4.4).
            self._angle = [] if piece == b":" else [*self._angle, piece]
        else:
            self._words.append(piece)

    def _end_address(self) -> None:
        words = b"".join(self._words).strip()
        if self._angle is not None:
            self._found.append(_address(words or None, b"".join(self._angle)))
        elif words:
            name = b"".join(self._comment).strip() or None
            self._found.append(_address(name, words))
        self._words, self._angle, self._comment = [], None, []


def _address(name: bytes | None, raw: bytes) -> Mailbox:
    local, at, host = raw.strip().rpartition(b"@")
    if not at:
        return Mailbox(name, host, b"")
    return Mailbox(name, local.strip(), host.strip())


# -- for sorting and threading -----------------------------------------------------------------------------------


def sent_at(head: Head) -> datetime | None:
    """Return the moment of the Date field in the zone it names, UTC without one; None when missing or no date."""
    raw = head.values.get(b"date", b"")[:_DATE_MAX_CHARS]
    try:
        found = parsedate_to_datetime(raw.decode("ascii", "replace"))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def sort_key(head: Head, name: bytes) -> str:
    """Return what messages are sorted by for FROM, TO and CC: the local part of the first address, or of its group."""
    found = head.lists.get(name)
    return _folded((found[0].local or b"").decode("utf-8", "replace")) if found else ""


def subject_of(head: Head) -> str:
    """Return the subject decoded, on one line."""
    raw = head.values.get(b"subject", b"").decode("utf-8", "replace")
    return one_line(decode_words(raw))[:SUBJECT_MAX_CHARS]


def message_id_of(head: Head) -> str:
    """Return the message id without its brackets, or ""."""
    raw = head.values.get(b"message-id", b"")
    found = _ID.search(raw)
    return (found[1] if found else raw[:998]).decode("utf-8", "replace")


def references_of(head: Head) -> tuple[str, ...]:
    """Return the ids of the messages that this one answers, oldest first: References, else In-Reply-To's first one.

    Source: RFC 5256 section 3 (REFERENCES, step 1).
    """
    found = _ID.findall(head.values.get(b"references", b""))
    if not found:
        found = _ID.findall(head.values.get(b"in-reply-to", b""))[:1]
    return tuple(dict.fromkeys(one.decode("utf-8", "replace") for one in found[-REFERENCES_MAX:]))


_BLANKS: Final = re.compile(r"[ \t]+")
_BLOB: Final = re.compile(r"\[[^\[\]]*+\] *")
_LEADER: Final = re.compile(r"(?:\[[^\[\]]*+\] *)*+(?:re|fwd?) *(?:\[[^\[\]]*+\] *)?:", re.IGNORECASE)


def base_subject(subject: str) -> tuple[str, bool]:
    """Return the subject without its marks of answers and forwards, case folded, and whether it had some.

    Source: RFC 5256 section 2.1.
    """
    text = _BLANKS.sub(" ", subject).strip()
    answered = False
    while True:
        while text.lower().endswith("(fwd)"):
            text, answered = text[:-5].rstrip(), True
        text, found = _without_leaders(text)
        answered = answered or found
        if text.lower().startswith("[fwd:") and text.endswith("]"):
            text, answered = text[5:-1].strip(), True
            continue
        return _folded(text), answered


def _folded(text: str) -> str:
    """Return a text as it is sorted: case does not count, and accents stand after their letter.

    Source: RFC 5051 section 2 (i;unicode-casemap, here with case folded).
    """
    return text.casefold() if text.isascii() else unicodedata.normalize("NFKD", text.casefold())


def _without_leaders(text: str) -> tuple[str, bool]:
    """Return the text without ``re:``, ``fwd:`` and ``[list]`` in front; a mark in brackets alone stays."""
    found = False
    at = 0
    while True:
        while at < len(text) and text[at] == " ":
            at += 1
        leader = _LEADER.match(text, at)
        if leader is not None:
            at, found = leader.end(), True
            continue
        blob = _BLOB.match(text, at)
        if blob is not None and text[at : at + 5].lower() != "[fwd:" and text[blob.end() :].strip():
            at = blob.end()
            continue
        return text[at:].strip(), found
