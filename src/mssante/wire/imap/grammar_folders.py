"""SELECT, CREATE, STATUS and LIST in all its forms.

Source: RFC 9051 sections 6.3.2 to 6.3.11; RFC 5258; RFC 5819; RFC 6154; RFC 7162 section 3.2.5; RFC 8438; RFC 8440.
"""

from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.imap.commands import Create, List, QResync, Select, Status
from mssante.wire.imap.scanner import MODSEQ_MAX, Scanner

PATTERNS_MAX: Final = 50
STATUS_ITEMS: Final = frozenset(
    {
        "MESSAGES",
        "RECENT",
        "UIDNEXT",
        "UIDVALIDITY",
        "UNSEEN",
        "DELETED",
        "DELETED-STORAGE",
        "SIZE",
        "HIGHESTMODSEQ",
        "APPENDLIMIT",
        "MAILBOXID",
    }
)
_SELECTIONS: Final = frozenset({"SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"})
_RETURNS: Final = frozenset({"SUBSCRIBED", "CHILDREN", "SPECIAL-USE", "MYRIGHTS"})


def parse_select(scanner: Scanner, *, read_only: bool) -> Select:
    """Return SELECT or EXAMINE with its parameters."""
    folder = scanner.folder()
    condstore = False
    qresync: QResync | None = None

    def one() -> None:
        nonlocal condstore, qresync
        word = scanner.keyword()
        if word == "CONDSTORE":
            condstore = True
        elif word == "QRESYNC":
            scanner.space()
            qresync = _qresync(scanner)
        else:
            raise TheirProtocolError(f"unknown SELECT parameter {word[:20]}")

    if scanner.try_char(b" "):
        scanner.many(one)
    return Select(folder, read_only, condstore, qresync)


def _qresync(scanner: Scanner) -> QResync:
    scanner.char(b"(")
    validity = scanner.number()
    scanner.space()
    modseq = scanner.number(MODSEQ_MAX)
    known = numbers = uids = None
    if scanner.try_char(b" "):
        if scanner.peek() != b"(":
            known = scanner.number_set()
        if known is None or scanner.try_char(b" "):
            scanner.char(b"(")
            numbers = scanner.number_set()
            scanner.space()
            uids = scanner.number_set()
            scanner.char(b")")
    scanner.char(b")")
    return QResync(validity, modseq, known, numbers, uids)


def parse_create(scanner: Scanner) -> Create:
    """Return CREATE with its special uses."""
    folder = scanner.folder()
    uses: list[str] = []

    def one() -> None:
        if not scanner.try_word(b"USE"):
            raise scanner.wrong("USE")
        scanner.space()
        uses.extend(flag.removeprefix("\\") for flag in scanner.many(scanner.flag))

    if scanner.try_char(b" "):
        scanner.many(one)
    return Create(folder, tuple(uses))


def parse_status(scanner: Scanner) -> Status:
    """Return STATUS with its items."""
    folder = scanner.folder()
    scanner.space()
    return Status(folder, _status_items(scanner))


def _status_items(scanner: Scanner) -> tuple[str, ...]:
    items = scanner.many(scanner.keyword)
    unknown = set(items) - STATUS_ITEMS
    if unknown or not items:
        raise TheirProtocolError(f"unknown STATUS item {min(unknown)[:20]}" if unknown else "STATUS needs an item")
    return tuple(dict.fromkeys(items))


def parse_lsub(scanner: Scanner) -> List:
    """Return LSUB."""
    reference = scanner.folder()
    scanner.space()
    return List(reference, (scanner.pattern(),), select=("SUBSCRIBED",), lsub=True)


def parse_list(scanner: Scanner) -> List:
    """Return LIST, in its old or extended form."""
    select: tuple[str, ...] = ()
    extended = False
    if scanner.peek() == b"(":
        select = _known(scanner.many(scanner.keyword), _SELECTIONS, "selection")
        scanner.space()
        extended = True
    reference = scanner.folder()
    scanner.space()
    if scanner.peek() == b"(":
        patterns = scanner.many(scanner.pattern)
        extended = True
    else:
        patterns = (scanner.pattern(),)
    if not 0 < len(patterns) <= PATTERNS_MAX:
        raise TheirProtocolError(f"LIST takes 1 to {PATTERNS_MAX} patterns")
    if "RECURSIVEMATCH" in select and not set(select) - {"RECURSIVEMATCH", "REMOTE"}:
        raise TheirProtocolError("RECURSIVEMATCH needs another selection")
    returns, status = _returns(scanner)
    return List(reference, patterns, select, returns, status, extended=extended or bool(returns or status))


def _returns(scanner: Scanner) -> tuple[tuple[str, ...], tuple[str, ...]]:
    status: tuple[str, ...] = ()
    words: list[str] = []
    if not scanner.try_char(b" "):
        return (), ()
    if not scanner.try_word(b"RETURN"):
        raise scanner.wrong("RETURN")
    scanner.space()

    def one() -> None:
        nonlocal status
        word = scanner.keyword()
        if word == "STATUS":
            scanner.space()
            status = _status_items(scanner)
        else:
            words.append(word)

    scanner.many(one)
    return _known(tuple(words), _RETURNS, "return"), status


def _known(words: tuple[str, ...], known: frozenset[str], what: str) -> tuple[str, ...]:
    unknown = set(words) - known
    if unknown:
        raise TheirProtocolError(f"unknown LIST {what} option {min(unknown)[:20]}")
    return tuple(dict.fromkeys(words))
